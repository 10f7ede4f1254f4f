// Unicode: what the comparison of names needs of it. The .cc is the only file of the engine that knows ICU.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace clearline {

/// A text of any script, taken apart for comparison.
struct UnicodeFold {
  std::string family;        ///< registered names only: canonical letters and digits before the split
  std::string words;         ///< canonical Latin part: words of letters and digits, a space behind each
  std::string hangul;        ///< the characters of Script=Hangul of the NFC form, in order
  bool has_control = false;  ///< a control character that is no blank
  bool is_blank = true;      ///< nothing but White_Space and format characters
  bool has_latin_letter = false;
};

/// Whether a text is all blank as names count it: Unicode White_Space. An empty one is.
bool is_blank_name(std::string_view text);

/// What one code point of a declared name becomes, whatever stands beside it.
///
/// The Latin part depends on no context: NFC, NFKC and NFD in a row are NFKD, which maps each code point alone but for
/// the order of combining characters, and all those are marks, which are dropped. The Hangul part does where jamo may
/// join; such code points, and results that do not fit, are for UnicodeFolder.
struct FoldedPoint {
  static constexpr std::size_t kBytesMax = 6;
  enum Flag : std::uint8_t {
    kByFolder = 1,  ///< only UnicodeFolder can tell
    kBlank = 2,     ///< White_Space or a format character: does not make a name
    kControl = 4,   ///< a control character that is no blank
    kHangul = 8,    ///< the character belongs to the Hangul part as it is
  };
  char bytes[kBytesMax];  ///< NOLINT(modernize-avoid-c-arrays): canonical letters and digits; a space separates words
  std::uint8_t size;
  std::uint8_t flags;
};

/// A FoldedPoint for each code point of the Basic Multilingual Plane: half a megabyte, made from ICU's tables at the
/// first call (a few milliseconds).
std::span<const FoldedPoint, 0x10000> folded_points();

/// The slow, general way of folding a name; any text, any script. One a thread: its buffers are reused.
/// Source  Unicode normalisation forms, general categories and scripts as ICU has them.
class UnicodeFolder {
 public:
  UnicodeFolder();
  ~UnicodeFolder();
  UnicodeFolder(UnicodeFolder&&) noexcept;
  UnicodeFolder& operator=(UnicodeFolder&&) noexcept;

  enum class Side { kDeclared, kRegistered };

  /// Folds a valid UTF-8 text. The result holds until the next call. An ICU failure (out of memory) is fatal: a name
  /// that could not be folded must not be judged.
  ///
  /// Latin part: apostrophes dropped; NFKC; decomposed, marks dropped; upper case; ß SS, ø OE, æ AE, œ OE, đ D, ł L, þ
  /// TH, ð D, ı I; format characters dropped; every other character that is no letter or digit separates words, and so
  /// does each Hangul character, which belongs to the Hangul part.
  const UnicodeFold& fold(std::string_view text, Side side);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace clearline
