// A registry that changes while it is read.
#include "tests/support/live_registry.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "clearline/screener.h"
#include "engine/registry_snapshot.h"
#include "engine/registry_writer.h"
#include "tests/support/random_input.h"

namespace clearline {
namespace {

using test::change;
using test::make_live_registry;

constexpr int kSlowness = CLEARLINE_SANITIZED != 0 ? 10 : 1;

/// Codes of a few segments, so that these grow.
Code code_in_segment(std::uint64_t segment, std::uint64_t number) {
  for (std::uint64_t tail = number * 40'503;; tail += 7) {
    const Code code = unmix_code(segment << kTailBits | (tail & kTailMask));
    if (code.digits < kCodeEnd) return code;
  }
}

std::string letters_of(std::uint64_t number) {
  std::string letters;
  for (int i = 0; i < 10; ++i, number /= 10) letters += static_cast<char>('A' + number % 10);
  return letters;
}

/// What a code holds at a version: name, zip and the name that only the text holds all tell it.
Entry versioned(Code code, std::uint64_t version) {
  Entry entry;
  entry.code = code;
  entry.name = "KIM " + letters_of(version);
  entry.name_ko = version % 2 == 0 ? "김가" : "김나다라마바사";
  entry.zips = {static_cast<std::uint32_t>(version % 100'000), static_cast<std::uint32_t>((version + 1) % 100'000)};
  entry.phone = "010" + std::to_string(10'000'000 + version % 10'000'000);
  return entry;
}

TEST(BucketPieces, NeighboursGrowTogether) {
  BucketPieces pieces;
  pieces.give(10, 5);
  pieces.give(20, 5);
  EXPECT_EQ(pieces.take(6), std::nullopt);
  pieces.give(15, 5);
  EXPECT_EQ(pieces.take(15), 10U);
  EXPECT_EQ(pieces.take(1), std::nullopt);
  pieces.give(10, 15);
  EXPECT_EQ(pieces.take(4), 10U);
  EXPECT_EQ(pieces.take(11), 14U);
}

TEST(ChangeWindow, TellsWhatWasBeforeOldestFirst) {
  ChangeWindow window(7);
  window.make_ring();
  const auto seen_since = [&](std::uint64_t seq) {
    std::vector<std::uint64_t> seen;
    EXPECT_TRUE(window.for_each_since(seq, [&](const RowsBefore& before) { seen.push_back(before.mixed); }));
    return seen;
  };
  EXPECT_TRUE(seen_since(7).empty());
  const std::array<RowsBefore, 2> before{{{11, {1, 2}, {3, 4}}, {12, {}, {}}}};
  window.begin(8, before);
  EXPECT_EQ(window.published(), 7U);
  EXPECT_EQ(seen_since(7), (std::vector<std::uint64_t>{11, 12}));
  window.publish(8);
  window.begin(9, std::span(before).first(1));
  EXPECT_EQ(seen_since(7), (std::vector<std::uint64_t>{11, 12, 11}));
  EXPECT_EQ(seen_since(8), (std::vector<std::uint64_t>{11}));
}

TEST(ChangeWindow, SaysWhenItWasOverrun) {
  ChangeWindow window(0);
  window.make_ring();
  const auto ignore = [](const RowsBefore&) {};
  const std::array<RowsBefore, 1> before{{{11, {1, 2}, {3, 4}}}};
  std::uint64_t seq = 0;
  while (seq < ChangeWindow::kChanges - 1) window.begin(++seq, before);
  EXPECT_TRUE(window.for_each_since(0, ignore));
  window.begin(++seq, before);
  EXPECT_FALSE(window.for_each_since(0, ignore)) << "the next change may be writing over the first one";
  EXPECT_TRUE(window.for_each_since(1, ignore));
  while (seq < 3 * ChangeWindow::kChanges) window.begin(++seq, before);
  EXPECT_FALSE(window.for_each_since(1, ignore));
  // A change that comes while the ring is read.
  bool is_first = true;
  EXPECT_FALSE(window.for_each_since(seq - ChangeWindow::kChanges + 1, [&](const RowsBefore&) {
    if (std::exchange(is_first, false)) window.begin(++seq, before);
  }));
}

TEST(ReaderSlots, OldestIsThatOfWhoStillLooks) {
  ReaderSlots slots;
  ReaderSlots::Reader reader(slots);
  reader.enter();
  const std::uint64_t epoch = slots.advance();
  EXPECT_LT(slots.oldest(), epoch);
  {
    ReaderSlots::Reader other(slots);
    other.enter();
    EXPECT_LT(slots.oldest(), epoch);
    reader.leave();
    EXPECT_EQ(slots.oldest(), epoch);
  }
  EXPECT_EQ(slots.oldest(), epoch);
}

TEST(RegistryWriterDeathTest, NothingButTheNextChangeIsPublished) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Registry registry = make_live_registry();
  RegistryWriter writer(registry.mutable_table());
  const Entry entry = versioned(code_in_segment(0, 1), 1);
  change(writer, {entry});
  for (const std::uint64_t seq : {0, 1, 3, 4'097}) {
    const auto prepared = writer.prepare(entry);
    ASSERT_TRUE(prepared.ok());
    EXPECT_DEATH(writer.publish(seq, {&*prepared, 1}), "not the next change") << seq;
  }
}

TEST(RegistryWriter, AnEntryWithAFaultIsRefusedForIt) {
  Registry registry = make_live_registry();
  RegistryWriter writer(registry.mutable_table());
  Entry entry = versioned(code_in_segment(0, 1), 1);
  entry.zips = {100'000};
  const auto refused = writer.prepare(entry);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().kind(), StatusKind::kInput);
  EXPECT_EQ(refused.status().message(), "zip is not five digits");
}

TEST(RegistryWriter, AHeldNameThatIsRefusedTodayStopsNoChangeAndIsNeverTheSame) {
  const Registry registry = make_live_registry();
  RegistryWriter writer(const_cast<RegistryTable&>(registry.table()));
  Entry entry;
  entry.code = Code{7};
  entry.name = "KIM?MINSU";
  entry.name_ko = "홍?동";
  entry.zips = {4524};
  ASSERT_TRUE(entry_fault(entry));
  change(writer, {entry});
  entry.status = CodeStatus::kSuspended;
  change(writer, {entry});
  EXPECT_EQ(registry.find(entry.code), entry);
  EXPECT_EQ(registry.table().content_fault(), std::nullopt);
  const Policy policy = standard_policy();
  Screener screener(registry, policy, parse_date("2026-01-15").value());
  for (const char* name : {"KIM MINSU", "KIM?MINSU", "MINSU KIM", "홍동", "홍?동"}) {
    const Declaration declaration{"P000000000007", name, "04524", "", {}};
    Verdict verdict;
    screener.screen({&declaration, 1}, {&verdict, 1});
    EXPECT_EQ(verdict.code, CodeCheck::kSuspended);
    EXPECT_EQ(verdict.name, ItemCheck::kMismatch) << name;
  }
}

TEST(RegistryWriter, RandomChangesEqualAPlainMap) {
  const std::uint64_t seed = test::test_seed();
  std::mt19937_64 random(seed);
  Registry registry = make_live_registry();
  RegistryWriter writer(registry.mutable_table());
  std::map<Code, Entry> model;
  for (int i = 0; i < 60'000 / kSlowness; ++i) {
    const Code code = code_in_segment(random() % 3, random() % 5'000);
    const Entry entry = versioned(code, random() % 1'000'000);
    if (random() % 50 == 0) {  // prepared, and then not made
      const auto mark = writer.mark();
      ASSERT_TRUE(writer.prepare(entry).ok());
      writer.rollback(mark);
      continue;
    }
    model[code] = entry;
    change(writer, {entry});
    if (random() % 100 != 0) continue;
    const Code probe = code_in_segment(random() % 3, random() % 5'000);
    const auto found = model.find(probe);
    ASSERT_EQ(registry.find(probe), found == model.end() ? std::nullopt : std::optional(found->second)) << seed;
  }
  ASSERT_EQ(registry.size(), model.size());
  EXPECT_EQ(registry.table().content_fault(), std::nullopt);
  for (const auto& [code, entry] : model) ASSERT_EQ(registry.find(code), entry);
  const auto codes = registry.table().codes_sorted();
  ASSERT_EQ(codes.size(), model.size());
  EXPECT_TRUE(std::equal(codes.begin(), codes.end(), model.begin(),
                         [](Code code, const auto& it) { return code == it.first; }));
}

TEST(RegistryWriter, LeftPiecesAreUsedAgain) {
  Registry registry = make_live_registry();
  RegistryWriter writer(registry.mutable_table());
  // Many segments that grow one after the other: without using pieces again the rows would take their sum.
  std::uint64_t number = 0;
  for (int round = 0; round < 40; ++round) {
    for (std::uint64_t segment = 0; segment < 64; ++segment) {
      for (int i = 0; i < 20; ++i, ++number) change(writer, {versioned(code_in_segment(segment, number), number)});
    }
  }
  std::uint64_t used = 0;
  for (std::size_t segment = 0; segment < kSegmentCount; ++segment) used += registry.table().segment(segment).count();
  EXPECT_LT(registry.table().bucket_bytes().size() / sizeof(HotBucket), 2 * used);
  EXPECT_EQ(registry.table().content_fault(), std::nullopt);
}

/// Declares a code at a version.
struct Probe {
  std::string code;
  std::string name;
  std::string zip;
  std::string phone;

  Probe() = default;
  Probe(Code of, std::uint64_t version)
      : code(format_code(of)), name("kim " + letters_of(version)), phone(versioned(of, version).phone) {
    zip = std::to_string(100'000 + version % 100'000).substr(1);
    if (version % 3 == 0) zip = std::to_string(100'000 + (version + 1) % 100'000).substr(1);
    if (version % 5 == 0) name += version % 2 == 0 ? " 김가" : " 김나다라마바사";
  }
  Declaration declaration() const { return {code, name, zip, phone, std::nullopt}; }
};

// Change s brings code s % kCodes to version s; the first change of a code issues it. So what each seq holds is known, and
// a verdict that names its seq can be checked to the letter: not only for torn rows, also for the right moment.
TEST(LiveRegistry, EachVerdictIsThatOfItsSeq) {
  constexpr std::uint64_t kCodes = 300;
  constexpr std::uint64_t kChanges = 200'000 / kSlowness;
  Registry registry = make_live_registry();
  RegistryWriter writer(registry.mutable_table());
  std::vector<Code> codes;
  for (std::uint64_t i = 0; i < kCodes; ++i) codes.push_back(code_in_segment(i % 2, i));
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> checked{0};
  std::atomic<std::uint64_t> met_change{0};  // verdicts of a code that changed about then

  const auto read = [&](std::uint64_t seed) {
    std::mt19937_64 random(seed);
    const Policy policy = standard_policy();
    Screener screener(registry, policy, Date{20'423});
    constexpr std::size_t kBatch = 200;
    std::vector<Probe> probes(kBatch);
    std::vector<std::uint64_t> versions(kBatch);
    std::vector<std::size_t> chosen(kBatch);
    std::vector<Declaration> declarations(kBatch);
    std::vector<Verdict> verdicts(kBatch);
    std::uint64_t last_seq = 0;
    while (!done.load()) {
      const std::uint64_t now = registry.seq();
      for (std::size_t i = 0; i < kBatch; ++i) {
        // Versions around now: a little ahead, or the last one.
        const std::uint64_t version = now + random() % 8 < 4 ? 0 : now + random() % 8 - 4;
        versions[i] = version;
        chosen[i] = version % kCodes;
        probes[i] = Probe(codes[chosen[i]], version);
        declarations[i] = probes[i].declaration();
      }
      screener.screen(declarations, verdicts);
      for (std::size_t i = 0; i < kBatch; ++i) {
        const std::uint64_t seq = verdicts[i].registry_seq;
        ASSERT_GE(seq, now);
        ASSERT_GE(seq, last_seq) << "a step back";
        last_seq = seq;
        // The last change of this code up to seq.
        const std::uint64_t at = seq < chosen[i] ? 0 : seq - (seq - chosen[i]) % kCodes;
        if (at == 0) {
          ASSERT_EQ(verdicts[i].code, CodeCheck::kUnknown);
        } else if (at == versions[i]) {
          ASSERT_EQ(verdicts[i].outcome, Outcome::kClear) << seq << " " << versions[i];
        } else {
          ASSERT_EQ(verdicts[i].outcome, Outcome::kHold) << seq << " " << versions[i];
          ASSERT_EQ(verdicts[i].name, ItemCheck::kMismatch);
          ASSERT_EQ(verdicts[i].phone, ItemCheck::kMismatch);
        }
        if (versions[i] > now) met_change.fetch_add(1, std::memory_order_relaxed);
      }
      checked.fetch_add(kBatch, std::memory_order_relaxed);
    }
  };
  {
    const std::jthread first(read, 1);
    const std::jthread second(read, 2);
    for (std::uint64_t seq = 1; seq <= kChanges && !testing::Test::HasFatalFailure(); ++seq) {
      change(writer, {versioned(codes[seq % kCodes], seq)});
      if (seq % 64 == 0) std::this_thread::yield();
    }
    done.store(true);
  }
  EXPECT_GT(checked.load(), 1'000U);
  EXPECT_GT(met_change.load(), 100U);
  EXPECT_EQ(registry.table().content_fault(), std::nullopt);
}

// A chain of reissues: the code of link n is replaced by that of link n + 1. In one change, so never are both usable, and
// never none.
TEST(LiveRegistry, AReissueIsOneStep) {
  constexpr std::uint64_t kLinks = 100'000 / kSlowness;
  Registry registry = make_live_registry();
  RegistryWriter writer(registry.mutable_table());
  const auto code_of = [](std::uint64_t link) { return code_in_segment(link % 4, link); };
  change(writer, {versioned(code_of(0), 7)});
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> checked{0};
  const auto read = [&] {
    const Policy policy = standard_policy();
    Screener screener(registry, policy, Date{20'423});
    while (!done.load()) {
      const std::uint64_t link = registry.seq() - 1;
      std::array<Probe, 6> probes;
      std::array<Declaration, 6> declarations;
      std::array<Verdict, 6> verdicts;
      for (std::size_t i = 0; i < probes.size(); ++i) {
        probes[i] = Probe(code_of(link + i), 7);
        declarations[i] = probes[i].declaration();
      }
      screener.screen(declarations, verdicts);
      const std::uint64_t usable = verdicts[0].registry_seq - 1 - link;  // which of them
      for (std::size_t i = 0; i < verdicts.size(); ++i) {
        const CodeCheck expected = i < usable    ? CodeCheck::kReplaced
                                   : i == usable ? CodeCheck::kActive
                                                 : CodeCheck::kUnknown;
        ASSERT_EQ(verdicts[i].code, expected) << i << " of " << usable;
        ASSERT_EQ(verdicts[i].outcome == Outcome::kClear, i == usable);
      }
      checked.fetch_add(1, std::memory_order_relaxed);
    }
  };
  {
    const std::jthread reader(read);
    for (std::uint64_t link = 0; link < kLinks; ++link) {
      Entry old_entry = versioned(code_of(link), 7);
      old_entry.status = CodeStatus::kReplaced;
      old_entry.replaced_by = code_of(link + 1);
      change(writer, {old_entry, versioned(code_of(link + 1), 7)});
      if (link % 64 == 0) std::this_thread::yield();
    }
    done.store(true);
  }
  EXPECT_GT(checked.load(), 100U);
  EXPECT_EQ(registry.size(), kLinks + 1);
}

TEST(RegistrySnapshot, IsTheRegistryAtItsSeqWhileChangesGoOn) {
  Registry registry = make_live_registry();
  RegistryWriter writer(registry.mutable_table());
  std::map<Code, Entry> model;
  std::mt19937_64 random(test::test_seed());
  const auto change_one = [&](std::map<Code, Entry>* also) {
    const Entry entry = versioned(code_in_segment(random() % 8, random() % 2'000), random() % 1'000'000);
    change(writer, {entry});
    if (also != nullptr) (*also)[entry.code] = entry;
  };
  for (int i = 0; i < 8'000; ++i) change_one(&model);
  for (int round = 0; round < 3; ++round) {
    RegistrySnapshot snapshot(writer);
    EXPECT_EQ(snapshot.shape().seq, registry.seq());
    std::map<Code, Entry> later = model;
    auto table = RegistryTable::create(snapshot.shape());
    ASSERT_TRUE(table);
    ASSERT_TRUE(table->set_segments(snapshot.segments()));
    std::atomic<bool> is_read{false};
    std::uint64_t text_end = 0;
    {
      const std::jthread reader([&] {
        RegistrySnapshot::Segment segment;
        for (std::size_t number = 0; number < kSegmentCount; ++number) {
          ASSERT_TRUE(snapshot.read(number, text_end, segment));
          const std::size_t first = snapshot.segments()[number];
          ASSERT_LE(text_end + segment.texts.size(), table->text_bytes().size());
          std::copy(segment.buckets.begin(), segment.buckets.end(),
                    reinterpret_cast<HotBucket*>(table->bucket_bytes().data()) + first);
          std::copy(segment.side.begin(), segment.side.end(),
                    reinterpret_cast<SideRow*>(table->side_bytes().data()) + first * kBucketRows);
          std::copy(segment.texts.begin(), segment.texts.end(), table->text_bytes().begin() + text_end);
          text_end += segment.texts.size();
          if (number < 8) std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        is_read.store(true);
      });
      while (!is_read.load()) change_one(&later);
    }
    snapshot.end();
    const Registry then(std::move(table));
    EXPECT_EQ(then.table().content_fault(), std::nullopt);
    ASSERT_EQ(then.size(), model.size());
    for (const auto& [code, entry] : model) ASSERT_EQ(then.find(code), entry);
    model = later;
    for (const auto& [code, entry] : model) ASSERT_EQ(registry.find(code), entry);
  }
}

}  // namespace
}  // namespace clearline
