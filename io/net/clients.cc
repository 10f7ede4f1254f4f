#include "io/net/clients.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "engine/text.h"

namespace clearline {

TokenHash hash_token(std::string_view token) {
  TokenHash hash{};
  // libcrypto without SHA-256: nobody could prove anything.
  if (EVP_Digest(token.data(), token.size(), hash.data(), nullptr, EVP_sha256(), nullptr) != 1) {
    std::fputs("clearline: error: SHA-256 of libcrypto fails; repair the OpenSSL of this machine\n", stderr);
    std::abort();
  }
  return hash;
}

const ClientConfig* Clients::of_token(std::string_view token) const {
  if (trim_blanks(token).empty()) return nullptr;  // it proves nothing, whatever hash a client has
  const TokenHash hash = hash_token(token);
  const ClientConfig* found = nullptr;
  for (const ClientConfig& client : clients_) {
    if (client.token && CRYPTO_memcmp(client.token->data(), hash.data(), hash.size()) == 0) found = &client;
  }
  return found;
}

const ClientConfig* Clients::of_user(std::uint32_t uid) const {
  const auto found =
      std::find_if(clients_.begin(), clients_.end(), [uid](const ClientConfig& client) { return client.uid == uid; });
  return found == clients_.end() ? nullptr : &*found;
}

bool Clients::has_users() const {
  return std::any_of(clients_.begin(), clients_.end(),
                     [](const ClientConfig& client) { return client.uid.has_value(); });
}

const ClientConfig* Clients::now(const ClientConfig& client) const {
  const auto found = std::find_if(clients_.begin(), clients_.end(), [&client](const ClientConfig& other) {
    return other.name == client.name && other.role == client.role && other.token == client.token &&
           other.uid == client.uid;
  });
  return found == clients_.end() ? nullptr : &*found;
}

}  // namespace clearline
