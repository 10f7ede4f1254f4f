// UTF-16: text as sheets write it under the name "Unicode text".
//
// What is no UTF-16 (a surrogate without its other half, a byte too few at the end) becomes the byte FF, which is never UTF-8:
// the line that holds it is refused, and no other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace clearline {

enum class Utf16Order { kLittle, kBig };

inline constexpr std::size_t kUtf16BomBytes = 2;

/// The order that a BOM at the start says.
std::optional<Utf16Order> utf16_order_of_bom(std::string_view start);

/// The order in which a text without BOM is UTF-16: at least an eighth of its units are then ASCII, as those of every line with
/// digits and separators are, and no more units are two bytes of ASCII, as those of a text of bytes with some NULs are. Else
/// nothing.
std::optional<Utf16Order> utf16_order_of_content(std::string_view start);

/// Turns pieces of UTF-16, without BOM, into UTF-8. One a thread.
class Utf16Decoder {
 public:
  explicit Utf16Decoder(Utf16Order order) : high_((order == Utf16Order::kLittle) ? 1 : 0) {}

  /// Bytes that decode() may write for so many bytes read.
  static constexpr std::size_t bytes_max(std::size_t bytes) { return 3 * (bytes / 2 + 2); }

  /// Writes the UTF-8 of `in` to `out` and returns its size. Half of a unit or of a pair at the end waits for the next piece.
  std::size_t decode(std::string_view in, char* out);
  /// Whatever waits, at the end of the input.
  std::size_t finish(char* out);

 private:
  char* put_unit(unsigned unit, char* out);

  std::size_t high_;               // which byte of a unit is the high one
  std::optional<char> half_unit_;  // its first byte
  unsigned lead_ = 0;              // a high surrogate that waits for the low one; 0: none does
};

}  // namespace clearline
