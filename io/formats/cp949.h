// CP949 (windows-949, UHC): Korean text as Windows programs write it. The .cc is the only file of io/ that knows ICU.
//
// A byte that is no CP949 becomes the byte FF, which is never UTF-8: the line that holds it is refused, and no other. A lead
// byte takes the next byte only if the two are a character, so a line end, quote or comma is never swallowed.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "io/formats/byte_source.h"

namespace clearline {

enum class Encoding { kAuto, kUtf8, kCp949 };

/// What a text is: CP949 only if it is not UTF-8 and is CP949. `may_be_cut`: a character at its very end need not be whole.
Encoding encoding_of_content(std::string_view start, bool may_be_cut);

/// Turns pieces of CP949 into UTF-8. One a thread.
class Cp949Decoder {
 public:
  /// Bytes that decode() may write for so many bytes read.
  static constexpr std::size_t bytes_max(std::size_t bytes) { return 3 * (bytes + 1); }

  /// Writes the UTF-8 of `in` to `out` and returns its size. A lead byte at the end waits for the next piece.
  std::size_t decode(std::string_view in, char* out);
  /// Whatever waits, at the end of the input: 0 or 1 byte.
  std::size_t finish(char* out);

 private:
  unsigned char lead_ = 0;  // 0: none waits
};

/// The source as UTF-8.
std::unique_ptr<ByteSource> decode_cp949(std::unique_ptr<ByteSource> source);

}  // namespace clearline
