#include "engine/change_days.h"

#include <algorithm>

namespace clearline {

// A calendar has under 2^22 days, so no product overflows below 2^40 changes: 300 terabytes of journal.
bool ChangeDays::Day::is_surge(ChangeOp op) const {
  const Count& it = of(op);
  return days_before >= kSurgeDaysBefore && it.count * days_before >= kSurgeTimes * it.sum_before &&
         it.count * days_before >= it.sum_before + kSurgeAbove * days_before;
}

void ChangeDays::for_each_day(const std::function<void(const Day&)>& use) const {
  if (days_.empty()) return;
  Day day;
  day.date = days_.begin()->first;
  for (const auto& [date, counts] : days_) {
    for (; day.date < date; ++day.date.days, ++day.days_before) {
      use(day);  // without changes: its counts are 0
    }
    for (std::size_t i = 0; i < kOps; ++i) day.counts[i].count = counts[i];
    use(day);
    ++day.date.days;
    ++day.days_before;
    for (Count& it : day.counts) {
      it.sum_before += it.count;
      it.largest_before = std::max(it.largest_before, it.count);
      it.count = 0;
    }
  }
}

}  // namespace clearline
