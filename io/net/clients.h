// Clients: who may do what. Tokens are held as SHA-256 hashes, and compared in time that does not depend on where they differ.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "io/net/server_config.h"

namespace clearline {

/// SHA-256 of a token.
TokenHash hash_token(std::string_view token);

/// To be called at a start: libcrypto takes memory when it is first used, and want of it then ends the program, which must not
/// happen to a server because somebody says hello.
inline void prepare_hashing() { (void)hash_token({}); }

class Clients {
 public:
  Clients() = default;
  explicit Clients(std::vector<ClientConfig> clients) : clients_(std::move(clients)) {}

  /// Whether anybody is configured. Otherwise loopback feeds need no token.
  bool empty() const { return clients_.empty(); }
  /// The client of a token; nothing if it is nobody's, as the empty one always is. All are compared, whichever it is.
  const ClientConfig* of_token(std::string_view token) const;
  /// The client of a user of this machine on the Unix socket; nothing if none has that uid.
  const ClientConfig* of_user(std::uint32_t uid) const;
  /// Whether any of them is a user of this machine.
  bool has_users() const;
  /// A client as it is now, with the same name, role and proof; nothing if there is none any more: a reload may have removed it.
  const ClientConfig* now(const ClientConfig& client) const;
  bool has(const ClientConfig& client) const { return now(client) != nullptr; }

 private:
  std::vector<ClientConfig> clients_;
};

}  // namespace clearline
