// ChangeDays: changes counted by Korean day and op, each count beside those of the days before, and which of them stand out.
//
// Days      every calendar day from the first that has a change to the last; one without changes counts as 0
// Before    of a count: its op's counts on all days from the first on that come before its own day
// Surge     a count of at least kSurgeTimes the mean of the days before, and at least kSurgeAbove more than it, where there
//           are at least kSurgeDaysBefore of them: a busy day of something rare is none, nor is a first week
// Order     any: a change that comes late counts to the day on which it happened, and so moves the means behind it
// Exact     means are kept as a sum and a number of days, and compared so: 3 times the mean is 3 times the mean
// Costs     one step down a tree of days a change; memory by days that have changes
// Not here  reading changes, and how a report looks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>

#include "clearline/change.h"
#include "clearline/date.h"

namespace clearline {

class ChangeDays {
 public:
  static constexpr std::size_t kOps = 7;
  static constexpr std::uint64_t kSurgeTimes = 3;
  static constexpr std::uint64_t kSurgeAbove = 10;
  static constexpr std::uint64_t kSurgeDaysBefore = 7;

  /// Counts one change to the day of its `at`.
  void add(ChangeOp op, Date day) { ++days_[day][index_of(op)]; }

  /// What one op did on one day, and on those before it.
  struct Count {
    std::uint64_t count = 0;
    std::uint64_t sum_before = 0;
    std::uint64_t largest_before = 0;
  };
  struct Day {
    Date date;
    std::uint64_t days_before = 0;
    std::array<Count, kOps> counts{};

    const Count& of(ChangeOp op) const { return counts[index_of(op)]; }
    bool is_surge(ChangeOp op) const;
  };
  /// All days, in order.
  void for_each_day(const std::function<void(const Day&)>& use) const;

 private:
  static constexpr std::size_t index_of(ChangeOp op) {
    return static_cast<std::size_t>(op) - static_cast<std::size_t>(ChangeOp::kIssue);
  }
  static_assert(static_cast<std::size_t>(ChangeOp::kReissue) - static_cast<std::size_t>(ChangeOp::kIssue) == kOps - 1);

  std::map<Date, std::array<std::uint64_t, kOps>> days_;  // those with changes
};

}  // namespace clearline
