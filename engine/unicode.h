// Unicode: what the comparison of names needs of it. The .cc is the only file of the engine that knows ICU.
//
// Nothing here normalises a text. The Latin part of a name depends on no context: NFKC and then NFD is NFKD, which maps each
// code point alone but for the order of combining characters, and all those are marks, which are dropped. Putting marks in order
// is what costs the square of their number. What does depend on neighbours, jamo that join and a `<` that a mark strikes out,
// NameFolder looks for itself.
// Source  Unicode normalisation forms, general categories and scripts as ICU has them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace clearline {

/// Whether a text is all blank as names count it: Unicode White_Space. An empty one is.
bool is_blank_name(std::string_view text);

/// Whether a text is nothing but White_Space and format characters. It reads no further than to the first other character.
bool is_invisible_name(std::string_view text);

/// A code point and the bytes that it takes.
struct DecodedPoint {
  char32_t point = 0;
  std::size_t bytes = 0;
};
/// The code point at `at`, and the one that ends before it; nothing where there is none, or no UTF-8. Any bytes may be there.
std::optional<DecodedPoint> point_at(std::string_view text, std::size_t at);
std::optional<DecodedPoint> point_before(std::string_view text, std::size_t at);

/// Whether a code point is a letter (L*).
bool is_letter(char32_t point);

/// What one code point of a name becomes, whatever stands beside it.
struct PointTraits {
  enum Flag : std::uint8_t {
    kElsewhere = 1,    ///< the bytes do not fit: `size` is the number of a long one
    kBlank = 2,        ///< White_Space or a format character: does not make a name
    kFlaw = 4,         ///< a control character that is no White_Space, or U+FFFD: a name with one is equal to nothing
    kHangul = 8,       ///< the character belongs to the Hangul part as it is
    kApostrophe = 16,  ///< dropped before anything else is looked at
    kLetter = 32,      ///< holds a letter
    kLatin = 64,       ///< holds a letter of Script=Latin
  };
};

/// The canonical letters and digits of a code point, in upper case, and what separates words: a space for White_Space, `,` and
/// `<` for themselves, `-` for anything else. Marks and format characters are dropped.
struct FoldedPoint {
  static constexpr std::size_t kBytesMax = 5;
  char bytes[kBytesMax];  // NOLINT(modernize-avoid-c-arrays): eight bytes in all
  std::uint8_t flags;
  std::uint16_t size;
};

/// The same of any size.
struct LongFoldedPoint {
  /// NFKD makes no more than 18 UTF-16 units of a code point.
  std::array<char, std::size_t{18} * 4> bytes;
  std::size_t size = 0;
  std::uint8_t flags = 0;
};

/// No code point becomes longer than so many times its UTF-8.
inline constexpr std::size_t kFoldGrowthMax = 11;

void fold_point(char32_t point, LongFoldedPoint& folded);

/// A FoldedPoint for each code point of the first two planes, where all but rare Han characters are: a megabyte, made from ICU's
/// tables at the first call (some ten milliseconds).
class FoldTable {
 public:
  static const FoldTable& get();

  static bool has(char32_t point) { return point < kEnd; }
  const FoldedPoint& operator[](char32_t point) const { return points_[point]; }
  std::string_view bytes_of(const FoldedPoint& point) const {
    if ((point.flags & PointTraits::kElsewhere) == 0) return {static_cast<const char*>(point.bytes), point.size};
    return long_ones_[point.size];
  }

 private:
  static constexpr char32_t kEnd = 0x20000;
  FoldTable();

  std::vector<FoldedPoint> points_;
  std::vector<std::string> long_ones_;
};

/// NFKC joins `<` and U+0338 to one character, also over marks between them. What a code point behind a `<` does to it:
enum class AfterLess : std::uint8_t {
  kOpen,    ///< nothing yet: a mark that U+0338 passes by
  kClosed,  ///< the `<` stays, whatever follows
  kStruck,  ///< it is no `<` any more
};
AfterLess after_less(char32_t point);

}  // namespace clearline
