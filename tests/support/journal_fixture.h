// JournalTest: a journal in a folder of the test's own, on files whose calls can be made to fail. What was written to it is known
// by its seq: tests/support/made_rows.h.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "io/store/journal.h"
#include "tests/support/fault_vfs.h"
#include "tests/support/files.h"
#include "tests/support/made_rows.h"

namespace clearline::test {

inline Journal::Last base() { return {0, first_chain(kIdentity)}; }

inline bool same(const JournalBrief& a, const JournalBrief& b) {
  return a.seq == b.seq && a.at_us == b.at_us && a.effective_us == b.effective_us && a.op == b.op && a.by == b.by &&
         a.code == b.code && a.new_code == b.new_code;
}

inline bool same(const JournalRow& a, const JournalRow& b) {
  const JournalBrief& brief = a;
  return same(brief, b) && a.received_us == b.received_us && a.change_id == b.change_id && a.actor == b.actor &&
         a.salt == b.salt && a.content_hash == b.content_hash && a.before == b.before && a.after == b.after &&
         a.new_after == b.new_after;
}

/// Reads all rows from the first on; each must be the one of its seq. How many there were comes back in `count`.
inline Status read_all(Journal& journal, std::uint64_t& count) {
  count = 0;
  return journal.read_from(journal.base().seq + 1, [&](const JournalRow& row) {
    ++count;
    MadeRow made(row.seq);
    EXPECT_TRUE(same(row, *made)) << "change " << row.seq;
    return Status();
  });
}

/// Opens, reads and counts; the first status that is not ok.
inline Status read_all(const std::string& path, std::uint64_t& count, const std::string& vfs = "") {
  count = 0;
  const auto journal = Journal::open(path, Journal::Mode::kRead, vfs);
  return journal.ok() ? read_all(**journal, count) : journal.status();
}

class JournalTest : public testing::Test {
 protected:
  using Journals = Result<std::unique_ptr<Journal>>;
  using Call = FaultVfs::Call;

  JournalTest() : path(folder.path("journal")) {
    EXPECT_TRUE(Journal::create(path, kIdentity, base(), vfs.name()).ok());
  }
  Journals open(Journal::Mode mode = Journal::Mode::kWrite) const { return Journal::open(path, mode, vfs.name()); }
  /// A journal of commits of so many rows, closed: one file.
  void fill(const std::vector<std::uint64_t>& commits) {
    const auto journal = open();
    ASSERT_TRUE(journal.ok()) << journal.status().message();
    for (const std::uint64_t rows : commits) ASSERT_TRUE(append_commit(**journal, last, rows).ok());
  }
  void refused(const std::string& words) {
    std::uint64_t count = 0;
    const Status status = read_all(path, count);
    EXPECT_EQ(status.kind(), StatusKind::kRegistry);
    EXPECT_NE(status.message().find(words), std::string::npos) << status.message();
    EXPECT_TRUE(status.message().starts_with(path + ": error: ")) << status.message();
    EXPECT_NE(status.message().find("; "), std::string::npos) << "no mend: " << status.message();
    EXPECT_EQ(status.message().find(kPersonal), std::string::npos) << status.message();
  }

  TestFolder folder;
  FaultVfs vfs;
  std::string path;
  Journal::Last last = base();
};

}  // namespace clearline::test
