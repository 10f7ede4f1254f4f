// fold_ascii_name: a short ASCII name in one go, as most are. NameFolder's loop is the rest of the way, and the twin.
//
//   bytes --classes--> words   letters and digits: what is left of a name, moved together and written upper case
//                      ends    what a word ends at: all else but ' and `, which are dropped
//
// The AVX-512 one is compiled for more than the rest of the program: io/formats/kernels.h says what that forbids. So what both
// share has internal linkage.
#pragma once

#include <cstddef>
#include <cstdint>

namespace clearline {

struct AsciiName {
  std::size_t latin_size;  ///< letters and digits, written upper case
  std::size_t first_size;  ///< of them, those of the first word
  std::size_t last_size;   ///< and of the last
  std::uint64_t ends;      ///< what words end at, a bit a byte
  bool is_for_loop;        ///< holds a control character that is no blank, or a `?`: what those mean the loop finds out
};

inline constexpr std::size_t kAsciiNameBytesMax = 64;

/// Writes the letters and digits of `text` to `out`, where 64 bytes are writable. False: not ASCII, or of a size that the kernel
/// does not take; nothing counts then. Reads no byte behind the text.
bool fold_ascii_name_avx512(const char* text, std::size_t size, char* out, AsciiName& name);  ///< 0 to 64 bytes
bool fold_ascii_name_sse2(const char* text, std::size_t size, char* out, AsciiName& name);    ///< 1 to 32 bytes

/// The sizes of a name by its words and what ends them, a bit a byte.
static inline void measure_name(std::uint64_t words, std::uint64_t ends, AsciiName& name) {
  const auto count = [](std::uint64_t bits) { return static_cast<std::size_t>(__builtin_popcountll(bits)); };
  const auto below = [](int bit) { return (std::uint64_t{1} << bit) - 1; };
  name.ends = ends;
  name.latin_size = name.first_size = name.last_size = count(words);
  if (words == 0) return;
  if (const std::uint64_t behind = ends & ~below(__builtin_ctzll(words)); behind != 0) {
    name.first_size = count(words & below(__builtin_ctzll(behind)));
  }
  if (const std::uint64_t before = ends & below(63 - __builtin_clzll(words)); before != 0) {
    name.last_size = count(words & ~below(63 - __builtin_clzll(before)));
  }
}

}  // namespace clearline
