// Bitmaps over a block of text: the vector half of the decoders. The loops are in io/formats/kernels.h.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace clearline {

/// Bytes at which a decoder has to look; bit b of words[w] answers byte 64 * w + b.
///   text   [n]  with at least 63 readable bytes behind it
///   words  out; n / 64 + 2 words, bits from n on set, so that a search ends there
using ByteMarks = std::vector<std::uint64_t>;

/// Where the inside of a JSON string is interrupted: `"`, `\` and everything below a space (line ends too).
void mark_json_bytes(std::string_view text, ByteMarks& words);

/// The first marked byte at or behind `from`. At the text's end there is always one.
///
/// The first look is a load at the byte of `from`, not at its word: 57 bits or more of what comes are then in sight
/// wherever `from` stands, so that whether a second look is needed depends on the text alone and is mostly predicted.
inline std::size_t next_mark(const std::uint64_t* words, std::size_t from) {
  if constexpr (std::endian::native == std::endian::little) {
    std::uint64_t near = 0;
    std::memcpy(&near, reinterpret_cast<const unsigned char*>(words) + from / 8, sizeof near);
    near >>= from % 8;
    if (near != 0) [[likely]] {
      return from + static_cast<std::size_t>(std::countr_zero(near));
    }
  }
  std::size_t word = from / 64;
  std::uint64_t bits = words[word] >> (from % 64) << (from % 64);
  while (bits == 0) bits = words[++word];
  return 64 * word + static_cast<std::size_t>(std::countr_zero(bits));
}

/// Whether a byte of [begin, end) is marked.
inline bool has_mark(const std::uint64_t* words, std::size_t begin, std::size_t end) {
  constexpr std::size_t kNear = 57;  // bits that a load at the byte of `begin` has from there on
  if constexpr (std::endian::native == std::endian::little) {
    if (end - begin < kNear) [[likely]] {
      std::uint64_t near = 0;
      std::memcpy(&near, reinterpret_cast<const unsigned char*>(words) + begin / 8, sizeof near);
      return (near >> (begin % 8) & ((std::uint64_t{1} << (end - begin)) - 1)) != 0;
    }
  }
  for (std::size_t at = begin; at < end; at = at / 64 * 64 + 64) {
    std::uint64_t bits = words[at / 64] >> (at % 64);
    if (end / 64 == at / 64) bits &= (std::uint64_t{1} << (end - at)) - 1;
    if (bits != 0) return true;
  }
  return false;
}

/// The line ends (LF) in a text.
std::size_t count_line_ends(std::string_view text);

}  // namespace clearline
