// What a registry directory tells of the past: the history of a code, and all changes in brief.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "engine/entry_record.h"
#include "tests/support/live_directory.h"
#include "tests/support/random_input.h"
#include "tests/support/tamper.h"

namespace clearline {
namespace {

using test::apply_changes;
using test::LiveDirectory;
using test::make_change;
using test::tamper;

Change make_reissue(std::uint64_t code, std::uint64_t new_code, const std::string& id) {
  Change change = make_change(ChangeOp::kReissue, code, id);
  change.new_code = Code{new_code};
  return change;
}

void apply_all(const LiveDirectory& live, const std::vector<Change>& changes) {
  auto store = RegistryStore::open(live.path());
  ASSERT_TRUE(store.ok()) << store.status().message();
  for (const ChangeAnswer& answer : apply_changes(**store, changes)) ASSERT_FALSE(answer.error);
}

struct Told {
  Status status;
  RegistryDirectory::History history;
  std::vector<std::uint64_t> seqs;
};
Told history_of(const std::string& path, std::uint64_t code) {
  Told told;
  auto history = RegistryDirectory(path).read_history(Code{code}, [&](const JournalRow& row) {
    told.seqs.push_back(row.seq);
    return Status();
  });
  told.status = history.status();
  if (history.ok()) told.history = *history;
  EXPECT_TRUE(!history.ok() || told.history.changes == told.seqs.size());
  return told;
}

using Seqs = std::vector<std::uint64_t>;

TEST(RegistryHistory, AChainOfReissuesIsToldByEachOfItsCodes) {
  const LiveDirectory live;
  apply_all(live, {make_change(ChangeOp::kSuspend, 1, "a"), make_change(ChangeOp::kSuspend, 2, "b"),
                   make_reissue(1, 101, "c"), make_reissue(101, 102, "d"), make_change(ChangeOp::kCancel, 2, "e"),
                   make_reissue(102, 103, "f"), make_change(ChangeOp::kSuspend, 103, "g")});
  EXPECT_EQ(history_of(live.path(), 1).seqs, (Seqs{1, 3}));
  EXPECT_EQ(history_of(live.path(), 101).seqs, (Seqs{3, 4}));
  EXPECT_EQ(history_of(live.path(), 102).seqs, (Seqs{4, 6}));
  EXPECT_EQ(history_of(live.path(), 103).seqs, (Seqs{6, 7}));
  EXPECT_EQ(history_of(live.path(), 1).history.entry->replaced_by, Code{101});
  EXPECT_EQ(history_of(live.path(), 102).history.entry->replaced_by, Code{103});
  EXPECT_EQ(history_of(live.path(), 103).history.entry->status, CodeStatus::kSuspended);
  EXPECT_EQ(history_of(live.path(), 103).history.seq, 7U);
}

TEST(RegistryHistory, ACodeWithoutChangesIsAsAnImageHasIt) {
  const LiveDirectory live;
  const auto told = history_of(live.path(), 5);
  ASSERT_TRUE(told.status.ok()) << told.status.message();
  EXPECT_TRUE(told.seqs.empty());
  EXPECT_EQ(told.history.entry, test::numbered_entry(5));
  apply_all(live, {make_change(ChangeOp::kSuspend, 1, "a")});
  EXPECT_EQ(history_of(live.path(), 5).history.entry, test::numbered_entry(5));
  EXPECT_EQ(history_of(live.path(), 5).history.seq, 1U);
  EXPECT_FALSE(history_of(live.path(), 999).history.entry) << "never there";
}

TEST(RegistryHistory, OneOfThePastIsTheSameAfterACheckpoint) {
  const LiveDirectory live;
  apply_all(live, {make_change(ChangeOp::kSuspend, 1, "a"), make_change(ChangeOp::kResume, 1, "b")});
  {
    auto store = RegistryStore::open(live.path());
    ASSERT_TRUE(store.ok() && (*store)->checkpoint().ok());
  }
  apply_all(live, {make_change(ChangeOp::kCancel, 1, "c")});
  EXPECT_EQ(history_of(live.path(), 1).seqs, (Seqs{1, 2, 3}));
  EXPECT_EQ(history_of(live.path(), 1).history.entry->status, CodeStatus::kCancelled);
}

TEST(RegistryHistory, AnOlderImageTellsOfACodeWithoutChanges) {
  const LiveDirectory live;
  apply_all(live, {make_change(ChangeOp::kSuspend, 1, "a")});
  {
    auto store = RegistryStore::open(live.path());
    ASSERT_TRUE(store.ok() && (*store)->checkpoint().ok());
  }
  test::overwrite(RegistryDirectory(live.path()).image_path(1), "damaged");
  const auto told = history_of(live.path(), 5);
  ASSERT_TRUE(told.status.ok()) << told.status.message();
  EXPECT_EQ(told.history.entry, test::numbered_entry(5));
  EXPECT_EQ(told.history.warnings.size(), 2U);
  EXPECT_TRUE(history_of(live.path(), 1).history.warnings.empty()) << "no image was wanted";
  test::overwrite(RegistryDirectory(live.path()).image_path(0), "damaged");
  EXPECT_EQ(history_of(live.path(), 5).status.kind(), StatusKind::kRegistry);
  EXPECT_TRUE(history_of(live.path(), 1).status.ok());
}

TEST(RegistryHistory, DamageIsFound) {
  const LiveDirectory live;
  std::vector<Change> changes;
  for (std::uint64_t i = 0; i < 10; ++i) changes.push_back(make_change(ChangeOp::kSuspend, i, std::to_string(i)));
  apply_all(live, changes);
  const auto is_refused = [&](const Status& status, const std::string& words) {
    EXPECT_EQ(status.kind(), StatusKind::kRegistry);
    EXPECT_NE(status.message().find(words), std::string::npos) << status.message();
  };
  const auto brief = [&] {
    return RegistryDirectory(live.path()).read_brief([](const JournalBrief&) { return Status(); });
  };
  const std::string bytes = test::read_file(live.file("journal.db"));
  tamper(live.file("journal.db"), "UPDATE changes SET actor = 'uid:7' WHERE seq = 4");
  is_refused(history_of(live.path(), 3).status, "change 4 of the journal");
  EXPECT_TRUE(brief().ok()) << "counting reads no actors";
  live.folder().write("live/journal.db", bytes);
  tamper(live.file("journal.db"), "DELETE FROM changes WHERE seq = 4");
  is_refused(history_of(live.path(), 7).status, "change 4 is missing");
  is_refused(brief(), "change 4 is missing");
  live.folder().write("live/journal.db", bytes);
  tamper(live.file("journal.db"), "DELETE FROM changes WHERE seq = 10");
  is_refused(history_of(live.path(), 1).status, "seq 10 to 10 were answered and are missing");
  is_refused(brief(), "seq 10 to 10 were answered and are missing");
  live.folder().write("live/journal.db", bytes);
  tamper(live.file("journal.db"), "UPDATE changes SET chain = randomblob(32) WHERE seq = 10");
  is_refused(history_of(live.path(), 1).status, "seq 10 is not the change that was answered");
  is_refused(brief(), "seq 10 is not the change that was answered");
}

TEST(RegistryHistory, ErasedDataIsNoEntry) {
  const LiveDirectory live;
  apply_all(live, {make_change(ChangeOp::kSuspend, 1, "a"), make_change(ChangeOp::kSuspend, 2, "b")});
  std::string hash = "x'";
  ASSERT_TRUE(RegistryDirectory(live.path())
                  .read_history(Code{1},
                                [&](const JournalRow& row) {
                                  for (const std::uint8_t byte : data_hash(row)) {
                                    hash += "0123456789ABCDEF"[byte >> 4];
                                    hash += "0123456789ABCDEF"[byte & 15];
                                  }
                                  return Status();
                                })
                  .ok());
  tamper(live.file("journal.db"),
         "UPDATE changes SET salt = NULL, before = NULL, after = NULL, data_hash = " + hash + "' WHERE seq = 1");
  const auto told = history_of(live.path(), 1);
  ASSERT_TRUE(told.status.ok()) << told.status.message();
  EXPECT_EQ(told.seqs, (Seqs{1}));
  EXPECT_FALSE(told.history.entry);
}

TEST(RegistryHistory, RandomOnesEqualASearchInAllChanges) {
  const std::uint64_t seed = test::test_seed();
  std::mt19937_64 random(seed);
  const LiveDirectory live(20);
  for (int start = 0; start < 4; ++start) {
    auto store = RegistryStore::open(live.path());
    ASSERT_TRUE(store.ok());
    for (int i = 0; i < 150; ++i) {
      const auto op = static_cast<ChangeOp>(1 + random() % 7);
      Change change = make_change(op, random() % 40, std::to_string(random()));
      if (op == ChangeOp::kReissue) change.new_code = Code{random() % 60};
      if (op == ChangeOp::kRenew) change.expires = std::optional(Date{21'000});
      if (op == ChangeOp::kIssue || op == ChangeOp::kAmend) change.name = "LEE B";
      apply_changes(**store, change);
    }
    if (start % 2 == 0) {
      ASSERT_TRUE((*store)->checkpoint().ok());
    }
    const auto& registry = (*store)->registry();
    std::vector<Seqs> expected(60);
    std::vector<std::uint64_t> all;
    ASSERT_TRUE(RegistryDirectory(live.path())
                    .read_changes([&](const JournalRow& row) {
                      all.push_back(row.seq);
                      expected[row.code.digits].push_back(row.seq);
                      if (row.new_code) expected[row.new_code->digits].push_back(row.seq);
                      return Status();
                    })
                    .ok());
    for (std::uint64_t code = 0; code < 60; ++code) {
      const auto told = history_of(live.path(), code);
      ASSERT_TRUE(told.status.ok()) << seed << ": " << told.status.message();
      ASSERT_EQ(told.seqs, expected[code]) << seed;
      ASSERT_EQ(told.history.entry, registry.find(Code{code})) << seed;
    }
    Seqs brief;
    ASSERT_TRUE(RegistryDirectory(live.path())
                    .read_brief([&](const JournalBrief& row) {
                      brief.push_back(row.seq);
                      return Status();
                    })
                    .ok());
    ASSERT_EQ(brief, all) << seed;
  }
}

TEST(RegistryHistory, IsToldBesideAWriterAndItsCheckpoints) {
  const LiveDirectory live;
  std::atomic<std::uint64_t> answered{0};
  std::atomic<bool> stop{false};
  const std::jthread writer([&] {
    auto store = RegistryStore::open(live.path());
    for (std::uint64_t i = 0; !stop.load(); ++i) {
      const auto op = i % 2 == 0 ? ChangeOp::kSuspend : ChangeOp::kResume;
      EXPECT_FALSE(apply_changes(**store, make_change(op, 1, std::to_string(i))).error);
      answered.store(i + 1);
      if (i % 16 == 0) {
        EXPECT_TRUE((*store)->checkpoint().ok());
      }
    }
  });
  while (answered.load() == 0) std::this_thread::yield();
  for (int round = 0; round < 30; ++round) {
    const std::uint64_t before = answered.load();
    const auto changed = history_of(live.path(), 1);
    EXPECT_TRUE(changed.status.ok()) << changed.status.message();
    EXPECT_GE(changed.seqs.size(), before);
    EXPECT_EQ(changed.seqs.size(), changed.history.seq);
    const auto untouched = history_of(live.path(), 5);
    EXPECT_TRUE(untouched.status.ok()) << untouched.status.message();
    EXPECT_EQ(untouched.history.entry, test::numbered_entry(5));
  }
  stop.store(true);
}

}  // namespace
}  // namespace clearline
