// A journal whose disk is full, fails, or loses its power, and one whose process is killed.
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "io/store/head.h"
#include "tests/support/journal_fixture.h"

namespace clearline::test {
namespace {

class JournalFaults : public JournalTest {};

TEST_F(JournalFaults, FullDiskRollsBackAndHeals) {
  auto journal = open();
  ASSERT_TRUE(journal.ok());
  ASSERT_TRUE(append_commit(**journal, last, 5).ok());
  const std::uint64_t before = vfs.calls(Call::kWrite);
  ASSERT_TRUE(append_commit(**journal, last, 100).ok());
  const std::uint64_t writes = vfs.calls(Call::kWrite) - before;
  ASSERT_GT(writes, 4U);
  for (std::uint64_t nth = 1; nth < writes; ++nth) {
    SCOPED_TRACE(nth);
    vfs.fail_from(Call::kWrite, nth, SQLITE_FULL);
    const Status status = append_commit(**journal, last, 100);
    ASSERT_EQ(status.kind(), StatusKind::kOutput);
    EXPECT_NE(status.message().find("No space left on device; make room"), std::string::npos) << status.message();
    EXPECT_EQ((*journal)->fault(), JournalFault::kNoSpace);
    (*journal)->rollback();
    EXPECT_EQ((*journal)->last()->seq, last.seq);
    if (nth % 2 == 0) {
      EXPECT_FALSE(append_commit(**journal, last, 1).ok()) << "it is still full";
      EXPECT_EQ((*journal)->fault(), JournalFault::kNoSpace);
      (*journal)->rollback();
    }
    vfs.heal();
    ASSERT_TRUE(append_commit(**journal, last, 3).ok());
  }
  // What a power cut leaves now is each row once, whatever stood in the log before.
  vfs.cut_power(1);
  journal->reset();
  vfs.settle(FaultVfs::Settle::kForgotten);
  std::uint64_t count = 0;
  const Status status = read_all(path, count);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(count, last.seq);
}

TEST_F(JournalFaults, FullDiskWhileTheLogIsMovedLosesNothing) {
  const auto journal = open();
  ASSERT_TRUE(journal.ok());
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(append_commit(**journal, last, 100).ok());
    vfs.fail_from(Call::kWrite, 1, SQLITE_FULL, "journal");
    EXPECT_EQ((*journal)->checkpoint_wal().kind(), StatusKind::kOutput);
    EXPECT_EQ((*journal)->restart_wal().kind(), StatusKind::kOutput);
    EXPECT_EQ((*journal)->fault(), JournalFault::kNoSpace);
    vfs.heal();
    vfs.fail(Call::kSync, 2, SQLITE_IOERR_FSYNC);
    EXPECT_EQ((*journal)->restart_wal().kind(), StatusKind::kOutput);
    EXPECT_EQ((*journal)->fault(), JournalFault::kOther) << "no row is endangered";
    ASSERT_TRUE(append_commit(**journal, last, 1).ok());
    if (i % 2 == 0) {
      EXPECT_TRUE((*journal)->restart_wal().ok());
    }
  }
  std::uint64_t count = 0;
  EXPECT_TRUE(read_all(**journal, count).ok());
  EXPECT_EQ(count, last.seq);
}

TEST_F(JournalFaults, FailedSyncIsToldApart) {
  auto journal = open();
  ASSERT_TRUE(journal.ok());
  ASSERT_TRUE(append_commit(**journal, last, 5).ok());
  vfs.fail(Call::kSync, 1, SQLITE_IOERR_FSYNC);
  const Status status = append_commit(**journal, last, 5);
  EXPECT_EQ(status.kind(), StatusKind::kOutput);
  EXPECT_EQ((*journal)->fault(), JournalFault::kSync);
  (*journal)->rollback();
  EXPECT_FALSE(append_commit(**journal, last, 5).ok()) << "nothing more is taken";
  EXPECT_EQ((*journal)->fault(), JournalFault::kSync);
  std::uint64_t count = 0;
  EXPECT_TRUE(read_all(**journal, count).ok()) << "reading goes on";
  EXPECT_EQ(count, 5U);
}

TEST_F(JournalFaults, AFailureOfUnknownKindInACommitIsAFailedSync) {
  const auto journal = open();
  ASSERT_TRUE(journal.ok());
  vfs.fail(Call::kWrite, 1, SQLITE_IOERR_WRITE);
  errno = EIO;
  EXPECT_FALSE(append_commit(**journal, last, 5).ok());
  EXPECT_EQ((*journal)->fault(), JournalFault::kSync);
}

TEST_F(JournalFaults, WhatAFailedSyncLeftIsMadeDurableWhenOpenedAgain) {
  auto journal = open();
  ASSERT_TRUE(journal.ok());
  ASSERT_TRUE(append_commit(**journal, last, 5).ok());
  vfs.fail(Call::kSync, 1, SQLITE_IOERR_FSYNC);
  Journal::Last end = last;
  ASSERT_FALSE(append_commit(**journal, end, 5).ok());
  journal->reset();
  std::uint64_t seen = 0;
  {
    auto again = open();
    ASSERT_TRUE(again.ok()) << again.status().message();
    EXPECT_TRUE(read_all(**again, seen).ok());
    EXPECT_TRUE(seen == 5 || seen == 10) << seen;
    vfs.cut_power(1);
  }
  vfs.settle(FaultVfs::Settle::kForgotten);
  std::uint64_t count = 0;
  const Status status = read_all(path, count);
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(count, seen) << "what is seen behind an opening is on disk";
}

TEST_F(JournalFaults, WhatAKilledProcessDidNotSyncIsMadeDurableWhenOpenedAgain) {
  std::uint64_t seen_before = 0;
  bool saw_a_commit_that_was_not_synced = false;
  for (std::uint64_t call = 1; call < 12; ++call) {
    SCOPED_TRACE(call);
    {
      auto journal = open();
      ASSERT_TRUE(journal.ok());
      last = *(*journal)->last();
      seen_before = last.seq;
      vfs.cut_power(call);
      Journal::Last end = last;
      if (append_commit(**journal, end, 60).ok()) seen_before = end.seq;
    }
    vfs.restart_process();
    std::uint64_t seen = 0;
    {
      // Somebody looks before the writer is back.
      const auto reader = open(Journal::Mode::kRead);
      ASSERT_TRUE(reader.ok());
      auto again = open();
      ASSERT_TRUE(again.ok());
      ASSERT_TRUE(read_all(**again, seen).ok());
      vfs.cut_power(1);
    }
    saw_a_commit_that_was_not_synced = saw_a_commit_that_was_not_synced || seen > seen_before;
    vfs.settle(FaultVfs::Settle::kForgotten);
    std::uint64_t count = 0;
    const Status status = read_all(path, count, vfs.name());
    ASSERT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(count, seen);
  }
  EXPECT_TRUE(saw_a_commit_that_was_not_synced);
}

TEST_F(JournalFaults, AnOldLogNeverUndoesWhatWasMovedOutOfIt) {
  fill({60});
  {
    auto journal = open();
    ASSERT_TRUE(journal.ok());
    ASSERT_TRUE(append_commit(**journal, last, 1).ok());
    vfs.fail(Call::kSync, 1, SQLITE_IOERR_FSYNC);
    Journal::Last end = last;
    ASSERT_FALSE(append_commit(**journal, end, 200).ok());
    vfs.cut_power(1);
  }
  // The page cache has both commits, the disk the first one alone; and the process was killed.
  vfs.restart_process();
  std::uint64_t seen = 0;
  {
    auto again = open();
    ASSERT_TRUE(again.ok());
    ASSERT_TRUE(read_all(**again, seen).ok());
    EXPECT_EQ(seen, 261U);
    vfs.cut_power(1);
  }
  vfs.settle(FaultVfs::Settle::kForgotten);
  std::uint64_t count = 0;
  const Status status = read_all(path, count, vfs.name());
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(count, seen);
}

// The scripted run of the power cuts: commits of several sizes, each followed by its head, and the log moved in both
// ways between. `answered` is the last head that was written successfully.
struct Script {
  std::string journal_path;
  std::string head_path;
  std::string vfs;

  void run(HeadRecord& answered) const {
    auto journal = Journal::open(journal_path, Journal::Mode::kWrite, vfs);
    auto head = Head::open(head_path, vfs);
    if (!journal.ok() || !head.ok()) return;
    Journal::Last last{answered.seq, answered.chain};
    int step = 0;
    for (const std::uint64_t rows : {1U, 3U, 40U, 1U, 1U, 80U, 2U, 1U, 1U, 30U, 1U}) {
      if (!append_commit(**journal, last, rows).ok()) {
        (*journal)->rollback();
        return;
      }
      if (!(*head)->write({kIdentity, last.seq, last.chain}).ok()) return;
      answered = (*head)->record();
      ++step;
      if (step % 3 == 0 && !(*journal)->checkpoint_wal().ok()) return;
      if (step % 4 == 0 && !(*journal)->restart_wal().ok()) return;
    }
  }
};

TEST(JournalPowerCut, NoAnsweredRowIsLostAndNoneIsThereTwice) {
  const TestFolder origin;
  ASSERT_TRUE(Journal::create(origin.path("journal"), kIdentity, base()).ok());
  const HeadRecord start{kIdentity, 0, base().chain};
  ASSERT_TRUE(Head::create(origin.path("head"), start).ok());
  const std::string journal = read_file(origin.path("journal"));
  const std::string head = read_file(origin.path("head"));

  const auto run_cut_at = [&](std::uint64_t cut, FaultVfs::Settle mode, std::uint64_t seed) {
    const TestFolder folder;
    FaultVfs vfs;
    const Script script{folder.write("journal", journal), folder.write("head", head), vfs.name()};
    HeadRecord answered = start;
    // Twice the power goes: in a run, and in the run behind the restart.
    for (int life = 0; life < 2; ++life) {
      const std::string where = "cut at call " + std::to_string(cut) + ", mode " +
                                std::to_string(static_cast<int>(mode)) + ", seed " + std::to_string(seed) + ", life " +
                                std::to_string(life);
      vfs.cut_power(life == 0 ? cut : cut / 2 + 1);
      script.run(answered);
      const bool was_cut = vfs.is_cut();
      vfs.settle(mode, seed);
      const auto found_head = Head::read(script.head_path, vfs.name());
      ASSERT_TRUE(found_head.ok()) << where << ": " << found_head.status().message();
      ASSERT_GE(found_head->seq, answered.seq) << where;
      std::uint64_t count = 0;
      const Status status = read_all(script.journal_path, count, vfs.name());
      ASSERT_TRUE(status.ok()) << where << ": " << status.message();
      ASSERT_GE(count, found_head->seq) << where;
      ASSERT_TRUE(was_cut || count == answered.seq) << where;
      // A registry would go on from the journal's end, and make its head follow.
      const auto reopened = Journal::open(script.journal_path, Journal::Mode::kWrite, vfs.name());
      ASSERT_TRUE(reopened.ok()) << where << ": " << reopened.status().message();
      const auto end = (*reopened)->last();
      ASSERT_TRUE(end.ok() && end->seq == count) << where;
      answered = {kIdentity, end->seq, end->chain};
      const auto writer = Head::open(script.head_path, vfs.name());
      ASSERT_TRUE(writer.ok() && (*writer)->write(answered).ok()) << where;
    }
  };

  // How many calls a run has that nobody cuts.
  std::uint64_t calls = 0;
  {
    const TestFolder folder;
    FaultVfs vfs;
    const Script script{folder.write("journal", journal), folder.write("head", head), vfs.name()};
    HeadRecord answered = start;
    script.run(answered);
    calls = vfs.calls();
    ASSERT_EQ(answered.seq, 161U);
    ASSERT_GT(calls, 100U);
  }
  const std::uint64_t stride = CLEARLINE_SANITIZED != 0 ? 7 : 1;
  for (std::uint64_t cut = 1; cut <= calls + 1 && !testing::Test::HasFatalFailure(); cut += stride) {
    run_cut_at(cut, FaultVfs::Settle::kKept, 0);
    run_cut_at(cut, FaultVfs::Settle::kForgotten, 0);
    for (std::uint64_t seed = 1; seed <= 3; ++seed) run_cut_at(cut, FaultVfs::Settle::kTorn, cut * 1000 + seed);
  }
}

}  // namespace
}  // namespace clearline::test
