#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "engine/code_index.h"
#include "engine/registry_table.h"
#include "tests/support/random_input.h"

namespace clearline {
namespace {

RegistryBuilder builder() { return RegistryBuilder(RegistryKey{1, 2, 3}, {}); }

Entry random_entry(std::mt19937_64& random) {
  const auto below = [&](std::uint64_t count) { return random() % count; };
  Entry entry;
  entry.code = Code{random() % kCodeEnd};
  if (below(10) != 0) entry.name = "NAME " + std::string(below(20), static_cast<char>('A' + below(26))) + "É";
  if (below(3) != 0) entry.name_ko = "홍길동";
  if (below(4) != 0) entry.phone = below(4) != 0 ? "01012345678" : "+1555" + std::string(below(20), '1');
  for (std::uint64_t i = below(5) == 0 ? 20 : below(5); i > 0; --i)
    entry.zips.push_back(static_cast<std::uint32_t>(below(100'000)));
  entry.status = static_cast<CodeStatus>(below(4));
  if (entry.status == CodeStatus::kReplaced && below(2) == 0) entry.replaced_by = Code{below(kCodeEnd)};
  const auto date = [&]() -> std::optional<Date> {
    if (below(4) == 0) return std::nullopt;
    return below(10) == 0 ? Date{static_cast<std::int32_t>(below(3'000'000)) - 700'000}
                          : Date{static_cast<std::int32_t>(15'000 + below(10'000))};
  };
  entry.issued = date();
  entry.changed = date();
  entry.expires = date();
  return entry;
}

TEST(CodeIndex, MixingIsAPermutationOfFortyBits) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 1'000'000; ++i) {
    const Code code{random() % kCodeEnd};
    const std::uint64_t mixed = mix_code(code);
    ASSERT_LT(mixed, std::uint64_t{1} << 40);
    ASSERT_EQ(unmix_code(mixed), code);
  }
}

TEST(Registry, FindsEveryEntryWholeAndNoOther) {
  const std::uint64_t seed = test::test_seed();
  for (const std::size_t count : {0U, 1U, 5U, 1'000U, 200'000U}) {
    std::mt19937_64 random(seed);
    std::map<Code, Entry> model;
    auto build = builder();
    while (model.size() < count) {
      const Entry entry = random_entry(random);
      if (!model.emplace(entry.code, entry).second) continue;
      ASSERT_FALSE(entry_fault(entry));
      build.add(entry);
    }
    auto outcome = build.build(RegistryBuilder::OnDuplicate::kRefuse);
    ASSERT_TRUE(outcome.registry);
    const Registry& registry = *outcome.registry;
    EXPECT_EQ(registry.size(), count);
    EXPECT_EQ(registry.table().content_fault(), std::nullopt);
    for (const auto& [code, entry] : model) ASSERT_EQ(registry.find(code), entry) << format_code(code);
    for (int i = 0; i < 10'000; ++i) {
      const Code code{random() % kCodeEnd};
      ASSERT_EQ(registry.find(code).has_value(), model.count(code) == 1);
    }
    const auto codes = registry.table().codes_sorted();
    ASSERT_TRUE(std::equal(codes.begin(), codes.end(), model.begin(), model.end(),
                           [](Code code, const auto& pair) { return code == pair.first; }));
  }
}

TEST(Registry, CodesThatCrowdOneSegmentAreAllFound) {
  // Codes whose mixed form starts alike: one segment of thousands, the others empty.
  auto build = builder();
  std::vector<Code> codes;
  for (std::uint64_t tail = 0; codes.size() < 5'000; ++tail) {
    const Code code = unmix_code(std::uint64_t{77} << kTailBits | tail);
    if (code.digits >= kCodeEnd) continue;
    codes.push_back(code);
    Entry entry;
    entry.code = code;
    build.add(entry);
  }
  auto outcome = build.build(RegistryBuilder::OnDuplicate::kRefuse);
  ASSERT_TRUE(outcome.registry);
  EXPECT_EQ(outcome.registry->table().content_fault(), std::nullopt);
  for (const Code code : codes) ASSERT_TRUE(outcome.registry->find(code));
}

TEST(Registry, DoubleCodesAreRefusedOrTheLastStays) {
  Entry entry;
  entry.code = Code{42};
  entry.name = "FIRST ONE";
  auto refuse = builder();
  auto last = builder();
  for (std::uint64_t line = 1; line <= 3; ++line) {
    entry.name += "X";
    refuse.add(entry, line);
    last.add(entry, line);
  }
  const auto refused = refuse.build(RegistryBuilder::OnDuplicate::kRefuse);
  EXPECT_FALSE(refused.registry);
  ASSERT_EQ(refused.duplicate_count, 2U);
  EXPECT_EQ(refused.duplicates[0].first, 1U);
  EXPECT_EQ(refused.duplicates[1].again, 3U);
  const auto kept = last.build(RegistryBuilder::OnDuplicate::kKeepLast);
  ASSERT_TRUE(kept.registry);
  EXPECT_EQ(kept.registry->size(), 1U);
  EXPECT_EQ(kept.registry->find(Code{42})->name, "FIRST ONEXXX");
}

/// All bytes of a registry's table.
std::string bytes_of(const Registry& registry) {
  std::string bytes;
  const RegistryTable& table = registry.table();
  for (const auto section : {table.bucket_bytes(), table.side_bytes(), table.texts()}) {
    bytes.append(reinterpret_cast<const char*>(section.data()), section.size());
  }
  for (std::size_t i = 0; i < kSegmentCount; ++i) bytes += std::to_string(table.segment(i).packed) + ' ';
  return bytes;
}

TEST(Registry, IsTheSameWhateverTheThreadsAndBatches) {
  std::mt19937_64 random(test::test_seed());
  std::vector<Entry> entries;
  for (int i = 0; i < (CLEARLINE_SANITIZED != 0 ? 20'000 : 200'000); ++i) {
    entries.push_back(random_entry(random));
    if (random() % 50 == 0) entries.back().code = entries[random() % entries.size()].code;
  }
  auto one_by_one = builder();
  for (std::size_t i = 0; i < entries.size(); ++i) one_by_one.add(entries[i], i);
  const auto expected = one_by_one.build(RegistryBuilder::OnDuplicate::kKeepLast);
  ASSERT_GT(expected.duplicate_count, 0U);
  const std::string expected_bytes = bytes_of(*expected.registry);
  for (const int threads : {1, 2, 5}) {
    auto batched = builder();
    auto batch = batched.make_batch();
    for (std::size_t i = 0; i < entries.size();) {
      batch.clear();
      for (std::size_t end = std::min(i + random() % 5'000, entries.size()); i < end; ++i) batch.add(entries[i], i);
      batched.add(batch);
    }
    const auto outcome = batched.build(RegistryBuilder::OnDuplicate::kKeepLast, 20, threads);
    ASSERT_EQ(outcome.duplicate_count, expected.duplicate_count);
    for (std::size_t i = 0; i < outcome.duplicates.size(); ++i) {
      ASSERT_EQ(outcome.duplicates[i].first, expected.duplicates[i].first);
      ASSERT_EQ(outcome.duplicates[i].again, expected.duplicates[i].again);
    }
    ASSERT_EQ(outcome.registry->size(), expected.registry->size());
    ASSERT_TRUE(bytes_of(*outcome.registry) == expected_bytes) << threads << " threads";
  }
}

TEST(Registry, ADoubleIsToldWithTheEntryThatHeldItsCodeBefore) {
  // Enough rows that a partition has several pieces; the tickets are no places.
  constexpr std::uint64_t kCount = 500'000;
  constexpr std::uint64_t kCodes = 499'000;
  const auto ticket = [](std::uint64_t i) { return i * 3 + 1'000; };
  for (const auto on_duplicate : {RegistryBuilder::OnDuplicate::kRefuse, RegistryBuilder::OnDuplicate::kKeepLast}) {
    auto build = builder();
    for (std::uint64_t i = 0; i < kCount; ++i) {
      Entry entry;
      entry.code = Code{i % kCodes};
      build.add(entry, ticket(i));
    }
    for (int again = 0; again < 2; ++again) {
      Entry entry;
      entry.code = Code{7};
      build.add(entry, ticket(kCount + static_cast<std::uint64_t>(again)));
    }
    const auto outcome = build.build(on_duplicate, kCount, 2);
    ASSERT_EQ(outcome.duplicate_count, kCount - kCodes + 2);
    for (std::uint64_t i = 0; i < kCount - kCodes; ++i) {
      ASSERT_EQ(outcome.duplicates[i].code, Code{i});
      ASSERT_EQ(outcome.duplicates[i].first, ticket(i));
      ASSERT_EQ(outcome.duplicates[i].again, ticket(kCodes + i));
    }
    const bool keeps_last = on_duplicate == RegistryBuilder::OnDuplicate::kKeepLast;
    EXPECT_EQ(outcome.duplicates[kCount - kCodes].first, ticket(keeps_last ? kCodes + 7 : 7));
    EXPECT_EQ(outcome.duplicates.back().first, ticket(keeps_last ? kCount : 7));
  }
}

TEST(Registry, ABatchTakesNothingThatHasAFault) {
  auto build = builder();
  auto batch = build.make_batch();
  Entry entry;
  entry.code = Code{1};
  entry.name = "KIM";
  EXPECT_FALSE(batch.add(entry));
  entry.code = Code{2};
  entry.name = "김";
  EXPECT_EQ(batch.add(entry), entry_fault(entry));
  EXPECT_EQ(batch.size(), 1U);
  build.add(batch);
  const auto outcome = build.build(RegistryBuilder::OnDuplicate::kRefuse);
  ASSERT_TRUE(outcome.registry);
  EXPECT_EQ(outcome.registry->size(), 1U);
  EXPECT_EQ(outcome.registry->table().content_fault(), std::nullopt);
}

TEST(Registry, LooksAtLittleMoreThanOneLineALookUp) {
  std::mt19937_64 random(5);
  auto build = builder();
  std::vector<Code> codes;
  for (int i = 0; i < 300'000; ++i) {
    Entry entry;
    entry.code = Code{random() % kCodeEnd};
    codes.push_back(entry.code);
    build.add(entry);
  }
  const auto outcome = build.build(RegistryBuilder::OnDuplicate::kKeepLast);
  const RegistryTable& table = outcome.registry->table();
  const CodeIndex index = table.index();
  HotRow hot{};
  double lines = 0;
  for (const Code code : codes) {
    const std::uint64_t mixed = mix_code(code);
    const SegmentPlace segment = index.segment(mixed);
    ProbeSequence probe(mixed & kTailMask, segment);
    for (lines += 1; index.find_in(probe.bucket(), mixed, hot) == CodeIndex::kElsewhere; probe.next()) lines += 1;
    EXPECT_EQ(index.find_in(probe.bucket(), mixed, hot), index.find(mixed, segment, hot));
  }
  EXPECT_LT(lines / static_cast<double>(codes.size()), 1.2);
}

TEST(Entry, FaultsAreTold) {
  Entry entry;
  EXPECT_FALSE(entry_fault(entry));
  entry.name = "홍길동";
  EXPECT_EQ(entry_fault(entry), "name holds Hangul; it belongs into name_ko");
  entry.name = "КИМ 12";
  EXPECT_EQ(entry_fault(entry), "name has no Latin letter");
  entry.name = "ＨＯＮＧ";
  EXPECT_FALSE(entry_fault(entry));
  entry.name_ko = "HONG";
  EXPECT_EQ(entry_fault(entry), "name_ko has no Hangul");
  entry.name_ko = "홍?동";
  EXPECT_EQ(entry_fault(entry), "name_ko has lost a letter (U+FFFD, or ? beside a letter)");
  entry.name_ko = "홍\xEA동";
  EXPECT_EQ(entry_fault(entry), "name_ko is not UTF-8");
  entry.name_ko = "";
  entry.name = "KIM\uFFFD";
  EXPECT_EQ(entry_fault(entry), "name has lost a letter (U+FFFD, or ? beside a letter)");
  entry.name = "KIM\x01";
  EXPECT_EQ(entry_fault(entry), "name holds a control character");
  entry.name = "KIM" + std::string(510, ' ');
  EXPECT_EQ(entry_fault(entry), "name is longer than 512 bytes");
  entry.name = "KIM";
  entry.name_ko = "";
  entry.zips.assign(21, 1);
  EXPECT_EQ(entry_fault(entry), "more than 20 zips");
  entry.zips.clear();
  entry.replaced_by = Code{1};
  EXPECT_EQ(entry_fault(entry), "replaced_by without status replaced");
}

}  // namespace
}  // namespace clearline
