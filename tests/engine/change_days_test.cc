#include "engine/change_days.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/random_input.h"

namespace clearline {
namespace {

constexpr std::int64_t kDayUs = std::int64_t{24} * 3600 * 1'000'000;

constexpr ChangeOp kOps[] = {ChangeOp::kIssue,  ChangeOp::kAmend,  ChangeOp::kRenew,  ChangeOp::kSuspend,
                             ChangeOp::kResume, ChangeOp::kCancel, ChangeOp::kReissue};

std::vector<ChangeDays::Day> days_of(const ChangeDays& counted) {
  std::vector<ChangeDays::Day> days;
  counted.for_each_day([&](const ChangeDays::Day& day) { days.push_back(day); });
  return days;
}

/// Days with these counts of reissues, one after the other; of the first day an amendment, too, so that it is one.
ChangeDays reissues(const std::vector<std::uint64_t>& counts) {
  ChangeDays days;
  days.add(ChangeOp::kAmend, Date{0});
  for (std::size_t i = 0; i < counts.size(); ++i) {
    for (std::uint64_t n = counts[i]; n > 0; --n) days.add(ChangeOp::kReissue, Date{static_cast<std::int32_t>(i)});
  }
  return days;
}

bool last_is_surge(const std::vector<std::uint64_t>& counts) {
  const auto days = days_of(reissues(counts));
  EXPECT_EQ(days.size(), counts.size());
  for (std::size_t i = 0; i + 1 < days.size(); ++i) EXPECT_FALSE(days[i].is_surge(ChangeOp::kReissue)) << i;
  return days.back().is_surge(ChangeOp::kReissue);
}

TEST(ChangeDays, NoChangesAreNoDays) { EXPECT_TRUE(days_of(ChangeDays()).empty()); }

TEST(ChangeDays, DaysWithoutChangesCountAsNone) {
  ChangeDays counted;
  for (int i = 0; i < 6; ++i) counted.add(ChangeOp::kSuspend, Date{100});
  counted.add(ChangeOp::kIssue, Date{103});
  const auto days = days_of(counted);
  ASSERT_EQ(days.size(), 4U);
  for (std::int32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(days[i].date, Date{100 + i});
    EXPECT_EQ(days[i].days_before, static_cast<std::uint64_t>(i));
    EXPECT_EQ(days[i].of(ChangeOp::kSuspend).count, i == 0 ? 6U : 0U);
    EXPECT_EQ(days[i].of(ChangeOp::kSuspend).sum_before, i == 0 ? 0U : 6U);
    EXPECT_EQ(days[i].of(ChangeOp::kSuspend).largest_before, i == 0 ? 0U : 6U);
    EXPECT_EQ(days[i].of(ChangeOp::kIssue).count, i == 3 ? 1U : 0U);
    EXPECT_EQ(days[i].of(ChangeOp::kIssue).sum_before, 0U);
  }
}

TEST(ChangeDays, MidnightIsThatOfKorea) {
  ChangeDays counted;
  const std::int64_t midnight = *parse_time_us("2025-12-01T00:00:00+09:00");
  counted.add(ChangeOp::kCancel, korean_date_us(midnight - 1));
  counted.add(ChangeOp::kCancel, korean_date_us(midnight));
  counted.add(ChangeOp::kCancel, korean_date_us(midnight + kDayUs - 1));
  const auto days = days_of(counted);
  ASSERT_EQ(days.size(), 2U);
  EXPECT_EQ(format_date(days[0].date), "2025-11-30");
  EXPECT_EQ(days[0].of(ChangeOp::kCancel).count, 1U);
  EXPECT_EQ(days[1].of(ChangeOp::kCancel).count, 2U);
  EXPECT_EQ(korean_date_us(-9 * 3600 * std::int64_t{1'000'000} - 1), parse_date("1969-12-31"));
}

TEST(ChangeDays, ALateChangeCountsToItsDayAndMovesTheMeansBehindIt) {
  ChangeDays counted;
  counted.add(ChangeOp::kRenew, Date{10});
  counted.add(ChangeOp::kRenew, Date{12});
  counted.add(ChangeOp::kRenew, Date{11});
  counted.add(ChangeOp::kRenew, Date{8});  // earlier than all: the first day now
  const auto days = days_of(counted);
  ASSERT_EQ(days.size(), 5U);
  EXPECT_EQ(days.back().days_before, 4U);
  EXPECT_EQ(days.back().of(ChangeOp::kRenew).sum_before, 3U);
}

TEST(ChangeDays, ASurgeHasSevenDaysBefore) {
  EXPECT_FALSE(last_is_surge({1, 1, 1, 1, 1, 1, 100})) << "six days";
  EXPECT_TRUE(last_is_surge({1, 1, 1, 1, 1, 1, 1, 100})) << "seven days";
  EXPECT_TRUE(last_is_surge({0, 0, 0, 0, 0, 0, 0, 10})) << "days without changes are days";
}

TEST(ChangeDays, ASurgeIsThreeTimesTheMean) {
  EXPECT_TRUE(last_is_surge({20, 20, 20, 20, 20, 20, 20, 60})) << "exactly";
  EXPECT_FALSE(last_is_surge({20, 20, 20, 20, 20, 20, 20, 59}));
  // A mean of 141/7 that no double holds; three times it is 60.43.
  EXPECT_FALSE(last_is_surge({20, 20, 20, 20, 20, 20, 21, 60}));
  EXPECT_TRUE(last_is_surge({20, 20, 20, 20, 20, 20, 21, 61}));
}

TEST(ChangeDays, ASurgeIsTenAboveTheMean) {
  EXPECT_TRUE(last_is_surge({2, 2, 2, 2, 2, 2, 2, 12})) << "exactly";
  EXPECT_FALSE(last_is_surge({2, 2, 2, 2, 2, 2, 2, 11}));
  EXPECT_TRUE(last_is_surge({0, 0, 0, 0, 0, 0, 0, 10})) << "the mean may be 0";
  EXPECT_FALSE(last_is_surge({0, 0, 0, 0, 0, 0, 0, 9}));
  EXPECT_FALSE(last_is_surge({0, 0, 0, 0, 0, 0, 1, 10})) << "9.86 above";
  EXPECT_TRUE(last_is_surge({0, 0, 0, 0, 0, 0, 1, 11}));
}

TEST(ChangeDays, ASurgeIsOfOneOp) {
  ChangeDays counted = reissues({1, 1, 1, 1, 1, 1, 1, 50});
  for (int i = 0; i < 9; ++i) counted.add(ChangeOp::kIssue, Date{7});
  const auto days = days_of(counted);
  for (const ChangeOp op : kOps) EXPECT_EQ(days.back().is_surge(op), op == ChangeOp::kReissue);
}

/// Every day by walking over all changes again; days as texts.
TEST(ChangeDays, EqualAPlainCountOnRandomHistories) {
  const std::uint64_t seed = test::test_seed();
  std::mt19937_64 random(seed);
  std::size_t surges = 0;
  for (int round = 0; round < 60; ++round) {
    const auto below = [&](std::uint64_t count) { return static_cast<std::int64_t>(random() % count); };
    const std::int64_t first = (below(20'000) - 5'000) * kDayUs;
    const std::int64_t span = 1 + below(40);
    std::vector<std::pair<ChangeOp, std::int64_t>> changes;
    std::int64_t at = first;
    const std::int64_t count = below(1'500);
    for (std::int64_t i = 0; i < count; ++i) {
      // On and on, some days left out, some changes late, some at the very edge of a day in Korea.
      at += below(static_cast<std::uint64_t>(2 * span * kDayUs / (count + 1)) + 1);
      if (below(200) == 0) at += below(5) * kDayUs;
      std::int64_t when = below(10) == 0 ? at - below(10 * kDayUs) : at;
      if (below(10) == 0) when = when / kDayUs * kDayUs + 15 * kDayUs / 24 - below(2);
      const ChangeOp op = kOps[below(below(3) == 0 ? 7 : 2)];
      for (std::int64_t n = below(60) == 0 ? 40 : 1; n > 0; --n) changes.emplace_back(op, when);
    }
    ChangeDays counted;
    std::optional<Date> first_day;
    std::optional<Date> last_day;
    for (const auto& [op, when] : changes) {
      const Date day = *parse_date(format_time(when).substr(0, 10));
      counted.add(op, korean_date_us(when));
      first_day = std::min(first_day.value_or(day), day);
      last_day = std::max(last_day.value_or(day), day);
    }
    const auto days = days_of(counted);
    ASSERT_EQ(days.size(), first_day ? last_day->days - first_day->days + 1 : 0) << seed;
    std::vector<std::vector<std::uint64_t>> plain(days.size(), std::vector<std::uint64_t>(8));
    for (const auto& [op, when] : changes) {
      const std::string day = format_time(when).substr(0, 10);
      ++plain[parse_date(day)->days - first_day->days][static_cast<std::size_t>(op)];
    }
    for (std::size_t i = 0; i < days.size(); ++i) {
      ASSERT_EQ(days[i].date.days, first_day->days + static_cast<std::int32_t>(i)) << seed;
      ASSERT_EQ(days[i].days_before, i) << seed;
      for (const ChangeOp op : kOps) {
        const auto of = static_cast<std::size_t>(op);
        std::uint64_t sum = 0;
        std::uint64_t largest = 0;
        for (std::size_t before = 0; before < i; ++before) {
          sum += plain[before][of];
          largest = std::max(largest, plain[before][of]);
        }
        const ChangeDays::Count& it = days[i].of(op);
        ASSERT_EQ(it.count, plain[i][of]) << seed;
        ASSERT_EQ(it.sum_before, sum) << seed;
        ASSERT_EQ(it.largest_before, largest) << seed;
        const double mean = i == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(i);
        const auto value = static_cast<double>(it.count);
        // Doubles tell all but what lies at the very edge.
        if (std::abs(value - 3 * mean) > 1e-6 && std::abs(value - mean - 10) > 1e-6) {
          ASSERT_EQ(days[i].is_surge(op), i >= 7 && value > 3 * mean && value > mean + 10) << seed;
        }
        surges += static_cast<std::size_t>(days[i].is_surge(op));
      }
    }
  }
  EXPECT_GT(surges, 10U) << seed;
}

}  // namespace
}  // namespace clearline
