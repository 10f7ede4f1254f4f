// Declarations: made-up ones about made-up people, each with the verdict that it must get.
//
// The verdict follows from how a declaration was made: a plan draws the reasons first, then finds a person whom they
// fit and writes a spelling that is equal or plainly another. Nothing here canonicalises or compares, and nothing of
// the engine's matching is used, so the expected verdicts check it from outside.
//
// Each declaration is made from its number alone, and so is the person it is about: any number of them, in any order,
// without memory.
//
// Those of a day on which the registry changes (DayPlan) tell the moment at which they were declared, and get the verdict
// of the registry of that moment, which a Schedule knows. They come as a day's file has them: in the order of receipt,
// most within a minute of being declared, a tenth up to half an hour later, and so nearly sorted by moment and not quite.
// Some are declared within minutes of a turn of their code, which is where a registry of another moment gives another
// verdict: with codes that were reissued away, suspended or cancelled before or will be, with new codes just after their
// issue, and before it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "clearline/date.h"
#include "clearline/verdict.h"
#include "io/generate/people.h"
#include "io/generate/records.h"
#include "io/generate/schedule.h"

namespace clearline::generate {

/// Of all declarations, the wanted share of each reason, 0 to 1. Where a code is missing, malformed or unknown, or the
/// whole declaration malformed, what was wanted of the rest does not show: the usual shares lose a hundredth so.
using Shares = std::array<double, kReasonCount>;

/// A day as it might be: some 84 % clear.
Shares usual_shares();
/// Whether a share can be wanted of a reason: the standard policy can give it without variants.
bool can_be_wanted(Reason reason);

/// Whether they can be had together: those of one item (code, name, phone, zip) exclude each other, so that they add up
/// to no more than all.
bool can_be_had(const Shares& shares);

/// A day on which the registry changes.
struct DayPlan {
  const Schedule* schedule = nullptr;  ///< of the registry of the plan; outlives it
  Date day;                            ///< the Korean day of all `declared_at`
  std::uint64_t count = 0;             ///< how many declarations the day has; all numbers are below
  double turn_share = 0.006;           ///< declared within minutes of a turn, where there is one
};

struct DeclarationsPlan {
  std::uint64_t seed = 1;
  std::uint64_t registry_seed = 1;
  std::uint64_t registry_count = 300'000;  ///< people 0 .. registry_count - 1 are registered; at most kPeopleMax
  Style style = Style::kFull;
  Form form = Form::kNdjson;
  Shares shares = usual_shares();
  std::optional<DayPlan> day;  ///< without one: days between kFirstDeclared and kLastDeclared, of a registry that stays
};

/// Appends declaration `number` as a line or record, and to `expected` its row `id,verdict,reasons`. The header of a
/// CSV file is append_declaration_header()'s.
void append_declaration(const DeclarationsPlan& plan, std::uint64_t number, std::string& out, std::string& expected);

/// The header of expected verdicts.
inline constexpr std::string_view kExpectedHeader = "id,verdict,reasons\n";

}  // namespace clearline::generate
