#include "io/store/journal.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include "tests/support/journal_fixture.h"
#include "tests/support/random_input.h"
#include "tests/support/tamper.h"

namespace clearline::test {
namespace {

std::string hex(const Chain& chain) {
  std::string text;
  for (const std::uint8_t byte : chain) {
    text += "0123456789ABCDEF"[byte >> 4];
    text += "0123456789ABCDEF"[byte & 15];
  }
  return text;
}

mode_t mode_of(const std::string& path) {
  struct stat info{};
  return stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
}

TEST_F(JournalTest, RowsComeBackAsTheyWereWritten) {
  fill({1, 20, 100});
  {
    // Whatever text and records: an id with a zero byte, a record of many pages, times before 1970, nothing at all.
    const auto journal = open();
    ASSERT_TRUE(journal.ok());
    const std::string id("a\0b", 3);
    const std::string record(100'000, '\xff');
    MadeRow made(last.seq + 1);
    made->change_id = id;
    made->actor = "";
    made->before = record;
    made->after = made->new_after = "";
    made->at_us = -1;
    made->chain = next_chain(last.chain, *made);
    ASSERT_TRUE((*journal)->begin().ok() && (*journal)->append(*made).ok() && (*journal)->commit().ok());
    bool was_read = false;
    ASSERT_TRUE((*journal)->read_row(made->seq, [&](const JournalRow& row) { was_read = same(row, *made); }).ok());
    EXPECT_TRUE(was_read);
    last = {made->seq, made->chain, made->effective_us, made->received_us};
  }
  for (const auto mode : {Journal::Mode::kRead, Journal::Mode::kWrite}) {
    const auto journal = open(mode);
    ASSERT_TRUE(journal.ok()) << journal.status().message();
    EXPECT_EQ((*journal)->identity(), kIdentity);
    EXPECT_EQ((*journal)->base().seq, 0U);
    EXPECT_EQ((*journal)->base().chain, base().chain);
    const auto end = (*journal)->last();
    ASSERT_TRUE(end.ok());
    EXPECT_EQ(end->seq, last.seq);
    EXPECT_EQ(end->chain, last.chain);
    EXPECT_EQ(end->effective_us, last.effective_us);
    EXPECT_EQ(end->received_us, last.received_us);
    for (const std::uint64_t from : {1U, 2U, 50U, 122U, 123U}) {
      std::uint64_t next = from;
      EXPECT_TRUE((*journal)
                      ->read_from(from,
                                  [&](const JournalRow& row) {
                                    EXPECT_EQ(row.seq, next++);
                                    EXPECT_TRUE(row.seq == 122 || same(row, *MadeRow(row.seq))) << row.seq;
                                    return Status();
                                  })
                      .ok());
      EXPECT_EQ(next, 123U);
    }
    std::uint64_t next = 100;
    EXPECT_TRUE((*journal)
                    ->read_back(100, 40,
                                [&](const JournalRow& row) {
                                  EXPECT_EQ(row.seq, next--);
                                  EXPECT_TRUE(same(row, *MadeRow(row.seq))) << row.seq;
                                  return Status();
                                })
                    .ok());
    EXPECT_EQ(next, 39U);
  }
}

TEST_F(JournalTest, BriefRowsAreWhatWholeRowsSay) {
  const std::uint64_t seed = test_seed();
  std::mt19937_64 random(seed);
  const std::int64_t calendar_us = (kDateMax.days - kDateMin.days) * std::int64_t{86'400'000'000};
  {
    // Any times, ops and codes; now and then records of many pages.
    const auto journal = open();
    ASSERT_TRUE(journal.ok());
    for (int commit = 0; commit < 12; ++commit) {
      ASSERT_TRUE((*journal)->begin().ok());
      for (std::uint64_t rows = random() % 60; rows > 0; --rows) {
        MadeRow made(last.seq + 1);
        made->at_us = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(calendar_us)) +
                      kDateMin.days * std::int64_t{86'400'000'000};
        made->effective_us = std::max(made->at_us, last.effective_us);
        made->op = static_cast<ChangeOp>(1 + random() % 7);
        made->by = static_cast<ChangeBy>(random() % 2);
        made->code = Code{random() % kCodeEnd};
        made->new_code.reset();
        if (random() % 3 == 0) made->new_code = Code{random() % kCodeEnd};
        const std::string record(random() % 20 == 0 ? 40'000 : random() % 300, 'r');
        made->before = record;
        made->after = record;
        made->chain = next_chain(last.chain, *made);
        ASSERT_TRUE((*journal)->append(*made).ok());
        last = {made->seq, made->chain, made->effective_us, made->received_us};
      }
      ASSERT_TRUE((*journal)->commit().ok());
    }
  }
  const auto journal = open(Journal::Mode::kRead);
  ASSERT_TRUE(journal.ok());
  for (int round = 0; round < 20; ++round) {
    const std::uint64_t from = 1 + random() % last.seq;
    const std::uint64_t to = round == 0 ? Journal::kEnd : from + random() % (last.seq + 1 - from);
    std::vector<JournalBrief> whole;
    ASSERT_TRUE((*journal)
                    ->read_from(from, to,
                                [&](const JournalRow& row) {
                                  whole.push_back(row);
                                  return Status();
                                })
                    .ok())
        << seed;
    ASSERT_EQ(whole.size(), std::min(to, last.seq) - from + 1) << seed;
    std::size_t next = 0;
    ASSERT_TRUE((*journal)
                    ->read_brief(from, to,
                                 [&](const JournalBrief& row) {
                                   EXPECT_TRUE(same(row, whole.at(next++))) << seed;
                                   return Status();
                                 })
                    .ok())
        << seed;
    ASSERT_EQ(next, whole.size()) << seed;
  }
}

TEST_F(JournalTest, DamageInWhatABriefRowHoldsIsFound) {
  fill({20});
  const std::string bytes = read_file(path);
  for (const std::string set :
       {"op = 0", "op = 8", "by = 7", "code = -1", "code = 1000000000000", "new_code = 1000000000000",
        "at = 9223372036854775807", "at = -62200000000000000 - 1000000000000", "effective = 253402300800000000"}) {
    folder.write("journal", bytes);
    std::string sql = "UPDATE changes SET ";
    tamper(path, sql.append(set).append(" WHERE seq = 10"));
    const auto journal = open(Journal::Mode::kRead);
    ASSERT_TRUE(journal.ok());
    const Status status = (*journal)->read_brief(1, 20, [](const JournalBrief&) { return Status(); });
    EXPECT_EQ(status.kind(), StatusKind::kRegistry) << set;
    EXPECT_NE(status.message().find("change 10 of the journal is damaged"), std::string::npos) << status.message();
  }
}

TEST_F(JournalTest, ReadingEndsWhereItsReaderSaysSo) {
  fill({10});
  const auto journal = open(Journal::Mode::kRead);
  ASSERT_TRUE(journal.ok());
  const auto until = [](std::uint64_t seq) {
    return
        [seq](const JournalRow& row) { return row.seq == seq ? Status(StatusKind::kInterrupted, "enough") : Status(); };
  };
  EXPECT_EQ((*journal)->read_from(1, until(4)).kind(), StatusKind::kInterrupted);
  EXPECT_EQ((*journal)->read_back(9, 1, until(4)).kind(), StatusKind::kInterrupted);
  const auto enough = [](const JournalBrief&) { return Status(StatusKind::kInterrupted, "enough"); };
  EXPECT_EQ((*journal)->read_brief(1, 10, enough).kind(), StatusKind::kInterrupted);
}

TEST_F(JournalTest, FindsTheFirstRowThatWasReceivedSince) {
  const auto empty = open();
  ASSERT_TRUE(empty.ok());
  EXPECT_EQ(*(*empty)->first_received(0), 1U);
  fill({10, 90});
  for (const char* version : {"3", "2"}) {
    tamper(path, std::string("PRAGMA user_version = ") + version);
    const auto journal = open(Journal::Mode::kRead);
    ASSERT_TRUE(journal.ok());
    for (const std::uint64_t seq : {1, 2, 50, 61, 99, 100}) {
      const std::int64_t received = MadeRow(seq)->received_us;
      EXPECT_EQ(*(*journal)->first_received(received), seq);
      EXPECT_EQ(*(*journal)->first_received(received + 1), seq + 1);
    }
  }
}

/// Against a sum over all rows, for gaps of all kinds: none, short ones, long ones, wild ones.
TEST_F(JournalTest, FindsTheFirstRowOfAnAgeOfWhichLongGapsCountLittle) {
  constexpr std::int64_t kGap = 100;
  std::vector<std::int64_t> received;
  {
    const auto journal = open();
    ASSERT_TRUE(journal.ok());
    EXPECT_EQ(*(*journal)->first_of_age(5, kGap), 1U);
    std::mt19937_64 random(7);
    std::int64_t now = 0;
    ASSERT_TRUE((*journal)->begin().ok());
    for (int i = 0; i < 200; ++i) {
      now += std::array<std::int64_t, 8>{0, 0, 0, 1, 30, 99, 101, 1'000'000}[random() % 8];
      received.push_back(now);
      MadeRow made(last.seq + 1);
      made->received_us = now;
      made->chain = next_chain(last.chain, *made);
      last = {made->seq, made->chain};
      ASSERT_TRUE((*journal)->append(*made).ok());
    }
    ASSERT_TRUE((*journal)->commit().ok());
  }
  for (const char* version : {"3", "2"}) {
    tamper(path, std::string("PRAGMA user_version = ") + version);
    const auto journal = open(Journal::Mode::kRead);
    ASSERT_TRUE(journal.ok());
    for (std::int64_t age = 0; age < 12'000; age += age < 300 ? 7 : 397) {
      std::size_t first = received.size();  // as a seq
      for (std::int64_t sum = 0; first > 1; --first) {
        sum += std::min(received[first - 1] - received[first - 2], kGap);
        if (sum > age) break;
      }
      ASSERT_EQ(*(*journal)->first_of_age(age, kGap), first) << version << ", age " << age;
    }
  }
}

TEST_F(JournalTest, NoRowIsReceivedBeforeTheOneBeforeIt) {
  fill({3});
  const auto journal = open();
  ASSERT_TRUE(journal.ok());
  MadeRow made(4);
  made->received_us = MadeRow(3)->received_us - 1;
  made->chain = next_chain(last.chain, *made);
  ASSERT_TRUE((*journal)->begin().ok());
  EXPECT_EQ((*journal)->append(*made).kind(), StatusKind::kInternal);
  (*journal)->rollback();
  made->received_us = MadeRow(3)->received_us;
  made->chain = next_chain(last.chain, *made);
  ASSERT_TRUE((*journal)->begin().ok());
  EXPECT_TRUE((*journal)->append(*made).ok());
  EXPECT_TRUE((*journal)->commit().ok());
}

TEST_F(JournalTest, ARowReceivedBeforeAClockWasSetBackHidesNoneInAnOldVersion) {
  tamper(path, "PRAGMA user_version = 2");
  constexpr std::int64_t kHour = std::int64_t{3600} * 1'000'000;
  {
    const auto journal = open();
    ASSERT_TRUE(journal.ok());
    ASSERT_TRUE((*journal)->begin().ok());
    for (const std::int64_t received : {50 * kHour, 10 * kHour, 100 * kHour, 77 * kHour, 53 * kHour, 100 * kHour}) {
      MadeRow made(last.seq + 1);
      made->received_us = received;
      made->chain = next_chain(last.chain, *made);
      last = {made->seq, made->chain};
      ASSERT_TRUE((*journal)->append(*made).ok());
    }
    ASSERT_TRUE((*journal)->commit().ok());
    EXPECT_EQ(*(*journal)->first_received(20 * kHour), 1U);
    EXPECT_EQ(*(*journal)->first_received(100 * kHour), 3U) << "what comes behind it counts as received no earlier";
    EXPECT_EQ(*(*journal)->first_received(101 * kHour), 7U);
  }
  tamper(path, "PRAGMA user_version = 3");
  std::uint64_t count = 0;
  const auto journal = open(Journal::Mode::kRead);
  const Status status = (*journal)->read_from(1, [&](const JournalRow&) {
    ++count;
    return Status();
  });
  EXPECT_EQ(status.kind(), StatusKind::kRegistry);
  EXPECT_NE(status.message().find("change 2 of the journal was received before"), std::string::npos);
  EXPECT_EQ(count, 1U);
}

TEST_F(JournalTest, ADamagedTimeOfReceiptIsRefusedAndNotSearchedBy) {
  fill({100});
  for (std::uint64_t damaged = 1; damaged <= 100; ++damaged) {
    const std::string bytes = read_file(path);
    tamper(path, "UPDATE changes SET received = received + 3600000000 * (seq % 2 * 2 - 1) WHERE seq = " +
                     std::to_string(damaged));
    const auto journal = open(Journal::Mode::kRead);
    ASSERT_TRUE(journal.ok());
    for (const std::uint64_t seq : {1, 30, 70, 100}) {
      const auto found = (*journal)->first_received(MadeRow(seq)->received_us);
      if (found.ok()) {
        EXPECT_EQ(*found, seq) << damaged;
      } else {
        EXPECT_EQ(found.status().kind(), StatusKind::kRegistry);
      }
    }
    folder.write("journal", bytes);
  }
}

TEST_F(JournalTest, KeepsWhenItsBaseTookEffect) {
  EXPECT_FALSE((*open())->base().effective_time());
  const std::string other = folder.path("other");
  const Journal::Last behind{700, Chain{1, 2, 3}, 1'764'550'800'000'000};
  ASSERT_TRUE(Journal::create(other, kIdentity, behind).ok());
  {
    const auto journal = Journal::open(other, Journal::Mode::kRead);
    ASSERT_TRUE(journal.ok());
    EXPECT_EQ((*journal)->base().effective_time(), behind.effective_us);
    EXPECT_EQ((*journal)->last()->effective_us, behind.effective_us) << "what comes next does not fall behind it";
  }
  // Version 1 had no column for it.
  tamper(other, "ALTER TABLE registry DROP COLUMN base_effective; PRAGMA user_version=1");
  auto journal = Journal::open(other, Journal::Mode::kWrite);
  ASSERT_TRUE(journal.ok()) << journal.status().message();
  EXPECT_FALSE((*journal)->base().effective_time());
  EXPECT_EQ((*journal)->base().seq, 700U);
  Journal::Last end{700, behind.chain};
  ASSERT_TRUE(append_commit(**journal, end, 3).ok());
  EXPECT_EQ((*journal)->last()->seq, 703U);
}

TEST_F(JournalTest, ReadsAsFarAsIsWanted) {
  fill({3, 4});
  auto journal = open(Journal::Mode::kRead);
  ASSERT_TRUE(journal.ok());
  std::vector<std::uint64_t> seqs;
  const auto take = [&](const JournalRow& row) {
    seqs.push_back(row.seq);
    return Status();
  };
  EXPECT_TRUE((*journal)->read_from(3, 5, take).ok());
  EXPECT_EQ(seqs, (std::vector<std::uint64_t>{3, 4, 5}));
  EXPECT_TRUE((*journal)->read_from(7, 7, take).ok());
  EXPECT_EQ(seqs.back(), 7U);
}

TEST_F(JournalTest, AnEmptyOneEndsAtItsBase) {
  const Chain chain{1, 2, 3};
  const std::string other = folder.path("other");
  ASSERT_TRUE(Journal::create(other, kIdentity, {700, chain}).ok());
  auto journal = Journal::open(other, Journal::Mode::kWrite);
  ASSERT_TRUE(journal.ok());
  EXPECT_EQ((*journal)->last()->seq, 700U);
  EXPECT_EQ((*journal)->last()->chain, chain);
  Journal::Last end{700, chain};
  ASSERT_TRUE(append_commit(**journal, end, 3).ok());
  std::uint64_t count = 0;
  EXPECT_TRUE(read_all(**journal, count).ok());
  EXPECT_EQ(count, 3U);
  EXPECT_EQ((*journal)->read_from(700, [](const JournalRow&) { return Status(); }).kind(), StatusKind::kRegistry);
  EXPECT_TRUE((*journal)->read_from(704, [](const JournalRow&) { return Status(); }).ok()) << "nothing behind the end";
  EXPECT_EQ((*journal)->read_from(706, [](const JournalRow&) { return Status(); }).kind(), StatusKind::kRegistry);
}

TEST_F(JournalTest, CutOffLastCommitIsTheEnd) {
  auto journal = open();
  ASSERT_TRUE(journal.ok());
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(append_commit(**journal, last, 30).ok());
  const std::uint64_t whole = std::filesystem::file_size(path + "-wal");
  ASSERT_TRUE(append_commit(**journal, last, 30).ok());
  vfs.cut_power(1);
  journal->reset();
  vfs.settle(FaultVfs::Settle::kKept);
  const std::string database = read_file(path);
  const std::string log = read_file(path + "-wal");
  ASSERT_GT(log.size(), whole);
  std::uint64_t count = 0;
  ASSERT_TRUE(read_all(path, count).ok());
  EXPECT_EQ(count, 90U);
  for (std::uint64_t size = whole; size < log.size(); size += 509) {
    folder.write("journal", database);
    folder.write("journal-wal", log.substr(0, size));
    unlink((path + "-shm").c_str());
    ASSERT_TRUE(read_all(path, count).ok()) << size;
    ASSERT_EQ(count, 60U) << size;
  }
}

TEST_F(JournalTest, FlippedBitInARowBreaksTheChain) {
  fill({60});
  const std::string bytes = read_file(path);
  // Each place either is not used, and all rows are as they were, or the journal is refused; no row is ever another.
  const std::size_t stride = CLEARLINE_SANITIZED != 0 ? 101 : 13;
  std::size_t refusals = 0;
  for (std::size_t place = 0; place < bytes.size(); place += stride) {
    std::string flipped = bytes;
    flipped[place] = static_cast<char>(flipped[place] ^ (1 << place % 8));
    overwrite(path, flipped);
    std::uint64_t count = 0;
    const Status status = read_all(path, count);
    if (status.ok()) {
      ASSERT_EQ(count, 60U) << "byte " << place;
      continue;
    }
    ++refusals;
    ASSERT_EQ(status.kind(), StatusKind::kRegistry) << "byte " << place << ": " << status.message();
    ASSERT_EQ(status.message().find(kPersonal), std::string::npos) << status.message();
  }
  EXPECT_GT(refusals, bytes.size() / stride / 4) << "rows are more than a quarter of the file";
  std::string flipped = bytes;
  flipped[bytes.find("GILDONG after 42") + 3] ^= 1;
  folder.write("journal", flipped);
  refused("change 42 ");
}

TEST_F(JournalTest, MissingRowIsNamed) {
  fill({50});
  tamper(path, "DELETE FROM changes WHERE seq IN (7, 9)");
  refused("change 7 is missing");
  const auto journal = open();
  ASSERT_TRUE(journal.ok());
  const auto nothing = [](const JournalRow&) { return Status(); };
  EXPECT_NE((*journal)->read_from(10, nothing).message().find("change 9 is missing"), std::string::npos);
  EXPECT_TRUE((*journal)->read_from(11, nothing).ok());
  EXPECT_TRUE((*journal)->read_from(1, 6, nothing).ok());
  EXPECT_NE((*journal)->read_from(1, 7, nothing).message().find("change 7 is missing"), std::string::npos);
  EXPECT_NE((*journal)->read_from(48, 51, nothing).message().find("change 51 is missing"), std::string::npos);
  const auto brief = [&](std::uint64_t from, std::uint64_t to) {
    return (*journal)->read_brief(from, to, [](const JournalBrief&) { return Status(); });
  };
  EXPECT_NE(brief(1, Journal::kEnd).message().find("change 7 is missing"), std::string::npos);
  EXPECT_EQ(brief(1, Journal::kEnd).kind(), StatusKind::kRegistry);
  EXPECT_NE(brief(8, 50).message().find("change 9 is missing"), std::string::npos);
  EXPECT_NE(brief(9, 9).message().find("change 9 is missing"), std::string::npos);
  EXPECT_NE(brief(48, 51).message().find("change 51 is missing"), std::string::npos);
  EXPECT_TRUE(brief(10, 50).ok());
  EXPECT_TRUE(brief(51, 50).ok()) << "nothing behind the end";
  EXPECT_EQ(brief(0, 50).kind(), StatusKind::kRegistry) << "not in this journal";
  EXPECT_NE((*journal)->read_back(20, 5, nothing).message().find("change 9 is missing"), std::string::npos);
  EXPECT_NE((*journal)->read_back(20, 9, nothing).message().find("change 9 is missing"), std::string::npos);
  EXPECT_TRUE((*journal)->read_back(20, 10, nothing).ok());
  const Status row = (*journal)->read_row(9, [](const JournalRow&) {});
  EXPECT_EQ(row.kind(), StatusKind::kRegistry);
  EXPECT_NE(row.message().find("change 9 is missing"), std::string::npos);
}

TEST_F(JournalTest, SwappedRowsShow) {
  fill({50});
  tamper(path,
         "UPDATE changes SET seq = 1000 WHERE seq = 20; UPDATE changes SET seq = 20 WHERE seq = 30;"
         "UPDATE changes SET seq = 30 WHERE seq = 1000");
  refused("change 20 ");
}

TEST_F(JournalTest, EachAlteredColumnBreaksTheChain) {
  fill({20});
  const std::string bytes = read_file(path);
  for (const std::string set : {"at = at + 1",
                                "effective = effective + 1",
                                "received = received + 1",
                                "op = op % 7 + 1",
                                "by = 1 - by",
                                "code = code + 1",
                                "new_code = 5",
                                "change_id = 'x'",
                                "actor = 'uid:0'",
                                "salt = randomblob(16)",
                                "content_hash = randomblob(16)",
                                "before = x'00'",
                                "after = x'00'",
                                "after = NULL",
                                "new_after = x'00'",
                                "data_hash = randomblob(32)",
                                "chain = randomblob(32)",
                                "op = 8",
                                "op = 0",
                                "by = 7",
                                "salt = NULL",
                                "content_hash = x''",
                                "chain = NULL",
                                "code = -1"}) {
    folder.write("journal", bytes);
    std::string sql = "UPDATE changes SET ";
    tamper(path, sql.append(set).append(" WHERE seq = 10"));
    SCOPED_TRACE(set);
    refused("change 10 ");
  }
}

TEST_F(JournalTest, ErasedDataKeepsTheChain) {
  fill({40});
  MadeRow made(21);
  const std::string erase =
      "UPDATE changes SET salt = NULL, before = NULL, after = NULL, new_after = NULL, data_hash = x'" +
      hex(data_hash(*made)) + "' WHERE seq = 21";
  tamper(path, erase);
  const auto journal = open(Journal::Mode::kRead);
  ASSERT_TRUE(journal.ok());
  std::uint64_t count = 0;
  EXPECT_TRUE((*journal)
                  ->read_from(1,
                              [&](const JournalRow& row) {
                                ++count;
                                EXPECT_EQ(row.erased_data.has_value(), row.seq == 21);
                                if (row.seq == 21) {
                                  EXPECT_TRUE(row.before.empty() && row.after.empty() && row.new_after.empty());
                                  EXPECT_EQ(row.change_id, made->change_id);
                                }
                                return Status();
                              })
                  .ok());
  EXPECT_EQ(count, 40U);
  EXPECT_EQ(read_file(path).find("GILDONG after 21"), std::string::npos) << "its bytes are gone from the file too";
}

TEST_F(JournalTest, AHashBesideDataThatIsThereIsRefused) {
  fill({40});
  tamper(path, "UPDATE changes SET after = x'00', data_hash = x'" + hex(data_hash(*MadeRow(21))) + "' WHERE seq = 21");
  refused("change 21 ");
}

TEST_F(JournalTest, NewerVersionIsRefused) {
  fill({3});
  tamper(path, "PRAGMA user_version = 4; DROP TABLE changes");
  refused("journal version 4; this program reads version 3");
}

TEST_F(JournalTest, ForeignFileIsRefused) {
  for (const std::string& bytes : {std::string(), std::string("PK\3\4"), std::string(20'000, 'x')}) {
    folder.write("journal", bytes);
    refused("is not a clearline journal");
    EXPECT_EQ(open().status().kind(), StatusKind::kRegistry);
    EXPECT_EQ(read_file(path), bytes);
  }
  unlink(path.c_str());
  refused("cannot open the journal: No such file or directory");
  EXPECT_EQ(open().status().kind(), StatusKind::kRegistry);
  tamper(path, "CREATE TABLE changes(seq INTEGER PRIMARY KEY)");
  refused("is not a clearline journal");
  tamper(path, "PRAGMA application_id = 1129075274; PRAGMA user_version = 1");
  refused("does not say whose");
  unlink(path.c_str());
  std::filesystem::create_directory(path);
  refused("is no file");
}

TEST_F(JournalTest, IsNotMadeOverAnotherFile) {
  fill({3});
  const std::string before = read_file(path);
  EXPECT_EQ(Journal::create(path, kIdentity, base()).kind(), StatusKind::kOutput);
  EXPECT_EQ(read_file(path), before);
  EXPECT_EQ(Journal::create(folder.path("no/journal"), kIdentity, base()).kind(), StatusKind::kOutput);
}

TEST_F(JournalTest, OneThatCannotBeMadeLeavesNothing) {
  const std::string other = folder.path("other");
  const std::size_t files = folder.file_count();
  for (const auto& [call, code] : {std::pair{Call::kWrite, SQLITE_FULL}, {Call::kSync, SQLITE_IOERR_FSYNC}}) {
    for (std::uint64_t nth = 1;; ++nth) {
      vfs.fail(call, nth, code);
      const Status status = Journal::create(other, kIdentity, base(), vfs.name());
      vfs.heal();
      // Closing comes last, and its failures cost nothing.
      if (status.ok()) {
        EXPECT_GT(nth, 2U);
        EXPECT_TRUE(Journal::open(other, Journal::Mode::kWrite).ok());
        unlink(other.c_str());
        break;
      }
      EXPECT_EQ(status.kind(), StatusKind::kOutput);
      EXPECT_EQ(folder.file_count(), files) << status.message();
    }
  }
}

TEST_F(JournalTest, OnlyTheNextRowIsTaken) {
  fill({3});
  const auto journal = open();
  ASSERT_TRUE(journal.ok());
  for (const std::uint64_t seq : {3U, 5U}) {
    ASSERT_TRUE((*journal)->begin().ok());
    EXPECT_EQ((*journal)->append(*MadeRow(seq)).kind(), StatusKind::kInternal);
    EXPECT_FALSE((*journal)->commit().ok()) << "after a failed append only rollback helps";
    (*journal)->rollback();
  }
  EXPECT_TRUE(append_commit(**journal, last, 1).ok());
}

TEST_F(JournalTest, RolledBackRowsAreForgotten) {
  const auto journal = open();
  ASSERT_TRUE(journal.ok());
  ASSERT_TRUE(append_commit(**journal, last, 5).ok());
  MadeRow made(6);
  made->chain = next_chain(last.chain, *made);
  ASSERT_TRUE((*journal)->begin().ok() && (*journal)->append(*made).ok());
  EXPECT_TRUE((*journal)->read_row(6, [](const JournalRow&) {}).ok()) << "uncommitted rows are seen";
  (*journal)->rollback();
  EXPECT_FALSE((*journal)->read_row(6, [](const JournalRow&) {}).ok());
  EXPECT_EQ((*journal)->last()->seq, 5U);
  EXPECT_TRUE(append_commit(**journal, last, 1).ok());
}

TEST_F(JournalTest, ReaderSeesOneMomentWhileAnotherConnectionWrites) {
  const auto writer = open();
  ASSERT_TRUE(writer.ok());
  ASSERT_TRUE(append_commit(**writer, last, 10).ok());
  const auto reader = open(Journal::Mode::kRead);
  ASSERT_TRUE(reader.ok());
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(append_commit(**writer, last, 10).ok());
    ASSERT_TRUE((*writer)->checkpoint_wal().ok());
    ASSERT_TRUE((*writer)->restart_wal().ok()) << "a reader in the way is no failure";
    std::uint64_t count = 0;
    EXPECT_TRUE(read_all(**reader, count).ok());
    EXPECT_EQ(count, 10U);
    EXPECT_EQ((*reader)->last()->seq, 10U);
  }
  std::uint64_t count = 0;
  EXPECT_TRUE(read_all(path, count, vfs.name()).ok());
  EXPECT_EQ(count, last.seq) << "one that opens now sees all";
}

TEST_F(JournalTest, LogStartsAnewWhenNoReaderIsInTheWay) {
  const auto journal = open();
  ASSERT_TRUE(journal.ok());
  EXPECT_EQ((*journal)->wal_bytes(), 0U);
  ASSERT_TRUE(append_commit(**journal, last, 200).ok());
  const std::uint64_t bytes = (*journal)->wal_bytes();
  EXPECT_EQ(bytes, std::filesystem::file_size(path + "-wal"));
  {
    const auto reader = open(Journal::Mode::kRead);
    ASSERT_TRUE(append_commit(**journal, last, 1).ok());
    ASSERT_TRUE((*journal)->restart_wal().ok());
    EXPECT_GE((*journal)->wal_bytes(), bytes);
  }
  ASSERT_TRUE((*journal)->restart_wal().ok());
  EXPECT_EQ((*journal)->wal_bytes(), 0U);
  ASSERT_TRUE(append_commit(**journal, last, 1).ok());
  EXPECT_LT((*journal)->wal_bytes(), bytes);
  EXPECT_GT((*journal)->wal_bytes(), 0U);
}

TEST_F(JournalTest, LogIsMovedByAnotherThreadWhileOneWrites) {
  const auto journal = open();
  ASSERT_TRUE(journal.ok());
  std::atomic<bool> is_done{false};  // only a flag: relaxed
  std::thread mover([&] {
    while (!is_done.load(std::memory_order_relaxed)) {
      EXPECT_TRUE((*journal)->checkpoint_wal().ok());
      (*journal)->wal_bytes();
    }
  });
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(append_commit(**journal, last, 20).ok());
    if (i % 10 == 9) {
      EXPECT_TRUE((*journal)->restart_wal().ok());
    }
  }
  is_done.store(true, std::memory_order_relaxed);
  mover.join();
  std::uint64_t count = 0;
  EXPECT_TRUE(read_all(**journal, count).ok());
  EXPECT_EQ(count, 2000U);
}

TEST_F(JournalTest, FilesAreOwnerOnly) {
  const mode_t before = umask(0);
  const std::string other = folder.path("other");
  ASSERT_TRUE(Journal::create(other, kIdentity, base()).ok());
  EXPECT_EQ(mode_of(other), 0600U);
  {
    const auto journal = Journal::open(other, Journal::Mode::kWrite);
    ASSERT_TRUE(journal.ok() && append_commit(**journal, last, 3).ok());
    for (const std::string suffix : {"", "-wal", "-shm"}) EXPECT_EQ(mode_of(other + suffix), 0600U) << suffix;
  }
  EXPECT_EQ(mode_of(other), 0600U);
  umask(before);
}

/// Becomes somebody who is not root, where the test is, and says whether that went well.
bool leave_root() { return geteuid() != 0 || (setgid(65534) == 0 && setuid(65534) == 0); }

int read_in_read_only_folder(const std::string& path, const std::string& expected) {
  if (!leave_root()) return 2;
  std::uint64_t count = 0;
  const Status status = read_all(path, count);
  if (expected.empty()) return status.ok() && count == 30 ? 0 : 1;
  if (status.kind() == StatusKind::kRegistry && status.message().find(expected) != std::string::npos) return 0;
  std::fprintf(stderr, "%s\n", status.message().c_str());
  return 1;
}

TEST_F(JournalTest, ReadOnlyDirectory) {
  fill({30});
  const auto give_away = [&] {
    for (const auto& entry : std::filesystem::directory_iterator(folder.path("")))
      ASSERT_TRUE(geteuid() != 0 || chown(entry.path().c_str(), 65534, 65534) == 0);
    ASSERT_TRUE(geteuid() != 0 || chown(folder.path("").c_str(), 65534, 65534) == 0);
  };
  give_away();
  ASSERT_EQ(chmod(folder.path("").c_str(), 0500), 0);
  EXPECT_EXIT(_exit(read_in_read_only_folder(path, "")), testing::ExitedWithCode(0), "") << "no log";
  ASSERT_EQ(chmod(folder.path("").c_str(), 0700), 0);
  folder.write("journal-wal", "");
  give_away();
  ASSERT_EQ(chmod(folder.path("").c_str(), 0500), 0);
  EXPECT_EXIT(_exit(read_in_read_only_folder(path, "")), testing::ExitedWithCode(0), "") << "an empty log";
  ASSERT_EQ(chmod(folder.path("").c_str(), 0700), 0);
  {
    auto journal = open();
    ASSERT_TRUE(journal.ok() && append_commit(**journal, last, 3).ok());
    vfs.cut_power(1);
  }
  vfs.settle(FaultVfs::Settle::kKept);
  give_away();
  ASSERT_EQ(chmod(folder.path("").c_str(), 0500), 0);
  EXPECT_EXIT(_exit(read_in_read_only_folder(path, "its log (-wal) cannot be used")), testing::ExitedWithCode(0), "");
  ASSERT_EQ(chmod(folder.path("").c_str(), 0700), 0);
}

TEST_F(JournalTest, NamesThatSqliteWouldReadOtherwise) {
  for (const std::string name : {"file:x?mode=memory", "100%.journal", "a#b", ":memory:"}) {
    const std::string odd = folder.path(name);
    ASSERT_TRUE(Journal::create(odd, kIdentity, base()).ok()) << name;
    Journal::Last end = base();
    {
      const auto journal = Journal::open(odd, Journal::Mode::kWrite);
      ASSERT_TRUE(journal.ok() && append_commit(**journal, end, 2).ok());
    }
    std::uint64_t count = 0;
    EXPECT_TRUE(read_all(odd, count).ok());
    EXPECT_EQ(count, 2U);
  }
}

}  // namespace
}  // namespace clearline::test
