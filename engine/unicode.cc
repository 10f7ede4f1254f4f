#include "engine/unicode.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace clearline {
namespace {

/// An ICU failure is fatal: a name that could not be folded must not be judged.
[[noreturn]] void fatal(const char* what) {
  (void)std::fprintf(stderr, "clearline: fatal: %s\n", what);
  std::abort();
}

constexpr std::array<UChar32, 10> kApostrophes{0x0027, 0x0060, 0x00B4, 0x2018, 0x2019,
                                               0x201B, 0x02BB, 0x02BC, 0x2032, 0xFF07};

constexpr UChar32 kReplacement = 0xFFFD;
constexpr UChar32 kStrike = 0x0338;

bool is_apostrophe(UChar32 c) { return std::find(kApostrophes.begin(), kApostrophes.end(), c) != kApostrophes.end(); }

bool has_script(UChar32 c, UScriptCode script) {
  UErrorCode error = U_ZERO_ERROR;
  return uscript_getScript(c, &error) == script;
}

bool is_white_space(UChar32 c) { return u_hasBinaryProperty(c, UCHAR_WHITE_SPACE) != 0; }

/// The letters that stay whole under decomposition and that passports and airlines spell out.
std::string_view spelled_out(UChar32 upper) {
  switch (upper) {
    case 0x00DF:  // sharp s has no simple upper case
    case 0x1E9E:
      return "SS";
    case 0x00D8:
      return "OE";
    case 0x00C6:
      return "AE";
    case 0x0152:
      return "OE";
    case 0x0110:
      return "D";
    case 0x0141:
      return "L";
    case 0x00DE:
      return "TH";
    case 0x00D0:
      return "D";
    case 0x0131:
      return "I";
    default:
      return {};
  }
}

/// NFKD of one code point.
class Decomposition {
 public:
  explicit Decomposition(UChar32 c) {
    static const UNormalizer2* const nfkd = [] {
      UErrorCode error = U_ZERO_ERROR;
      const UNormalizer2* form = unorm2_getNFKDInstance(&error);
      if (U_FAILURE(error)) fatal("loading the Unicode tables");
      return form;
    }();
    UErrorCode error = U_ZERO_ERROR;
    size_ = unorm2_getDecomposition(nfkd, c, units_.data(), static_cast<int32_t>(units_.size()), &error);
    if (U_FAILURE(error)) fatal("decomposing a character");
    if (size_ >= 0) return;
    size_ = 0;
    U16_APPEND_UNSAFE(units_.data(), size_, c);
  }

  template <typename Use>
  void for_each(const Use& use) const {
    for (int32_t i = 0; i < size_;) {
      UChar32 c = 0;
      U16_NEXT(units_.data(), i, size_, c);
      use(c);
    }
  }

 private:
  std::array<UChar, 20> units_{};
  int32_t size_ = 0;
};

void append(LongFoldedPoint& folded, std::string_view text) {
  if (text.size() > folded.bytes.size() - folded.size) fatal("a character has too many letters");
  text.copy(folded.bytes.data() + folded.size, text.size());
  folded.size += text.size();
}

void append_point(LongFoldedPoint& folded, UChar32 c) {
  std::array<char, U8_MAX_LENGTH> bytes{};
  std::size_t size = 0;
  U8_APPEND_UNSAFE(bytes.data(), size, c);
  append(folded, {bytes.data(), size});
}

void append_separator(LongFoldedPoint& folded, UChar32 c) {
  append(folded, is_white_space(c) ? " " : c == ',' ? "," : c == '<' ? "<" : "-");
}

}  // namespace

bool is_blank_name(std::string_view text) {
  // Most names start with a visible ASCII character, or one behind U+3000, the last White_Space.
  const auto first = static_cast<unsigned char>(text.empty() ? 0 : text[0]);
  if ((first > ' ' && first < 0x7F) || first >= 0xE4) return false;
  for (std::size_t i = 0; i < text.size();) {
    const auto decoded = point_at(text, i);
    if (!decoded || !is_white_space(static_cast<UChar32>(decoded->point))) return false;
    i += decoded->bytes;
  }
  return true;
}

bool is_invisible_name(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == ' ' || (text[i] >= '\t' && text[i] <= '\r')) {  // a line may be full of them
      ++i;
      continue;
    }
    const auto decoded = point_at(text, i);
    if (!decoded) return false;
    const auto c = static_cast<UChar32>(decoded->point);
    if (!is_white_space(c) && u_charType(c) != U_FORMAT_CHAR) return false;
    i += decoded->bytes;
  }
  return true;
}

std::optional<DecodedPoint> point_at(std::string_view text, std::size_t at) {
  if (at >= text.size()) return std::nullopt;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  std::size_t end = at;
  UChar32 c = 0;
  U8_NEXT(bytes, end, text.size(), c);
  if (c < 0) return std::nullopt;
  return DecodedPoint{static_cast<char32_t>(c), end - at};
}

std::optional<DecodedPoint> point_before(std::string_view text, std::size_t at) {
  std::size_t begin = at;
  while (begin > 0 && at - begin < U8_MAX_LENGTH) {
    if (U8_IS_TRAIL(static_cast<std::uint8_t>(text[--begin]))) continue;
    const auto decoded = point_at(text.substr(0, at), begin);
    return decoded && decoded->bytes == at - begin ? decoded : std::nullopt;
  }
  return std::nullopt;
}

bool is_letter(char32_t point) { return (U_GET_GC_MASK(static_cast<UChar32>(point)) & U_GC_L_MASK) != 0; }

void fold_point(char32_t point, LongFoldedPoint& folded) {
  const auto c = static_cast<UChar32>(point);
  folded.size = 0;
  folded.flags = 0;
  const auto category = u_charType(c);
  const bool white_space = is_white_space(c);
  if (white_space || category == U_FORMAT_CHAR) folded.flags |= PointTraits::kBlank;
  if ((category == U_CONTROL_CHAR && !white_space) || c == kReplacement) folded.flags |= PointTraits::kFlaw;
  if (is_apostrophe(c)) {
    folded.flags |= PointTraits::kApostrophe;
    return;
  }
  if (has_script(c, USCRIPT_HANGUL)) {
    folded.flags |= PointTraits::kHangul;
    append(folded, "-");
    return;
  }
  Decomposition(c).for_each([&](UChar32 d) {
    const auto mask = U_GET_GC_MASK(d);
    if (d == kStrike && folded.size != 0 && folded.bytes[folded.size - 1] == '<') folded.bytes[folded.size - 1] = '-';
    if ((mask & (U_GC_M_MASK | U_GC_CF_MASK)) != 0) return;
    if ((mask & (U_GC_L_MASK | U_GC_ND_MASK)) == 0) {
      append_separator(folded, d);
      return;
    }
    if ((mask & U_GC_L_MASK) != 0) folded.flags |= PointTraits::kLetter;
    if ((mask & U_GC_L_MASK) != 0 && has_script(d, USCRIPT_LATIN)) folded.flags |= PointTraits::kLatin;
    const UChar32 upper = u_toupper(d);
    if (const auto spelled = spelled_out(upper); !spelled.empty()) {
      append(folded, spelled);
    } else {
      append_point(folded, upper);
    }
  });
  if (folded.size > kFoldGrowthMax * static_cast<std::size_t>(U8_LENGTH(c))) fatal("a character has too many letters");
}

FoldTable::FoldTable() : points_(kEnd) {
  LongFoldedPoint folded;
  for (char32_t point = 0; point < kEnd; ++point) {
    if (U_IS_SURROGATE(point)) continue;  // in no UTF-8
    fold_point(point, folded);
    FoldedPoint& found = points_[point];
    found.flags = folded.flags;
    const std::string_view bytes(folded.bytes.data(), folded.size);
    if (bytes.size() <= FoldedPoint::kBytesMax) {
      bytes.copy(found.bytes, bytes.size());
      found.size = static_cast<std::uint16_t>(bytes.size());
      continue;
    }
    auto same = std::find(long_ones_.begin(), long_ones_.end(), bytes);
    if (same == long_ones_.end()) same = long_ones_.insert(same, std::string(bytes));
    found.flags |= PointTraits::kElsewhere;
    found.size = static_cast<std::uint16_t>(same - long_ones_.begin());
  }
}

const FoldTable& FoldTable::get() {
  static const FoldTable table;
  return table;
}

AfterLess after_less(char32_t point) {
  auto fate = AfterLess::kOpen;
  Decomposition(static_cast<UChar32>(point)).for_each([&](UChar32 d) {
    if (fate != AfterLess::kOpen) return;
    // Marks are put in order by their class, and that of U+0338 is the lowest: only another one of it stands in its way.
    const int mark_class = u_getCombiningClass(d);
    if (d == kStrike) {
      fate = AfterLess::kStruck;
    } else if (mark_class <= u_getCombiningClass(kStrike)) {
      fate = AfterLess::kClosed;
    }
  });
  return fate;
}

}  // namespace clearline
