// Schedule: what each code of a made-up registry is at any moment, by the changes to it; from this declarations that tell
// their moment know their verdicts beforehand.
//
// Rule     A change counts from its `effective` on, the latest `at` of all changes so far, for what is declared at that
//          moment or later.
// Twin     The engine's own changing and looking back is not used: a change is a step behind the step before it, and
//          nothing is ever overwritten.
// Bound    The changes must be such as are made here for this registry: each accepted in its order, about a person of it
//          or somebody a change made, with names, phones and zips of which other spellings are known (generate/spellings.h).
// Memory   4 bytes a person; 32 a change and some 80 a new code, and 200 where a name, a phone or zips are given.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "clearline/change.h"
#include "clearline/code.h"
#include "clearline/date.h"
#include "clearline/registry.h"
#include "io/generate/people.h"

namespace clearline::generate {

class Schedule {
 public:
  /// People 0 to registry_count - 1 are registered before the first change.
  Schedule(std::uint64_t registry_seed, std::uint64_t registry_count);

  /// Takes the next change. Words say why it is none of this registry's, or what is not known of it; then it was not taken.
  /// They hold no value.
  std::optional<std::string_view> add(const Change& change);

  /// Whether the changes were made for fewer people: they touch people at random, and so none of the last ones only where
  /// there were none. Found by the numbers alone, and never of a few changes; another seed is found by add(), as codes then
  /// are in other statuses.
  bool seems_of_smaller_registry() const;

  const People& people() const { return people_; }

  /// Codes that are registered at some time have places: first those of people, by their number, then those that changes
  /// made, in their order.
  std::uint64_t code_count() const { return last_.size(); }
  Code code(std::uint64_t place) const {
    return place < registry_count_ ? people_.code(place) : made_[place - registry_count_];
  }
  std::optional<std::uint64_t> place(Code code) const;

  /// An entry as it is from one step of its code to the next.
  struct Holding {
    std::uint64_t place = 0;
    std::uint32_t step = 0;  ///< kNoStep: as it was registered
  };
  /// What a code holds at a moment, Unix time. Nothing: it has no entry yet.
  std::optional<Holding> holding(std::uint64_t place, std::int64_t unix_us) const;
  /// What it holds in the end.
  Holding last_holding(std::uint64_t place) const { return {place, last_[place]}; }

  Traits traits(const Holding& holding) const;
  Person person(const Holding& holding) const;

  /// A moment at which a code becomes usable for the first time, or stops being so.
  struct Turn {
    std::int64_t effective_us = 0;
    std::uint64_t place = 0;
  };
  /// Turn `number` (0: the first) of those from a moment on, before another one; where there are fewer, the last.
  std::optional<Turn> turn(std::int64_t from_us, std::int64_t end_us, std::uint64_t number) const;

 private:
  static constexpr std::uint32_t kNoStep = 0xFFFFFFFF;
  static constexpr std::uint32_t kNothingGiven = 0xFFFFFFFF;
  static constexpr std::int32_t kExpiryStays = std::numeric_limits<std::int32_t>::min();
  static constexpr std::int32_t kExpiresNever = std::numeric_limits<std::int32_t>::max();

  /// One code, changed.
  struct Step {
    std::int64_t effective_us;
    std::uint64_t place;
    std::uint32_t before;  ///< what it goes on from: of this code, or of the one that a new code replaces; or kNoStep
    std::uint32_t given;   ///< place in given_, or kNothingGiven
    std::int32_t expires;  ///< days, kExpiryStays or kExpiresNever
    CodeStatus status;
    ChangeOp op;
    bool is_first;  ///< the code had no entry before
  };
  static_assert(sizeof(Step) == 32);
  /// What a change says of a person.
  struct Given {
    std::optional<std::string> name;
    std::optional<std::string> name_ko;
    std::optional<std::string> phone;
    std::optional<std::vector<std::uint32_t>> zips;
  };

  std::uint64_t make_place(Code code);
  void append(const Change& change, std::uint64_t place, std::uint32_t before, CodeStatus status, bool gives);
  std::optional<std::string_view> fault_of(const Change& change, const std::optional<Holding>& now) const;
  CodeStatus status_of(const Holding& holding) const;
  std::vector<std::uint32_t> steps_to(const Holding& holding) const;
  std::optional<std::uint64_t> registered_person(const Holding& holding, const std::vector<std::uint32_t>& steps) const;
  static void change_expiry(const Step& step, std::optional<Date>& expires);

  People people_;
  std::uint64_t registry_count_;
  std::uint64_t touched_ = 0;      // registered people that changes are about
  std::uint64_t touched_end_ = 0;  // behind the largest number of one
  std::int64_t effective_us_ = std::numeric_limits<std::int64_t>::min();
  std::vector<Step> steps_;  // in the order of time
  std::vector<Given> given_;
  std::vector<Code> made_;
  std::unordered_map<std::uint64_t, std::uint64_t> made_places_;  // by the digits
  std::vector<std::uint32_t> last_;                               // steps, by place; kNoStep
};

}  // namespace clearline::generate
