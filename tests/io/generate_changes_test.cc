#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/registry_table.h"
#include "io/formats/change_reader.h"
#include "io/generate/changes.h"
#include "io/generate/moments.h"
#include "io/generate/records.h"
#include "tests/support/files.h"
#include "tests/support/live_directory.h"
#include "tests/support/made_up_registry.h"

namespace clearline::generate {
namespace {

ChangeMaker maker_of(const ChangesPlan& plan, const Registry& registry) {
  return {plan, registry, registry.table().codes_sorted(CodeStatus::kActive),
          registry.table().codes_sorted(CodeStatus::kSuspended)};
}

std::vector<Change> all_of(ChangeMaker maker) {
  std::vector<Change> changes;
  for (Change change; maker.next(change);) changes.push_back(change);
  return changes;
}

std::string text_of(const std::vector<Change>& changes) {
  std::string text;
  for (const Change& change : changes) append_change(change, text);
  return text;
}

std::uint64_t count_of(const DayCounts& counts, ChangeOp op) { return counts[static_cast<std::size_t>(op)]; }

ChangesPlan some_days(Profile profile, std::uint64_t seed, double scale) {
  ChangesPlan plan;
  plan.seed = seed;
  plan.profile = profile;
  plan.from = Date{plan.to.days - 6};
  plan.scale = scale;
  return plan;
}

TEST(GenerateChanges, AllAreAcceptedInTheirOrder) {
  for (const auto& [profile, scale] : {std::pair{Profile::kQuiet, 0.3}, std::pair{Profile::kSurge, 0.01}}) {
    for (const std::uint64_t seed : {1, 2, 3}) {
      const Registry registry = test::made_up_registry(seed, 20'000);
      const auto changes = all_of(maker_of(some_days(profile, seed, scale), registry));
      ASSERT_GT(changes.size(), 3000U);

      const test::TestFolder folder;
      test::make_directory(registry, folder.path("live"));
      RegistryStore::Options options;
      options.now_us = [] { return start_of(Date{20'424}); };  // the day after the last one
      auto store = RegistryStore::open(folder.path("live"), options);
      ASSERT_TRUE(store.ok());
      // By way of their lines, as the program does.
      std::vector<Change> read;
      ChangeReader reader;
      for (const Change& change : changes) {
        std::string line;
        append_change(change, line);
        line.pop_back();
        const auto outcome = reader.read(line);
        ASSERT_FALSE(outcome.fault) << outcome.fault.what << line;
        ASSERT_EQ(outcome.change, change) << line;
        read.push_back(outcome.change);
      }
      std::uint64_t seq = 0;
      for (const ChangeAnswer& answer : test::apply_changes(**store, read)) {
        ASSERT_FALSE(answer.error) << to_string(*answer.error) << ": change " << seq << " of seed " << seed;
        ASSERT_FALSE(answer.repeat);
        ASSERT_EQ(answer.seq, ++seq);
      }
    }
  }
}

TEST(GenerateChanges, AStreamGoesOnWhereAnotherOneEnded) {
  const Registry registry = test::made_up_registry(1, 5000);
  const test::TestFolder folder;
  test::make_directory(registry, folder.path("live"));
  auto store = RegistryStore::open(folder.path("live"));
  ASSERT_TRUE(store.ok());
  for (int i = 0; i < 3; ++i) {
    std::vector<Change> changes;
    for (Change& change : all_of(maker_of(some_days(Profile::kQuiet, 1, 0.05), (*store)->registry()))) {
      changes.push_back(std::move(change));
    }
    for (const ChangeAnswer& answer : test::apply_changes(**store, changes))
      ASSERT_FALSE(answer.error || answer.repeat);
  }
}

TEST(GenerateChanges, TheDaysOfASurgeHaveThePublishedCounts) {
  ChangesPlan plan;
  plan.profile = Profile::kSurge;
  for (const std::uint64_t seed : {1, 2, 3}) {
    plan.seed = seed;
    const DayCounts before_last = counts_of(plan, Date{plan.to.days - 1});
    const DayCounts last = counts_of(plan, plan.to);
    EXPECT_EQ(count_of(before_last, ChangeOp::kReissue), 123'302U);
    EXPECT_EQ(count_of(before_last, ChangeOp::kCancel), 3'851U);
    EXPECT_EQ(count_of(before_last, ChangeOp::kSuspend), 4'514U);
    EXPECT_EQ(count_of(last, ChangeOp::kReissue), 298'742U);
    EXPECT_EQ(count_of(last, ChangeOp::kCancel), 11'312U);
    EXPECT_EQ(count_of(last, ChangeOp::kSuspend), 6'322U);
    for (Date day = plan.from; day.days < plan.to.days - 1; ++day.days) {
      const DayCounts counts = counts_of(plan, day);
      ASSERT_TRUE(count_of(counts, ChangeOp::kCancel) >= 10 && count_of(counts, ChangeOp::kCancel) <= 20);
      ASSERT_TRUE(count_of(counts, ChangeOp::kSuspend) >= 85 && count_of(counts, ChangeOp::kSuspend) <= 115);
      ASSERT_TRUE(count_of(counts, ChangeOp::kReissue) >= 250 && count_of(counts, ChangeOp::kReissue) <= 450);
    }
  }
  EXPECT_EQ(plan.from, parse_date("2024-12-02"));
  EXPECT_EQ(plan.to, parse_date("2025-12-01"));
}

TEST(GenerateChanges, EachDayHasItsCountsAtItsTimes) {
  const Registry registry = test::made_up_registry(1, 20'000);
  const ChangesPlan plan = some_days(Profile::kSurge, 4, 0.01);
  std::map<Date, DayCounts> counts;
  std::int64_t before = start_of(plan.from);
  std::set<std::string> ids;
  std::uint64_t by_day = 0;
  const auto changes = all_of(maker_of(plan, registry));
  for (const Change& change : changes) {
    const std::int64_t at = *change.at_us;
    ASSERT_GE(at, before);
    before = at;
    ++counts[korean_date(at / 1'000'000)][static_cast<std::size_t>(change.op)];
    ASSERT_TRUE(ids.insert(change.change_id).second);
    ASSERT_LE(change.change_id.size(), kChangeIdBytesMax);
    const std::int64_t hour = (at - start_of(korean_date(at / 1'000'000))) / kHourUs;
    by_day += static_cast<std::uint64_t>(hour >= 8 && hour < 20);
  }
  ASSERT_EQ(counts.size(), 7U);
  for (auto& [day, made] : counts) EXPECT_EQ(made, counts_of(plan, day)) << format_date(day);
  EXPECT_EQ(count_of(counts[plan.to], ChangeOp::kReissue), 2987U);
  EXPECT_EQ(count_of(counts[plan.to], ChangeOp::kCancel), 113U);
  EXPECT_GT(by_day, changes.size() / 2) << "most happens by day";
  EXPECT_LT(by_day, changes.size()) << "some happens at night";
}

TEST(GenerateChanges, SomeCodesAreReissuedAgain) {
  const Registry registry = test::made_up_registry(1, 20'000);
  std::map<Code, int> length;  // of the chain that ends in a code
  int chains = 0;
  int longest = 0;
  for (const Change& change : all_of(maker_of(some_days(Profile::kSurge, 1, 0.01), registry))) {
    if (change.op != ChangeOp::kReissue) continue;
    const int now = length[change.code] + 1;
    chains += static_cast<int>(now > 1);
    longest = std::max(longest, now);
    length[*change.new_code] = now;
  }
  EXPECT_GT(chains, 50);
  EXPECT_GE(longest, 3);
}

TEST(GenerateChanges, SameSeedSameBytesWhateverTheRows) {
  const ChangesPlan plan = some_days(Profile::kQuiet, 5, 0.1);
  const std::string once = text_of(all_of(maker_of(plan, test::made_up_registry(1, 3000, 1))));
  EXPECT_EQ(text_of(all_of(maker_of(plan, test::made_up_registry(1, 3000, 2)))), once);
  ChangesPlan other = plan;
  other.seed = 6;
  EXPECT_NE(text_of(all_of(maker_of(other, test::made_up_registry(1, 3000)))), once);
}

TEST(GenerateChanges, TooFewActiveCodesAreToldBeforehand) {
  ChangesPlan plan = some_days(Profile::kSurge, 1, 1);
  const auto shortage = shortage_of(plan, 10'000);
  ASSERT_TRUE(shortage);
  EXPECT_EQ(shortage->day, Date{plan.to.days - 1});
  EXPECT_GT(shortage->needed, 123'302U);
  EXPECT_LT(shortage->active, 15'000U);
  // As many as are needed are enough, one less is not; nothing needs any that are suspended.
  plan = some_days(Profile::kQuiet, 1, 0.05);
  plan.from = plan.to;
  const DayCounts counts = counts_of(plan, plan.to);
  std::uint64_t needed = 0;
  for (const ChangeOp op :
       {ChangeOp::kAmend, ChangeOp::kRenew, ChangeOp::kSuspend, ChangeOp::kCancel, ChangeOp::kReissue}) {
    needed += count_of(counts, op);
  }
  EXPECT_FALSE(shortage_of(plan, needed));
  EXPECT_TRUE(shortage_of(plan, needed - 1));
  const Registry registry = test::made_up_registry(1, 10'000);
  std::vector<Code> active = registry.table().codes_sorted(CodeStatus::kActive);
  active.resize(needed);
  EXPECT_GE(all_of(ChangeMaker(plan, registry, active, {})).size(), needed);
  plan.scale = 0.0001;  // no change at all
  EXPECT_FALSE(shortage_of(plan, 0));
  EXPECT_TRUE(all_of(ChangeMaker(plan, registry, {}, {})).empty());
}

TEST(Moments, FollowTheHours) {
  constexpr Hours kTwoHours = [] {
    Hours hours{};
    hours[3] = 1;
    hours[10] = 3;
    return hours;
  }();
  EXPECT_EQ(moment_in(kTwoHours, 0, 8), 3 * kHourUs);
  EXPECT_EQ(moment_in(kTwoHours, 1, 8), 3 * kHourUs + kHourUs / 2);
  EXPECT_EQ(moment_in(kTwoHours, 2, 8), 10 * kHourUs);
  EXPECT_EQ(moment_in(kTwoHours, 5, 8), 10 * kHourUs + kHourUs / 2);
  EXPECT_LT(moment_in(kTwoHours, ~std::uint64_t{0} - 1, ~std::uint64_t{0}), 11 * kHourUs);
  EXPECT_EQ(start_of(Date{20'423}), parse_time_us("2025-12-01T00:00:00+09:00"));
}

}  // namespace
}  // namespace clearline::generate
