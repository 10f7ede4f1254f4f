#include "io/generate/declarations.h"

#include <algorithm>
#include <vector>

namespace clearline::generate {
namespace {

// ---- what a declaration says
// ------------------------------------------------------------------------------------------

/// The declared texts; nothing: the field is not there.
struct Texts {
  std::string id;
  std::optional<std::string> code;
  std::optional<std::string> name;
  std::optional<std::string> zip;
  std::optional<std::string> phone;
  std::optional<std::string> declared_at;
};

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

/// ASCII as full-width forms, blanks as ideographic ones.
std::string full_width(std::string_view text) {
  std::string wide;
  for (const char c : text) {
    if (c == ' ') {
      wide += "\u3000";
    } else if (c > 0x20 && c < 0x7F) {
      const unsigned point = 0xFF01 + static_cast<unsigned>(c - '!');
      wide += static_cast<char>(0xE0 | point >> 12);
      wide += static_cast<char>(0x80 | (point >> 6 & 0x3F));
      wide += static_cast<char>(0x80 | (point & 0x3F));
    } else {
      wide += c;
    }
  }
  return wide;
}

/// A mark on the first vowel: É for E.
std::string accented(std::string text) {
  constexpr std::pair<char, std::string_view> kMarked[] = {// NOLINT(modernize-avoid-c-arrays)
                                                           {'A', "Á"},
                                                           {'E', "Ê"},
                                                           {'I', "Ï"},
                                                           {'O', "Õ"},
                                                           {'U', "Ü"}};
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const auto& [plain, marked] : kMarked) {
      if (text[i] == plain) return text.replace(i, 1, marked);
    }
  }
  return text;
}

/// Precomposed syllables taken apart into their jamo, as some phones and macOS send them.
std::string decomposed(std::string_view hangul) {
  std::string jamo;
  const auto put = [&](unsigned point) {
    jamo += static_cast<char>(0xE0 | point >> 12);
    jamo += static_cast<char>(0x80 | (point >> 6 & 0x3F));
    jamo += static_cast<char>(0x80 | (point & 0x3F));
  };
  for (std::size_t i = 0; i + 2 < hangul.size(); i += 3) {
    const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(hangul[i + k]); };
    const unsigned syllable = ((byte(0) & 0xFU) << 12 | (byte(1) & 0x3FU) << 6 | (byte(2) & 0x3FU)) - 0xAC00;
    put(0x1100 + syllable / 588);
    put(0x1161 + syllable % 588 / 28);
    if (syllable % 28 != 0) put(0x11A7 + syllable % 28);
  }
  return jamo;
}

/// A Latin spelling that is the same person.
std::string equal_latin(const Person& person, Random& random) {
  const std::string family = joined(person.family, " ");
  const std::string given = joined(person.given, " ");
  const std::string given_joined = joined(person.given, "");
  switch (random.below(18)) {
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
      return full_width(family + " " + given_joined);
    case 6:
      return "MR " + family + " " + given;
    case 7:
      return title_case(given + " " + family) + ", Mrs.";
    case 8:
      return family + " " + joined(person.given, "'");
    case 9:
      return accented(family) + " " + accented(given);
    case 10:
      return "  " + family + "\u00a0" + given_joined + " ";
    case 11:
      return family + " " + given_joined.substr(0, 1) + "\u200b" + given_joined.substr(1);
    case 12:
      return joined(person.family, "") + given_joined;
    case 13:
      return given_joined + joined(person.family, "");
    case 14:
      return "Dr. Miss " + title_case(family + " " + given_joined);
    case 15:
      return title_case(family + " " + joined(person.given, "’"));
    default:
      return family + " " + given_joined;
  }
}

std::string equal_hangul(const Person& person, Random& random) {
  switch (random.below(4)) {
    case 0:
      return person.family_ko + " " + person.given_ko;
    case 1:
      return decomposed(person.family_ko + person.given_ko);
    case 2:
      return "Mr " + person.family_ko + person.given_ko;
    default:
      return person.family_ko + person.given_ko;
  }
}

std::string equal_name(const Person& person, const Traits& traits, bool with_hangul, Random& random) {
  // A part with nothing on file is left out as long as the other is compared.
  const bool hangul_known = !person.family_ko.empty();
  const std::uint64_t kind = random.below(10);
  if (!traits.has_latin || (with_hangul && traits.has_hangul && kind < 2)) return equal_hangul(person, random);
  if (with_hangul && hangul_known && kind < 4) {
    return equal_latin(person, random) + " (" + person.family_ko + person.given_ko + ")";
  }
  return equal_latin(person, random);
}

/// Another person's name, of another first letter in both parts: no variant of this one's.
std::string other_name(const People& people, const Person& person, const Traits& traits, Random& random) {
  for (;;) {
    const Person other = people.person(random.next() >> 20);
    if (other.family[0][0] == person.family[0][0] || other.given[0][0] == person.given[0][0]) continue;
    if (other.family[0][0] == person.given[0][0]) continue;
    if (traits.has_latin) return joined(other.family, " ") + " " + joined(other.given, "");
    if (other.family_ko.empty() || other.family_ko == person.family_ko) continue;
    return other.family_ko + other.given_ko;
  }
}

std::string equal_phone(const std::string& phone, Random& random) {
  const std::string a = phone.substr(0, 3);
  const std::string b = phone.substr(3, 4);
  const std::string c = phone.substr(7);
  switch (random.below(9)) {
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
      return a + "-" + b + "-" + c;
    default:
      return phone;
  }
}

std::string zip_text(std::uint64_t zip) {
  std::string text = std::to_string(zip);
  return std::string(5 - text.size(), '0') + text;
}

std::string code_text(Code code, Random& random) {
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
  switch (random.below(6)) {
    case 0:
      return text.substr(0, 12);
    case 1:
      return text + "0";
    case 2:
      return "M" + text.substr(1);
    case 3:
      return text.substr(0, 4) + "-" + text.substr(4);
    case 4:
      return full_width(text);
    default:
      return text.substr(0, 6) + " " + text.substr(6);
  }
}

// ---- the plan
// ---------------------------------------------------------------------------------------------------------

/// One reason of a group or none, by their shares.
std::optional<Reason> draw(const Shares& shares, std::initializer_list<Reason> group, Random& random) {
  double at = static_cast<double>(random.next() >> 11) * 0x1p-53;
  for (const Reason reason : group) {
    at -= shares[static_cast<std::size_t>(reason)];
    if (at < 0) return reason;
  }
  return std::nullopt;
}

struct Drawn {
  std::optional<Reason> code;
  std::optional<Reason> name;
  std::optional<Reason> phone;
  std::optional<Reason> zip;
};

Drawn draw_reasons(const DeclarationsPlan& plan, Random& random) {
  using enum Reason;
  Drawn drawn;
  drawn.code =
      draw(plan.shares,
           {kCodeMissing, kCodeMalformed, kCodeUnknown, kCodeCancelled, kCodeReplaced, kCodeSuspended, kCodeExpired},
           random);
  drawn.name = draw(plan.shares, {kNameMissing, kNameMismatch, kNameNotOnFile}, random);
  if (plan.style == Style::kFull) drawn.phone = draw(plan.shares, {kPhoneMismatch, kPhoneVirtual}, random);
  drawn.zip = draw(plan.shares, {kZipMissing, kZipMalformed, kZipMismatch, kZipNotOnFile}, random);
  return drawn;
}

bool fits(const Drawn& drawn, const Traits& traits) {
  using enum Reason;
  const bool expired = traits.expires && *traits.expires < kFirstDeclared;
  CodeStatus status = CodeStatus::kActive;
  if (drawn.code == kCodeCancelled) status = CodeStatus::kCancelled;
  if (drawn.code == kCodeReplaced) status = CodeStatus::kReplaced;
  if (drawn.code == kCodeSuspended) status = CodeStatus::kSuspended;
  if (traits.status != status) return false;
  if (status == CodeStatus::kActive && expired != (drawn.code == kCodeExpired)) return false;
  if ((traits.has_latin || traits.has_hangul) == (drawn.name == kNameNotOnFile)) return false;
  if (drawn.phone && !traits.has_phone) return false;
  return traits.has_zip != (drawn.zip == kZipNotOnFile);
}

/// Whether the run's own day could change the verdict, so that the declaration must bring its date.
bool needs_date(const Traits& traits) {
  return traits.expires && traits.expires->days > kFirstDeclared.days - 1000 && traits.expires->days < 43'830;
}

Outcome outcome_of(ReasonSet reasons) {
  using enum Reason;
  if (reasons.has(kMalformed)) return Outcome::kError;
  ReasonSet mild;
  for (const Reason reason : {kNameNotOnFile, kPhoneVirtual, kZipNotOnFile}) mild.add(reason);
  if ((reasons.bits() & ~mild.bits()) != 0) return Outcome::kHold;
  return reasons.empty() ? Outcome::kClear : Outcome::kReview;
}

/// Makes the texts that the drawn reasons ask for; returns the reasons that then hold.
ReasonSet make_texts(const DeclarationsPlan& plan, const Drawn& drawn, std::uint64_t number, Random& random,
                     Texts& texts) {
  using enum Reason;
  const People people(plan.registry_seed);
  std::uint64_t who = 0;
  Traits traits;
  // Traits are cheap, so the fitting person is found by trying: a share of one in a thousand takes a thousand tries.
  for (int tries = 0; tries < 200'000; ++tries) {
    who = random.below(plan.registry_count);
    traits = people.traits(who);
    if (fits(drawn, traits)) break;
  }
  const Person person = people.person(who);
  const Entry& entry = person.entry;
  const bool full = plan.style == Style::kFull;

  ReasonSet reasons;
  const auto note = [&](Reason reason) { reasons.add(reason); };
  texts.id = (full ? "D" : "D202601150") + zip_text(number / 100'000 % 100'000) + zip_text(number % 100'000);
  const Date date = Date{
      static_cast<std::int32_t>(kFirstDeclared.days + static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(
                                                          kLastDeclared.days - kFirstDeclared.days + 1))))};
  if (!full || needs_date(traits) || random.chance(0.9)) {
    texts.declared_at = format_date(date);
    if (full && random.chance(0.2)) *texts.declared_at += random.chance(0.5) ? "T14:05:09+09:00" : "T05:05:09.25Z";
  }
  // Each fallback below is taken when a tiny registry has nobody who fits: the reasons still follow from what is
  // declared.
  const bool name_on_file = traits.has_latin || traits.has_hangul;

  if (drawn.code == kCodeMissing) {
    if (random.chance(0.5)) texts.code = random.chance(0.5) ? "" : " \t";
    note(kCodeMissing);
  } else if (drawn.code == kCodeMalformed) {
    texts.code = malformed_code(entry.code, random);
    note(kCodeMalformed);
  } else if (drawn.code == kCodeUnknown) {
    texts.code = code_text(people.code((std::uint64_t{1} << 39) + number), random);
    note(kCodeUnknown);
  } else {
    texts.code = code_text(entry.code, random);
    if (traits.status == CodeStatus::kCancelled) note(kCodeCancelled);
    if (traits.status == CodeStatus::kReplaced) note(kCodeReplaced);
    if (traits.status == CodeStatus::kSuspended) note(kCodeSuspended);
    if (traits.status == CodeStatus::kActive && traits.expires && *traits.expires < date) note(kCodeExpired);
  }
  const bool compared = drawn.code != kCodeMissing && drawn.code != kCodeMalformed && drawn.code != kCodeUnknown;
  const auto note_item = [&](Reason reason) {
    if (compared) note(reason);
  };

  if (drawn.name == kNameMissing) {
    constexpr std::string_view kBlankNames[] = {"", "  ", "\u3000", "\u200b"};  // NOLINT(modernize-avoid-c-arrays)
    if (random.chance(0.7)) texts.name = random.pick(kBlankNames);
    note_item(kNameMissing);
  } else if (!name_on_file) {
    texts.name = equal_latin(person, random);
    note_item(kNameNotOnFile);
  } else if (drawn.name == kNameMismatch) {
    texts.name = other_name(people, person, traits, random);
    note_item(kNameMismatch);
  } else {
    texts.name = equal_name(person, traits, full, random);
  }

  if (full && (drawn.phone || random.chance(0.7))) {
    if (entry.phone.empty()) {
      texts.phone = "010-1234-5678";
    } else if (drawn.phone == kPhoneVirtual) {
      texts.phone = "050" + std::to_string(10'000'000 + random.below(89'999'999));
      note_item(kPhoneVirtual);
    } else if (drawn.phone == kPhoneMismatch) {
      std::string other = entry.phone;
      other[5] = static_cast<char>('0' + (other[5] - '0' + 1 + static_cast<int>(random.below(8))) % 10);
      texts.phone = random.chance(0.1) ? "unknown" : equal_phone(other, random);
      note_item(kPhoneMismatch);
    } else {
      texts.phone = equal_phone(entry.phone, random);
    }
  }

  if (drawn.zip == kZipMissing) {
    if (random.chance(0.5)) texts.zip = " ";
    note_item(kZipMissing);
  } else if (drawn.zip == kZipMalformed) {
    constexpr std::string_view kWrong[] = {"1234", "135-080", "０６２３６", "12 45",
                                           "123456"};  // NOLINT(modernize-avoid-c-arrays)
    texts.zip = random.pick(kWrong);
    note_item(kZipMalformed);
  } else if (entry.zips.empty()) {
    texts.zip = "04524";
    note_item(kZipNotOnFile);
  } else if (drawn.zip == kZipMismatch) {
    texts.zip = zip_text(70'000 + random.below(29'999));  // no zip of the country is that high
    note_item(kZipMismatch);
  } else {
    texts.zip = zip_text(random.pick(entry.zips));
    if (random.chance(0.03)) texts.zip = " " + *texts.zip + " ";
  }
  return reasons;
}

// ---- writing
// ----------------------------------------------------------------------------------------------------------

void append_escaped(std::string_view text, Random* random, std::string& out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (text[i] == '"' || text[i] == '\\') {
      out += '\\';
      out += text[i];
    } else if (text[i] == '\t') {
      out += "\\t";
    } else if (text[i] == '\n') {
      out += "\\n";
    } else if (text[i] == '/' && random != nullptr) {
      out += "\\/";
    } else if (byte >= 0xE0 && byte < 0xF0 && random != nullptr && random->chance(0.3)) {
      const unsigned point = (byte & 0xFU) << 12 | (static_cast<unsigned char>(text[i + 1]) & 0x3FU) << 6 |
                             (static_cast<unsigned char>(text[i + 2]) & 0x3FU);
      out += "\\u";
      for (int shift = 12; shift >= 0; shift -= 4) out += kHex[point >> shift & 0xF];
      i += 2;
    } else {
      out += text[i];
    }
  }
}

void append_quoted_json(std::string_view text, Random* random, std::string& out) {
  out += '"';
  append_escaped(text, random, out);
  out += '"';
}

constexpr std::string_view kItems[] = {  // NOLINT(modernize-avoid-c-arrays)
    "running shoes, men, size 275, black",    "wireless/earbuds with charging case",
    "vitamin C 1000mg, 200 tablets, lemon",   "mechanical keyboard \"75%\", brown",
    "coffee beans 1kg, dark, whole, organic", "toy set, wooden, 48 pieces, 3 years up"};
constexpr std::string_view kItemsKo[] = {  // NOLINT(modernize-avoid-c-arrays)
    "운동화", "무선 이어폰", "비타민 C", "기계식 키보드", "원두커피", "원목 장난감"};
constexpr std::string_view kCountries[] = {"CN", "US", "JP", "DE", "VN"};  // NOLINT(modernize-avoid-c-arrays)
constexpr std::string_view kCouriers[] = {"K4GNOK5", "BX20931", "HANA-7",
                                          "OCEAN/12"};  // NOLINT(modernize-avoid-c-arrays)
constexpr std::string_view kMemos[] = {                 // NOLINT(modernize-avoid-c-arrays)
    "please leave it at the door, thanks", "call first, the bell is broken", "부재 시 문 앞에 놓아 주세요",
    "gift: \"fragile\", this side up", "line one\nline two, behind the gate"};

/// A member of an NDJSON line: its key, and its value as JSON.
struct Member {
  std::string_view key;
  std::string value;
};

void add_text(std::vector<Member>& members, std::string_view key, const std::optional<std::string>& text,
              Random& random, bool full) {
  if (!text) {
    if (full && random.chance(0.5)) members.push_back({key, "null"});
    return;
  }
  std::string value;
  append_quoted_json(*text, full ? &random : nullptr, value);
  members.push_back({key, std::move(value)});
}

std::string number_text(std::uint64_t units, unsigned decimals) {
  return std::to_string(units) + "." + std::string(1, static_cast<char>('0' + decimals % 10));
}

std::vector<Member> ndjson_members(const DeclarationsPlan& plan, const Texts& texts, Random& random) {
  const bool full = plan.style == Style::kFull;
  std::vector<Member> members;
  add_text(members, "id", texts.id, random, false);
  add_text(members, "code", texts.code, random, full);
  add_text(members, "name", texts.name, random, full);
  add_text(members, "zip", texts.zip, random, full);
  if (full) add_text(members, "phone", texts.phone, random, true);
  if (texts.declared_at) add_text(members, "declared_at", texts.declared_at, random, false);
  if (!full) return members;
  std::string item = "{\"name\":";
  append_quoted_json(random.pick(kItems), &random, item);
  item += ",\"qty\":" + std::to_string(random.between(1, 9)) + ",\"tags\":[\"gift\",null,true," +
          std::to_string(random.below(100)) + "]}";
  const auto add = [&](std::string_view key, std::string_view text) {
    std::string value;
    append_quoted_json(text, &random, value);
    members.push_back({key, std::move(value)});
  };
  members.push_back({"item", std::move(item)});
  add("item_ko", random.pick(kItemsKo));
  add("memo", random.pick(kMemos));
  add("courier", random.pick(kCouriers));
  add("country", random.pick(kCountries));
  add("hs_code", std::to_string(100'000 + random.below(899'999)));
  members.push_back({"weight_kg", number_text(random.below(30), static_cast<unsigned>(random.below(10)))});
  members.push_back({"price", number_text(random.below(400'000), 5)});
  members.push_back({"paid", random.chance(0.5) ? "true" : "false"});
  members.push_back({"duty", random.chance(0.5) ? "-0.0" : "1.25e3"});
  for (std::size_t i = members.size() - 1; i > 0; --i) std::swap(members[i], members[random.below(i + 1)]);
  return members;
}

void append_ndjson(const std::vector<Member>& members, std::string& out) {
  char separator = '{';
  for (const Member& member : members) {
    out += separator;
    append_quoted_json(member.key, nullptr, out);
    out += ':';
    out += member.value;
    separator = ',';
  }
  out += "}";
}

/// Breaks a line; returns whether its id can still be given.
bool append_broken_ndjson(std::vector<Member> members, Random& random, std::string& out) {
  const auto with = [&](std::string_view key, std::string value) {
    members.push_back({key, std::move(value)});
    append_ndjson(members, out);
  };
  switch (random.below(12)) {
    case 0: {
      append_ndjson(members, out);
      out.resize(out.size() - random.between(1, 12));
      return false;
    }
    case 1:
      append_ndjson(members, out);
      out.insert(out.size() - 1, ",");
      return false;
    case 2:
      with("note", "\"\xC3\x28\"");
      return false;
    case 3:
      with("note", "\"\\ud800 alone\"");
      return false;
    case 4:
      members.push_back({"phone", "null"});
      members.push_back({"phone", "\"010-1234-5678\""});
      append_ndjson(members, out);
      return true;
    case 5: {
      std::erase_if(members, [](const Member& m) { return m.key == "zip"; });
      with("zip", "6236");
      return true;
    }
    case 6:
      with("note", "\"a\tb\"");
      return false;
    case 7:
      with("note", std::string(17, '[') + std::string(17, ']'));
      return false;
    case 8: {
      std::erase_if(members, [](const Member& m) { return m.key == "declared_at"; });
      with("declared_at", "\"2026-02-30\"");
      return true;
    }
    case 9:
      with("id", "\"again\"");
      return false;
    case 10:
      with("note", "01");
      return false;
    default:
      append_ndjson(members, out);
      out += " x";
      return false;
  }
}

constexpr std::string_view kShortColumns = "id,code,name,zip,declared_at";
constexpr std::string_view kFullColumns =
    "hs_code,id,item,수취인명,name,code,courier,phone,zip,country,declared_at,item_ko,weight_kg,price,paid,memo";

void append_csv_field(std::string_view text, bool quoted, std::string& out) {
  if (!quoted && text.find_first_of("\",\r\n") == std::string_view::npos) {
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

std::vector<std::string> csv_fields(const DeclarationsPlan& plan, const Texts& texts, Random& random) {
  const auto or_empty = [](const std::optional<std::string>& text) { return text.value_or(std::string()); };
  if (plan.style == Style::kShort) {
    return {texts.id, or_empty(texts.code), or_empty(texts.name), or_empty(texts.zip), or_empty(texts.declared_at)};
  }
  return {std::to_string(100'000 + random.below(899'999)),
          texts.id,
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

/// Breaks a record, which is one physical line; returns whether its id can still be given.
bool append_broken_csv(const DeclarationsPlan& plan, std::vector<std::string> fields, Random& random,
                       std::string& out) {
  if (plan.style == Style::kFull) fields.back() = "no line end";
  const std::size_t declared_at = plan.style == Style::kFull ? 10 : 4;
  switch (random.below(6)) {
    case 0:
      append_csv(fields, random, out);
      out += ",5'10\" tall";
      return false;
    case 1:
      append_csv(fields, random, out);
      out += ",\"closed\"not";
      return false;
    case 2:
      fields.pop_back();
      append_csv(fields, random, out);
      return false;
    case 3:
      fields[0] += "\xFF";
      append_csv(fields, random, out);
      return false;
    case 4:
      fields[declared_at] = "2025-13-01";
      append_csv(fields, random, out);
      return true;
    default:
      // What follows this quote never closes it well: quoted fields begin behind a quote with a letter or a digit,
      // which is text behind a closing quote.
      fields.pop_back();
      append_csv(fields, random, out);
      out += ",\"open";
      return false;
  }
}

void append_expected(std::string_view id, ReasonSet reasons, std::string& expected) {
  expected += id;
  expected += ',';
  expected += to_string(outcome_of(reasons));
  char separator = ',';
  for (int i = 0; i < kReasonCount; ++i) {
    if (!reasons.has(static_cast<Reason>(i))) continue;
    expected += separator;
    expected += to_string(static_cast<Reason>(i));
    separator = ';';
  }
  if (separator == ',') expected += ',';
  expected += '\n';
}

}  // namespace

Shares usual_shares() {
  using enum Reason;
  Shares shares{};
  const auto set = [&](Reason reason, double percent) { shares[static_cast<std::size_t>(reason)] = percent / 100; };
  set(kMalformed, 0.1);
  set(kCodeMissing, 0.1);
  set(kCodeMalformed, 0.1);
  set(kCodeUnknown, 0.4);
  set(kCodeCancelled, 1.5);
  set(kCodeReplaced, 1);
  set(kCodeSuspended, 1.6);
  set(kCodeExpired, 6);
  set(kNameMissing, 0.2);
  set(kNameMismatch, 1.2);
  set(kNameNotOnFile, 0.5);
  set(kPhoneMismatch, 1);
  set(kPhoneVirtual, 0.5);
  set(kZipMissing, 0.6);
  set(kZipMalformed, 0.1);
  set(kZipMismatch, 1.9);
  set(kZipNotOnFile, 0.6);
  return shares;
}

bool can_be_wanted(Reason reason) {
  using enum Reason;
  return reason != kInternal && reason != kNameVariant && reason != kPhoneMissing && reason != kPhoneNotOnFile;
}

void append_header(const DeclarationsPlan& plan, std::string& out) {
  if (plan.form == Form::kCsv) out.append(plan.style == Style::kFull ? kFullColumns : kShortColumns).append("\n");
}

void append_declaration(const DeclarationsPlan& plan, std::uint64_t number, std::string& out, std::string& expected) {
  Random random(plan.seed ^ 0x64656320, number);
  Texts texts;
  const Drawn drawn = draw_reasons(plan, random);
  ReasonSet reasons = make_texts(plan, drawn, number, random, texts);
  bool id_is_given = true;
  const bool broken = random.chance(plan.shares[static_cast<std::size_t>(Reason::kMalformed)]);
  if (broken) {
    reasons = {};
    reasons.add(Reason::kMalformed);
  }
  if (plan.form == Form::kNdjson) {
    const std::vector<Member> members = ndjson_members(plan, texts, random);
    if (broken) {
      id_is_given = append_broken_ndjson(members, random, out);
    } else {
      append_ndjson(members, out);
    }
  } else {
    const std::vector<std::string> fields = csv_fields(plan, texts, random);
    if (broken) {
      id_is_given = append_broken_csv(plan, fields, random, out);
    } else {
      append_csv(fields, random, out);
    }
  }
  out += '\n';
  append_expected(id_is_given ? std::string_view(texts.id) : std::string_view(), reasons, expected);
}

void append_registry_header(Form form, std::string& out) {
  if (form == Form::kCsv) out += "code,name,name_ko,phone,zips,status,replaced_by,issued,changed,expires\n";
}

void append_registered(const People& people, std::uint64_t number, Form form, std::string& out) {
  const Entry entry = people.person(number).entry;
  const auto date = [](const std::optional<Date>& value) { return value ? format_date(*value) : std::string(); };
  const std::string replaced_by = entry.replaced_by ? format_code(*entry.replaced_by) : std::string();
  if (form == Form::kCsv) {
    out += format_code(entry.code);
    for (const std::string_view text :
         {std::string_view(entry.name), std::string_view(entry.name_ko), std::string_view(entry.phone)}) {
      out += ',';
      append_csv_field(text, false, out);
    }
    char separator = ',';
    for (const std::uint32_t zip : entry.zips) {
      out += separator;
      out += zip_text(zip);
      separator = ';';
    }
    if (entry.zips.empty()) out += ',';
    out += ',';
    out += to_string(entry.status);
    for (const std::string& text : {replaced_by, date(entry.issued), date(entry.changed), date(entry.expires)}) {
      out += ',';
      out += text;
    }
    out += '\n';
    return;
  }
  std::vector<Member> members;
  const auto add = [&](std::string_view key, std::string_view text) {
    if (text.empty()) return;
    std::string value;
    append_quoted_json(text, nullptr, value);
    members.push_back({key, std::move(value)});
  };
  add("code", format_code(entry.code));
  add("name", entry.name);
  add("name_ko", entry.name_ko);
  add("phone", entry.phone);
  std::string zips;
  for (const std::uint32_t zip : entry.zips) zips += (zips.empty() ? "[\"" : ",\"") + zip_text(zip) + "\"";
  if (!zips.empty()) members.push_back({"zips", zips + "]"});
  add("status", to_string(entry.status));
  add("replaced_by", replaced_by);
  add("issued", date(entry.issued));
  add("changed", date(entry.changed));
  add("expires", date(entry.expires));
  append_ndjson(members, out);
  out += '\n';
}

}  // namespace clearline::generate
