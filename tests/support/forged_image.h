// A forged image: its bytes are changed, and its checksums are made right again.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

#include "engine/hash.h"

namespace clearline::test {

/// The checksum table and the header's own, over what the bytes now are. For images whose table is one page.
inline void forge_checksums(std::string& bytes) {
  constexpr std::size_t kBlock = 1 << 20;
  for (std::size_t at = 8192, i = 0; at < bytes.size(); at += kBlock, ++i) {
    const std::uint64_t sum = checksum64(bytes.data() + at, std::min(kBlock, bytes.size() - at));
    if (4096 + 8 * i + 8 <= 8192) std::memcpy(bytes.data() + 4096 + 8 * i, &sum, 8);
  }
  const std::uint64_t table = checksum64(bytes.data() + 4096, 4096);
  std::memcpy(bytes.data() + 24, &table, 8);
  const std::uint64_t header = checksum64(bytes.data(), 4088);
  std::memcpy(bytes.data() + 4088, &header, 8);
}

}  // namespace clearline::test
