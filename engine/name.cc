#include "engine/name.h"

#include <algorithm>
#include <array>
#include <cstring>

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

bool is_title(std::string_view word) {
  return word == "MR" || word == "MRS" || word == "MS" || word == "MISS" || word == "DR";
}

/// Whether a precomposed Hangul syllable (U+AC00 to U+D7A3, three bytes) stands at `at`.
bool is_syllable(std::string_view text, std::size_t at) {
  if (at + 3 > text.size()) return false;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  if (byte(0) < 0xEA || byte(0) > 0xED) return false;
  const unsigned point = (byte(0) & 0x0FU) << 12 | (byte(1) & 0x3FU) << 6 | (byte(2) & 0x3FU);
  return point >= 0xAC00 && point <= 0xD7A3;
}

constexpr std::size_t kFirstBytes = 256;

}  // namespace

NameFolder::NameFolder() : latin_(kFirstBytes), rotated_(kFirstBytes), word_end_(kFirstBytes) {}

/// The fast path: false when the text holds anything but ASCII and precomposed syllables.
bool NameFolder::fold_simple(std::string_view text) {
  if (latin_.size() < text.size() + NamePrinter::kSpareBytes) {
    latin_.resize(text.size() + NamePrinter::kSpareBytes);
    word_end_.resize(text.size() + 1);
  }
  hangul_.clear();
  has_control_ = false;
  is_blank_ = true;
  char* out = latin_.data();
  char* word = out;  // where the open word starts
  std::size_t words = 0;
  const auto close_word = [&] {
    word_end_[words] = static_cast<std::uint32_t>(out - latin_.data());
    words += static_cast<std::size_t>(out != word);
    word = out;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto kind = kClass[static_cast<unsigned char>(text[i])];
    if (kind == kWord) {
      *out++ = upper(text[i]);
      continue;
    }
    switch (kind) {
      case kDropped:
        is_blank_ = false;
        break;
      case kBlank:
        close_word();
        break;
      case kSeparator:
        is_blank_ = false;
        close_word();
        break;
      case kControl:
        has_control_ = true;
        is_blank_ = false;
        close_word();
        break;
      default:
        if (!is_syllable(text, i)) return false;
        is_blank_ = false;
        close_word();
        hangul_.append(text.substr(i, 3));
        i += 2;
    }
  }
  close_word();
  latin_size_ = static_cast<std::size_t>(out - latin_.data());
  word_count_ = words;
  is_blank_ = is_blank_ && latin_size_ == 0;
  return true;
}

void NameFolder::fold_general(std::string_view text) {
  const UnicodeFold& fold = unicode_.fold(text, UnicodeFolder::Side::kDeclared);
  if (latin_.size() < fold.words.size() + NamePrinter::kSpareBytes) {
    latin_.resize(fold.words.size() + NamePrinter::kSpareBytes);
    word_end_.resize(fold.words.size() + 1);
  }
  hangul_ = fold.hangul;
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
  name.hangul = hangul_;
  if (is_blank_) return name;
  if (has_control_ || (latin_size_ == 0 && hangul_.empty())) {
    name.form = DeclaredName::Form::kUnusable;
    return name;
  }
  std::size_t first = 0;
  std::size_t last = word_count_;
  const std::size_t keep = hangul_.empty() ? 1 : 0;
  const auto begin_of = [&](std::size_t word) { return word == 0 ? 0 : word_end_[word - 1]; };
  const auto word_at = [&](std::size_t word) {
    return std::string_view(latin_.data() + begin_of(word), word_end_[word] - begin_of(word));
  };
  while (last - first > keep && is_title(word_at(first))) ++first;
  while (last - first > keep && is_title(word_at(last - 1))) --last;
  name.form = DeclaredName::Form::kUsable;
  name.latin = latin_.data() + begin_of(first);
  name.latin_size = last == first ? 0 : word_end_[last - 1] - begin_of(first);
  return name;
}

DeclaredName NameFolder::fold_declared(std::string_view text) {
  if (!fold_simple(text)) fold_general(text);
  return join_words();
}

RegisteredName NameFolder::fold_registered(std::string_view text) {
  // An ASCII name's parts are found as they stand: NFKC changes none of it.
  const bool ascii = std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  RegisteredName name;
  if (ascii) {
    std::size_t split = std::min(text.find(','), text.find("<<"));
    if (split == std::string_view::npos) {
      const auto blank = [](char c) { return kClass[static_cast<unsigned char>(c)] == kBlank; };
      const auto* word = std::find_if_not(text.begin(), text.end(), blank);
      split = static_cast<std::size_t>(std::find_if(word, text.end(), blank) - text.begin());
    }
    whole_.clear();
    const auto take = [&](std::string_view part) {
      for (const char c : part) {
        if (kClass[static_cast<unsigned char>(c)] == kWord) whole_ += upper(c);
      }
    };
    take(text.substr(0, split));
    family_size_ = whole_.size();
    take(text.substr(split));
    name.has_latin_letter = std::any_of(whole_.begin(), whole_.end(), [](char c) { return c >= 'A'; });
  } else {
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
  return hangul_;
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
