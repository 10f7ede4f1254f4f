// Change: one numbered, durable step of a registry, and what it makes of the entries it touches.
//
//   op        from               to         fields
//   issue     no entry           active     all of an entry but status, replaced_by and changed
//   amend     active, suspended  the same   name, name_ko, phone, zips, expires
//   renew     active, suspended  the same   expires
//   suspend   active             suspended  by
//   resume    suspended          active
//   cancel    active, suspended  cancelled  by
//   reissue   active, suspended  replaced   new_code, which becomes active with the old one's data; the fields of amend
//
// Not here: reading changes (io/formats/change_reader.h), and who numbers and keeps them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clearline/code.h"
#include "clearline/date.h"
#include "clearline/registry.h"

namespace clearline {

/// The values are stored in journals.
enum class ChangeOp : std::uint8_t { kIssue = 1, kAmend, kRenew, kSuspend, kResume, kCancel, kReissue };
std::string_view to_string(ChangeOp op);
std::optional<ChangeOp> parse_change_op(std::string_view text);

/// Who wanted a suspension or a cancellation. The values are stored in journals.
enum class ChangeBy : std::uint8_t { kOwner, kExOfficio };
std::string_view to_string(ChangeBy by);
std::optional<ChangeBy> parse_change_by(std::string_view text);

/// Why a change is refused. A refused change changes nothing.
enum class ChangeError : std::uint8_t {
  kMalformed,       ///< it cannot be read, or does not say what its op needs
  kCodeExists,      ///< issue, or the new code of a reissue
  kCodeUnknown,     ///< the code has no entry
  kNotActive,       ///< the op wants an active code (or a suspended one, see above)
  kNotSuspended,    ///< resume
  kChangeIdReused,  ///< the same change_id was accepted with other content
  kAtInFuture,      ///< more than kAtAheadMaxUs ahead
  kReadOnly,
  kBusy,
  kDenied,
};
/// One more than the last of them; to_string() holds that.
inline constexpr std::size_t kChangeErrorCount = static_cast<std::size_t>(ChangeError::kDenied) + 1;
/// The words of the answers: "code_exists".
std::string_view to_string(ChangeError error);

inline constexpr std::size_t kChangeIdBytesMax = 64;
/// How far `at` may lie ahead of the clock.
inline constexpr std::int64_t kAtAheadMaxUs = std::int64_t{5} * 60 * 1'000'000;

/// What a change wants. A field that is not given stays; one that is given and empty is cleared.
///
/// Well-formed is a change that has what its op needs and no field that it does not take, whose texts and zips an entry
/// may have (entry_fault), and whose dates lie from kDateMin to kDateMax, the Korean day of `at_us` included.
struct Change {
  ChangeOp op = ChangeOp::kIssue;
  Code code;
  std::optional<Code> new_code;  ///< kReissue, needed
  ChangeBy by = ChangeBy::kOwner;
  std::string change_id;              ///< 1 to kChangeIdBytesMax bytes
  std::optional<std::int64_t> at_us;  ///< when it happened, Unix time; not given: when it is received

  std::optional<std::string> name;
  std::optional<std::string> name_ko;
  std::optional<std::string> phone;  ///< canonical_phone()
  std::optional<std::vector<std::uint32_t>> zips;
  std::optional<Date> issued;                  ///< kIssue
  std::optional<Date> changed;                 ///< kIssue
  std::optional<std::optional<Date>> expires;  ///< given without a date: no expiry
  friend bool operator==(const Change&, const Change&) = default;
};

/// What becomes of the entries that a change touches, or why it is refused.
struct ChangeEffect {
  std::optional<ChangeError> error;
  std::string_view detail;         ///< with an error: fixed words for a person; never a registered value
  Entry after;                     ///< without one: the entry of `code`
  std::optional<Entry> new_after;  ///< kReissue: the entry of `new_code`
};

/// The effect of a well-formed change; pure.
///   on          the Korean day of its `at`: `changed` of an amendment and of the new entry of a reissue, and both dates of an
///               issue that are not given
///   before      the entry of `code`; nothing: none
///   new_before  the entry of `new_code`, for kReissue
/// The old code is looked at before the new one. Entries without a fault stay without one.
ChangeEffect effect_of(const Change& change, Date on, const std::optional<Entry>& before,
                       const std::optional<Entry>& new_before);

/// Appends bytes that two changes share if and only if they want the same; `change_id` is not among them. Hashes of
/// them are kept, so the bytes of a change stay what they are.
void append_change_content(const Change& change, std::string& out);

}  // namespace clearline
