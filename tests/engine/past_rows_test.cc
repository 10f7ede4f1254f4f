// PastRows and PastTimes against plain searches.
#include "engine/past_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "clearline/policy.h"
#include "clearline/screener.h"
#include "tests/support/live_registry.h"
#include "tests/support/random_input.h"

namespace clearline {
namespace {

TEST(PastTimes, AgreeWithAPlainSearch) {
  std::mt19937_64 random(test::test_seed());
  for (const int spread : {1, 3, 100, 1'000'000, 2'000'000'000}) {
    std::vector<std::int64_t> times{-spread};
    PastTimes past(500, std::nullopt);
    past.add(times.back());
    for (int i = 0; i < 3000; ++i) {
      // Mostly close together, now and then far apart, often at once.
      const std::int64_t step = random() % 3 == 0 ? 0 : static_cast<std::int64_t>(random() % spread);
      times.push_back(times.back() + step * (random() % 100 == 0 ? 10'000 : 1));
      past.add(times.back());
    }
    past.finish();
    for (int i = 0; i < 20'000; ++i) {
      const std::int64_t at = times[random() % times.size()] + static_cast<std::int64_t>(random() % 3) - 1;
      const auto behind = std::upper_bound(times.begin(), times.end(), at);
      ASSERT_EQ(past.seq_at(at), 500U + static_cast<std::uint64_t>(behind - times.begin()));
    }
    EXPECT_EQ(past.seq_at(INT64_MIN), 500U);
    EXPECT_EQ(past.seq_at(INT64_MAX), 500U + times.size());
  }
}

TEST(PastTimes, BeforeAnOldBaseNothingIsKnown) {
  PastTimes none(7, std::nullopt);
  none.finish();
  EXPECT_EQ(none.seq_at(5), 7U);
  PastTimes empty(7, 100);
  empty.finish();
  EXPECT_FALSE(empty.seq_at(99));
  EXPECT_EQ(empty.seq_at(100), 7U);
  PastTimes some(7, 100);
  some.add(100);
  some.add(200);
  some.finish();
  EXPECT_FALSE(some.seq_at(99));
  EXPECT_EQ(some.seq_at(100), 8U);
  EXPECT_EQ(some.seq_at(199), 8U);
  EXPECT_EQ(some.seq_at(200), 9U);
}

Entry named_entry(Code code, const std::string& name) {
  Entry entry;
  entry.code = code;
  entry.name = name;
  return entry;
}

TEST(PastRows, GiveTheFirstVersionBehindASeq) {
  std::mt19937_64 random(test::test_seed());
  const Registry registry = test::make_live_registry();
  for (const std::uint64_t codes : {1, 2, 7, 3000}) {
    PastRows past(registry.table());
    std::map<std::uint64_t, std::map<std::uint64_t, std::string>> expected;  // code, seq -> name; "": no entry
    const std::uint64_t last = 20'000;
    for (std::uint64_t seq = 1; seq <= last; ++seq) {
      // Codes alike in all bits but a few, once mixed: they meet in the index.
      const Code code = unmix_code((random() % codes) << 20);
      if (code.digits >= kCodeEnd) continue;
      const bool is_new = !expected.contains(code.digits);
      const std::string name = is_new ? "" : "KIM A" + std::to_string(seq);
      ASSERT_TRUE(past.add(seq, code, is_new ? std::nullopt : std::optional(named_entry(code, name))).ok());
      expected[code.digits][seq] = name;
    }
    past.finish(last, 0);
    EXPECT_EQ(past.code_count(), expected.size());
    EXPECT_EQ(past.new_code_count(), expected.size());
    for (int i = 0; i < 50'000; ++i) {
      const Code code = unmix_code((random() % (codes + 1)) << 20);
      const std::uint64_t seq = random() % (last + 2);
      const auto versions = expected.find(code.digits);
      const PastRows::Version* found = past.find(mix_code(code), seq);
      EXPECT_TRUE(past.prefetch_version(mix_code(code)) || versions == expected.end());
      if (versions == expected.end() || versions->second.upper_bound(seq) == versions->second.end()) {
        ASSERT_EQ(found, nullptr);
        continue;
      }
      const auto& [at, name] = *versions->second.upper_bound(seq);
      ASSERT_NE(found, nullptr);
      ASSERT_EQ(found->seq, at);
      ASSERT_EQ(found->hot.empty(), name.empty());
      if (name.empty()) continue;
      ASSERT_EQ(read_entry(code, found->hot, found->side, past.texts())->name, name);
    }
  }
}

TEST(PastRows, RefuseAnEntryWithAFault) {
  const Registry registry = test::make_live_registry();
  PastRows past(registry.table());
  Entry entry = named_entry(Code{5}, "KIM A");
  entry.zips = {100'000};
  const Status refused = past.add(1, entry.code, entry);
  EXPECT_EQ(refused.kind(), StatusKind::kInput);
  EXPECT_EQ(refused.message(), "zip is not five digits");
  entry.zips = {99'999};
  EXPECT_TRUE(past.add(1, entry.code, entry).ok());
}

TEST(PastRows, BesideARegistryThatMovesOnNothingIsJudged) {
  Registry registry = test::make_live_registry();
  RegistryWriter writer(registry.mutable_table());
  const Entry entry = named_entry(Code{123}, "HONG GILDONG");
  test::change(writer, {entry});
  PastRows past(registry.table());
  ASSERT_TRUE(past.add(1, entry.code, std::nullopt).ok());
  past.finish(1, 0);
  Policy policy = standard_policy();
  policy.rules[0].checks_zip = false;
  const Declaration declaration{"P000000000123", "GILDONG HONG", "", "", {}};
  const auto judge = [&](const PastRows* rows) {
    Screener screener(registry, policy, Date{20'000}, rows);
    Verdict verdict;
    screener.screen({&declaration, 1}, {&verdict, 1});
    return verdict;
  };
  EXPECT_EQ(judge(nullptr).outcome, Outcome::kClear);
  const Verdict then = judge(&past);
  EXPECT_EQ(then.code, CodeCheck::kUnknown);
  EXPECT_EQ(then.registry_seq, 0U);
  test::change(writer, {entry});
  EXPECT_EQ(judge(&past).outcome, Outcome::kError);
  EXPECT_TRUE(judge(&past).reasons.has(Reason::kInternal));
}

}  // namespace
}  // namespace clearline
