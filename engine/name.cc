#include "engine/name.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "engine/isa.h"
#include "engine/name_kernel.h"

namespace clearline {
namespace {

// What the bytes of ASCII mean in a name.
enum Class : unsigned char { kSeparator, kBlank, kWord, kDropped, kControl, kBeyond };

constexpr std::array<unsigned char, 256> kClass = [] {
  std::array<unsigned char, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    if (c >= 0x80) {
      table[c] = kBeyond;
    } else if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) {
      table[c] = kWord;
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

constexpr char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 0x20) : c; }

/// Whether a word is MR, MRS, MS, MISS or DR: compared as a number, where five calls would cost more than the rest of a name.
/// Four bytes at `word` are readable, whatever its size.
bool is_title(const char* word, std::size_t size) {
  constexpr std::size_t kSizeMax = 4;
  if (size > kSizeMax) return false;
  constexpr std::array<std::uint32_t, kSizeMax + 1> kMasks{0, 0xFF, 0xFFFF, 0xFFFFFF, 0xFFFFFFFF};
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
constexpr unsigned kLead = 0x1100;
constexpr unsigned kVowel = 0x1161;
constexpr unsigned kTail = 0x11A7;  // one before the first: a syllable may have none
constexpr unsigned kLeads = 19;
constexpr unsigned kVowels = 21;
constexpr unsigned kTails = 28;
constexpr unsigned kSyllable = 0xAC00;

constexpr bool is_syllable(unsigned point) { return point - kSyllable < kLeads * kVowels * kTails; }

/// The code point of three bytes of valid UTF-8.
unsigned three_byte_point(const char* text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  return (byte(0) & 0x0FU) << 12 | (byte(1) & 0x3FU) << 6 | (byte(2) & 0x3FU);
}

constexpr std::size_t kSyllableBytes = 3;  // as UTF-8, and of all that is Hangul below U+10000

void put_syllable(unsigned point, char* out) {
  out[0] = static_cast<char>(0xE0 | point >> 12);
  out[1] = static_cast<char>(0x80 | (point >> 6 & 0x3F));
  out[2] = static_cast<char>(0x80 | (point & 0x3F));
}

constexpr std::size_t kFirstBytes = 256;

}  // namespace

NameFolder::NameFolder() : latin_(kFirstBytes), rotated_(kFirstBytes), word_end_(kFirstBytes), hangul_(kFirstBytes) {}

/// The fast path: false when only the slow one can tell.
bool NameFolder::fold_simple(std::string_view text) {
  // No code point becomes more letters than thrice its bytes.
  const std::size_t bytes_max = 3 * text.size() + FoldedPoint::kBytesMax + NamePrinter::kSpareBytes;
  if (latin_.size() < bytes_max) {
    latin_.resize(bytes_max);
    word_end_.resize(bytes_max);
  }
  if (hangul_.size() < text.size()) hangul_.resize(bytes_max);  // what is Hangul becomes no longer than it is
  hangul_size_ = 0;
  has_control_ = false;
  is_blank_ = true;
  word_count_ = 0;
  word_ = 0;
  char* out = latin_.data();
  for (std::size_t i = 0; i < text.size();) {
    const auto kind = kClass[static_cast<unsigned char>(text[i])];
    if (kind == kWord) {
      *out++ = upper(text[i++]);
      continue;
    }
    if (kind == kBeyond) {
      const auto first = static_cast<unsigned char>(text[i]);
      if (first >= 0xEA && first <= 0xED && is_syllable(three_byte_point(text.data() + i))) {
        // As nearly all that is not ASCII: it stays as it is. A tail that could join it is for the folder.
        std::memcpy(hangul_.data() + hangul_size_, text.data() + i, kSyllableBytes);
        hangul_size_ += kSyllableBytes;
        is_blank_ = false;
        close_word(out);
        i += kSyllableBytes;
        continue;
      }
      if (!fold_beyond_ascii(text, i, out)) return false;
      continue;
    }
    is_blank_ &= kind == kBlank;
    has_control_ |= kind == kControl;
    if (kind != kDropped) close_word(out);
    ++i;
  }
  close_word(out);
  latin_size_ = static_cast<std::size_t>(out - latin_.data());
  is_blank_ = is_blank_ && latin_size_ == 0;
  return true;
}

void NameFolder::close_word(const char* out) {
  const auto end = static_cast<std::uint32_t>(out - latin_.data());
  word_end_[word_count_] = end;
  word_count_ += static_cast<std::size_t>(end != word_);
  word_ = end;
}

void NameFolder::append_syllable(unsigned point) {
  put_syllable(point, hangul_.data() + hangul_size_);
  hangul_size_ += kSyllableBytes;
}

/// Takes the character at `at` (two of them or three, where they are the jamo of one syllable) and moves both places
/// on.
bool NameFolder::fold_beyond_ascii(std::string_view text, std::size_t& at, char*& out) {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first >= 0xF0) return false;
  unsigned point = 0;
  if (first < 0xE0) {
    point = (first & 0x1FU) << 6 | (static_cast<unsigned char>(text[at + 1]) & 0x3FU);
    at += 2;
  } else {
    point = three_byte_point(text.data() + at);
    at += 3;
  }
  if (point - kLead < kLeads && at + 3 <= text.size()) {
    const unsigned vowel = three_byte_point(text.data() + at) - kVowel;
    if (static_cast<unsigned char>(text[at]) != 0xE1 || vowel >= kVowels) return false;
    at += 3;
    point = kSyllable + ((point - kLead) * kVowels + vowel) * kTails;
    if (at + 3 <= text.size() && static_cast<unsigned char>(text[at]) == 0xE1) {
      const unsigned tail = three_byte_point(text.data() + at) - kTail;
      if (tail > 0 && tail < kTails) {
        point += tail;
        at += 3;
      }
    }
  }
  if (is_syllable(point)) {
    is_blank_ = false;
    close_word(out);
    append_syllable(point);
    return true;
  }
  const FoldedPoint& folded = folded_points()[point];
  if ((folded.flags & FoldedPoint::kByFolder) != 0) return false;
  is_blank_ &= (folded.flags & FoldedPoint::kBlank) != 0;
  has_control_ |= (folded.flags & FoldedPoint::kControl) != 0;
  if ((folded.flags & FoldedPoint::kHangul) != 0) append_syllable(point);
  for (std::size_t i = 0; i < folded.size; ++i) {
    if (folded.bytes[i] == ' ') {
      close_word(out);
    } else {
      *out++ = folded.bytes[i];
    }
  }
  return true;
}

void NameFolder::fold_general(std::string_view text) {
  const UnicodeFold& fold = unicode_.fold(text, UnicodeFolder::Side::kDeclared);
  if (latin_.size() < fold.words.size() + NamePrinter::kSpareBytes) {
    latin_.resize(fold.words.size() + NamePrinter::kSpareBytes);
    word_end_.resize(fold.words.size() + 1);
  }
  if (hangul_.size() < fold.hangul.size()) hangul_.resize(fold.hangul.size());
  std::copy(fold.hangul.begin(), fold.hangul.end(), hangul_.begin());
  hangul_size_ = fold.hangul.size();
  has_control_ = fold.has_control;
  is_blank_ = fold.is_blank;
  latin_size_ = 0;
  word_count_ = 0;
  for (const char c : fold.words) {
    if (c == ' ') {
      word_end_[word_count_++] = static_cast<std::uint32_t>(latin_size_);
    } else {
      latin_[latin_size_++] = c;
    }
  }
}

/// Drops titles at both ends while another word or a Hangul part remains: front first, then back.
DeclaredName NameFolder::join_words() {
  DeclaredName name;
  name.hangul = hangul_part();
  if (is_blank_) return name;
  if (has_control_ || (latin_size_ == 0 && hangul_size_ == 0)) {
    name.form = DeclaredName::Form::kUnusable;
    return name;
  }
  std::size_t first = 0;
  std::size_t last = word_count_;
  const std::size_t keep = hangul_size_ == 0 ? 1 : 0;
  const auto begin_of = [&](std::size_t word) { return word == 0 ? 0 : word_end_[word - 1]; };
  const auto is_title_at = [&](std::size_t word) {
    return is_title(latin_.data() + begin_of(word), word_end_[word] - begin_of(word));
  };
  while (last - first > keep && is_title_at(first)) ++first;
  while (last - first > keep && is_title_at(last - 1)) --last;
  name.form = DeclaredName::Form::kUsable;
  name.latin = latin_.data() + begin_of(first);
  name.latin_size = last == first ? 0 : word_end_[last - 1] - begin_of(first);
  return name;
}

/// The whole of an ASCII name that has letters or digits, no control character and no title; false for any other.
bool NameFolder::fold_ascii([[maybe_unused]] std::string_view text, [[maybe_unused]] DeclaredName& declared) {
#if defined(__x86_64__)
  const Isa isa = isa_in_use();
  if (isa == Isa::kScalar) return false;
  static_assert(kFirstBytes >= kAsciiNameBytesMax + NamePrinter::kSpareBytes);
  AsciiName name{};
  const auto fold = isa == Isa::kAvx512 ? fold_ascii_name_avx512 : fold_ascii_name_sse2;
  if (!fold(text.data(), text.size(), latin_.data(), name)) return false;
  if (name.latin_size == 0 || name.has_control) return false;
  if (is_title(latin_.data(), name.first_size) ||
      is_title(latin_.data() + name.latin_size - name.last_size, name.last_size)) {
    return false;
  }
  declared.form = DeclaredName::Form::kUsable;
  declared.latin = latin_.data();
  declared.latin_size = name.latin_size;
  return true;
#else
  return false;
#endif
}

DeclaredName NameFolder::fold_declared(std::string_view text) {
  if (DeclaredName name; fold_ascii(text, name)) return name;
  if (!fold_simple(text)) fold_general(text);
  return join_words();
}

/// The fast path of registered names: an ASCII name's parts are found as they stand, for NFKC changes none of it. False
/// when it is not ASCII.
bool NameFolder::fold_registered_ascii(std::string_view text, bool& has_latin_letter) {
  constexpr std::size_t kNone = std::string_view::npos;
  whole_.resize(text.size());
  std::size_t size = 0;
  std::size_t mark = kNone;   // letters before the first `,` or `<<`
  std::size_t blank = kNone;  // letters before the first blank behind something
  bool begun = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto kind = kClass[static_cast<unsigned char>(c)];
    if (kind == kWord) {
      whole_[size++] = upper(c);
      has_latin_letter |= c >= 'A';
      begun = true;
    } else if (kind == kBlank) {
      if (begun && blank == kNone) blank = size;
    } else if (kind == kBeyond) {
      return false;
    } else {
      if (mark == kNone && (c == ',' || text.substr(i, 2) == "<<")) mark = size;
      begun = true;
    }
  }
  whole_.resize(size);
  family_size_ = mark != kNone ? mark : std::min(blank, size);
  return true;
}

RegisteredName NameFolder::fold_registered(std::string_view text) {
  RegisteredName name;
  if (!fold_registered_ascii(text, name.has_latin_letter)) {
    const UnicodeFold& fold = unicode_.fold(text, UnicodeFolder::Side::kRegistered);
    whole_.clear();
    const auto take = [&](std::string_view part) {
      for (const char c : part) {
        if (c != ' ') whole_ += c;
      }
    };
    take(fold.family);
    family_size_ = whole_.size();
    take(fold.words);
    name.has_latin_letter = fold.has_latin_letter;
    name.has_hangul = !fold.hangul.empty();
  }
  name.whole = whole_;
  name.family = std::string_view(whole_).substr(0, family_size_);
  return name;
}

std::string_view NameFolder::fold_hangul(std::string_view text) {
  if (!fold_simple(text)) fold_general(text);
  return hangul_part();
}

char* NameFolder::rotated(const DeclaredName& name, std::size_t family_size) {
  if (name.latin_size <= family_size) return nullptr;
  if (rotated_.size() < name.latin_size + NamePrinter::kSpareBytes) {
    rotated_.resize(name.latin_size + NamePrinter::kSpareBytes);
  }
  const std::size_t given_size = name.latin_size - family_size;
  std::memcpy(rotated_.data(), name.latin + given_size, family_size);
  std::memcpy(rotated_.data() + family_size, name.latin, given_size);
  return rotated_.data();
}

}  // namespace clearline
