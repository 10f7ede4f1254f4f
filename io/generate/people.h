// People: made-up owners of clearance codes, any number of them, each made from its number alone.
//
// Nobody is stored: person i of a seed is the same whenever it is asked for, so declarations about 26 million people
// need no table of them. Codes are unique because the code of i is a permutation of 0 .. 10^12 - 1 applied to i.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "clearline/code.h"
#include "clearline/date.h"
#include "clearline/registry.h"

namespace clearline::generate {

/// What a declaration generator must know to choose a person, without the cost of names.
struct Traits {
  CodeStatus status = CodeStatus::kActive;
  std::optional<Date> expires;
  bool has_latin = true;
  bool has_hangul = true;
  bool has_phone = true;
  bool has_zip = true;
  bool is_foreign = false;
};

/// A person, with the parts of the name that spellings are made of.
struct Person {
  Entry entry;
  std::vector<std::string> family;  ///< Latin words, upper case, as registered (`DE`, `LA`, `CRUZ`)
  std::vector<std::string> given;   ///< Latin words (`GIL`, `DONG`)
  std::string family_ko;
  std::string given_ko;
};

/// Fills in the parts of a person's names from those of the entry, which must have a Latin one. False when they are none as
/// are made here: then other spellings of them are not known.
bool read_names(Person& person);

/// No zip of the country is that high.
inline constexpr std::uint32_t kZipEnd = 70'000;

/// Days between which declarations are made; no made-up code expires within. (Now and then one is made on the last
/// day of a code, or the day after, whenever that is.)
inline constexpr Date kFirstDeclared{20'423};  // 2025-12-01
inline constexpr Date kLastDeclared{20'512};   // 2026-02-28
/// What expired before this day, or expires from that day on, does so for whoever screens today.
inline constexpr Date kLongAgo{20'089};  // 2025-01-01
inline constexpr Date kFarAway{43'830};  // 2090-01-01

/// People may be registered up to this number. Those behind it lend their codes where one is needed that is unknown.
inline constexpr std::uint64_t kPeopleMax = std::uint64_t{1} << 37;
inline constexpr std::uint64_t kSuccessors = 2 * kPeopleMax;  ///< the codes that replaced others
inline constexpr std::uint64_t kNobody = 4 * kPeopleMax;      ///< codes that nobody has; kNobody + n < 10^12
static_assert(kNobody < kCodeEnd);

class People {
 public:
  explicit People(std::uint64_t seed) : seed_(seed) {}

  Code code(std::uint64_t number) const;
  /// The number below 10^12 whose code this is: everybody's, once and for all.
  std::uint64_t number(Code code) const;
  Traits traits(std::uint64_t number) const;
  Person person(std::uint64_t number) const;

 private:
  std::uint64_t seed_;
};

}  // namespace clearline::generate
