// The journal and its head on a disk: rows a second over the size of a commit, single commits, reading and verifying.
//
//   journal_bench [FOLDER]    a folder on the disk that is meant; the current one by itself
//
// Every commit is what a registry does: rows chained and appended, synced, then the head written and synced. It proves
// that what was read is what was written before it says how fast.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <string>
#include <vector>

#include "io/store/head.h"
#include "io/store/journal.h"

namespace clearline::bench {
namespace {

using Clock = std::chrono::steady_clock;

/// Of this process on all cores: what a busy machine and a slow disk do not change much.
double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void require(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.message().c_str());
  std::exit(1);
}
void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "journal_bench: wrong: %s\n", what);
  std::exit(1);
}

const RegistryIdentity kIdentity{{1, 2, 3}, 1};

/// A change as they come: an amendment with both records of some 75 bytes.
struct MadeUp {
  std::string change_id;
  std::string before = std::string(73, 'b');
  std::string after = std::string(77, 'a');
  JournalRow row(std::uint64_t seq) {
    change_id = "courier-a-2025-12-01-" + std::to_string(seq * 7919);
    std::memcpy(after.data(), &seq, sizeof seq);
    JournalRow row;
    row.seq = seq;
    row.at_us = row.effective_us = row.received_us = 1'764'550'000'000'000 + static_cast<std::int64_t>(seq) * 1000;
    row.op = ChangeOp::kAmend;
    row.code = Code{seq * 104'729 % kCodeEnd};
    row.change_id = change_id;
    row.actor = "uid:1000";
    for (std::size_t i = 0; i < row.salt.size(); ++i) {
      row.salt[i] = static_cast<std::uint8_t>(seq * (2 * i + 1) >> (i % 8));
      row.content_hash[i] = static_cast<std::uint8_t>(seq * (2 * i + 3) >> (i % 5));
    }
    row.before = before;
    row.after = after;
    return row;
  }
};

class Folder {
 public:
  explicit Folder(const std::string& place) : path_(place + "/journal-bench-XXXXXX") {
    if (mkdtemp(path_.data()) == nullptr) {
      std::perror(path_.c_str());
      std::exit(1);
    }
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// Appends `rows` in commits of `commit_rows`, the log moved every 64 MiB by the writer; the times of the commits.
std::vector<double> append(const Folder& folder, std::uint64_t rows, std::uint64_t commit_rows) {
  constexpr std::uint64_t kLogBytes = std::uint64_t{64} << 20;
  const std::string path = folder.path("journal");
  const Chain base = first_chain(kIdentity);
  require(Journal::create(path, kIdentity, {0, base}));
  require(Head::create(folder.path("head"), {kIdentity, 0, base}));
  auto journal = Journal::open(path, Journal::Mode::kWrite);
  require(journal.status());
  auto head = Head::open(folder.path("head"));
  require(head.status());
  MadeUp made_up;
  Chain chain = base;
  std::vector<double> times;
  for (std::uint64_t seq = 0; seq < rows;) {
    const auto start = Clock::now();
    require((*journal)->begin());
    for (std::uint64_t i = 0; i < commit_rows && seq < rows; ++i) {
      JournalRow row = made_up.row(++seq);
      row.chain = next_chain(chain, row);
      chain = row.chain;
      require((*journal)->append(row));
    }
    require((*journal)->commit());
    require((*head)->write({kIdentity, seq, chain}));
    if ((*journal)->wal_bytes() > kLogBytes) require((*journal)->restart_wal());
    times.push_back(seconds_since(start));
  }
  return times;
}

void read(const Folder& folder, std::uint64_t rows) {
  auto journal = Journal::open(folder.path("journal"), Journal::Mode::kRead);
  require(journal.status());
  std::uint64_t count = 0;
  MadeUp made_up;
  require((*journal)->read_from(1, [&](const JournalRow& row) {
    if (++count % 1000 == 0) {
      const JournalRow expected = made_up.row(count);
      require(row.after == expected.after && row.change_id == expected.change_id, "a row read is not the row written");
    }
    return Status();
  }));
  require(count == rows, "rows are missing");
  const auto start = Clock::now();
  const double cpu_start = cpu_seconds();
  require((*journal)->read_from(1, [](const JournalRow&) { return Status(); }));
  const double verified = seconds_since(start);
  const double cpu = cpu_seconds() - cpu_start;
  std::printf("%llu rows read and verified: %.2f s, %.0f rows/s, %.2f us of CPU a row; %.0f bytes a row\n",
              static_cast<unsigned long long>(rows), verified, static_cast<double>(rows) / verified,
              cpu * 1e6 / static_cast<double>(rows),
              static_cast<double>(std::filesystem::file_size(folder.path("journal"))) / static_cast<double>(rows));
}

void hash() {
  MadeUp made_up;
  Chain chain = first_chain(kIdentity);
  constexpr std::uint64_t kRows = 200'000;
  const JournalRow row = made_up.row(1);
  const auto start = Clock::now();
  for (std::uint64_t i = 0; i < kRows; ++i) chain = next_chain(chain, row);
  std::printf("both hashes of a row: %.0f ns\n", seconds_since(start) * 1e9 / kRows);
}

}  // namespace
}  // namespace clearline::bench

int main(int argc, char** argv) {
  using namespace clearline::bench;
  const std::string place = argc > 1 ? argv[1] : ".";
  hash();
  for (const std::uint64_t commit_rows : {1U, 64U, 512U, 4096U}) {
    const Folder folder(place);
    const std::uint64_t rows = commit_rows == 1 ? 500 : commit_rows == 64 ? 50'000 : 1'000'000;
    const auto start = Clock::now();
    const double cpu_start = cpu_seconds();
    std::vector<double> times = append(folder, rows, commit_rows);
    const double cpu = cpu_seconds() - cpu_start;
    const double seconds = seconds_since(start);
    std::sort(times.begin(), times.end());
    std::printf(
        "%4llu rows a commit: %.0f rows/s, %.1f us of CPU a row; a commit with head: p50 %.2f ms, p99 %.2f ms\n",
        static_cast<unsigned long long>(commit_rows), static_cast<double>(rows) / seconds,
        cpu * 1e6 / static_cast<double>(rows), times[times.size() / 2] * 1e3, times[times.size() * 99 / 100] * 1e3);
    if (rows == 1'000'000) read(folder, rows);
  }
  return 0;
}
