// fold_ascii_name: a name of up to 64 ASCII characters in one go, as most are. AVX-512 only; NameFolder's loop is the rest
// of the way, and the twin.
//
// The .cc is compiled for more than the rest of the program: io/formats/kernels.h says what that forbids.
#pragma once

#include <cstddef>

namespace clearline {

struct AsciiName {
  std::size_t latin_size;  ///< letters and digits, written upper case
  std::size_t first_size;  ///< of them, those of the first word
  std::size_t last_size;   ///< and of the last
  bool has_control;        ///< a control character that is no blank
};

inline constexpr std::size_t kAsciiNameBytesMax = 64;

/// Writes the letters and digits of `text` to `out`, where 64 bytes are writable. False: not ASCII, or more than 64 bytes;
/// nothing counts then. Reads no byte behind the text.
bool fold_ascii_name_avx512(const char* text, std::size_t size, char* out, AsciiName& name);

}  // namespace clearline
