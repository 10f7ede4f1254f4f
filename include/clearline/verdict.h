// Verdict: the answer to one declaration, with all its reasons.
#pragma once

#include <cstdint>
#include <string_view>

namespace clearline {

/// Worst last: the verdict is the largest of its reasons' outcomes.
enum class Outcome : std::uint8_t { kClear, kReview, kHold, kError };
inline constexpr int kOutcomeCount = 4;

/// In the order in which they are given. The values index tables; a new one changes no stored form.
enum class Reason : std::uint8_t {
  kMalformed,
  kInternal,
  kCodeMissing,
  kCodeMalformed,
  kCodeUnknown,
  kCodeCancelled,
  kCodeReplaced,
  kCodeSuspended,
  kCodeExpired,
  kNameMissing,
  kNameMismatch,
  kNameVariant,
  kNameNotOnFile,
  kPhoneMissing,
  kPhoneMismatch,
  kPhoneVirtual,
  kPhoneNotOnFile,
  kZipMissing,
  kZipMalformed,
  kZipMismatch,
  kZipNotOnFile,
};
inline constexpr int kReasonCount = 21;

/// What became of the code of a declaration.
enum class CodeCheck : std::uint8_t {
  kNotChecked,
  kMissing,
  kMalformed,
  kUnknown,
  kActive,
  kSuspended,
  kCancelled,
  kReplaced,
  kExpired,
};

/// What became of one compared item.
enum class ItemCheck : std::uint8_t {
  kNotChecked,
  kSame,
  kSameGivenFirst,
  kMismatch,
  kMissing,
  kMalformed,
  kNotOnFile,
  kVariantMiddleDropped,
  kVariantInitials,
  kVariantRomanisation,
  kVariantTypo,
  kVariantTruncated,
};

/// A set of reasons, iterated in their order.
class ReasonSet {
 public:
  constexpr void add(Reason reason) { bits_ |= std::uint32_t{1} << static_cast<int>(reason); }
  constexpr bool has(Reason reason) const { return (bits_ >> static_cast<int>(reason) & 1U) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr std::uint32_t bits() const { return bits_; }
  friend constexpr bool operator==(ReasonSet, ReasonSet) = default;

 private:
  std::uint32_t bits_ = 0;
};
static_assert(kReasonCount <= 32);

/// A fresh Verdict is an internal error: one that nobody filled in can never read as clear.
struct Verdict {
  Outcome outcome = Outcome::kError;
  ReasonSet reasons = [] {
    ReasonSet set;
    set.add(Reason::kInternal);
    return set;
  }();
  CodeCheck code = CodeCheck::kNotChecked;
  ItemCheck name = ItemCheck::kNotChecked;
  ItemCheck phone = ItemCheck::kNotChecked;
  ItemCheck zip = ItemCheck::kNotChecked;
  std::uint16_t rule = 0;          ///< index into Policy::rules of the rule that judged
  std::uint64_t registry_seq = 0;  ///< the registry that judged: with all changes up to this one
};

/// The words of the formats: "clear", "code_suspended", "same:given_first".
std::string_view to_string(Outcome outcome);
std::string_view to_string(Reason reason);
std::string_view to_string(CodeCheck check);
std::string_view to_string(ItemCheck check);

}  // namespace clearline
