#include "clearline/change.h"

#include <array>
#include <cassert>

#include "engine/pieces.h"

namespace clearline {
namespace {

constexpr std::array<std::string_view, 7> kOpWords{"issue", "amend", "renew", "suspend", "resume", "cancel", "reissue"};
constexpr std::array<std::string_view, 2> kByWords{"owner", "ex_officio"};
/// Without a default: an error without a word does not compile, and one that is not counted does not either.
constexpr std::string_view error_word(ChangeError error) {
  switch (error) {
    case ChangeError::kMalformed:
      return "malformed";
    case ChangeError::kCodeExists:
      return "code_exists";
    case ChangeError::kCodeUnknown:
      return "code_unknown";
    case ChangeError::kNotActive:
      return "not_active";
    case ChangeError::kNotSuspended:
      return "not_suspended";
    case ChangeError::kChangeIdReused:
      return "change_id_reused";
    case ChangeError::kAtInFuture:
      return "at_in_future";
    case ChangeError::kReadOnly:
      return "read_only";
    case ChangeError::kBusy:
      return "busy";
    case ChangeError::kDenied:
      return "denied";
  }
  return {};
}
static_assert(!error_word(static_cast<ChangeError>(kChangeErrorCount - 1)).empty());
static_assert(error_word(static_cast<ChangeError>(kChangeErrorCount)).empty());

constexpr auto kFirstOp = static_cast<std::size_t>(ChangeOp::kIssue);

ChangeEffect refused(ChangeError error, std::string_view detail) {
  ChangeEffect effect;
  effect.error = error;
  effect.detail = detail;
  return effect;
}

/// Why an op cannot start from a status; without an error: it can.
ChangeEffect refusal_from(ChangeOp op, CodeStatus from) {
  const bool is_open = from == CodeStatus::kActive || from == CodeStatus::kSuspended;
  switch (op) {
    case ChangeOp::kSuspend:
      if (from == CodeStatus::kActive) return {};
      return refused(ChangeError::kNotActive, "only an active code can be suspended");
    case ChangeOp::kResume:
      if (from == CodeStatus::kSuspended) return {};
      return refused(ChangeError::kNotSuspended, "only a suspended code can be resumed");
    case ChangeOp::kAmend:
      if (is_open) return {};
      return refused(ChangeError::kNotActive, "only an active or suspended code can be amended");
    case ChangeOp::kRenew:
      if (is_open) return {};
      return refused(ChangeError::kNotActive, "only an active or suspended code can be renewed");
    case ChangeOp::kCancel:
      if (is_open) return {};
      return refused(ChangeError::kNotActive, "only an active or suspended code can be cancelled");
    case ChangeOp::kReissue:
      if (is_open) return {};
      return refused(ChangeError::kNotActive, "only an active or suspended code can be reissued");
    case ChangeOp::kIssue:
      break;
  }
  assert(false);
  return refused(ChangeError::kMalformed, "the op is unknown");
}

/// The given fields into an entry.
void take_given(const Change& change, Entry& entry) {
  if (change.name) entry.name = *change.name;
  if (change.name_ko) entry.name_ko = *change.name_ko;
  if (change.phone) entry.phone = *change.phone;
  if (change.zips) entry.zips = *change.zips;
  if (change.expires) entry.expires = *change.expires;
}

Entry issued_entry(const Change& change, Date on) {
  Entry entry;
  entry.code = change.code;
  take_given(change, entry);
  entry.issued = change.issued.value_or(on);
  entry.changed = change.changed.value_or(on);
  return entry;
}

/// The entry of the new code of a reissue.
Entry successor(const Change& change, Date on, const Entry& old) {
  Entry entry = old;
  entry.code = *change.new_code;
  take_given(change, entry);
  entry.status = CodeStatus::kActive;
  entry.replaced_by.reset();
  entry.issued = on;
  entry.changed = on;
  return entry;
}

}  // namespace

std::string_view to_string(ChangeOp op) { return kOpWords[static_cast<std::size_t>(op) - kFirstOp]; }
std::string_view to_string(ChangeBy by) { return kByWords[static_cast<std::size_t>(by)]; }
std::string_view to_string(ChangeError error) { return error_word(error); }

std::optional<ChangeOp> parse_change_op(std::string_view text) {
  for (std::size_t i = 0; i < kOpWords.size(); ++i) {
    if (text == kOpWords[i]) return static_cast<ChangeOp>(i + kFirstOp);
  }
  return std::nullopt;
}

std::optional<ChangeBy> parse_change_by(std::string_view text) {
  for (std::size_t i = 0; i < kByWords.size(); ++i) {
    if (text == kByWords[i]) return static_cast<ChangeBy>(i);
  }
  return std::nullopt;
}

ChangeEffect effect_of(const Change& change, Date on, const std::optional<Entry>& before,
                       const std::optional<Entry>& new_before) {
  ChangeEffect effect;
  if (change.op == ChangeOp::kIssue) {
    if (before) return refused(ChangeError::kCodeExists, "the code is in the registry already");
    effect.after = issued_entry(change, on);
    return effect;
  }
  if (!before) return refused(ChangeError::kCodeUnknown, "the code is not in the registry");
  effect = refusal_from(change.op, before->status);
  if (effect.error) return effect;
  effect.after = *before;
  switch (change.op) {
    case ChangeOp::kIssue:
      break;
    case ChangeOp::kAmend:
      take_given(change, effect.after);
      effect.after.changed = on;
      break;
    case ChangeOp::kRenew:
      take_given(change, effect.after);
      break;
    case ChangeOp::kSuspend:
      effect.after.status = CodeStatus::kSuspended;
      break;
    case ChangeOp::kResume:
      effect.after.status = CodeStatus::kActive;
      break;
    case ChangeOp::kCancel:
      effect.after.status = CodeStatus::kCancelled;
      break;
    case ChangeOp::kReissue:
      assert(change.new_code);
      if (change.new_code == change.code) {
        return refused(ChangeError::kCodeExists, "the new code is the old one; give another");
      }
      if (new_before) return refused(ChangeError::kCodeExists, "the new code is in the registry already");
      effect.new_after = successor(change, on, *before);
      effect.after.status = CodeStatus::kReplaced;
      effect.after.replaced_by = change.new_code;
      break;
  }
  return effect;
}

// op u8 | by u8 | flags | code | [new_code] [at] [name] [name_ko] [phone] [zips: count, numbers] [issued] [expires]
//   | [changed]
void append_change_content(const Change& change, std::string& out) {
  enum Flag : std::uint64_t {
    kHasNewCode = 1,
    kHasAt = 2,
    kHasName = 4,
    kHasNameKo = 8,
    kHasPhone = 16,
    kHasZips = 32,
    kHasIssued = 64,
    kHasExpires = 128,
    kHasExpiryDate = 256,
    kHasChanged = 512,
  };
  std::uint64_t flags = 0;
  if (change.new_code) flags |= kHasNewCode;
  if (change.at_us) flags |= kHasAt;
  if (change.name) flags |= kHasName;
  if (change.name_ko) flags |= kHasNameKo;
  if (change.phone) flags |= kHasPhone;
  if (change.zips) flags |= kHasZips;
  if (change.issued) flags |= kHasIssued;
  if (change.expires) flags |= kHasExpires;
  if (change.expires && *change.expires) flags |= kHasExpiryDate;
  if (change.changed) flags |= kHasChanged;

  const auto size_of = [](const auto& given) { return given ? given->size() : 0; };
  // Flags, code, new_code, at, sizes of texts, count of zips, dates.
  const std::size_t numbers = 1 + 1 + 1 + 1 + 3 + 1 + 3 + size_of(change.zips);
  const std::size_t begin = out.size();
  out.resize(begin + 2 + numbers * kNumberBytesMax + size_of(change.name) + size_of(change.name_ko) +
             size_of(change.phone));
  char* at = out.data() + begin;
  *at++ = static_cast<char>(change.op);
  *at++ = static_cast<char>(change.by);
  at = put_number(at, flags);
  at = put_number(at, change.code.digits);
  if (change.new_code) at = put_number(at, change.new_code->digits);
  if (change.at_us) at = put_signed(at, *change.at_us);
  if (change.name) at = put_text(at, *change.name);
  if (change.name_ko) at = put_text(at, *change.name_ko);
  if (change.phone) at = put_text(at, *change.phone);
  if (change.zips) {
    at = put_number(at, change.zips->size());
    for (const std::uint32_t zip : *change.zips) at = put_number(at, zip);
  }
  if (change.issued) at = put_date(at, *change.issued);
  if (change.expires && *change.expires) at = put_date(at, **change.expires);
  if (change.changed) at = put_date(at, *change.changed);
  out.resize(static_cast<std::size_t>(at - out.data()));
}

}  // namespace clearline
