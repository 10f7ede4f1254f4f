#include "tests/support/random_input.h"

#include <cstdio>
#include <cstdlib>

namespace clearline::test {
namespace {

const char* const kLatinNames[] = {"HONG GILDONG",
                                   "KIM-LEE HANA",
                                   "DE LA CRUZ, JUAN",
                                   "HONG<<GILDONG<<<",
                                   "O'BRIEN SEAN",
                                   "MÜLLER HANS",
                                   "SØREN, Æther",
                                   "ＨＯＮＧ Gildong",
                                   "Weiß Karl",
                                   "  LEE   MINHO ",
                                   "đặng thị",
                                   "ŁUKASZ ŻAK",
                                   "Þór Ðorn",
                                   "ISIK ıi",
                                   "LEE LEE",
                                   "X",
                                   "MR HONG",
                                   "MR. KIM MINSU",
                                   "- KIM MINSU",
                                   "O'NEIL<'<SEAN",
                                   "1 KIM ? MINSU DR",
                                   "DR WHO MS",
                                   "КИМ A",
                                   "A1 B2",
                                   ", JUAN",
                                   "HONG,",
                                   "ABCDEFGHIJKLMN OP",
                                   "ABCDEFGHIJKLMNO PQ",
                                   "ﬁnn ﬂo",
                                   "Ǆ Ǉ",
                                   "É É",
                                   "N\u0303O E\u0301"};
const char* const kHangulNames[] = {"홍길동", "김 철수",  "남궁민", "\u1112\u1169\u11bc길동",
                                    "ㅎㅗㅇ", "이(李)영", "박Park", "\uffa1\uffa2"};
const char* const kOddTexts[] = {
    "",       " ",      "\t", "\u3000", "\u200b", "\u00ad",     "'",          "’",  ".",    "-",      "\u0001",
    "\u0085", "\u00a0", "(",  ")",      ",",      "<<",         "<",          "MR", "mrs.", "Miss",   "DR",
    "0",      "\u0301", "ß",  "ẞ",      "İ",      "ŉ",          "ª",          "㈜", "㉠",   "\u302e", "\u1100\u1161",
    "가",     "\u11a8", "K",  "ſ",      "…",      "\U0001D400", "\U0001F600", "?",  "？",   "\uFFFD"};
const char* const kKnownKeys[] = {"id", "code", "name", "zip", "phone", "declared_at"};
/// Keys that nearly are known ones, as they stand between quotes.
const char* const kNearKeys[] = {"ID",     "Code",  "na me",    "zips",       "PHONE",           "declaredAt",
                                 "pho-ne", "z_ip_", "\\u0049d", "na\u200Bme", "co\u00ADde\u3000"};
const char* const kDates[] = {"2026-01-15",
                              "2026-01-16",
                              "2025-02-29",
                              "2024-02-29",
                              "0000-01-01",
                              "9999-12-31",
                              "2026-01-15T23:59:59Z",
                              "2026-01-15T15:00:00z",
                              "2026-01-15 14:59:59.999+00:00",
                              "2026-01-15T24:00:00Z",
                              "2016-12-31T23:59:60Z",
                              "2016-12-31T23:59:60+09:00",
                              "2017-01-01T08:59:60+09:00",
                              "2026-01-15T10:00:00",
                              "2026-1-5",
                              " 2026-01-15",
                              "2026-01-15T10:00:00+24:00",
                              "2026-01-15T10:00Z",
                              "2026-01-15t10:00:00-23:59",
                              "",
                              " ",
                              "2026-01-15T10:00:00.Z",
                              "x"};

}  // namespace

std::uint64_t test_seed() {
  const char* given = std::getenv("CLEARLINE_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::printf("CLEARLINE_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

std::uint64_t test_count(const char* variable, std::uint64_t usual) {
  const char* given = std::getenv(variable);
  return given != nullptr ? std::strtoull(given, nullptr, 10) : usual;
}

RandomInput::RandomInput(std::uint64_t seed) : random_(seed) {
  const char* const statuses[] = {"active", "active", "active", "active", "suspended", "cancelled", "replaced"};
  const char* const expiries[] = {"",           "",           "2026-01-15", "2026-01-14", "2026-01-16", "1999-12-31",
                                  "9999-12-31", "2033-03-18", "2033-03-19", "2022-01-01", "2021-12-31", "0000-01-01"};
  for (std::size_t i = 0; i < 200; ++i) {
    reference::Registered person;
    person.code = std::string("P").append(std::to_string(100'000'000'000 + below(1000) * 37 + i * 1'000'000));
    if (chance(0.9)) person.name = pick(kLatinNames);
    if (chance(0.6)) person.name_ko = pick(kHangulNames);
    if (chance(0.8))
      person.phone = chance(0.8) ? "010" + std::to_string(10'000'000 + below(89'999'999))
                                 : "+1 555 " + std::to_string(below(9999));
    const std::size_t zips = chance(0.1) ? 0 : chance(0.1) ? 20 : 1 + below(4);
    for (std::size_t k = 0; k < zips; ++k) person.zips.push_back(std::to_string(10'000 + below(50)));
    if (chance(0.1) && !person.zips.empty()) person.zips[0] = chance(0.5) ? "00000" : "99999";
    person.status = pick(statuses);
    person.expires = pick(expiries);
    people_.push_back(person);
  }
}

std::string RandomInput::declared_name(const reference::Registered& person) {
  std::string name = chance(0.3) ? person.name_ko : person.name;
  if (chance(0.15)) name = person.name + " (" + person.name_ko + ")";
  if (chance(0.2)) {
    // Given first: the last word moves to the front.
    const std::size_t blank = name.find_last_of(" ,");
    if (blank != std::string::npos) name = name.substr(blank + 1) + (chance(0.5) ? " " : "") + name.substr(0, blank);
  }
  if (chance(0.2)) {
    for (char& c : name) {
      if (chance(0.5) && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 0x20);
    }
  }
  while (chance(0.3)) {
    // Only between characters, so that the text stays UTF-8 more often than not.
    std::size_t at = below(name.size() + 1);
    while (at < name.size() && (static_cast<unsigned char>(name[at]) & 0xC0) == 0x80) ++at;
    name.insert(at, pick(kOddTexts));
  }
  if (chance(0.05)) name = pick(kLatinNames);
  if (chance(0.02)) name = pick(kOddTexts);
  if (chance(0.02)) name += std::string(500 + below(30), chance(0.7) ? ' ' : 'A');
  return name;
}

std::string RandomInput::declared_phone(const reference::Registered& person) {
  std::string phone = person.phone;
  if (chance(0.3) && phone.size() > 1 && phone[0] == '0')
    phone = (chance(0.5) ? "+82" : "0082") + phone.substr(chance(0.7) ? 1 : 0);
  while (chance(0.3)) phone.insert(below(phone.size() + 1), chance(0.5) ? "-" : chance(0.5) ? " " : "+");
  if (chance(0.1)) phone = "0501234" + std::to_string(below(9999));
  if (chance(0.05)) phone = chance(0.5) ? "none" : "+";
  return phone;
}

reference::Declared RandomInput::declared() {
  const auto& person = people_[below(people_.size())];
  reference::Declared declared;
  declared.code = person.code;
  if (chance(0.05)) declared.code[below(13)] = "0Pp -x"[below(6)];
  if (chance(0.05)) declared.code = chance(0.5) ? " " + declared.code + "\t" : declared.code.substr(0, below(14));
  if (chance(0.05)) declared.code[0] = 'p';
  declared.name = declared_name(person);
  declared.zip =
      person.zips.empty() || chance(0.1) ? std::to_string(10'000 + below(60)) : person.zips[below(person.zips.size())];
  if (chance(0.1)) declared.zip = chance(0.5) ? " " + declared.zip + "\t" : declared.zip.substr(0, below(6));
  if (chance(0.02)) declared.zip += "６";
  if (chance(0.6)) declared.phone = declared_phone(person);
  if (chance(0.6)) declared.declared_at = pick(kDates);
  return declared;
}

std::string RandomInput::json_string(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || (byte < 0x80 && chance(0.03))) {
      char escape[8];
      std::snprintf(escape, sizeof escape, chance(0.5) ? "\\u%04x" : "\\u%04X", byte);
      out += escape;
    } else {
      out += c;
    }
  }
  const char* const tails[] = {"\\ud83d\\ude00", "\\ud800", "\\udc00", "\\ud800\\u0041", "\\x", "\\u12", "\\/", "\\n"};
  if (chance(0.01)) out += pick(tails);
  return out + "\"";
}

std::string RandomInput::json_value(int depth) {
  const char* const scalars[] = {"null",
                                 "true",
                                 "false",
                                 "0",
                                 "-0",
                                 "-0.0",
                                 "1e5",
                                 "1E+5",
                                 "12.50",
                                 "\"x\"",
                                 "\"\"",
                                 "[]",
                                 "{}",
                                 "123456789012345678901234567890",
                                 "01",
                                 "1.",
                                 ".5",
                                 "+1",
                                 "-",
                                 "tru",
                                 "nul",
                                 "\"\\ud800\"",
                                 "\"\\udc00\"",
                                 "\"\\ud83d\\ude00\"",
                                 "\"\\ud83dx\"",
                                 "\"\\x\"",
                                 "1e",
                                 "NaN",
                                 "'x'",
                                 "\"a\tb\""};
  if (chance(0.7) || depth > 3) return scalars[chance(0.9) ? below(14) : below(std::size(scalars))];
  std::string out = chance(0.5) ? "[" : "{";
  const bool object = out == "{";
  const std::size_t count = below(3);
  for (std::size_t i = 0; i < count; ++i) {
    if (i != 0) out += ",";
    if (object) out += json_string(pick(kKnownKeys)) + ":";
    out += json_value(depth + 1);
  }
  return out + (object ? "}" : "]");
}

std::string RandomInput::ndjson_line() {
  const auto d = declared();
  std::vector<std::string> members;
  const auto add = [&](const std::string& key, const std::string& text, double missing) {
    if (chance(missing)) return;
    members.push_back(json_string(key) + (chance(0.05) ? " :\t" : ":") +
                      (chance(0.01) ? json_value(0) : json_string(text)));
  };
  add("id", chance(0.02) ? std::string(60 + below(10), 'x') : "D" + std::to_string(next_id_++), 0.01);
  add("code", d.code, 0.01);
  add("name", d.name, 0.01);
  add("zip", d.zip, 0.01);
  add("phone", d.phone, d.phone.empty() ? 0.8 : 0);
  add("declared_at", d.declared_at, d.declared_at.empty() ? 0.8 : 0);
  while (chance(0.02)) members.push_back('"' + pick(kNearKeys) + "\":" + json_value(0));
  while (chance(0.4)) members.push_back(json_string(chance(0.9) ? "note" : pick(kKnownKeys)) + ":" + json_value(0));
  if (chance(0.02)) {
    const std::size_t depth = 13 + below(6);
    members.push_back("\"deep\":" + std::string(depth, '[') + std::string(depth, ']'));
  }
  if (chance(0.002)) members.push_back("\"long\":\"" + std::string(65'300 + below(300), 'y') + "\"");
  for (std::size_t i = members.size(); i > 1; --i) std::swap(members[i - 1], members[below(i)]);
  std::string line = chance(0.03) ? " {" : "{";
  for (std::size_t i = 0; i < members.size(); ++i) line += (i == 0 ? "" : chance(0.05) ? " , " : ",") + members[i];
  return line + (chance(0.03) ? "\t} " : "}");
}

std::string RandomInput::damaged(std::string line) {
  if (line.empty()) return line;
  const char bytes[] = {'"',    '\\',   ',',    ':',    '{',  '}',  '\0', '\x01', '\x7f',
                        '\x80', '\xff', '\xc3', '\xed', '\n', '\r', ' ',  'a'};
  switch (below(5)) {
    case 0:
      line[below(line.size())] = bytes[below(sizeof bytes)];
      break;
    case 1:
      line.erase(below(line.size()), 1 + below(3));
      break;
    case 2:
      line.insert(below(line.size() + 1), 1, bytes[below(sizeof bytes)]);
      break;
    case 3:
      line.resize(below(line.size()));
      break;
    default:
      line += line.substr(below(line.size()));
      break;
  }
  return line;
}

std::string RandomInput::ndjson(std::size_t lines) {
  std::string text = chance(0.2) ? "\xEF\xBB\xBF" : "";
  for (std::size_t i = 0; i < lines; ++i) {
    std::string line = ndjson_line();
    if (chance(0.08)) line = damaged(line);
    if (chance(0.02)) line = chance(0.5) ? "" : " \t";
    text += line + (chance(0.1) ? "\r\n" : "\n");
  }
  if (chance(0.5)) text.pop_back();
  return text;
}

std::string RandomInput::csv_record() {
  const auto d = declared();
  const std::string id = chance(0.01)   ? ""
                         : chance(0.02) ? std::string(60 + below(10), 'x')
                                        : "D" + std::to_string(next_id_++);
  const char* const notes[] = {"", "a", "line\nline", "x,y", "q\"q", "\r", "\r\n", "가나", "\n\n\n"};
  std::string note = pick(notes);
  if (chance(0.01)) note = std::string(10 + below(8), '\n');
  if (chance(0.001)) note = std::string(65'300 + below(300), 'y');
  std::string out;
  bool first = true;
  for (const std::string& field : {id, d.code, std::string("ignored"), d.name, d.zip, d.phone, d.declared_at, note}) {
    if (!first) out += ",";
    first = false;
    const bool quote = field.find_first_of("\",\n\r") != std::string::npos ? !chance(0.03) : chance(0.2);
    if (!quote) {
      out += field;
      continue;
    }
    out += "\"";
    for (const char c : field) {
      out += c;
      if (c == '"' && !chance(0.03)) out += c;
    }
    out += "\"";
  }
  if (chance(0.01)) out += chance(0.5) ? ",extra" : ",\"open";
  return out;
}

std::string RandomInput::csv(std::size_t lines) {
  std::string text = chance(0.2) ? "\xEF\xBB\xBF" : "";
  text += "id,code,x,name,zip,phone,declared_at,note";
  text += chance(0.3) ? "\r\n" : "\n";
  for (std::size_t i = 0; i < lines; ++i) {
    std::string record = csv_record();
    if (chance(0.05)) record = damaged(record);
    if (chance(0.02)) record = chance(0.5) ? "" : " \t";
    text += record + (chance(0.1) ? "\r\n" : "\n");
  }
  if (chance(0.5)) text.pop_back();
  return text;
}

}  // namespace clearline::test
