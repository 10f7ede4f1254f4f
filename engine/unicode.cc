#include "engine/unicode.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace clearline {
namespace {

[[noreturn]] void fatal(const char* what, UErrorCode error) {
  (void)std::fprintf(stderr, "clearline: fatal: %s: %s\n", what, u_errorName(error));
  std::abort();
}

constexpr std::array<UChar32, 10> kApostrophes{0x0027, 0x0060, 0x00B4, 0x2018, 0x2019,
                                               0x201B, 0x02BB, 0x02BC, 0x2032, 0xFF07};

bool is_apostrophe(UChar32 c) {
  for (const UChar32 apostrophe : kApostrophes) {
    if (c == apostrophe) return true;
  }
  return false;
}

bool is_hangul(UChar32 c) {
  UErrorCode error = U_ZERO_ERROR;
  return uscript_getScript(c, &error) == USCRIPT_HANGUL;
}

bool is_latin(UChar32 c) {
  UErrorCode error = U_ZERO_ERROR;
  return uscript_getScript(c, &error) == USCRIPT_LATIN;
}

bool is_white_space(UChar32 c) { return u_hasBinaryProperty(c, UCHAR_WHITE_SPACE) != 0; }

void append(std::string& text, UChar32 c) {
  std::array<char, U8_MAX_LENGTH> bytes{};
  int size = 0;
  UBool failed = false;
  U8_APPEND(bytes.data(), size, U8_MAX_LENGTH, c, failed);
  if (failed == 0) text.append(bytes.data(), static_cast<std::size_t>(size));
}

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

}  // namespace

bool is_blank_name(std::string_view text) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  // Most names start with a visible ASCII character, or one behind U+3000, the last White_Space.
  if (!text.empty() && ((bytes[0] > ' ' && bytes[0] < 0x7F) || bytes[0] >= 0xE4)) return false;
  for (std::size_t i = 0; i < text.size();) {
    UChar32 c = 0;
    U8_NEXT_OR_FFFD(bytes, i, text.size(), c);
    if (!is_white_space(c)) return false;
  }
  return true;
}

struct UnicodeFolder::State {
  const UNormalizer2* nfc = nullptr;
  const UNormalizer2* nfkc = nullptr;
  const UNormalizer2* nfd = nullptr;
  std::vector<UChar> raw;
  std::vector<UChar> rest;
  std::vector<UChar> normal;
  std::vector<UChar> decomposed;
  UnicodeFold fold;

  void read(std::string_view text);
  void take_hangul();
  void fold_latin(std::size_t begin, std::size_t end, std::string& words);
};

namespace {

void normalize(const UNormalizer2* form, const UChar* text, std::size_t size, std::vector<UChar>& out) {
  UErrorCode error = U_ZERO_ERROR;
  out.resize(std::max(out.capacity(), size + 16));
  auto wanted =
      unorm2_normalize(form, text, static_cast<int32_t>(size), out.data(), static_cast<int32_t>(out.size()), &error);
  if (error == U_BUFFER_OVERFLOW_ERROR) {
    error = U_ZERO_ERROR;
    out.resize(static_cast<std::size_t>(wanted));
    wanted = unorm2_normalize(form, text, static_cast<int32_t>(size), out.data(), wanted, &error);
  }
  if (U_FAILURE(error)) fatal("normalising a name", error);
  out.resize(static_cast<std::size_t>(wanted));
}

}  // namespace

UnicodeFolder::UnicodeFolder() : state_(std::make_unique<State>()) {
  UErrorCode error = U_ZERO_ERROR;
  state_->nfc = unorm2_getNFCInstance(&error);
  state_->nfkc = unorm2_getNFKCInstance(&error);
  state_->nfd = unorm2_getNFDInstance(&error);
  if (U_FAILURE(error)) fatal("loading the Unicode tables", error);
}
UnicodeFolder::~UnicodeFolder() = default;
UnicodeFolder::UnicodeFolder(UnicodeFolder&&) noexcept = default;
UnicodeFolder& UnicodeFolder::operator=(UnicodeFolder&&) noexcept = default;

/// UTF-8 to `raw` (all of it) and `rest` (without apostrophes, a space for each Hangul character).
void UnicodeFolder::State::read(std::string_view text) {
  raw.clear();
  rest.clear();
  const auto put = [](std::vector<UChar>& out, UChar32 c) {
    if (U_IS_BMP(c)) {
      out.push_back(static_cast<UChar>(c));
    } else {
      out.push_back(U16_LEAD(c));
      out.push_back(U16_TRAIL(c));
    }
  };
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  for (std::size_t i = 0; i < text.size();) {
    UChar32 c = 0;
    U8_NEXT_OR_FFFD(bytes, i, text.size(), c);
    put(raw, c);
    const bool white_space = is_white_space(c);
    const auto category = u_charType(c);
    fold.has_control |= category == U_CONTROL_CHAR && !white_space;
    fold.is_blank &= white_space || category == U_FORMAT_CHAR;
    if (is_hangul(c)) {
      rest.push_back(u' ');
    } else if (!is_apostrophe(c)) {
      put(rest, c);
    }
  }
}

void UnicodeFolder::State::take_hangul() {
  normalize(nfc, raw.data(), raw.size(), normal);
  for (std::size_t i = 0; i < normal.size();) {
    UChar32 c = 0;
    U16_NEXT(normal.data(), i, normal.size(), c);
    if (is_hangul(c)) append(fold.hangul, c);
  }
}

/// Folds `normal[begin, end)`, which is NFKC, into words with a space behind each.
void UnicodeFolder::State::fold_latin(std::size_t begin, std::size_t end, std::string& words) {
  normalize(nfd, normal.data() + begin, end - begin, decomposed);
  bool in_word = false;
  for (std::size_t i = 0; i < decomposed.size();) {
    UChar32 c = 0;
    U16_NEXT(decomposed.data(), i, decomposed.size(), c);
    const auto mask = U_GET_GC_MASK(c);
    if ((mask & (U_GC_M_MASK | U_GC_CF_MASK)) != 0) continue;
    if ((mask & (U_GC_L_MASK | U_GC_ND_MASK)) == 0) {
      if (in_word) words += ' ';
      in_word = false;
      continue;
    }
    in_word = true;
    fold.has_latin_letter |= (mask & U_GC_L_MASK) != 0 && is_latin(c);
    const UChar32 upper = u_toupper(c);
    if (const auto spelled = spelled_out(upper); !spelled.empty()) {
      words += spelled;
    } else {
      append(words, upper);
    }
  }
  if (in_word) words += ' ';
}

namespace {

/// Conjoining jamo and the tone marks of Hangul, which normalisation joins or moves.
bool depends_on_neighbours(UChar32 c) {
  return (c >= 0x1100 && c <= 0x11FF) || (c >= 0xA960 && c <= 0xA97F) || (c >= 0xD7B0 && c <= 0xD7FF) || c == 0x302E ||
         c == 0x302F;
}

FoldedPoint fold_point(UChar32 c, UnicodeFolder& folder) {
  FoldedPoint point{};
  if (depends_on_neighbours(c) || U_IS_SURROGATE(c)) {
    point.flags = FoldedPoint::kByFolder;
    return point;
  }
  std::string text;
  append(text, c);
  const UnicodeFold& fold = folder.fold(text, UnicodeFolder::Side::kDeclared);
  if (fold.is_blank) point.flags |= FoldedPoint::kBlank;
  if (fold.has_control) point.flags |= FoldedPoint::kControl;
  if (!fold.hangul.empty()) point.flags |= FoldedPoint::kHangul;
  // The folder closes the last word. A character on its own does that only if it is a separator itself: between two
  // letters it shows which it is.
  std::string between = "A";
  append(between, c);
  between += 'A';
  const std::string words = folder.fold(between, UnicodeFolder::Side::kDeclared).words;
  const std::string_view inner = std::string_view(words).substr(1, words.size() - 3);
  if (inner.size() > FoldedPoint::kBytesMax) {
    point.flags = FoldedPoint::kByFolder;
    return point;
  }
  inner.copy(point.bytes, inner.size());
  point.size = static_cast<std::uint8_t>(inner.size());
  return point;
}

}  // namespace

std::span<const FoldedPoint, 0x10000> folded_points() {
  static const std::vector<FoldedPoint> points = [] {
    UnicodeFolder folder;
    std::vector<FoldedPoint> all;
    all.reserve(0x10000);
    for (UChar32 c = 0; c < 0x10000; ++c) all.push_back(fold_point(c, folder));
    return all;
  }();
  return std::span<const FoldedPoint, 0x10000>(points);
}

const UnicodeFold& UnicodeFolder::fold(std::string_view text, Side side) {
  auto& fold = state_->fold;
  fold.family.clear();
  fold.words.clear();
  fold.hangul.clear();
  fold.has_control = false;
  fold.is_blank = true;
  fold.has_latin_letter = false;
  state_->read(text);
  state_->take_hangul();
  auto& normal = state_->normal;
  normalize(state_->nfkc, state_->rest.data(), state_->rest.size(), normal);

  std::size_t given = 0;
  if (side == Side::kRegistered) {
    // The family name: all up to a `,` or `<<`, or the first word up to a blank.
    std::size_t split = normal.size();
    for (std::size_t i = 0; i < normal.size(); ++i) {
      if (normal[i] == u',' || (normal[i] == u'<' && i + 1 < normal.size() && normal[i + 1] == u'<')) {
        split = i;
        break;
      }
    }
    if (split == normal.size()) {
      split = 0;
      while (split < normal.size() && is_white_space(normal[split])) ++split;
      while (split < normal.size() && !is_white_space(normal[split])) ++split;
    }
    state_->fold_latin(0, split, fold.family);
    given = split;
  }
  state_->fold_latin(given, normal.size(), fold.words);
  return fold;
}

}  // namespace clearline
