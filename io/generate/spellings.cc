#include "io/generate/spellings.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace clearline::generate {
namespace {

// NOLINTBEGIN(modernize-avoid-c-arrays): tables whose length is what they hold

constexpr std::string_view kApostrophes[] = {"'", "`", "´", "‘", "’", "‛", "ʻ", "ʼ", "′", "＇"};
constexpr std::string_view kHyphens[] = {"-", "-", "\u2010", "\u2013", ".", "/", "·"};
constexpr std::string_view kBlanks[] = {" ", "  ", "\t", "\u00a0", "\u2003", "\u3000", "   "};
/// Zero-width space and joiner, soft hyphen, left-to-right mark, word joiner.
constexpr std::string_view kInvisible[] = {"\u200b", "\u200d", "\u00ad", "\u200e", "\u2060"};
constexpr std::string_view kTitles[] = {"MR", "MRS", "MS", "MISS", "DR", "Mr.", "mrs", "Ms.", "Miss", "dr."};

constexpr std::pair<char, std::string_view> kMarked[] = {{'A', "Á"}, {'E', "Ê"}, {'I', "Ï"}, {'O', "Õ"}, {'U', "Ü"}};
/// Latin letters and the Cyrillic ones that look the same.
constexpr std::pair<char, std::string_view> kAlike[] = {{'A', "А"}, {'E', "Е"}, {'O', "О"}, {'K', "К"}, {'M', "М"},
                                                        {'H', "Н"}, {'T', "Т"}, {'C', "С"}, {'P', "Р"}};

// NOLINTEND(modernize-avoid-c-arrays)

std::string joined(const std::vector<std::string>& words, std::string_view separator) {
  std::string text;
  for (const std::string& word : words) text.append(text.empty() ? "" : separator).append(word);
  return text;
}

std::string title_case(std::string text) {
  bool inside = false;
  for (char& c : text) {
    if (inside && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 0x20);
    inside = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  }
  return text;
}

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 0x20);
  }
  return text;
}

/// Appends a code point of three bytes as UTF-8.
void append_point(unsigned point, std::string& out) {
  out += static_cast<char>(0xE0 | point >> 12);
  out += static_cast<char>(0x80 | (point >> 6 & 0x3F));
  out += static_cast<char>(0x80 | (point & 0x3F));
}

/// ASCII as full-width forms, blanks as ideographic ones.
std::string full_width(std::string_view text) {
  std::string wide;
  for (const char c : text) {
    if (c == ' ') {
      wide += "\u3000";
    } else if (c > 0x20 && c < 0x7F) {
      append_point(0xFF01 + static_cast<unsigned>(c - '!'), wide);
    } else {
      wide += c;
    }
  }
  return wide;
}

/// The text with another letter at `at`.
std::string with_letter(std::string_view text, std::size_t at, std::string_view letter) {
  std::string changed(text.substr(0, at));
  return changed.append(letter).append(text.substr(at + 1));
}

/// A mark on the first vowel: `É`, or an E with a combining mark behind it.
std::string accented(const std::string& text, Random& random) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const auto& [plain, marked] : kMarked) {
      if (text[i] != plain) continue;
      return random.chance(0.5) ? with_letter(text, i, marked) : with_letter(text, i, std::string(1, plain) + "\u0301");
    }
  }
  return text;
}

/// Precomposed syllables taken apart into their jamo, as some phones and file systems send them.
std::string decomposed(std::string_view hangul) {
  std::string jamo;
  for (std::size_t i = 0; i + 2 < hangul.size(); i += 3) {
    const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(hangul[i + k]); };
    const unsigned syllable = ((byte(0) & 0xFU) << 12 | (byte(1) & 0x3FU) << 6 | (byte(2) & 0x3FU)) - 0xAC00;
    append_point(0x1100 + syllable / 588, jamo);
    append_point(0x1161 + syllable % 588 / 28, jamo);
    if (syllable % 28 != 0) append_point(0x11A7 + syllable % 28, jamo);
  }
  return jamo;
}

std::string equal_latin(const Person& person, Random& random) {
  const std::string family = joined(person.family, " ");
  const std::string given = joined(person.given, " ");
  const std::string given_joined = joined(person.given, "");
  // What makes foreign names hard, their marks and letters, is in the spelling on file.
  if (person.family_ko.empty() && !person.entry.name.empty() && random.chance(0.4)) return person.entry.name;
  // What forms are filled in with, three times of four; else any spelling.
  constexpr std::uint64_t kUsual[] = {0, 0, 1, 1, 2, 3, 12, 16, 19, 19};  // NOLINT(modernize-avoid-c-arrays)
  const std::uint64_t usual = random.pick(kUsual);
  switch (random.chance(0.75) ? usual : random.below(20)) {
    case 0:
      return family + " " + given;
    case 1:
      return title_case(joined(person.given, "-") + " " + family);
    case 2:
      return family + ", " + given;
    case 3:
      return lower_case(joined(person.family, "") + " " + given_joined);
    case 4:
      return joined(person.family, "<") + "<<" + joined(person.given, "<") + "<<<";
    case 5:
      return full_width(family + (random.chance(0.5) ? " " : ", ") + given_joined);
    case 6:
      return std::string(random.pick(kTitles)) + " " + family + " " + given;
    case 7:
      return title_case(given + " " + family) + ", Mrs.";
    case 8:
      return family + " " + joined(person.given, random.pick(kApostrophes));
    case 9: {
      const std::string given_accented = accented(given, random);
      return accented(family, random) + " " + given_accented;
    }
    case 10:
      return "  " + family + std::string(random.pick(kBlanks)) + given_joined + " ";
    case 11:
      return family + " " + given_joined.substr(0, 1) + std::string(random.pick(kInvisible)) + given_joined.substr(1);
    case 12:
      return joined(person.family, "") + given_joined;
    case 13:
      return given_joined + joined(person.family, "");
    case 14:
      return "Dr. Miss " + title_case(family + " " + given_joined) + " " + std::string(random.pick(kTitles));
    case 15:
      return title_case(family + " " + joined(person.given, random.pick(kApostrophes)));
    case 16:
      return family + " " + joined(person.given, "-");
    case 18:
      return family + " " + joined(person.given, random.pick(kHyphens));
    case 17:
      return person.entry.name.empty() ? family + " " + given : person.entry.name;
    default:
      return family + " " + given_joined;
  }
}

std::string equal_hangul(const Person& person, Random& random) {
  switch (random.below(6)) {
    case 0:
      return person.family_ko + " " + person.given_ko;
    case 1:
      return decomposed(person.family_ko + person.given_ko);
    case 2:
      return "Mr " + person.family_ko + person.given_ko;
    case 3: {
      const std::string_view inside = random.pick(kInvisible);
      const std::string_view behind = random.pick(kBlanks);
      return person.family_ko + std::string(inside) + person.given_ko + std::string(behind);
    }
    default:
      return person.family_ko + person.given_ko;
  }
}

std::string both_scripts(const std::string& latin, const std::string& hangul, Random& random) {
  switch (random.below(5)) {
    case 0:
      return hangul + " " + latin;
    case 1:
      return latin + "（" + hangul + "）";
    case 2:
      return latin + " / " + hangul;
    default:
      return latin + " (" + hangul + ")";
  }
}

/// A person whose Latin name, written family first, is no variant of `person`'s: its first letter is that of neither
/// part, and so is its last. Dropped words, initials, another spelling of the family name, one slip of a letter and a
/// cut-off end each leave the beginning or the end of the family-first or given-first form as it was.
Person stranger(const People& people, const Person& person, Random& random) {
  for (;;) {
    Person other = people.person(random.next() >> 24);
    const char first = other.family.front().front();
    const char last = other.given.back().back();
    if (first == person.family.front().front() || first == person.given.front().front()) continue;
    if (last == person.family.back().back() || last == person.given.back().back()) continue;
    if (other.family_ko.empty() || other.family_ko == person.family_ko) continue;
    return other;
  }
}

/// One letter as the Cyrillic one that looks the same; nothing when no letter has one.
std::string with_cyrillic(const std::string& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const auto& [latin, cyrillic] : kAlike) {
      if (text[i] == latin) return with_letter(text, i, cyrillic);
    }
  }
  return {};
}

}  // namespace

std::string zip_text(std::uint64_t zip) {
  const std::string text = std::to_string(zip);
  return std::string(5 - text.size(), '0') + text;
}

std::string equal_name(const Person& person, bool with_hangul, Random& random) {
  const bool latin_on_file = !person.entry.name.empty();
  const bool hangul_on_file = !person.entry.name_ko.empty();
  const std::uint64_t kind = random.below(10);
  // A part with nothing on file is left out as long as the other is compared: it may be declared all the same.
  if (with_hangul && !person.family_ko.empty() && kind < 2) {
    const std::string hangul = equal_hangul(person, random);
    const std::string latin = equal_latin(person, random);
    return both_scripts(latin, hangul, random);
  }
  const bool hangul_alone = !latin_on_file && !person.family_ko.empty();
  if (hangul_alone || (with_hangul && hangul_on_file && kind < 4)) return equal_hangul(person, random);
  return equal_latin(person, random);
}

std::string other_name(const People& people, const Person& person, bool with_hangul, Random& random) {
  const bool latin_on_file = !person.entry.name.empty();
  const bool hangul_on_file = !person.entry.name_ko.empty();
  const Person other = stranger(people, person, random);
  std::string latin = joined(other.family, " ") + " " + joined(other.given, "");
  std::string hangul = other.family_ko + other.given_ko;
  const std::string own = joined(person.family, " ") + " " + joined(person.given, "");
  if (!latin_on_file) return hangul;
  switch (random.below(20)) {
    case 0:
      if (std::string alike = with_cyrillic(own); !alike.empty()) return alike;
      break;
    case 1:
      return own + "\x07";  // a control character that is no blank spoils any name
    case 2: {
      constexpr std::string_view kNoLetters[] = {"???", "-", "※ ※", "(…)"};  // NOLINT(modernize-avoid-c-arrays)
      return std::string(random.pick(kNoLetters));
    }
    case 3:
    case 4:
      // Both parts must agree.
      if (!with_hangul || !hangul_on_file) break;
      if (random.chance(0.5)) return both_scripts(own, hangul, random);
      return both_scripts(latin, person.family_ko + person.given_ko, random);
    default:
      break;
  }
  return with_hangul && hangul_on_file && random.chance(0.2) ? hangul : latin;
}

std::string equal_phone(const std::string& digits, Random& random) {
  const std::string a = digits.substr(0, 3);
  const std::string b = digits.substr(3, 4);
  const std::string c = digits.substr(7);
  switch (random.below(12)) {
    case 0:
      return "+82-" + a.substr(1) + "-" + b + "-" + c;
    case 1:
      return "0082 " + a.substr(1) + " " + b + " " + c;
    case 2:
      return "+82 " + a + "-" + b + "-" + c;
    case 3:
      return a + "." + b + "." + c;
    case 4:
      return "(" + a + ") " + b + " " + c;
    case 5:
    case 6:
      return a + "-" + b + "-" + c;
    case 7:
      return "0082" + digits;
    default:
      return digits;
  }
}

std::string equal_code(Code code, Random& random) {
  std::string text = format_code(code);
  switch (random.below(40)) {
    case 0:
      text[0] = 'p';
      break;
    case 1:
      text = " " + text + "\t";
      break;
    default:
      break;
  }
  return text;
}

std::string malformed_code(Code code, Random& random) {
  const std::string text = format_code(code);
  switch (random.below(8)) {
    case 0:
      return text.substr(0, 12);
    case 1:
      return text + "0";
    case 2:
      return std::string(1, 'M') + text.substr(1);
    case 3:
      return text.substr(0, 4) + "-" + text.substr(4);
    case 4:
      return full_width(text);
    case 5:
      return text + "\u00a0";
    case 6:
      return text.substr(1);
    default:
      return text.substr(0, 6) + " " + text.substr(6);
  }
}

std::string_view malformed_zip(Random& random) {
  constexpr std::string_view kWrong[] = {
      "1234",   "135-080", "０６２３６",  "12 45",  // NOLINT(modernize-avoid-c-arrays)
      "123456", "0623O",   "06236\u00a0", "서울"};
  return random.pick(kWrong);
}

std::string_view blank_name(Random& random) {
  constexpr std::string_view kBlank[] = {"", "  ", "\u3000", "\u200b", "\u00a0\t"};  // NOLINT(modernize-avoid-c-arrays)
  return random.pick(kBlank);
}

}  // namespace clearline::generate
