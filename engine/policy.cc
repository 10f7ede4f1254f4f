#include "clearline/policy.h"

#include <cassert>
#include <cstddef>

namespace clearline {

std::size_t Policy::rule_on(Date date) const {
  assert(!rules.empty());
  std::size_t index = rules.size() - 1;
  while (index > 0 && *rules[index].from > date) --index;
  return index;
}

std::array<Outcome, kReasonCount> default_outcomes() {
  std::array<Outcome, kReasonCount> outcome{};
  outcome.fill(Outcome::kHold);
  const auto set = [&](Reason reason, Outcome value) { outcome[static_cast<std::size_t>(reason)] = value; };
  set(Reason::kMalformed, Outcome::kError);
  set(Reason::kInternal, Outcome::kError);
  set(Reason::kNameVariant, Outcome::kReview);
  set(Reason::kNameNotOnFile, Outcome::kReview);
  set(Reason::kPhoneVirtual, Outcome::kReview);
  set(Reason::kPhoneNotOnFile, Outcome::kReview);
  set(Reason::kZipNotOnFile, Outcome::kReview);
  return outcome;
}

Policy standard_policy() {
  Rule rule;
  rule.name = "standard";
  rule.outcome = default_outcomes();
  Policy policy;
  policy.name = "standard";
  policy.rules.push_back(rule);
  return policy;
}

}  // namespace clearline
