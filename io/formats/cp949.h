// CP949 (windows-949, UHC): Korean text as Windows programs write it. The .cc is the only file of io/ that knows ICU.
//
// A byte that is no CP949 becomes the byte FF, which is never UTF-8: the line that holds it is refused, and no other. A lead
// byte takes the next byte only if the two are a character, so a line end, quote or comma is never swallowed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace clearline {

/// Whether all of a text is.
bool is_cp949(std::string_view text);

/// Turns pieces of CP949 into UTF-8. One a thread.
class Cp949Decoder {
 public:
  /// Bytes that decode() may write for so many bytes read.
  static constexpr std::size_t bytes_max(std::size_t bytes) { return 3 * (bytes + 1); }

  /// Writes the UTF-8 of `in` to `out` and returns its size. A lead byte at the end waits for the next piece.
  std::size_t decode(std::string_view in, char* out);
  /// Whatever waits, at the end of the input: 0 or 1 byte.
  std::size_t finish(char* out);

  /// How many bytes so far were no CP949.
  std::uint64_t bad_bytes() const { return bad_bytes_; }

 private:
  unsigned char lead_ = 0;  // 0: none waits
  std::uint64_t bad_bytes_ = 0;
};

}  // namespace clearline
