#include "io/store/head.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "engine/hash.h"
#include "tests/support/fault_vfs.h"
#include "tests/support/files.h"
#include "tests/support/made_rows.h"

namespace clearline {
namespace {

using test::FaultVfs;
using test::kIdentity;
using test::overwrite;
using test::read_file;
using test::TestFolder;

constexpr std::size_t kFileBytes = 4096 + 512;

HeadRecord record(std::uint64_t seq) {
  HeadRecord made{kIdentity, seq, {}};
  for (std::size_t i = 0; i < made.chain.size(); ++i) made.chain[i] = static_cast<std::uint8_t>(seq * 7 + i);
  return made;
}

class HeadTest : public testing::Test {
 protected:
  HeadTest() : path(folder.path("head")) { EXPECT_TRUE(Head::create(path, record(5), vfs.name()).ok()); }
  void write(std::uint64_t seq) {
    const auto head = Head::open(path, vfs.name());
    ASSERT_TRUE(head.ok());
    ASSERT_TRUE((*head)->write(record(seq)).ok());
    ASSERT_EQ((*head)->record(), record(seq));
  }
  void refused(const std::string& words) {
    for (const Status& status : {Head::read(path).status(), Head::open(path).status()}) {
      EXPECT_EQ(status.kind(), StatusKind::kRegistry);
      EXPECT_NE(status.message().find(words), std::string::npos) << status.message();
      EXPECT_TRUE(status.message().starts_with(path + ": error: "));
    }
  }

  TestFolder folder;
  FaultVfs vfs;
  std::string path;
};

TEST_F(HeadTest, GivesBackWhatWasWrittenLast) {
  EXPECT_EQ(*Head::read(path), record(5));
  const auto head = Head::open(path);
  ASSERT_TRUE(head.ok());
  EXPECT_EQ((*head)->record(), record(5));
  for (std::uint64_t seq = 6; seq < 40; seq += 3) {
    ASSERT_TRUE((*head)->write(record(seq)).ok());
    EXPECT_EQ(*Head::read(path), record(seq));
  }
  EXPECT_EQ(read_file(path).size(), kFileBytes);
}

TEST_F(HeadTest, EveryFlippedBitLeavesTheOlderSlotOrIsRefused) {
  write(6);
  const std::string bytes = read_file(path);
  ASSERT_EQ(bytes.size(), kFileBytes);
  for (std::size_t place = 0; place < bytes.size(); ++place) {
    if (place == 512) place = 4096;  // between the slots
    for (int bit = 0; bit < 8; bit += place % 512 < 88 ? 1 : 5) {
      std::string flipped = bytes;
      flipped[place] = static_cast<char>(flipped[place] ^ (1 << bit));
      overwrite(path, flipped);
      const auto read = Head::read(path);
      ASSERT_TRUE(read.ok()) << place;
      // The creation is turns 0 and 1, so turn 2 lies in the first slot.
      ASSERT_EQ(*read, record(place < 512 ? 5 : 6)) << place;
      // In both slots: nothing is left.
      flipped[place ^ 4096] = static_cast<char>(flipped[place ^ 4096] ^ (1 << bit));
      overwrite(path, flipped);
      ASSERT_EQ(Head::read(path).status().kind(), StatusKind::kRegistry) << place;
    }
  }
}

TEST_F(HeadTest, ADamagedSlotIsTheNextToBeWritten) {
  write(6);
  for (const std::size_t place : {40U, 4096U + 40U}) {
    std::string bytes = read_file(path);
    bytes[place] ^= 1;
    folder.write("head", bytes);
    const auto head = Head::open(path);
    ASSERT_TRUE(head.ok());
    ASSERT_TRUE((*head)->write(record((*head)->record().seq + 10)).ok());
    bytes = read_file(path);
    bytes[place ^ 4096] ^= 1;
    folder.write("head", bytes);
    EXPECT_EQ(*Head::read(path), (*head)->record());
    bytes[place ^ 4096] ^= 1;
    folder.write("head", bytes);
  }
}

TEST_F(HeadTest, SurvivesATornWrite) {
  for (std::uint64_t seq = 6; seq < 60; ++seq) {
    for (std::uint64_t call = 1; call <= 2; ++call) {
      const HeadRecord before = *Head::read(path);
      bool was_written = false;
      {
        const auto head = Head::open(path, vfs.name());
        ASSERT_TRUE(head.ok());
        vfs.cut_power(call);
        was_written = (*head)->write(record(seq)).ok();
      }
      EXPECT_FALSE(was_written);
      vfs.settle(static_cast<FaultVfs::Settle>(seq % 3), seq);
      const auto after = Head::read(path);
      ASSERT_TRUE(after.ok()) << after.status().message();
      EXPECT_TRUE(*after == before || *after == record(seq)) << seq;
    }
  }
}

TEST_F(HeadTest, SurvivesAWriteThatStopsAtAnyByte) {
  write(6);
  const std::string before = read_file(path);
  write(7);
  const std::string after = read_file(path);
  for (std::size_t size = 0; size <= 512; ++size) {
    std::string torn = before;
    torn.replace(4096, size, after, 4096, size);
    overwrite(path, torn);
    const auto read = Head::read(path);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(*read, record(size == 512 ? 7 : 6)) << size;
  }
  // The file ends within its second slot.
  for (const std::size_t size : {512U, 4096U, 4500U}) {
    folder.write("head", after.substr(0, size));
    EXPECT_EQ(*Head::read(path), record(6)) << size;
  }
}

TEST_F(HeadTest, AFailedWriteMayBeTriedAgain) {
  const auto head = Head::open(path, vfs.name());
  ASSERT_TRUE(head.ok());
  vfs.fail(FaultVfs::Call::kWrite, 1, SQLITE_FULL);
  const Status full = (*head)->write(record(6));
  EXPECT_EQ(full.kind(), StatusKind::kOutput);
  EXPECT_NE(full.message().find("No space left on device; make room"), std::string::npos) << full.message();
  EXPECT_EQ(*Head::read(path), record(5));
  vfs.fail(FaultVfs::Call::kSync, 1, SQLITE_IOERR_FSYNC);
  EXPECT_EQ((*head)->write(record(6)).kind(), StatusKind::kOutput);
  EXPECT_EQ((*head)->record(), record(5));
  EXPECT_TRUE((*head)->write(record(7)).ok());
  EXPECT_EQ(*Head::read(path), record(7));
}

TEST_F(HeadTest, ForeignFileMissingFileAndNewerVersionAreToldApart) {
  std::string bytes = read_file(path);
  for (const std::size_t slot : {0U, 4096U}) {
    const std::uint32_t version = 2;
    std::memcpy(bytes.data() + slot + 8, &version, sizeof version);
    const std::uint64_t checksum = checksum64(bytes.data() + slot, 504);
    std::memcpy(bytes.data() + slot + 504, &checksum, sizeof checksum);
    folder.write("head", bytes);
    refused("head version 2; this program reads version 1");
  }
  for (const std::string& foreign : {std::string(), std::string("x"), std::string(9000, 'x')}) {
    folder.write("head", foreign);
    refused("is not the head of a clearline registry");
  }
  unlink(path.c_str());
  refused("cannot open the head: No such file or directory");
}

TEST_F(HeadTest, IsOwnerOnlyAndNotMadeOverAnotherFile) {
  struct stat info{};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  EXPECT_EQ(Head::create(path, record(9)).kind(), StatusKind::kOutput);
  EXPECT_EQ(*Head::read(path), record(5));
}

TEST_F(HeadTest, OneThatCannotBeMadeLeavesNothing) {
  for (const auto call : {FaultVfs::Call::kOpen, FaultVfs::Call::kWrite, FaultVfs::Call::kSync}) {
    vfs.fail(call, 1, call == FaultVfs::Call::kWrite ? SQLITE_FULL : SQLITE_IOERR);
    EXPECT_EQ(Head::create(folder.path("other"), record(1), vfs.name()).kind(), StatusKind::kOutput);
    EXPECT_EQ(folder.file_count(), 1U);
  }
}

}  // namespace
}  // namespace clearline
