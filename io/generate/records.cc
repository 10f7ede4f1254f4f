#include "io/generate/records.h"

#include <string_view>
#include <utility>
#include <vector>

#include "io/generate/spellings.h"

namespace clearline::generate {
namespace {

using namespace std::string_view_literals;

// NOLINTBEGIN(modernize-avoid-c-arrays): tables whose length is what they hold

// ---- ignored fields

constexpr std::string_view kItems[] = {
    "running shoes, men, size 275, black",    "wireless/earbuds with charging case",
    "vitamin C 1000mg, 200 tablets, lemon",   "mechanical keyboard \"75%\", brown",
    "coffee beans 1kg, dark, whole, organic", "toy set, wooden, 48 pieces, 3 years up"};
constexpr std::string_view kItemsKo[] = {"운동화",        "무선 이어폰", "비타민 C",
                                         "기계식 키보드", "원두커피",    "원목 장난감"};
constexpr std::string_view kCountries[] = {"CN", "US", "JP", "DE", "VN"};
constexpr std::string_view kCouriers[] = {"K4GNOK5", "BX20931", "HANA-7", "OCEAN/12"};
constexpr std::string_view kMemos[] = {"please leave it at the door, thanks", "call first, the bell is broken",
                                       "부재 시 문 앞에 놓아 주세요",         "gift: \"fragile\", this side up",
                                       "line one\nline two, behind the gate", "line one\r\nline two, second floor",
                                       "happy birthday 🎁 open it at once"};

// ---- what no JSON parser may accept, and what no field may say

/// Values that are no JSON; each is put last in its object.
constexpr std::string_view kNoJson[] = {"01",   "1.",      ".5",    "+1",         "0x10",        "NaN",  "1e",
                                        "tru",  "None",    "'x'",   "\"x\" 7",    "\"\\x41\"",   "[1,2", "[1 2]",
                                        "[1,]", "{\"a\"}", "{1:2}", "{\"a\":1,}", "\"\\u12G4\"", "",     "\"open"};
/// Bytes that are no UTF-8: a lone continuation, a cut character, overlong forms, a surrogate, beyond U+10FFFF.
constexpr std::string_view kNoUtf8[] = {"\xC3\x28",     "\x80",         "\xE3\x81",         "\xC0\x80",
                                        "\xE0\x80\xAF", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xFF"};
constexpr std::string_view kLoneSurrogates[] = {"\"\\ud800 alone\"", "\"\\udc00\"", "\"\\ud83d\\ud83d\"",
                                                "\"\\uDBFF\""};
constexpr std::string_view kRawControls[] = {"\"a\tb\""sv, "\"a\x01\""sv, "\"a\0b\""sv, "\"\x1F\""sv};
constexpr std::string_view kTrailing[] = {" x", "{}", ",", "]", "\"\""};
constexpr std::string_view kNoText[] = {"6236", "[\"06236\"]", "{}", "true", "1.5e3"};
constexpr std::string_view kNoDate[] = {
    "2026-02-30",           "2025-13-01", "20260115",  "2026-1-5", "2026-01-15T10:00:00", "2026-01-15T25:00:00+09:00",
    "2026-01-15T10:60:00Z", "yesterday",  "2025-02-29"};

// NOLINTEND(modernize-avoid-c-arrays)

// ---- NDJSON

/// `random`: some characters are escaped that need not be.
void append_escaped(std::string_view text, Random* random, std::string& out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto append_unit = [&](unsigned unit) {
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out += kHex[unit >> shift & 0xF];
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto bits = [&](std::size_t at, unsigned mask) { return static_cast<unsigned char>(text[i + at]) & mask; };
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text[i];
    } else if (byte == '\t') {
      out += "\\t";
    } else if (byte == '\n') {
      out += "\\n";
    } else if (byte < 0x20) {
      append_unit(byte);
    } else if (byte == '/' && random != nullptr) {
      out += "\\/";
    } else if (byte >= 0xF0 && random != nullptr && random->chance(0.5)) {
      const unsigned point = bits(0, 0x7) << 18 | bits(1, 0x3F) << 12 | bits(2, 0x3F) << 6 | bits(3, 0x3F);
      append_unit(0xD800 + ((point - 0x10000) >> 10));
      append_unit(0xDC00 + ((point - 0x10000) & 0x3FF));
      i += 3;
    } else if (byte >= 0xE0 && byte < 0xF0 && random != nullptr && random->chance(0.3)) {
      append_unit(bits(0, 0xF) << 12 | bits(1, 0x3F) << 6 | bits(2, 0x3F));
      i += 2;
    } else {
      out += text[i];
    }
  }
}

std::string quoted(std::string_view text, Random* random) {
  std::string value = "\"";
  append_escaped(text, random, value);
  value += '"';
  return value;
}

/// A member of an object: its key as it stands between the quotes, and its value as JSON.
struct Member {
  std::string_view key;
  std::string value;
};

/// `["04524","12345"]`
std::string zips_value(const std::vector<std::uint32_t>& zips) {
  std::string value = "[";
  for (const std::uint32_t zip : zips)
    value.append(value.size() == 1 ? "\"" : ",\"").append(zip_text(zip)).append("\"");
  return value + "]";
}

std::string number_text(std::uint64_t units, std::uint64_t tenths) {
  return std::to_string(units) + "." + std::to_string(tenths);
}

std::vector<Member> declaration_members(Style style, const DeclaredTexts& texts, Random& random) {
  const bool full = style == Style::kFull;
  Random* const escapes = full ? &random : nullptr;
  std::vector<Member> members;
  members.reserve(20);
  const auto add_known = [&](std::string_view key, const std::optional<std::string>& text) {
    if (text) {
      members.push_back({key, quoted(*text, escapes)});
    } else if (full && random.chance(0.5)) {
      members.push_back({key, "null"});  // the same as absent
    }
  };
  add_known("id", texts.id);
  add_known("code", texts.code);
  add_known("name", texts.name);
  add_known(full && random.chance(0.01) ? "\\u007aip" : "zip", texts.zip);  // keys are compared after unescaping
  if (full) add_known("phone", texts.phone);
  if (texts.declared_at) add_known("declared_at", texts.declared_at);
  if (!full) return members;

  const auto add = [&](std::string_view key, std::string_view text) {
    members.push_back({key, quoted(text, &random)});
  };
  std::string item = "{\"name\":" + quoted(random.pick(kItems), &random) + ",\"qty\":";
  item += std::to_string(random.between(1, 9)) + ",\"tags\":[\"gift\",null,true,";
  item += std::to_string(random.below(100)) + "]}";
  members.push_back({"item", std::move(item)});
  add("item_ko", random.pick(kItemsKo));
  add("memo", random.pick(kMemos));
  add("courier", random.pick(kCouriers));
  add("country", random.pick(kCountries));
  add("hs_code", std::to_string(random.between(100'000, 999'999)));
  const std::uint64_t tenths = random.below(10);
  members.push_back({"weight_kg", number_text(random.below(30), tenths)});
  members.push_back({"price", number_text(random.below(400'000), 5)});
  members.push_back({"paid", random.chance(0.5) ? "true" : "false"});
  members.push_back({"duty", random.chance(0.5) ? "-0.0" : "1.25e3"});
  if (random.chance(0.01)) members.push_back({"duty", "0"});  // an unknown key may repeat
  // With the object around it, 16 deep: the most that is allowed.
  if (random.chance(0.01)) members.push_back({"route", std::string(15, '[') + std::string(15, ']')});
  for (std::size_t i = members.size() - 1; i > 0; --i) std::swap(members[i], members[random.below(i + 1)]);
  return members;
}

void append_object(const std::vector<Member>& members, bool spaced, std::string& out) {
  char separator = '{';
  for (const Member& member : members) {
    out += separator;
    if (spaced) out += ' ';
    out += '"';
    out += member.key;
    out += spaced ? "\": " : "\":";
    out += member.value;
    separator = ',';
  }
  out += '}';
}

/// The ways in which a line is broken.
enum class LineFault {
  kCutOff,
  kTrailingComma,
  kBadValue,
  kBadUtf8,
  kLoneSurrogate,
  kRawControl,
  kTooDeep,
  kSomethingBehind,
  kNoObject,
  kIdTwice,
  kIdNoText,
  kKnownKeyTwice,
  kKnownNoText,
  kBadDate,
  kCount,
};

bool append_broken_line(std::vector<Member> members, Random& random, std::string& out) {
  const auto finish_with = [&](std::string_view key, std::string_view value) {
    members.push_back({key, std::string(value)});
    append_object(members, false, out);
  };
  const auto drop = [&](std::string_view key) {
    std::erase_if(members, [&](const Member& m) { return m.key == key; });
  };
  switch (static_cast<LineFault>(random.below(static_cast<std::uint64_t>(LineFault::kCount)))) {
    case LineFault::kCutOff:
      append_object(members, false, out);
      out.resize(out.size() - random.between(1, 12));
      return false;
    case LineFault::kTrailingComma:
      append_object(members, false, out);
      out.insert(out.size() - 1, ",");
      return false;
    case LineFault::kBadValue:
      finish_with("note", random.pick(kNoJson));
      return false;
    case LineFault::kBadUtf8:
      finish_with("note", "\"" + std::string(random.pick(kNoUtf8)) + "\"");
      return false;
    case LineFault::kLoneSurrogate:
      finish_with("note", random.pick(kLoneSurrogates));
      return false;
    case LineFault::kRawControl:
      finish_with("note", random.pick(kRawControls));
      return false;
    case LineFault::kTooDeep:
      finish_with("note", std::string(16, '[') + std::string(16, ']'));  // 17 with the object around it
      return false;
    case LineFault::kSomethingBehind:
      append_object(members, false, out);
      out += random.pick(kTrailing);
      return false;
    case LineFault::kNoObject:
      out += '[';
      append_object(members, false, out);
      out += ']';
      return false;
    case LineFault::kIdTwice:
      drop("id");
      members.push_back({"id", "\"once\""});
      finish_with("id", "\"again\"");
      return false;
    case LineFault::kIdNoText:
      drop("id");
      finish_with("id", random.pick(kNoText));
      return false;
    case LineFault::kKnownKeyTwice:
      drop("phone");
      members.push_back({"phone", "null"});
      finish_with(random.chance(0.5) ? "phone" : "\\u0070hone", "\"010-1234-5678\"");
      return true;
    case LineFault::kKnownNoText:
      drop("zip");
      drop("\\u007aip");
      finish_with("zip", random.pick(kNoText));
      return true;
    default:
      drop("declared_at");
      finish_with("declared_at", "\"" + std::string(random.pick(kNoDate)) + "\"");
      return true;
  }
}

/// Empty for none.
std::string date_text(const std::optional<Date>& date) { return date ? format_date(*date) : std::string(); }

// ---- CSV

constexpr std::string_view kShortColumns = "id,code,name,zip,declared_at\n";
constexpr std::string_view kFullColumns =
    "hs_code,id,item,수취인명,name,code,courier,phone,zip,country,declared_at,item_ko,weight_kg,price,paid,memo\n";
constexpr std::size_t kShortDeclaredAt = 4;
constexpr std::size_t kFullDeclaredAt = 10;

void append_csv_field(std::string_view text, bool quote, std::string& out) {
  if (!quote && text.find_first_of("\",\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    out += c;
    if (c == '"') out += c;
  }
  out += '"';
}

std::vector<std::string> csv_fields(Style style, const DeclaredTexts& texts, Random& random) {
  const auto or_empty = [](const std::optional<std::string>& text) { return text.value_or(std::string()); };
  if (style == Style::kShort) {
    return {or_empty(texts.id), or_empty(texts.code), or_empty(texts.name), or_empty(texts.zip),
            or_empty(texts.declared_at)};
  }
  return {std::to_string(random.between(100'000, 999'999)),
          or_empty(texts.id),
          std::string(random.pick(kItems)),
          "ignored, as its column is not mapped",
          or_empty(texts.name),
          or_empty(texts.code),
          std::string(random.pick(kCouriers)),
          or_empty(texts.phone),
          or_empty(texts.zip),
          std::string(random.pick(kCountries)),
          or_empty(texts.declared_at),
          std::string(random.pick(kItemsKo)),
          number_text(random.below(30), 5),
          number_text(random.below(400'000), 0),
          random.chance(0.5) ? "true" : "false",
          std::string(random.pick(kMemos))};
}

void append_csv(const std::vector<std::string>& fields, Random& random, std::string& out) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i != 0) out += ',';
    append_csv_field(fields[i], !fields[i].empty() && random.chance(0.1), out);
  }
}

/// The broken record is one physical line.
bool append_broken_csv(Style style, std::vector<std::string> fields, Random& random, std::string& out) {
  if (style == Style::kFull) fields.back() = "no line end";
  const auto finish_with = [&](std::string_view last) {
    fields.pop_back();
    append_csv(fields, random, out);
    out += ',';
    out += last;
  };
  switch (random.below(7)) {
    case 0:
      finish_with("5'10\" tall");  // a bare quote
      return false;
    case 1:
      finish_with("\"closed\"not");
      return false;
    case 2:
      fields.pop_back();
      append_csv(fields, random, out);
      return false;
    case 3:
      append_csv(fields, random, out);
      out += ",one too many";
      return false;
    case 4:
      fields[0] += random.pick(kNoUtf8);
      append_csv(fields, random, out);
      return false;
    case 5:
      fields[style == Style::kFull ? kFullDeclaredAt : kShortDeclaredAt] = random.pick(kNoDate);
      append_csv(fields, random, out);
      return true;
    default:
      // What follows never closes this quote well: no field of these records begins with a quote, a comma or a line
      // end, so behind the next quote there is always text. Reading starts again at the next physical line.
      finish_with("\"open");
      return false;
  }
}

}  // namespace

void append_declaration_header(Form form, Style style, std::string& out) {
  if (form == Form::kCsv) out += style == Style::kFull ? kFullColumns : kShortColumns;
}

void append_declaration_record(Form form, Style style, const DeclaredTexts& texts, Random& random, std::string& out) {
  const bool full = style == Style::kFull;
  if (full && random.chance(0.001)) out += '\n';  // blank lines are skipped
  if (form == Form::kNdjson) {
    const std::vector<Member> members = declaration_members(style, texts, random);
    append_object(members, full && random.chance(0.02), out);
  } else {
    append_csv(csv_fields(style, texts, random), random, out);
  }
  out += full && random.chance(0.01) ? "\r\n" : "\n";
}

bool append_broken_record(Form form, Style style, const DeclaredTexts& texts, Random& random, std::string& out) {
  const bool id_is_given = form == Form::kNdjson
                               ? append_broken_line(declaration_members(style, texts, random), random, out)
                               : append_broken_csv(style, csv_fields(style, texts, random), random, out);
  out += '\n';
  return id_is_given;
}

void append_registry_header(Form form, std::string& out) {
  if (form == Form::kCsv) out += "code,name,name_ko,phone,zips,status,replaced_by,issued,changed,expires\n";
}

void append_entry(const Entry& entry, Form form, std::string& out) {
  const std::string replaced_by = entry.replaced_by ? format_code(*entry.replaced_by) : std::string();
  if (form == Form::kCsv) {
    out += format_code(entry.code);
    for (const std::string* text : {&entry.name, &entry.name_ko, &entry.phone}) {
      out += ',';
      append_csv_field(*text, false, out);
    }
    out += ',';
    for (std::size_t i = 0; i < entry.zips.size(); ++i) {
      if (i != 0) out += ';';
      out += zip_text(entry.zips[i]);
    }
    out += ',';
    out += to_string(entry.status);
    for (const std::string& text :
         {replaced_by, date_text(entry.issued), date_text(entry.changed), date_text(entry.expires)}) {
      out += ',';
      out += text;
    }
    out += '\n';
    return;
  }
  std::vector<Member> members;
  const auto add = [&](std::string_view key, std::string_view text) {
    if (!text.empty()) members.push_back({key, quoted(text, nullptr)});
  };
  add("code", format_code(entry.code));
  add("name", entry.name);
  add("name_ko", entry.name_ko);
  add("phone", entry.phone);
  if (!entry.zips.empty()) members.push_back({"zips", zips_value(entry.zips)});
  add("status", to_string(entry.status));
  add("replaced_by", replaced_by);
  add("issued", date_text(entry.issued));
  add("changed", date_text(entry.changed));
  add("expires", date_text(entry.expires));
  append_object(members, false, out);
  out += '\n';
}

void append_change(const Change& change, std::string& out) {
  std::vector<Member> members;
  const auto add = [&](std::string_view key, std::string_view text) {
    members.push_back({key, quoted(text, nullptr)});
  };
  add("op", to_string(change.op));
  add("code", format_code(change.code));
  if (change.new_code) add("new_code", format_code(*change.new_code));
  if (change.at_us) add("at", format_time(*change.at_us));
  add("change_id", change.change_id);
  if (change.op == ChangeOp::kSuspend || change.op == ChangeOp::kCancel) add("by", to_string(change.by));
  if (change.name) add("name", *change.name);
  if (change.name_ko) add("name_ko", *change.name_ko);
  if (change.phone) add("phone", *change.phone);
  if (change.zips) members.push_back({"zips", zips_value(*change.zips)});
  if (change.issued) add("issued", format_date(*change.issued));
  if (change.expires) add("expires", date_text(*change.expires));
  append_object(members, false, out);
  out += '\n';
}

}  // namespace clearline::generate
