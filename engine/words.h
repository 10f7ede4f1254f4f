// Eight bytes of text as one number.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace clearline {

static_assert(std::endian::native == std::endian::little, "clearline runs on little-endian machines only");

/// The eight bytes at `at`, the first one lowest.
inline std::uint64_t load8(const char* at) {
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, at, sizeof bytes);
  return bytes;
}

/// `size` bytes at `at`, 0 to 8, with zeros behind; reads no others.
inline std::uint64_t load_some(const char* at, std::size_t size) {
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, at, size);
  return bytes;
}

/// Which of the eight bytes of `bytes` equal `byte`: bit 7 of each that does, and maybe of bytes above such a one.
constexpr std::uint64_t equal_bytes(std::uint64_t bytes, char byte) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  const std::uint64_t zeros = bytes ^ kOnes * static_cast<unsigned char>(byte);
  return (zeros - kOnes) & ~zeros & 0x80 * kOnes;
}

}  // namespace clearline
