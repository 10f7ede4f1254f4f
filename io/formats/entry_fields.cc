#include "io/formats/entry_fields.h"

#include <algorithm>

#include "engine/phone.h"
#include "engine/text.h"
#include "engine/unicode.h"

namespace clearline {
namespace {

constexpr std::array<std::string_view, kEntryFieldCount> kFieldWords{
    "code", "name", "name_ko", "phone", "zips", "status", "replaced_by", "issued", "changed", "expires"};

constexpr std::array<std::string_view, kEntryFieldCount> kNearKey{
    "a key that nearly is code, which is missing; did you mean code?",
    "a key that nearly is name, which is missing; did you mean name?",
    "a key that nearly is name_ko, which is missing; did you mean name_ko?",
    "a key that nearly is phone, which is missing; did you mean phone?",
    "a key that nearly is zips, which is missing; did you mean zips?",
    "a key that nearly is status, which is missing; did you mean status?",
    "a key that nearly is replaced_by, which is missing; did you mean replaced_by?",
    "a key that nearly is issued, which is missing; did you mean issued?",
    "a key that nearly is changed, which is missing; did you mean changed?",
    "a key that nearly is expires, which is missing; did you mean expires?"};

void take_name(std::string_view text, std::string& name) { name = is_blank_name(text) ? std::string_view{} : text; }

/// False when there is a text that is no real date.
bool take_date(std::string_view text, std::optional<Date>& date) {
  date.reset();
  text = trim_blanks(text);
  if (text.empty()) return true;
  date = parse_date(text);
  return date.has_value();
}

}  // namespace

std::string_view to_string(EntryField field) { return kFieldWords[static_cast<std::size_t>(field)]; }

std::optional<EntryField> parse_entry_field(std::string_view word) {
  const auto* found = std::find(kFieldWords.begin(), kFieldWords.end(), word);
  if (found == kFieldWords.end()) return std::nullopt;
  return static_cast<EntryField>(found - kFieldWords.begin());
}

std::span<const std::string_view, kEntryFieldCount> entry_field_words() { return kFieldWords; }

KeyNames entry_key_names(const IgnoredNames& ignored) { return {{kFieldWords.begin(), kFieldWords.end()}, ignored}; }

std::string_view near_key_fault(EntryField field) { return kNearKey[static_cast<std::size_t>(field)]; }

bool is_missing(std::string_view text) { return trim_blanks(text).empty(); }

std::string_view EntryTexts::take(EntryField field, const JsonObject::Member& member) {
  const bool is_zips = field == EntryField::kZips;
  switch (member.kind) {
    case JsonObject::Kind::kNull:
      return {};
    case JsonObject::Kind::kString:
      if (is_zips && !is_missing(member.text)) break;
      values[static_cast<std::size_t>(field)] = member.text;
      return {};
    case JsonObject::Kind::kStrings:
      if (!is_zips) break;
      zips.assign(member.texts.begin(), member.texts.end());
      return {};
    case JsonObject::Kind::kOther:
      break;
  }
  return is_zips ? "zips is no array of strings" : kKeyWithoutText;
}

bool EntryTexts::has(EntryField field) const {
  switch (field) {
    case EntryField::kName:
    case EntryField::kNameKo:
      return !is_blank_name((*this)[field]);
    case EntryField::kZips:
      return !zips.empty();
    default:
      return !is_missing((*this)[field]);
  }
}

EntryFault make_entry(const EntryTexts& texts, Entry& entry) {
  const auto code = parse_code(texts[EntryField::kCode]);
  if (!code) {
    const bool missing = is_missing(texts[EntryField::kCode]);
    return {missing ? "code is missing" : "code is not P and 12 digits", EntryField::kCode};
  }
  entry.code = *code;
  take_name(texts[EntryField::kName], entry.name);
  take_name(texts[EntryField::kNameKo], entry.name_ko);
  const std::string_view phone = trim_blanks(texts[EntryField::kPhone]);
  if (!phone.empty() && !has_digit(phone)) {
    return {"phone has no digit", EntryField::kPhone};
  }
  entry.phone.resize(phone.size() + 1);
  entry.phone.resize(fold_phone(phone, entry.phone.data()));
  if (texts.zips.size() > kZipsMax) return {"more than 20 zips", EntryField::kZips};
  entry.zips.clear();
  for (const std::string_view text : texts.zips) {
    const std::string_view zip = trim_blanks(text);
    if (zip.size() != 5 || !std::all_of(zip.begin(), zip.end(), is_digit)) {
      return {"zip is not five digits", EntryField::kZips};
    }
    std::uint32_t number = 0;
    for (const char c : zip) number = number * 10 + static_cast<std::uint32_t>(c - '0');
    entry.zips.push_back(number);
  }
  entry.status = CodeStatus::kActive;
  if (!is_missing(texts[EntryField::kStatus])) {
    const auto status = parse_code_status(texts[EntryField::kStatus]);
    if (!status) return {"status is none of active, suspended, cancelled, replaced", EntryField::kStatus};
    entry.status = *status;
  }
  entry.replaced_by.reset();
  if (!is_missing(texts[EntryField::kReplacedBy])) {
    entry.replaced_by = parse_code(texts[EntryField::kReplacedBy]);
    if (!entry.replaced_by) return {"replaced_by is not P and 12 digits", EntryField::kReplacedBy};
  }
  if (!take_date(texts[EntryField::kIssued], entry.issued)) {
    return {"issued is no real date", EntryField::kIssued};
  }
  if (!take_date(texts[EntryField::kChanged], entry.changed)) {
    return {"changed is no real date", EntryField::kChanged};
  }
  if (!take_date(texts[EntryField::kExpires], entry.expires)) {
    return {"expires is no real date", EntryField::kExpires};
  }
  if (!entry.changed) entry.changed = entry.issued;
  return {};
}

EntryFault to_entry_fault(std::string_view words) {
  const auto field = parse_entry_field(words.substr(0, words.find(' ')));
  return {words, field.value_or(EntryField::kCode)};
}

}  // namespace clearline
