// Policy: the dated rules from entry + declaration + date to verdict. A value: built in, or read from a file.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clearline/date.h"
#include "clearline/verdict.h"

namespace clearline {

/// How a rule treats the phone.
enum class PhoneCheck : std::uint8_t {
  kNever,
  kWhenDeclared,  ///< compared when declared and on file; silent otherwise
  kRequired,      ///< a missing one and one not on file have their reasons
};

/// One rule, in force from its day until the next rule's.
struct Rule {
  std::string name;
  std::optional<Date> from;  ///< none: since ever
  bool checks_name = true;
  bool checks_zip = true;
  PhoneCheck phone = PhoneCheck::kWhenDeclared;
  bool given_first_is_same = true;              ///< otherwise GF counts as name_mismatch
  int expiry_grace_days = 0;                    ///< usable through `expires` and as many days more
  std::array<Outcome, kReasonCount> outcome{};  ///< of each reason; filled by default_outcomes()
};

struct Policy {
  std::string name;
  std::vector<Rule> rules;  ///< by `from`, oldest first; the first has none

  /// The index of the rule in force on that day.
  std::size_t rule_on(Date date) const;
};

/// The outcome of each reason by default.
std::array<Outcome, kReasonCount> default_outcomes();

/// The built-in `standard` policy: one rule, since ever: code, name and zip required, the phone compared when declared
/// and on file.
Policy standard_policy();

}  // namespace clearline
