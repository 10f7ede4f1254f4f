#include "io/formats/change_reader.h"

#include <algorithm>
#include <array>
#include <bit>
#include <initializer_list>
#include <utility>

#include "engine/text.h"
#include "io/formats/entry_fields.h"
#include "io/formats/json_object.h"
#include "io/formats/key_names.h"
#include "io/formats/verdict_writer.h"

namespace clearline {
namespace {

/// The keys of a change: those of an entry first.
enum Key : std::size_t { kOp = kEntryFieldCount, kChangeId, kAt, kBy, kNewCode };
constexpr std::size_t kKeyCount = kNewCode + 1;
constexpr std::array<std::string_view, kKeyCount - kEntryFieldCount> kOwnKeyWords{"op", "change_id", "at", "by",
                                                                                  "new_code"};

KeyNames change_key_names() {
  const auto entry_words = entry_field_words();
  std::vector<std::string> words(entry_words.begin(), entry_words.end());
  words.insert(words.end(), kOwnKeyWords.begin(), kOwnKeyWords.end());
  return {std::move(words), {}};
}

/// Of a key that no change has, by the one that it nearly is.
constexpr std::array<std::string_view, kKeyCount> kNearKey{
    "a change has no such key; did you mean code?",        "a change has no such key; did you mean name?",
    "a change has no such key; did you mean name_ko?",     "a change has no such key; did you mean phone?",
    "a change has no such key; did you mean zips?",        "a change has no such key; did you mean status?",
    "a change has no such key; did you mean replaced_by?", "a change has no such key; did you mean issued?",
    "a change has no such key; did you mean changed?",     "a change has no such key; did you mean expires?",
    "a change has no such key; did you mean op?",          "a change has no such key; did you mean change_id?",
    "a change has no such key; did you mean at?",          "a change has no such key; did you mean by?",
    "a change has no such key; did you mean new_code?"};
constexpr std::string_view kUnknownKey = "a change has no such key; leave it out";

/// Fields of an entry, as a set.
class EntryFields {
 public:
  constexpr EntryFields(std::initializer_list<EntryField> fields) {
    for (const EntryField field : fields) bits_ |= 1U << static_cast<unsigned>(field);
  }
  constexpr bool has(EntryField field) const { return (bits_ >> static_cast<unsigned>(field) & 1) != 0; }

 private:
  unsigned bits_ = 0;
};

/// The fields in which an op may have a value; `code` is needed by all.
constexpr EntryFields fields_of(ChangeOp op) {
  using F = EntryField;
  switch (op) {
    case ChangeOp::kIssue:
      return {F::kCode, F::kName, F::kNameKo, F::kPhone, F::kZips, F::kStatus, F::kIssued, F::kChanged, F::kExpires};
    case ChangeOp::kAmend:
    case ChangeOp::kReissue:
      return {F::kCode, F::kName, F::kNameKo, F::kPhone, F::kZips, F::kExpires};
    case ChangeOp::kRenew:
      return {F::kCode, F::kExpires};
    case ChangeOp::kSuspend:
    case ChangeOp::kResume:
    case ChangeOp::kCancel:
      break;
  }
  return {F::kCode};
}

constexpr std::array kAmendable{EntryField::kName, EntryField::kNameKo, EntryField::kPhone, EntryField::kZips,
                                EntryField::kExpires};

constexpr std::array<std::string_view, kOffsetFaultCount> kWrongAt{
    "at is no RFC 3339 time with an offset", "at without an offset; write Z or +09:00 after the time",
    "at with an offset without its colon; write +09:00"};

constexpr std::string_view kNotTaken = "this op does not take this key; leave it out";

/// The Korean days on which a change may have happened: a time before the system began is a slip, and the tables by day
/// would begin with it.
bool is_day_of_change(Date day) {
  constexpr Date kFirst{10'957};  // 2000-01-01
  return day >= kFirst && day <= kDateMax;
}

/// The change_id of a line that may be wrong elsewhere, if it is a good one and there once.
std::optional<std::string> good_change_id(const std::vector<JsonObject::Member>& members) {
  std::optional<std::string> found;
  for (const JsonObject::Member& member : members) {
    if (member.key != kOwnKeyWords[kChangeId - kEntryFieldCount]) continue;
    if (found || member.kind != JsonObject::Kind::kString) return std::nullopt;
    if (is_missing(member.text) || member.text.size() > kChangeIdBytesMax) return std::nullopt;
    found = member.text;
  }
  return found;
}

}  // namespace

struct ChangeReader::State {
  JsonObject object;
  KeyNames names = change_key_names();
  EntryTexts fields;
  std::array<std::string_view, kKeyCount> own;  // texts of the keys that no entry has
  std::array<bool, kKeyCount> is_there;
  std::array<std::uint32_t, kKeyCount> columns;  // of keys
  Entry entry;                                   // of the given fields

  LineFault fault_at(std::size_t key, std::string_view what) const { return {what, columns[key]}; }
  LineFault fault_at(EntryField field, std::string_view what) const {
    return fault_at(static_cast<std::size_t>(field), what);
  }

  LineFault take_members() {
    fields.clear();
    own.fill({});
    is_there.fill(false);
    columns.fill(0);
    LineFault cleared;  // a null under a name that nearly is a field's
    for (const JsonObject::Member& member : object.members()) {
      const KeyNames::Match match = names.match(member.key);
      const std::size_t key = match.known;
      if (key == KeyNames::kNone) {
        const LineFault unknown{
            match.near == 0 ? kUnknownKey : kNearKey[static_cast<std::size_t>(std::countr_zero(match.near))],
            member.column};
        if (member.kind != JsonObject::Kind::kNull) return unknown;
        if (match.near != 0 && !cleared) cleared = unknown;
        continue;
      }
      if (is_there[key]) return {kKeyTwice, member.column};
      is_there[key] = true;
      columns[key] = member.column;
      std::string_view fault;
      if (key < kEntryFieldCount) {
        fault = fields.take(static_cast<EntryField>(key), member);
      } else if (member.kind == JsonObject::Kind::kString) {
        own[key] = member.text;
      } else if (member.kind != JsonObject::Kind::kNull) {
        fault = kKeyWithoutText;
      }
      if (!fault.empty()) return {fault, member.column};
    }
    // Null is absent, but an amend clears what is null.
    return parse_change_op(own[kOp]) == ChangeOp::kAmend ? cleared : LineFault{};
  }

  /// A change of what was taken, but for its change_id.
  LineFault make_change(Change& change) {
    if (is_missing(own[kChangeId])) return fault_at(kChangeId, "change_id is missing");
    if (own[kChangeId].size() > kChangeIdBytesMax) return fault_at(kChangeId, "change_id is longer than 64 bytes");
    if (is_missing(own[kOp])) return fault_at(kOp, "op is missing");
    const auto op = parse_change_op(own[kOp]);
    if (!op) return fault_at(kOp, "op is none of issue, amend, renew, suspend, resume, cancel, reissue");
    change.op = *op;
    if (const LineFault fault = take_own_keys(change)) return fault;
    if (const LineFault fault = check_fields(change.op)) return fault;
    change.code = entry.code;
    take_fields(change);
    return check_needs(change);
  }

  LineFault take_own_keys(Change& change) const {
    if (const std::string_view at = trim_blanks(own[kAt]); !at.empty()) {
      change.at_us = parse_time_us(at);
      if (!change.at_us) return fault_at(kAt, kWrongAt[static_cast<std::size_t>(offset_fault(at))]);
      if (!is_day_of_change(korean_date_us(*change.at_us))) {
        return fault_at(kAt, "at is before 2000-01-01 or after 9999-12-31 in Korea");
      }
    }
    if (!is_missing(own[kBy])) {
      const auto by = parse_change_by(own[kBy]);
      if (!by) return fault_at(kBy, "by is neither owner nor ex_officio");
      if (change.op != ChangeOp::kSuspend && change.op != ChangeOp::kCancel) return fault_at(kBy, kNotTaken);
      change.by = *by;
    }
    if (!is_missing(own[kNewCode])) {
      if (change.op != ChangeOp::kReissue) return fault_at(kNewCode, kNotTaken);
      change.new_code = parse_code(own[kNewCode]);
      if (!change.new_code) return fault_at(kNewCode, "new_code is not P and 12 digits");
    }
    return {};
  }

  /// Sets `entry` if the fields are such as an entry may have and the op takes.
  LineFault check_fields(ChangeOp op) {
    for (std::size_t i = 0; i < kEntryFieldCount; ++i) {
      const auto field = static_cast<EntryField>(i);
      if (!fields_of(op).has(field) && fields.has(field)) return fault_at(field, kNotTaken);
    }
    if (const EntryFault fault = make_entry(fields, entry)) return fault_at(fault.field, fault.what);
    if (entry.status != CodeStatus::kActive) {
      return fault_at(EntryField::kStatus, "an issued code is active; leave status out");
    }
    if (const auto words = entry_fault(entry)) {
      const EntryFault fault = to_entry_fault(*words);
      return fault_at(fault.field, fault.what);
    }
    return {};
  }

  /// Whether a field is given: for amend it is when its key is there.
  bool is_given(ChangeOp op, EntryField field) const {
    return op == ChangeOp::kAmend ? is_there[static_cast<std::size_t>(field)] : fields.has(field);
  }

  void take_fields(Change& change) const {
    if (is_given(change.op, EntryField::kName)) change.name = entry.name;
    if (is_given(change.op, EntryField::kNameKo)) change.name_ko = entry.name_ko;
    if (is_given(change.op, EntryField::kPhone)) change.phone = entry.phone;
    if (is_given(change.op, EntryField::kZips)) change.zips = entry.zips;
    if (is_given(change.op, EntryField::kExpires)) change.expires = entry.expires;
    if (fields.has(EntryField::kIssued)) change.issued = entry.issued;
    if (fields.has(EntryField::kChanged)) change.changed = entry.changed;
  }

  LineFault check_needs(const Change& change) const {
    const auto is_amended = [&](EntryField field) { return is_given(change.op, field); };
    switch (change.op) {
      case ChangeOp::kAmend:
        if (std::any_of(kAmendable.begin(), kAmendable.end(), is_amended)) return {};
        return {"amend needs one of name, name_ko, phone, zips, expires", 0};
      case ChangeOp::kRenew:
        if (change.expires) return {};
        return fault_at(EntryField::kExpires, "renew needs expires, the new last day");
      case ChangeOp::kReissue:
        if (change.new_code) return {};
        return fault_at(kNewCode, "reissue needs new_code");
      default:
        return {};
    }
  }
};

ChangeReader::ChangeReader() : state_(std::make_unique<State>()) {}
ChangeReader::~ChangeReader() = default;
ChangeReader::ChangeReader(ChangeReader&&) noexcept = default;
ChangeReader& ChangeReader::operator=(ChangeReader&&) noexcept = default;

ChangeReader::Outcome ChangeReader::read(std::string_view line) {
  Outcome outcome;
  if (line.size() > kLineBytesMaxDefault) {
    outcome.fault = {kLineTooLong, 0};
    return outcome;
  }
  outcome.fault = state_->object.parse(line);
  if (outcome.fault) return outcome;
  auto change_id = good_change_id(state_->object.members());
  outcome.fault = state_->take_members();
  if (!outcome.fault) outcome.fault = state_->make_change(outcome.change);
  if (outcome.fault) {
    outcome.change_id = std::move(change_id);
  } else {
    outcome.change.change_id = std::move(*change_id);
  }
  return outcome;
}

ChangeAnswer malformed_answer(const LineFault& fault) {
  ChangeAnswer answer;
  answer.error = ChangeError::kMalformed;
  if (fault.column != 0) answer.detail = "column " + std::to_string(fault.column) + ": ";
  answer.detail += fault.what;
  return answer;
}

void append_change_answer(const std::optional<std::string>& change_id, std::uint64_t line, const ChangeAnswer& answer,
                          OutBuffer& out) {
  if (change_id) {
    out.append("{\"change_id\":\"");
    append_json_text(*change_id, out);
    out.append("\"");
  } else {
    out.append("{\"change_id\":null,\"line\":");
    out.append_number(line);
  }
  if (answer.error) {
    out.append(",\"ok\":false,\"error\":\"");
    out.append(to_string(*answer.error));
    out.append("\",\"detail\":\"");
    append_json_text(answer.detail, out);
    out.append("\"}\n");
    return;
  }
  out.append(",\"ok\":true,\"seq\":");
  out.append_number(answer.seq);
  if (answer.repeat) out.append(",\"repeat\":true");
  out.append("}\n");
}

}  // namespace clearline
