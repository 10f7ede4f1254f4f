#include "tests/support/reference.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>

#include <algorithm>
#include <cstdio>
#include <set>

namespace clearline::reference {
namespace {

const std::vector<std::string> kFields{"id", "code", "name", "zip", "phone", "declared_at"};

bool is_all(std::string_view text, std::string_view of) { return text.find_first_not_of(of) == std::string_view::npos; }

std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t") - first + 1));
}

bool all_digits(std::string_view text) { return is_all(text, "0123456789"); }

/// `P` and 12 digits; nothing when it is none, or missing.
std::optional<std::string> read_code(std::string_view text) {
  std::string code = trimmed(text);
  if (!code.empty() && code[0] == 'p') code[0] = 'P';
  if (code.size() != 13 || code[0] != 'P' || !all_digits(code.substr(1))) return std::nullopt;
  return code;
}

// ---- dates

long days_of(int year, int month, int day) {
  long days = 0;
  const auto leap = [](int y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; };
  for (int y = 0; y < year; ++y) days += leap(y) ? 366 : 365;
  const int lengths[] = {31, leap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  for (int m = 0; m + 1 < month; ++m) days += lengths[m];
  return days + day - 1;
}

std::optional<long> read_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const std::string digits =
      std::string(text.substr(0, 4)) + std::string(text.substr(5, 2)) + std::string(text.substr(8, 2));
  if (!all_digits(digits)) return std::nullopt;
  const int year = std::stoi(digits.substr(0, 4));
  const int month = std::stoi(digits.substr(4, 2));
  const int day = std::stoi(digits.substr(6, 2));
  if (month < 1 || month > 12 || day < 1) return std::nullopt;
  const long next_month = month == 12 ? days_of(year + 1, 1, 1) : days_of(year, month + 1, 1);
  if (days_of(year, month, 1) + day > next_month) return std::nullopt;
  return days_of(year, month, day);
}

/// The Korean day of a date or an RFC 3339 time.
std::optional<long> read_declared_at(const std::string& declared) {
  const std::string blanks_dropped = trimmed(declared);
  const std::string_view text = blanks_dropped;
  if (text.size() <= 10) return read_date(text);
  const auto date = read_date(text.substr(0, 10));
  if (!date || std::string("Tt ").find(text[10]) == std::string::npos) return std::nullopt;
  std::string time(text.substr(11));
  if (time.size() < 9 || time[2] != ':' || time[5] != ':') return std::nullopt;
  const std::string hms = time.substr(0, 2) + time.substr(3, 2) + time.substr(6, 2);
  if (!all_digits(hms)) return std::nullopt;
  const int hour = std::stoi(hms.substr(0, 2));
  const int minute = std::stoi(hms.substr(2, 2));
  const int second = std::stoi(hms.substr(4, 2));
  if (hour > 23 || minute > 59 || second > 60) return std::nullopt;
  time = time.substr(8);
  if (time[0] == '.') {
    std::size_t end = 1;
    while (end < time.size() && time[end] >= '0' && time[end] <= '9') ++end;
    if (end == 1) return std::nullopt;
    time = time.substr(end);
  }
  long offset = 0;
  if (time != "Z" && time != "z") {
    if (time.size() != 6 || (time[0] != '+' && time[0] != '-') || time[3] != ':') return std::nullopt;
    const std::string hm = time.substr(1, 2) + time.substr(4, 2);
    if (!all_digits(hm) || std::stoi(hm.substr(0, 2)) > 23 || std::stoi(hm.substr(2)) > 59) return std::nullopt;
    offset = (std::stol(hm.substr(0, 2)) * 60 + std::stol(hm.substr(2))) * (time[0] == '-' ? -60 : 60);
  }
  const long day_seconds = 86'400;
  // A day more keeps the sum positive in the year 0.
  const long utc = (*date + 1) * day_seconds + hour * 3600 + minute * 60 + std::min(second, 59) - offset;
  if (second == 60 && (utc + 1) % day_seconds != 0) return std::nullopt;
  return (utc + 9 * 3600) / day_seconds - 1;
}

// ---- names

bool white_space(UChar32 c) { return u_hasBinaryProperty(c, UCHAR_WHITE_SPACE); }

bool script_is(UChar32 c, UScriptCode script) {
  UErrorCode error = U_ZERO_ERROR;
  return uscript_getScript(c, &error) == script;
}

icu::UnicodeString normal(const icu::UnicodeString& text, const char* form) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer = std::string(form) == "NFC"    ? icu::Normalizer2::getNFCInstance(error)
                                       : std::string(form) == "NFKC" ? icu::Normalizer2::getNFKCInstance(error)
                                                                     : icu::Normalizer2::getNFDInstance(error);
  return normalizer->normalize(text, error);
}

template <typename Use>
void each(const icu::UnicodeString& text, const Use& use) {
  for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) use(text.char32At(i));
}

icu::UnicodeString without_apostrophes(const icu::UnicodeString& text) {
  const std::set<UChar32> apostrophes{0x27, 0x60, 0xB4, 0x2018, 0x2019, 0x201B, 0x02BB, 0x02BC, 0x2032, 0xFF07};
  icu::UnicodeString out;
  each(text, [&](UChar32 c) {
    if (apostrophes.count(c) == 0) out.append(c);
  });
  return out;
}

bool is_white_space(const std::string& text) {
  bool all = true;
  each(icu::UnicodeString::fromUTF8(text), [&](UChar32 c) { all = all && white_space(c); });
  return all;
}

std::string utf8(const icu::UnicodeString& text) {
  std::string out;
  text.toUTF8String(out);
  return out;
}

std::string hangul_part(const icu::UnicodeString& text) {
  icu::UnicodeString out;
  each(normal(text, "NFC"), [&](UChar32 c) {
    if (script_is(c, USCRIPT_HANGUL)) out.append(c);
  });
  return utf8(out);
}

/// Text that is NFKC already, as its canonical words.
std::vector<std::string> canonical_words(const icu::UnicodeString& nfkc) {
  const std::map<UChar32, const char*> spelled{{0xDF, "SS"}, {0x1E9E, "SS"}, {0xD8, "OE"}, {0xC6, "AE"}, {0x152, "OE"},
                                               {0x110, "D"}, {0x141, "L"},   {0xDE, "TH"}, {0xD0, "D"},  {0x131, "I"}};
  std::vector<std::string> words;
  icu::UnicodeString word;
  const auto close = [&] {
    if (!word.isEmpty()) words.push_back(utf8(word));
    word.remove();
  };
  each(normal(nfkc, "NFD"), [&](UChar32 c) {
    const auto mask = U_GET_GC_MASK(c);
    if ((mask & (U_GC_M_MASK | U_GC_CF_MASK)) != 0) return;
    const UChar32 upper = u_toupper(c);
    if (spelled.count(upper) != 0) {
      word.append(icu::UnicodeString::fromUTF8(spelled.at(upper)));
    } else if ((mask & (U_GC_L_MASK | U_GC_ND_MASK)) != 0) {
      word.append(upper);
    } else {
      close();
    }
  });
  close();
  return words;
}

bool is_letter(UChar32 c) { return (U_GET_GC_MASK(c) & U_GC_L_MASK) != 0; }

std::vector<icu::UnicodeString> pieces_between_blanks(const icu::UnicodeString& text) {
  std::vector<icu::UnicodeString> pieces(1);
  each(text, [&](UChar32 c) {
    if (white_space(c)) {
      pieces.emplace_back();
    } else {
      pieces.back().append(c);
    }
  });
  return pieces;
}

/// Words with their numbers.
using Words = std::vector<std::pair<std::size_t, std::string>>;

Words numbered(const std::vector<std::string>& texts) {
  Words words;
  for (const std::string& text : texts) words.emplace_back(words.size(), text);
  return words;
}

Words without_titles(Words words, bool beside_hangul) {
  const std::set<std::string> titles{"MR", "MRS", "MS", "MISS", "DR"};
  const auto may_drop = [&] { return words.size() > 1 || (!words.empty() && beside_hangul); };
  while (may_drop() && titles.count(words.front().second) != 0) words.erase(words.begin());
  while (may_drop() && titles.count(words.back().second) != 0) words.pop_back();
  return words;
}

std::string canonical_phone(std::string_view text) {
  std::string phone;
  for (const char c : text) {
    if ((c >= '0' && c <= '9') || (c == '+' && phone.empty())) phone += c;
  }
  for (const std::string prefix : {"+82", "0082"}) {
    if (phone.rfind(prefix, 0) != 0) continue;
    phone = phone.substr(prefix.size());
    if (phone.empty() || phone[0] != '0') phone = "0" + phone;
    break;
  }
  return phone;
}

/// What became of the name: `same`, `same:given_first`, `mismatch`, `missing`, `not_on_file`.
std::string check_name(const std::string& text, const Registered& person) {
  const NameParts declared = declared_name(text);
  if (declared.missing) return "missing";
  if (declared.unusable) return "mismatch";
  std::string check = "not_on_file";
  if (!declared.hangul.empty() && !person.name_ko.empty()) {
    if (is_flawed_name(person.name_ko)) return "mismatch";
    if (declared.hangul != hangul_part(icu::UnicodeString::fromUTF8(person.name_ko))) return "mismatch";
    check = "same";
  }
  if (!declared.latin.empty() && !person.name.empty()) {
    const RegisteredName name = registered_name(person.name);
    if (name.flawed || name.has_hangul || !name.has_latin_letter) return "mismatch";
    if (declared.latin == name.family + name.given) return "same";
    return declared.latin == name.given + name.family ? "same:given_first" : "mismatch";
  }
  return check;
}

/// Compared when declared and on file.
std::string check_phone(const std::string& text, const Registered& person) {
  if (trimmed(text).empty()) return "not_checked";
  if (person.phone.empty()) return "not_on_file";
  return canonical_phone(text) == canonical_phone(person.phone) ? "same" : "mismatch";
}

std::string check_zip(const std::string& text, const Registered& person) {
  const std::string zip = trimmed(text);
  if (zip.empty()) return "missing";
  if (zip.size() != 5 || !all_digits(zip)) return "malformed";
  if (person.zips.empty()) return "not_on_file";
  return std::count(person.zips.begin(), person.zips.end(), zip) != 0 ? "same" : "mismatch";
}

std::string verdict_of(const std::vector<std::string>& reasons) {
  const std::set<std::string> mild{"name_not_on_file", "phone_virtual", "zip_not_on_file"};
  std::string verdict = "clear";
  for (const auto& reason : reasons) {
    if (reason == "malformed") return "error";
    if (mild.count(reason) == 0) {
      verdict = "hold";
    } else if (verdict == "clear") {
      verdict = "review";
    }
  }
  return verdict;
}

// ---- JSON

/// Recursive descent over one line; throws on the first thing that is not JSON.
class Json {
 public:
  explicit Json(std::string_view line) : text_(line) {}

  std::vector<Member> object() {
    std::vector<Member> members;
    space();
    expect('{');
    space();
    if (peek() == '}') {
      ++at_;
    } else {
      do {
        space();
        Member member;
        member.key = string();
        space();
        expect(':');
        space();
        value(1, member);
        members.push_back(member);
        space();
      } while (take(','));
      expect('}');
    }
    space();
    if (at_ != text_.size()) throw 0;
    return members;
  }

  /// The elements of an array, as members without keys.
  std::vector<Member> array() {
    std::vector<Member> elements;
    expect('[');
    space();
    if (!take(']')) {
      do {
        space();
        value(1, elements.emplace_back());
        space();
      } while (take(','));
      expect(']');
    }
    return elements;
  }

 private:
  int peek() const { return at_ < text_.size() ? static_cast<unsigned char>(text_[at_]) : -1; }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) throw 0;
  }
  void space() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\r' || peek() == '\n') ++at_;
  }

  unsigned hex() {
    unsigned value = 0;
    for (int i = 0; i < 4; ++i) {
      const int c = peek();
      if (c < 0 || !isxdigit(c)) throw 0;
      value = value * 16 + static_cast<unsigned>(isdigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
      ++at_;
    }
    return value;
  }

  std::string string() {
    expect('"');
    std::string out;
    for (;;) {
      const int c = peek();
      if (c < 0x20) throw 0;  // the end, too
      ++at_;
      if (c == '"') return out;
      if (c != '\\') {
        out += static_cast<char>(c);
        continue;
      }
      const int escape = peek();
      ++at_;
      switch (escape) {
        case '"':
        case '\\':
        case '/':
          out += static_cast<char>(escape);
          break;
        case 'b':
          out += '\b';
          break;
        case 'f':
          out += '\f';
          break;
        case 'n':
          out += '\n';
          break;
        case 'r':
          out += '\r';
          break;
        case 't':
          out += '\t';
          break;
        case 'u': {
          unsigned point = hex();
          if (point >= 0xDC00 && point <= 0xDFFF) throw 0;
          if (point >= 0xD800 && point <= 0xDBFF) {
            expect('\\');
            expect('u');
            const unsigned low = hex();
            if (low < 0xDC00 || low > 0xDFFF) throw 0;
            point = 0x10000 + (point - 0xD800) * 0x400 + (low - 0xDC00);
          }
          icu::UnicodeString(static_cast<UChar32>(point)).toUTF8String(out);
          break;
        }
        default:
          throw 0;
      }
    }
  }

  void digits() {
    if (!isdigit(peek())) throw 0;
    while (isdigit(peek())) ++at_;
  }

  /// Any value; into `member` goes what it is.
  void value(int depth, Member& member) {
    const std::size_t begin = at_;
    switch (peek()) {
      case '"':
        member.kind = Member::kString;
        member.text = string();
        return;
      case 'n':
        word("null");
        member.kind = Member::kNull;
        break;
      case 't':
        word("true");
        break;
      case 'f':
        word("false");
        break;
      case '{':
      case '[':
        container(depth);
        break;
      default:
        take('-');
        if (!take('0')) digits();
        if (take('.')) digits();
        if (take('e') || take('E')) {
          if (!take('+')) take('-');
          digits();
        }
    }
    member.text = text_.substr(begin, at_ - begin);
  }

  void container(int depth) {
    if (depth == 16) throw 0;
    const bool object = peek() == '{';
    ++at_;
    space();
    if (take(object ? '}' : ']')) return;
    do {
      space();
      if (object) {
        string();
        space();
        expect(':');
        space();
      }
      Member ignored;
      value(depth + 1, ignored);
      space();
    } while (take(','));
    expect(object ? '}' : ']');
  }

  void word(std::string_view wanted) {
    if (text_.substr(at_, wanted.size()) != wanted) throw 0;
    at_ += wanted.size();
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// ---- names of fields

std::string nfc(const std::string& text) { return utf8(normal(icu::UnicodeString::fromUTF8(text), "NFC")); }

/// A name as it is compared for slips.
std::string without_slips(const std::string& name) {
  icu::UnicodeString out;
  each(normal(icu::UnicodeString::fromUTF8(name), "NFC"), [&](UChar32 c) {
    if (white_space(c) || u_charType(c) == U_FORMAT_CHAR || c == '_' || c == '-') return;
    out.append(c >= 'A' && c <= 'Z' ? c + 0x20 : c);
  });
  return utf8(out);
}

bool is_near(const std::string& name, const std::string& known) {
  const std::string a = without_slips(name);
  const std::string b = without_slips(known);
  return !b.empty() && (a == b || (a == "zip" && b == "zips") || (a == "zips" && b == "zip"));
}

/// Whether some name nearly is one that is in use, but is none in use itself, where that one is missing.
bool has_slip(const std::vector<std::string>& names, const std::vector<std::string>& in_use,
              const std::set<std::string>& missing) {
  for (const std::string& name : names) {
    if (std::count(in_use.begin(), in_use.end(), nfc(name)) != 0) continue;
    for (const std::string& one : missing) {
      if (is_near(name, one)) return true;
    }
  }
  return false;
}

bool is_missing(const std::string& field, const std::string& text) {
  return field == "name" || field == "name_ko" ? is_white_space(text) : trimmed(text).empty();
}

std::string name_in_input(const std::string& field, const std::map<std::string, std::string>& columns) {
  const auto mapped = columns.find(field);
  return mapped == columns.end() ? field : nfc(trimmed(mapped->second));
}

std::string_view without_cr(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

constexpr std::size_t kBytesMax = 65'536;
const std::string kNothingChecked = "not_checked not_checked not_checked not_checked";

// ---- CSV

struct Record {
  bool wrong = false;
  std::vector<std::string> fields;
  std::size_t end = 0;      // behind it, its line end included
  std::uint64_t lines = 0;  // physical lines it takes
};

/// The record at `begin`, character by character. Wrong: its first physical line is.
Record read_record(std::string_view text, std::size_t begin, std::size_t bytes_max, std::size_t column_count) {
  Record wrong;
  wrong.wrong = true;
  wrong.end = std::min(text.find('\n', begin), text.size() - 1) + 1;
  wrong.lines = 1;

  Record record;
  std::string field;
  enum { kStart, kPlain, kQuoted, kClosed } state = kStart;
  std::size_t i = begin;
  int open_line_ends = 0;
  for (;; ++i) {
    const bool end = i == text.size();
    const bool line_end = !end && (text[i] == '\n' || (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ||
                                   (text[i] == '\r' && i + 1 == text.size()));
    if (state == kQuoted) {
      if (end || i - begin >= bytes_max) return wrong;
      if (text[i] == '\n' && ++open_line_ends == 16) return wrong;
      if (text[i] != '"') {
        field += text[i];
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        field += '"';
        ++i;
      } else {
        state = kClosed;
      }
      continue;
    }
    if (end || line_end || text[i] == ',') {
      record.fields.push_back(field);
      field.clear();
      state = kStart;
      if (end || line_end) break;
      continue;
    }
    if (state == kClosed) return wrong;
    if (text[i] == '"') {
      if (state == kPlain) return wrong;
      state = kQuoted;
      continue;
    }
    field += text[i];
    state = kPlain;
  }
  const std::string_view whole = text.substr(begin, i - begin);
  if (whole.size() > bytes_max || !is_valid_utf8(whole)) return wrong;
  if (column_count != 0 && record.fields.size() != column_count) return wrong;
  if (i < text.size() && text[i] == '\r') ++i;
  record.end = std::min(i + 1, text.size());
  record.lines = static_cast<std::uint64_t>(std::count(whole.begin(), whole.end(), '\n')) + 1;
  return record;
}

bool blank_line_at(std::string_view text, std::size_t at, std::size_t& end) {
  end = std::min(text.find('\n', at), text.size());
  const bool blank = is_all(text.substr(at, end - at), " \t\r");
  end = std::min(end + 1, text.size());
  return blank;
}

std::string_view without_bom(std::string_view text) {
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  return text;
}

struct Csv {
  std::vector<std::string> header;
  std::vector<CsvLine> lines;

  /// How many columns have that name.
  std::size_t count(const std::string& name) const {
    return static_cast<std::size_t>(std::count(header.begin(), header.end(), name));
  }
  /// Empty when there is no such column.
  std::string field(const CsvLine& line, const std::string& name) const {
    const auto column = std::find(header.begin(), header.end(), name);
    return column == header.end() ? "" : line.fields[static_cast<std::size_t>(column - header.begin())];
  }
};

/// Whether a header row, with its line end, ends in LF and holds nothing outside of quotes that others take for a line end, and
/// no NUL.
bool is_clean_header_row(std::string_view row) {
  if (row.empty() || row.back() != '\n' || row.find('\0') != std::string_view::npos) return false;
  std::string outside;
  bool quoted = false;
  for (const char c : row) {
    if (c == '"') quoted = !quoted;
    if (!quoted) outside += c;
  }
  if (outside.size() > 1 && outside[outside.size() - 2] == '\r') outside.erase(outside.size() - 2, 1);
  for (const char* const end : {"\r", "\v", "\f", "\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9"}) {
    if (outside.find(end) != std::string::npos) return false;
  }
  return true;
}

/// The header and the lines behind it; nothing when the header is missing or wrong in form.
std::optional<Csv> read_csv(std::string_view text) {
  text = without_bom(text);
  std::uint64_t number = 1;
  std::size_t at = 0;
  std::size_t blank_end = 0;
  for (; at < text.size() && blank_line_at(text, at, blank_end); at = blank_end) ++number;
  if (at == text.size()) return std::nullopt;
  const Record record = read_record(text, at, kBytesMax, 0);
  if (record.wrong || !is_clean_header_row(text.substr(at, record.end - at))) return std::nullopt;
  Csv csv;
  for (const std::string& name : record.fields) csv.header.push_back(nfc(trimmed(name)));
  csv.lines = csv_lines(text.substr(record.end), kBytesMax, csv.header.size());
  for (CsvLine& line : csv.lines) line.line += number + record.lines - 1;
  return csv;
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t k) { return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0U; };
    const unsigned first = byte(0);
    const std::size_t size = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 0;
    if (size == 0 || first > 0xF4) return false;
    unsigned point = size == 1 ? first : first & (0x7FU >> size);
    for (std::size_t k = 1; k < size; ++k) {
      if ((byte(k) & 0xC0) != 0x80) return false;
      point = point << 6 | (byte(k) & 0x3F);
    }
    const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < least[size] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return false;
    i += size;
  }
  return true;
}

bool is_flawed_name(std::string_view text) {
  if (text.size() > 512 || !is_valid_utf8(text)) return true;
  std::vector<UChar32> points{' '};
  each(icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int32_t>(text.size()))),
       [&](UChar32 c) { points.push_back(c); });
  points.push_back(' ');
  for (std::size_t i = 1; i + 1 < points.size(); ++i) {
    if (points[i] == 0xFFFD) return true;
    if (points[i] == '?' && (is_letter(points[i - 1]) || is_letter(points[i + 1]))) return true;
    if (u_charType(points[i]) == U_CONTROL_CHAR && !white_space(points[i])) return true;
  }
  return false;
}

NameParts declared_name(std::string_view text) {
  NameParts parts;
  const auto raw = icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
  bool blank = is_valid_utf8(text);
  each(raw, [&](UChar32 c) {
    if (!white_space(c) && u_charType(c) != U_FORMAT_CHAR) blank = false;
  });
  parts.missing = blank;
  parts.unusable = !blank && is_flawed_name(text);
  if (parts.missing || parts.unusable) return parts;
  parts.hangul = hangul_part(raw);
  icu::UnicodeString rest;
  each(without_apostrophes(raw), [&](UChar32 c) { rest.append(script_is(c, USCRIPT_HANGUL) ? UChar32{u' '} : c); });
  const auto words = without_titles(numbered(canonical_words(normal(rest, "NFKC"))), !parts.hangul.empty());
  parts.unusable = words.empty() && parts.hangul.empty();
  for (const auto& [number, word] : words) parts.latin += word;
  return parts;
}

RegisteredName registered_name(std::string_view text) {
  RegisteredName name;
  name.flawed = is_flawed_name(text);
  if (name.flawed) return name;
  const auto raw = icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
  const auto nfkc = normal(without_apostrophes(raw), "NFKC");
  name.has_hangul = !hangul_part(raw).empty();
  each(normal(nfkc, "NFD"), [&](UChar32 c) {
    if (is_letter(c) && script_is(c, USCRIPT_LATIN)) name.has_latin_letter = true;
  });

  // All words in order, and which of them are the family name.
  std::vector<std::string> all;
  std::size_t family_begin = 0;
  std::size_t family_end = 0;
  const auto take = [&](const icu::UnicodeString& part) {
    for (const std::string& word : canonical_words(part)) all.push_back(word);
  };
  const int32_t comma = nfkc.indexOf(u',');
  const int32_t less = nfkc.indexOf(icu::UnicodeString("<<"));
  const int32_t mark = comma < 0 ? less : less < 0 ? comma : std::min(comma, less);
  if (mark >= 0) {
    take(nfkc.tempSubString(0, mark));
    family_end = all.size();
    take(nfkc.tempSubString(mark));
  } else {
    bool found = false;
    for (const icu::UnicodeString& piece : pieces_between_blanks(nfkc)) {
      bool has_letter = false;
      each(normal(piece, "NFD"), [&](UChar32 c) { has_letter |= is_letter(c); });
      const std::size_t begin = all.size();
      take(piece);
      if (found || !has_letter) continue;
      found = true;
      family_begin = begin;
      family_end = all.size();
    }
  }

  const auto words = without_titles(numbered(all), name.has_hangul);
  const auto is_family = [&](std::size_t number) { return number >= family_begin && number < family_end; };
  const auto has_family = [&] {
    return std::any_of(words.begin(), words.end(), [&](const auto& word) { return is_family(word.first); });
  };
  if (family_begin != family_end && !has_family()) {
    for (const auto& [number, word] : words) {
      if (number < family_end) continue;
      family_begin = number;
      family_end = number + 1;
      break;
    }
  }
  for (const auto& [number, word] : words) (is_family(number) ? name.family : name.given) += word;
  return name;
}

std::optional<std::string> registered_hangul(std::string_view text) {
  if (is_flawed_name(text)) return std::nullopt;
  return hangul_part(icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int32_t>(text.size()))));
}

std::optional<std::vector<Member>> json_members(std::string_view line) {
  if (!is_valid_utf8(line)) return std::nullopt;
  try {
    return Json(line).object();
  } catch (int) {
    return std::nullopt;
  }
}

std::vector<CsvLine> csv_lines(std::string_view text, std::size_t bytes_max, std::size_t column_count) {
  std::vector<CsvLine> lines;
  std::uint64_t number = 1;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t blank_end = 0;
    if (blank_line_at(text, at, blank_end)) {
      at = blank_end;
      ++number;
      continue;
    }
    const Record record = read_record(text, at, bytes_max, column_count);
    lines.push_back({number, record.wrong, record.fields});
    at = record.end;
    number += record.lines;
  }
  return lines;
}

std::string to_text(const Row& row) {
  std::string text = row.id ? *row.id : "null@" + std::to_string(row.line);
  text += " " + row.verdict;
  for (const auto& reason : row.reasons) text += " " + reason;
  return text;
}

Reference::Reference(std::vector<Registered> people, std::string today) : today_(std::move(today)) {
  for (auto& person : people) people_[person.code] = std::move(person);
}

Judgement Reference::judge(const Declared& declared) const {
  const std::string nothing_else = " not_checked not_checked not_checked";
  if (trimmed(declared.code).empty()) return {{"code_missing"}, "missing" + nothing_else};
  const auto code = read_code(declared.code);
  if (!code) return {{"code_malformed"}, "malformed" + nothing_else};
  const auto found = people_.find(*code);
  if (found == people_.end()) return {{"code_unknown"}, "unknown" + nothing_else};
  const Registered& person = found->second;

  std::vector<std::string> reasons;
  std::string status = person.status;
  if (status == "active" && !person.expires.empty()) {
    const bool dated = !trimmed(declared.declared_at).empty();
    const auto day = dated ? read_declared_at(declared.declared_at) : read_date(today_);
    if (*day > *read_date(person.expires)) status = "expired";
  }
  if (status != "active") reasons.push_back("code_" + status);
  const std::string name = check_name(declared.name, person);
  if (name.substr(0, 4) != "same") reasons.push_back("name_" + name);
  const std::string phone = check_phone(declared.phone, person);
  const bool is_virtual = canonical_phone(declared.phone).substr(0, 3) == "050";
  if (phone == "mismatch") reasons.emplace_back(is_virtual ? "phone_virtual" : "phone_mismatch");
  const std::string zip = check_zip(declared.zip, person);
  if (zip != "same") reasons.push_back("zip_" + zip);
  return {reasons, status + " " + name + " " + phone + " " + zip};
}

Row Reference::row_of(const std::map<std::string, std::string>& fields, bool id_is_wrong, bool malformed,
                      std::uint64_t line) const {
  const auto field = [&](const std::string& name) {
    const auto found = fields.find(name);
    return found == fields.end() ? std::string() : found->second;
  };
  Row row;
  row.line = line;
  if (!id_is_wrong && !trimmed(field("id")).empty() && field("id").size() <= 64) row.id = field("id");
  if (!trimmed(field("declared_at")).empty() && !read_declared_at(field("declared_at"))) malformed = true;
  Judgement judgement{{"malformed"}, kNothingChecked};
  if (!malformed) judgement = judge({field("code"), field("name"), field("zip"), field("phone"), field("declared_at")});
  row.reasons = judgement.reasons;
  row.checks = judgement.checks;
  row.verdict = verdict_of(row.reasons);
  return row;
}

std::vector<Row> Reference::screen_ndjson(std::string_view text,
                                          const std::map<std::string, std::string>& columns) const {
  text = without_bom(text);
  std::vector<Row> rows;
  std::uint64_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    if (is_all(line, " \t\r")) continue;
    const Row bad{std::nullopt, number, "error", {"malformed"}, kNothingChecked};
    const auto members = json_members(line);
    if (without_cr(line).size() > kBytesMax || !members) {
      rows.push_back(bad);
      continue;
    }
    std::map<std::string, std::string> fields;
    bool malformed = false;
    bool id_is_wrong = false;
    std::vector<std::string> in_use;
    std::set<std::string> missing;
    for (const std::string& field : kFields) {
      const std::string name = name_in_input(field, columns);
      int count = 0;
      for (const Member& member : *members) {
        if (nfc(member.key) != name) continue;
        ++count;
        if (member.kind == Member::kString) fields[field] = member.text;
        if (member.kind == Member::kOther || count > 1) {
          malformed = true;
          id_is_wrong |= field == "id";
        }
      }
      in_use.push_back(name);
      if (is_missing(field, fields[field])) missing.insert(name);
    }
    std::vector<std::string> keys;
    for (const Member& member : *members) keys.push_back(member.key);
    malformed |= has_slip(keys, in_use, missing);
    rows.push_back(row_of(fields, id_is_wrong, malformed, number));
  }
  return rows;
}

std::optional<std::vector<Row>> Reference::screen_csv(std::string_view text,
                                                      const std::map<std::string, std::string>& columns) const {
  const auto csv = read_csv(text);
  if (!csv) return std::nullopt;
  std::vector<std::string> in_use;
  std::set<std::string> missing;
  for (const std::string& field : kFields) {
    const std::string name = name_in_input(field, columns);
    const std::size_t count = csv->count(name);
    if (count > 1 || (count == 0 && (field == "id" || name != field))) return std::nullopt;
    in_use.push_back(name);
    if (count == 0) missing.insert(name);
  }
  if (has_slip(csv->header, in_use, missing)) return std::nullopt;
  std::vector<Row> rows;
  for (const CsvLine& line : csv->lines) {
    if (line.wrong) {
      rows.push_back({std::nullopt, line.line, "error", {"malformed"}, kNothingChecked});
      continue;
    }
    std::map<std::string, std::string> fields;
    for (const std::string& field : kFields) fields[field] = csv->field(line, name_in_input(field, columns));
    rows.push_back(row_of(fields, false, false, line.line));
  }
  return rows;
}

// ---- registries

namespace {

const std::vector<std::string> kRegistryFields{"code",   "name",        "name_ko", "phone",   "zips",
                                               "status", "replaced_by", "issued",  "changed", "expires"};

/// The person of a record; nothing when it is a bad one.
std::optional<Registered> person_of(std::map<std::string, std::string> fields, const std::vector<std::string>& zips) {
  for (auto& [field, text] : fields) {
    if (is_missing(field, text)) text.clear();
  }
  Registered person;
  const auto code = read_code(fields["code"]);
  if (!code) return std::nullopt;
  person.code = *code;

  person.name = fields["name"];
  const RegisteredName name = registered_name(person.name);
  if (!person.name.empty() && (name.flawed || !name.has_latin_letter || name.has_hangul)) return std::nullopt;
  person.name_ko = fields["name_ko"];
  if (is_flawed_name(person.name_ko)) return std::nullopt;
  if (!person.name_ko.empty() && hangul_part(icu::UnicodeString::fromUTF8(person.name_ko)).empty()) return std::nullopt;

  person.phone = canonical_phone(fields["phone"]);
  if (!fields["phone"].empty() && person.phone.find_first_of("0123456789") == std::string::npos) return std::nullopt;

  if (zips.size() > 20) return std::nullopt;
  for (const std::string& text : zips) {
    person.zips.push_back(trimmed(text));
    if (person.zips.back().size() != 5 || !all_digits(person.zips.back())) return std::nullopt;
  }

  const std::set<std::string> statuses{"active", "suspended", "cancelled", "replaced"};
  if (!fields["status"].empty()) person.status = fields["status"];
  if (statuses.count(person.status) == 0) return std::nullopt;
  if (!fields["replaced_by"].empty()) {
    const auto replaced_by = read_code(fields["replaced_by"]);
    if (!replaced_by || person.status != "replaced") return std::nullopt;
    person.replaced_by = *replaced_by;
  }

  for (const std::string field : {"issued", "changed", "expires"}) {
    fields[field] = trimmed(fields[field]);
    if (!fields[field].empty() && !read_date(fields[field])) return std::nullopt;
  }
  person.issued = fields["issued"];
  person.changed = fields["changed"].empty() ? person.issued : fields["changed"];
  person.expires = fields["expires"];
  return person;
}

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == at) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

}  // namespace

RegistryFile read_registry_ndjson(std::string_view text) {
  text = without_bom(text);
  RegistryFile file;
  std::uint64_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    if (is_all(line, " \t\r")) continue;
    const auto members = json_members(line);
    bool bad = without_cr(line).size() > kBytesMax || !members;
    std::map<std::string, std::string> fields;
    std::vector<std::string> zips;
    std::set<std::string> seen;
    for (const Member& member : members.value_or(std::vector<Member>())) {
      if (std::count(kRegistryFields.begin(), kRegistryFields.end(), member.key) == 0) continue;
      if (!seen.insert(member.key).second) bad = true;
      if (member.kind == Member::kNull) continue;
      if (member.kind == Member::kString) {
        fields[member.key] = member.text;
        if (member.key == "zips" && !trimmed(member.text).empty()) bad = true;
        continue;
      }
      if (member.key != "zips" || member.text[0] != '[') {
        bad = true;
        continue;
      }
      for (const Member& element : Json(member.text).array()) {
        if (element.kind != Member::kString) bad = true;
        zips.push_back(element.text);
      }
    }
    std::set<std::string> missing;
    for (const std::string& field : kRegistryFields) {
      if (field == "zips" ? zips.empty() : is_missing(field, fields[field])) missing.insert(field);
    }
    std::vector<std::string> keys;
    for (const Member& member : members.value_or(std::vector<Member>())) keys.push_back(member.key);
    bad |= has_slip(keys, kRegistryFields, missing);
    const auto person = bad ? std::nullopt : person_of(fields, zips);
    if (person) {
      file.people.push_back(*person);
    } else {
      file.bad_lines.push_back(number);
    }
  }
  return file;
}

std::optional<RegistryFile> read_registry_csv(std::string_view text) {
  const auto csv = read_csv(text);
  if (!csv) return std::nullopt;
  std::set<std::string> missing;
  for (const std::string& field : kRegistryFields) {
    const std::size_t count = csv->count(field);
    if (count > 1 || (count == 0 && field == "code")) return std::nullopt;
    if (count == 0) missing.insert(field);
  }
  if (has_slip(csv->header, kRegistryFields, missing)) return std::nullopt;
  RegistryFile file;
  for (const CsvLine& line : csv->lines) {
    std::map<std::string, std::string> fields;
    if (!line.wrong) {
      for (const std::string& field : kRegistryFields) fields[field] = csv->field(line, field);
    }
    const std::string zips = trimmed(fields["zips"]);
    const auto person =
        line.wrong ? std::nullopt : person_of(fields, zips.empty() ? std::vector<std::string>() : split(zips, ';'));
    if (person) {
      file.people.push_back(*person);
    } else {
      file.bad_lines.push_back(line.line);
    }
  }
  return file;
}

}  // namespace clearline::reference
