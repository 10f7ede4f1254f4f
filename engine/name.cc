#include "engine/name.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "engine/isa.h"
#include "engine/name_kernel.h"
#include "engine/unicode.h"
#include "engine/words.h"

namespace clearline {
namespace {

// What the bytes of ASCII mean in a name.
enum Class : unsigned char { kLetter, kDigit, kBeyond, kSeparator, kBlank, kDropped, kQuestion, kControl };

constexpr std::array<unsigned char, 256> kClass = [] {
  std::array<unsigned char, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    if (c >= 0x80) {
      table[c] = kBeyond;
    } else if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) {
      table[c] = kLetter;
    } else if (c >= '0' && c <= '9') {
      table[c] = kDigit;
    } else if (c == '?') {
      table[c] = kQuestion;
    } else if (c == '\'' || c == '`') {
      table[c] = kDropped;
    } else if (c == ' ' || (c >= 0x09 && c <= 0x0D)) {
      table[c] = kBlank;
    } else if (c < 0x20 || c == 0x7F) {
      table[c] = kControl;
    } else {
      table[c] = kSeparator;
    }
  }
  return table;
}();

/// Writes the ASCII letters that stand at `at` to `out` in upper case, eight at most; returns how many. Eight bytes at `out` may
/// be written to.
inline std::size_t copy_letters(std::string_view text, std::size_t at, char* out) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  const std::size_t left = text.size() - at;
  std::uint64_t bytes = 0;
  if (left >= sizeof bytes) {
    bytes = load8(text.data() + at);
  } else if (text.size() >= sizeof bytes) {
    bytes = load8(text.data() + text.size() - sizeof bytes) >> 8 * (sizeof bytes - left);
  } else {
    bytes = load_some(text.data() + at, left);
  }
  const std::uint64_t lower = (bytes | 0x20 * kOnes) & 0x7F * kOnes;
  const std::uint64_t from_a = (lower | 0x80 * kOnes) - 'a' * kOnes;  // bit 7 of each byte: it is no less
  const std::uint64_t to_z = ('z' | 0x80) * kOnes - lower;            // it is no more
  const std::uint64_t others = ~(from_a & to_z & ~bytes) & 0x80 * kOnes;
  const std::uint64_t upper = bytes & ~(0x20 * kOnes);
  std::memcpy(out, &upper, sizeof upper);
  return static_cast<std::size_t>(std::countr_zero(others)) / 8;
}

/// Whether a word is MR, MRS, MS, MISS or DR: compared as a number, where five calls would cost more than the rest of a name.
/// Four bytes at `word` are readable, whatever its size.
bool is_title(const char* word, std::size_t size) {
  constexpr std::size_t kSizeMax = 4;
  if (size > kSizeMax) return false;
  static constexpr std::array<std::uint32_t, kSizeMax + 1> kMasks{0, 0xFF, 0xFFFF, 0xFFFFFF, 0xFFFFFFFF};
  constexpr auto number = [](std::string_view text) {
    std::uint32_t bytes = 0;
    for (std::size_t i = text.size(); i-- > 0;) bytes = bytes << 8 | static_cast<unsigned char>(text[i]);
    return bytes;
  };
  std::uint32_t got = 0;
  std::memcpy(&got, word, sizeof got);
  got &= kMasks[size];
  return got == number("MR") || got == number("MRS") || got == number("MS") || got == number("MISS") ||
         got == number("DR");
}

// Hangul syllables are made of jamo by arithmetic. Source  The Unicode Standard, chapter 3.12.
constexpr char32_t kLead = 0x1100;
constexpr char32_t kVowel = 0x1161;
constexpr char32_t kTail = 0x11A7;  // one before the first: a syllable may have none
constexpr unsigned kLeads = 19;
constexpr unsigned kVowels = 21;
constexpr unsigned kTails = 28;
constexpr char32_t kSyllable = 0xAC00;

constexpr bool is_syllable(char32_t point) { return point - kSyllable < kLeads * kVowels * kTails; }

constexpr std::size_t kSyllableBytes = 3;  // as UTF-8, and of jamo

/// The code point of three bytes of valid UTF-8.
char32_t three_byte_point(const char* text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  return (byte(0) & 0x0FU) << 12 | (byte(1) & 0x3FU) << 6 | (byte(2) & 0x3FU);
}

/// Whether a Hangul syllable stands at `at`, which is in the text. Any bytes may stand there.
bool is_syllable_at(std::string_view text, std::size_t at) {
  if (text.size() - at < kSyllableBytes) return false;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  return byte(0) >= 0xEA && byte(0) <= 0xED && (byte(1) & 0xC0U) == 0x80 && (byte(2) & 0xC0U) == 0x80 &&
         is_syllable(three_byte_point(text.data() + at));
}

/// point_at() for two and three bytes, in few steps; no bytes for anything else.
inline DecodedPoint short_point_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const auto goes_on = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80; };
  const std::size_t left = text.size() - at;
  if (byte(0) >= 0xC2 && byte(0) < 0xE0 && left >= 2 && goes_on(1)) {
    return {(byte(0) & 0x1FU) << 6 | (byte(1) & 0x3FU), 2};
  }
  // Without E0 and ED, of which some are longer than needed, or surrogates.
  if (byte(0) > 0xE0 && byte(0) < 0xF0 && byte(0) != 0xED && left >= 3 && goes_on(1) && goes_on(2)) {
    return {three_byte_point(text.data() + at), 3};
  }
  return {};
}

/// Whether a letter stands right before or behind the character at `at`, which is ASCII.
bool touches_letter(std::string_view text, std::size_t at) {
  const auto class_at = [&](std::size_t i) {  // before the first one lies SIZE_MAX
    return i < text.size() ? kClass[static_cast<unsigned char>(text[i])] : static_cast<unsigned char>(kBlank);
  };
  const unsigned char before = class_at(at - 1);
  const unsigned char behind = class_at(at + 1);
  if (before == kLetter || behind == kLetter) return true;
  if (before == kBeyond) {
    const auto point = point_before(text, at);
    if (point && is_letter(point->point)) return true;
  }
  if (behind != kBeyond) return false;
  const auto point = point_at(text, at + 1);
  return point && is_letter(point->point);
}

#if defined(__x86_64__)
/// A short ASCII name that has letters or digits and no title at an end, by the vectors in use; false for any other, and for one that
/// only the loop can judge.
bool fold_with_vectors(std::string_view text, char* out, AsciiName& name) {
  const Isa isa = isa_in_use();
  if (isa == Isa::kScalar) return false;
  const auto fold = isa == Isa::kAvx512 ? fold_ascii_name_avx512 : fold_ascii_name_sse2;
  if (!fold(text.data(), text.size(), out, name)) return false;
  if (name.latin_size == 0 || name.is_for_loop) return false;
  return !is_title(out, name.first_size) && !is_title(out + name.latin_size - name.last_size, name.last_size);
}
#endif

constexpr std::size_t kLatinBytesMax = kFoldGrowthMax * kNameBytesMax;
constexpr std::size_t kWordsMax = kLatinBytesMax / 2 + 1;
static_assert(kLatinBytesMax >= kAsciiNameBytesMax);

/// Finds no family name: for declared names.
struct NoFamily {
  void take_letter() {}
  void take_digit() {}
  void take_mark() {}
  void take_separator(char /*kind*/, std::size_t /*words*/) {}
  void take_point(char32_t /*point*/) {}
};

/// Finds the words of a registered family name while the words are made: those of the first piece between blanks that has a
/// letter, or all before the first `,` or `<<`.
class FamilyFinder {
 public:
  void take_letter() {
    piece_has_letter_ = true;
    take_digit();
  }
  void take_digit() { is_after_less_ = is_open_less_ = false; }
  /// A mark or a format character.
  void take_mark() { is_after_less_ = false; }
  /// A space, `,`, `<` or any other one, behind so many words.
  void take_separator(char kind, std::size_t words) {
    if (kind == ' ') end_piece(words);
    const bool is_mark = mark_ == kNone && (kind == ',' || (kind == '<' && is_after_less_));
    if (is_mark) mark_ = words;
    is_fresh_mark_ = is_mark && kind == '<';
    is_after_less_ = is_open_less_ = kind == '<';
  }
  /// A character beyond ASCII, before what it becomes is taken.
  void take_point(char32_t point) {
    if (!is_open_less_) return;
    const AfterLess fate = after_less(point);
    is_open_less_ = fate == AfterLess::kOpen;
    if (fate == AfterLess::kStruck && is_fresh_mark_) mark_ = kNone;
  }

  /// First and last word of the family name, the last one not included.
  std::pair<std::size_t, std::size_t> found(std::size_t words) {
    end_piece(words);
    if (mark_ != kNone) return {0, mark_};
    return family_;
  }

 private:
  static constexpr std::size_t kNone = std::string_view::npos;

  void end_piece(std::size_t words) {
    if (piece_has_letter_ && family_.second == 0) family_ = {piece_, words};
    piece_ = words;
    piece_has_letter_ = false;
  }

  std::pair<std::size_t, std::size_t> family_{0, 0};  // of the first piece that has a letter
  std::size_t piece_ = 0;                             // the first word of this piece
  std::size_t mark_ = kNone;                          // words before the first `,` or `<<`
  bool piece_has_letter_ = false;
  bool is_after_less_ = false;  // the character before was `<`
  bool is_open_less_ = false;   // a mark may still strike out the last `<`
  bool is_fresh_mark_ = false;  // and with it the `<<`
};

}  // namespace

NameFolder::NameFolder()
    : latin_(kLatinBytesMax + NamePrinter::kSpareBytes),
      moved_(kLatinBytesMax + NamePrinter::kSpareBytes),
      word_end_(kWordsMax),
      moved_hangul_(kNameBytesMax) {}

/// Folds a text into latin_, word_end_ and hangul_; these count if there is no flaw.
template <typename Finder>
NameFlaw NameFolder::fold(std::string_view text, Finder& finder) {
  hangul_ = {};
  is_blank_ = true;
  has_latin_letter_ = false;
  has_jamo_ = false;
  latin_size_ = 0;
  word_count_ = 0;
  word_ = 0;
  if (text.size() > kNameBytesMax) return NameFlaw::kTooLong;
  char* out = latin_.data();
  bool has_ascii_letter = false;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    const auto kind = kClass[static_cast<unsigned char>(c)];
    if (kind == kLetter) {  // nearly all, so they come first
      finder.take_letter();
      has_ascii_letter = true;
      const std::size_t letters = copy_letters(text, i, out);
      out += letters;
      i += letters;
      continue;
    }
    if (kind == kDigit) {
      finder.take_digit();
      *out++ = c;
      ++i;
      continue;
    }
    if (kind == kBeyond) {
      std::size_t end = i;
      while (end < text.size() && is_syllable_at(text, end)) end += kSyllableBytes;
      if (end != i) {  // as nearly all that is not ASCII: it stays as it is
        take_hangul(text.substr(i, end - i));
        is_blank_ = false;
        close_word(out);
        finder.take_separator('-', word_count_);
        i = end;
        continue;
      }
      if (const NameFlaw flaw = fold_beyond_ascii(text, i, out, finder); flaw != NameFlaw::kNone) return flaw;
      continue;
    }
    if (kind == kControl || (kind == kQuestion && touches_letter(text, i))) {
      return kind == kControl ? NameFlaw::kControl : NameFlaw::kLostLetter;
    }
    is_blank_ &= kind == kBlank;
    if (kind != kDropped) {
      close_word(out);
      finder.take_separator(kind == kBlank ? ' ' : c, word_count_);
    }
    ++i;
  }
  has_latin_letter_ |= has_ascii_letter;
  close_word(out);
  latin_size_ = static_cast<std::size_t>(out - latin_.data());
  is_blank_ = is_blank_ && latin_size_ == 0;
  return NameFlaw::kNone;
}

void NameFolder::close_word(const char* out) {
  const auto end = static_cast<std::uint32_t>(out - latin_.data());
  word_end_[word_count_] = end;
  word_count_ += static_cast<std::size_t>(end != word_);
  word_ = end;
}

/// Takes the character at `at` and moves both places on.
template <typename Finder>
NameFlaw NameFolder::fold_beyond_ascii(std::string_view text, std::size_t& at, char*& out, Finder& finder) {
  DecodedPoint decoded = short_point_at(text, at);
  if (decoded.bytes == 0) {
    const auto other = point_at(text, at);
    if (!other) return NameFlaw::kNotUtf8;
    decoded = *other;
  }
  const char32_t point = decoded.point;
  std::uint8_t flags = 0;
  std::string_view bytes;
  LongFoldedPoint rare;
  if (FoldTable::has(point)) {
    if (points_ == nullptr) points_ = &FoldTable::get();
    const FoldedPoint& folded = (*points_)[point];
    flags = folded.flags;
    bytes = points_->bytes_of(folded);
  } else {
    fold_point(point, rare);
    flags = rare.flags;
    bytes = {rare.bytes.data(), rare.size};
  }
  if ((flags & PointTraits::kFlaw) != 0) return point < 0xA0 ? NameFlaw::kControl : NameFlaw::kLostLetter;
  is_blank_ &= (flags & PointTraits::kBlank) != 0;
  if ((flags & PointTraits::kHangul) != 0) append_hangul(text, at, decoded.bytes, point);
  at += decoded.bytes;
  if ((flags & PointTraits::kApostrophe) != 0) return NameFlaw::kNone;
  finder.take_point(point);
  has_latin_letter_ |= (flags & PointTraits::kLatin) != 0;
  if (bytes.empty()) finder.take_mark();
  for (const char c : bytes) {
    if (c == ' ' || c == ',' || c == '<' || c == '-') {
      close_word(out);
      finder.take_separator(c, word_count_);
      continue;
    }
    *out++ = c;
    if ((flags & PointTraits::kLetter) != 0) {
      finder.take_letter();
    } else {
      finder.take_digit();
    }
  }
  return NameFlaw::kNone;
}

/// Appends to the Hangul part. While it is one piece of the text, it stays there.
void NameFolder::take_hangul(std::string_view piece) {
  if (hangul_.empty()) {
    hangul_ = piece;
    return;
  }
  char* const own = own_hangul();
  std::memcpy(own + hangul_.size(), piece.data(), piece.size());
  hangul_ = {own, hangul_.size() + piece.size()};
}

/// The Hangul part in a place of its own, where it can be changed.
char* NameFolder::own_hangul() {
  char* const own = moved_hangul_.data();
  if (hangul_.data() != own) std::memcpy(own, hangul_.data(), hangul_.size());
  hangul_ = {own, hangul_.size()};
  return own;
}

/// Appends the character of Script=Hangul at `at` to the Hangul part. Vowels and tails join what stands right before them.
void NameFolder::append_hangul(std::string_view text, std::size_t at, std::size_t size, char32_t point) {
  has_jamo_ = true;
  const char32_t vowel = point - kVowel;
  const char32_t tail = point - kTail;
  const bool is_vowel = vowel < kVowels;
  const bool is_tail = tail > 0 && tail < kTails;
  if ((is_vowel || is_tail) && hangul_.size() >= kSyllableBytes) {
    // The character before, which is UTF-8, if it takes three bytes as all that can be joined do.
    const bool is_long = at >= kSyllableBytes && (text[at - kSyllableBytes] & 0xF0) == 0xE0;
    const char32_t before = is_long ? three_byte_point(text.data() + at - kSyllableBytes) : 0;
    const char32_t joined = three_byte_point(hangul_.data() + hangul_.size() - kSyllableBytes);
    // A lead or a vowel before it is the last of the Hangul part, or the syllable there ends in it.
    const char32_t lead = joined - kLead;
    char32_t syllable = 0;
    if (is_vowel && before == joined && lead < kLeads) {
      syllable = kSyllable + (lead * kVowels + vowel) * kTails;
    } else if (is_tail && (before == joined || before - kVowel < kVowels) && is_syllable(joined) &&
               (joined - kSyllable) % kTails == 0) {
      syllable = joined + tail;
    }
    if (syllable != 0) {
      char* const last = own_hangul() + hangul_.size() - kSyllableBytes;
      last[0] = static_cast<char>(0xE0 | syllable >> 12);
      last[1] = static_cast<char>(0x80 | (syllable >> 6 & 0x3F));
      last[2] = static_cast<char>(0x80 | (syllable & 0x3F));
      return;
    }
  }
  take_hangul(text.substr(at, size));
}

/// All words but the titles at both ends that go while another word or a Hangul part remains: front first, then back.
NameFolder::Words NameFolder::without_titles() const {
  Words words{0, word_count_};
  const std::size_t keep = hangul_.empty() ? 1 : 0;
  const auto is_title_at = [&](std::size_t word) {
    return is_title(latin_.data() + begin_of(word), word_end_[word] - begin_of(word));
  };
  while (words.last - words.first > keep && is_title_at(words.first)) ++words.first;
  while (words.last - words.first > keep && is_title_at(words.last - 1)) --words.last;
  return words;
}

/// The whole of an ASCII name that has letters or digits, no title and nothing that only the loop can judge; false for any other.
bool NameFolder::fold_ascii([[maybe_unused]] std::string_view text, [[maybe_unused]] DeclaredName& declared) {
#if defined(__x86_64__)
  AsciiName name{};
  if (!fold_with_vectors(text, latin_.data(), name)) return false;
  declared.form = DeclaredName::Form::kUsable;
  declared.latin = latin_.data();
  declared.latin_size = name.latin_size;
  return true;
#else
  return false;
#endif
}

DeclaredName NameFolder::fold_declared(std::string_view text) {
  DeclaredName name;
  if (fold_ascii(text, name)) return name;
  NoFamily none;
  const NameFlaw flaw = fold(text, none);
  // What makes a flaw is no blank, but for the size.
  if (flaw == NameFlaw::kTooLong ? is_invisible_name(text) : flaw == NameFlaw::kNone && is_blank_) return name;
  name.form = DeclaredName::Form::kUnusable;
  if (flaw != NameFlaw::kNone || (latin_size_ == 0 && hangul_.empty())) return name;
  const Words words = without_titles();
  name.form = DeclaredName::Form::kUsable;
  name.latin = latin_.data() + begin_of(words.first);
  name.latin_size = words.last == words.first ? 0 : word_end_[words.last - 1] - begin_of(words.first);
  name.hangul = hangul_;
  name.has_jamo = has_jamo_;
  return name;
}

/// The same of a registered name whose family name is its first word: it starts with a letter and ends at a blank, and there is no
/// `,` or `<`.
bool NameFolder::fold_registered_ascii([[maybe_unused]] std::string_view text, [[maybe_unused]] RegisteredName& name) {
#if defined(__x86_64__)
  AsciiName ascii{};
  if (!fold_with_vectors(text, latin_.data(), ascii)) return false;
  if (latin_[0] < 'A' || kClass[static_cast<unsigned char>(text[0])] != kLetter) return false;
  for (std::uint64_t ends = ascii.ends; ends != 0; ends &= ends - 1) {
    const char end = text[static_cast<std::size_t>(std::countr_zero(ends))];
    if (end == ',' || end == '<') return false;
    // The first one ends the first word; further ones make no difference.
    if (ends == ascii.ends && kClass[static_cast<unsigned char>(end)] != kBlank) return false;
  }
  name.has_latin_letter = true;
  name.whole = {latin_.data(), ascii.latin_size};
  name.family = {latin_.data(), ascii.first_size};
  return true;
#else
  return false;
#endif
}

RegisteredName NameFolder::fold_registered(std::string_view text) {
  RegisteredName name;
  if (fold_registered_ascii(text, name)) return name;
  FamilyFinder finder;
  name.flaw = fold(text, finder);
  if (name.flaw != NameFlaw::kNone) return name;
  name.has_latin_letter = has_latin_letter_;
  name.has_hangul = !hangul_.empty();

  const Words words = without_titles();
  auto [first, last] = finder.found(word_count_);
  const bool had_family = first != last;
  first = std::clamp(first, words.first, words.last);
  last = std::clamp(last, words.first, words.last);
  // Titles were all of it: the next word is the family name.
  if (had_family && first == last && last != words.last) ++last;

  // F, then what stands before it, then what stands behind it.
  const std::size_t whole_begin = begin_of(words.first);
  const std::size_t family_begin = begin_of(first);
  const std::size_t family_size = begin_of(last) - family_begin;
  const std::size_t before_size = family_begin - whole_begin;
  const std::size_t size = begin_of(words.last) - whole_begin;
  char* whole = latin_.data() + whole_begin;
  if (before_size != 0) {
    std::memcpy(moved_.data(), whole + before_size, family_size);
    std::memcpy(moved_.data() + family_size, whole, before_size);
    std::memcpy(moved_.data() + family_size + before_size, whole + before_size + family_size,
                size - before_size - family_size);
    whole = moved_.data();
  }
  name.whole = {whole, size};
  name.family = name.whole.substr(0, family_size);
  return name;
}

RegisteredHangul NameFolder::fold_hangul(std::string_view text) {
  NoFamily none;
  const NameFlaw flaw = fold(text, none);
  return {flaw, flaw == NameFlaw::kNone ? hangul_ : std::string_view{}};
}

char* NameFolder::rotated(const DeclaredName& name, std::size_t family_size) {
  if (name.latin_size <= family_size) return nullptr;
  const std::size_t given_size = name.latin_size - family_size;
  std::memcpy(moved_.data(), name.latin + given_size, family_size);
  std::memcpy(moved_.data() + family_size, name.latin, given_size);
  return moved_.data();
}

}  // namespace clearline
