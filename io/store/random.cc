#include "io/store/random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>

namespace clearline {

void fill_random(void* data, std::size_t size) {
  auto* at = static_cast<unsigned char*>(data);
  while (size > 0) {
    const ssize_t got = getrandom(at, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) std::abort();
    at += got;
    size -= static_cast<std::size_t>(got);
  }
}

RegistryIdentity new_identity() {
  RegistryIdentity identity;
  fill_random(identity.uuid.data(), identity.uuid.size());
  identity.uuid[6] = static_cast<std::uint8_t>((identity.uuid[6] & 0x0F) | 0x40);  // RFC 9562: version 4, random
  identity.uuid[8] = static_cast<std::uint8_t>((identity.uuid[8] & 0x3F) | 0x80);
  return identity;
}

}  // namespace clearline
