// What the journal tells of days and of codes: how long registry stats and registry history take over a long one.
//
//   history_bench FOLDER     a new directory FOLDER/history is made, and stays for runs of the program
//
//   by day      all changes counted by day, each count beside the days before it
//   history     the changes of one code found, read and checked
//   from disk   by day once more, the journal's file not in memory
//
// Of CLEARLINE_BENCH_CHANGES (10,000,000) changes on 400 days: amendments, reissues and all other ops, each with entries
// before and after, one in 64 up to 30 days late, every 50th day a surge of reissues. Rows go straight into the journal,
// chained, synced and with head behind them as a registry leaves them; nobody judges them, which a report does not notice.
// What comes out is first compared with counts of days as texts, and with a search in all rows.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "bench/made_up.h"
#include "engine/change_days.h"
#include "engine/entry_record.h"
#include "io/store/head.h"
#include "io/store/image.h"
#include "io/store/registry_directory.h"
#include "io/store/registry_store.h"

namespace clearline::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void require_ok(const Status& status) {
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str());
  require(status.ok(), "what is read or written");
}

constexpr std::int64_t kDayUs = std::int64_t{24} * 3600 * 1'000'000;
constexpr std::int64_t kDays = 400;
constexpr std::int64_t kFirstUs = 1'735'657'200'000'000;  // 2025-01-01 in Korea

/// A row and the memory behind its views.
class MadeUpChanges {
 public:
  explicit MadeUpChanges(std::uint64_t changes) : changes_(changes) {
    entry_.name = "HONG GILDONG";
    entry_.name_ko = "홍길동";
    entry_.phone = "01012345678";
    entry_.zips = {4524, 12345};
    entry_.issued = entry_.changed = Date{20'000};
    entry_.expires = Date{20'900};
  }

  /// Each code is touched some four times.
  Code code(std::uint64_t number) const { return Code{number * 104'729 % (changes_ / 4 + 1)}; }

  JournalRow row(std::uint64_t seq) {
    JournalRow row;
    row.seq = seq;
    const auto part = static_cast<double>(seq) / static_cast<double>(changes_ + 1);
    row.effective_us = row.received_us =
        kFirstUs + static_cast<std::int64_t>(part * static_cast<double>(kDays * kDayUs));
    row.at_us = row.effective_us;
    if (seq % 64 == 0) row.at_us -= static_cast<std::int64_t>(seq * 7919 % 30) * kDayUs;
    const std::uint64_t kind = seq * 2'654'435'761 >> 7;
    const bool is_surge = (row.received_us - kFirstUs) / kDayUs % 50 == 49;
    row.op = is_surge && kind % 2 == 0 ? ChangeOp::kReissue
             : kind % 16 < 9           ? ChangeOp::kAmend
                                       : static_cast<ChangeOp>(kind % 16 - 8);
    row.by = static_cast<ChangeBy>(kind % 2);
    row.code = code(seq);
    change_id_ = "courier-a-" + std::to_string(seq * 7919);
    row.change_id = change_id_;
    row.actor = "uid:1000";
    for (std::size_t i = 0; i < row.salt.size(); ++i) {
      row.salt[i] = static_cast<std::uint8_t>(seq * (2 * i + 1) >> (i % 8));
      row.content_hash[i] = static_cast<std::uint8_t>(seq * (2 * i + 3) >> (i % 5));
    }
    if (row.op != ChangeOp::kIssue) row.before = record(before_, row.code, seq);
    row.after = record(after_, row.code, seq + 1);
    if (row.op == ChangeOp::kReissue) {
      row.new_code = code(seq + 1);
      row.new_after = record(new_after_, *row.new_code, seq);
    }
    return row;
  }

 private:
  std::string_view record(std::string& bytes, Code code, std::uint64_t version) {
    entry_.code = code;
    entry_.zips[1] = static_cast<std::uint32_t>(version % 100'000);
    bytes.clear();
    append_entry_record(entry_, bytes);
    return bytes;
  }

  std::uint64_t changes_;
  Entry entry_;
  std::string change_id_;
  std::string before_;
  std::string after_;
  std::string new_after_;
};

RegistryDirectory make_directory(const std::string& folder, std::uint64_t changes) {
  const RegistryDirectory directory(folder + "/history");
  std::filesystem::remove_all(directory.path());
  const std::string image = folder + "/history.img";
  require_ok(write_image(made_up_registry(1'000), image));
  require_ok(RegistryStore::create(directory.path(), image));
  std::filesystem::remove(image);

  const auto journal = Journal::open(directory.journal_path(), Journal::Mode::kWrite);
  require_ok(journal.status());
  const auto head = Head::open(directory.head_path());
  require_ok(head.status());
  constexpr std::uint64_t kCommitRows = 4096;
  constexpr std::uint64_t kLogBytes = std::uint64_t{64} << 20;
  MadeUpChanges made_up(changes);
  Chain chain = (*journal)->base().chain;
  for (std::uint64_t seq = 0; seq < changes;) {
    require_ok((*journal)->begin());
    for (std::uint64_t i = 0; i < kCommitRows && seq < changes; ++i) {
      JournalRow row = made_up.row(++seq);
      row.chain = chain = next_chain(chain, row);
      require_ok((*journal)->append(row));
    }
    require_ok((*journal)->commit());
    require_ok((*head)->write({(*journal)->identity(), seq, chain}));
    if ((*journal)->wal_bytes() > kLogBytes) require_ok((*journal)->restart_wal());
  }
  return directory;
}

void count(const RegistryDirectory& directory, ChangeDays& days) {
  require_ok(directory.read_brief([&](const JournalBrief& row) {
    days.add(row.op, korean_date_us(row.at_us));
    return Status();
  }));
}

std::vector<std::uint64_t> history(const RegistryDirectory& directory, Code code) {
  std::vector<std::uint64_t> seqs;
  const auto found = directory.read_history(code, [&](const JournalRow& row) {
    seqs.push_back(row.seq);
    return Status();
  });
  require_ok(found.status());
  return seqs;
}

/// By whole rows, dates as texts, and all days before added up anew for every day.
void check(const RegistryDirectory& directory, const std::vector<Code>& codes) {
  std::map<std::string, std::map<ChangeOp, std::uint64_t>> expected;
  std::map<Code, std::vector<std::uint64_t>> touched;
  require_ok(directory.read_changes([&](const JournalRow& row) {
    ++expected[format_time(row.at_us).substr(0, 10)][row.op];
    for (const Code code : codes) {
      if (row.code == code || row.new_code == code) touched[code].push_back(row.seq);
    }
    return Status();
  }));
  ChangeDays days;
  count(directory, days);
  std::size_t compared = 0;
  std::size_t surges = 0;
  days.for_each_day([&](const ChangeDays::Day& day) {
    const std::string date = format_date(day.date);
    ++compared;
    expected[date];  // there may be none on a day
    for (auto op = ChangeOp::kIssue; op <= ChangeOp::kReissue; op = static_cast<ChangeOp>(static_cast<int>(op) + 1)) {
      std::uint64_t sum = 0;
      std::uint64_t largest = 0;
      std::uint64_t days_before = 0;
      for (auto before = expected.begin(); before->first != date; ++before) {
        const std::uint64_t of_before = before->second[op];
        ++days_before;
        sum += of_before;
        largest = std::max(largest, of_before);
      }
      const ChangeDays::Count& it = day.of(op);
      require(it.count == expected[date][op] && it.sum_before == sum && it.largest_before == largest, "a count");
      require(day.days_before == days_before, "the days before a day");
      surges += static_cast<std::size_t>(day.is_surge(op));
    }
  });
  require(compared == expected.size() && surges != 0, "the days");
  for (const Code code : codes) require(history(directory, code) == touched[code], "the history of a code");
}

/// Forgets what the system keeps of a file in memory.
void drop_from_memory(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  require(fd >= 0 && fdatasync(fd) == 0 && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0, "the journal's file");
  close(fd);
}

/// Medians of so many rounds; the processor's time is what a busy machine does not change much.
void measure(const char* what, int rounds, const std::function<void()>& work) {
  std::vector<double> seconds;
  std::vector<double> cpu_seconds;
  for (int round = 0; round < rounds; ++round) {
    const auto start = Clock::now();
    const std::clock_t cpu_start = std::clock();
    work();
    seconds.push_back(seconds_since(start));
    cpu_seconds.push_back(static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC);
  }
  std::sort(seconds.begin(), seconds.end());
  std::sort(cpu_seconds.begin(), cpu_seconds.end());
  const std::size_t middle = seconds.size() / 2;
  std::printf("%-10s %.2f s, %.2f s of CPU, of %d\n", what, seconds[middle], cpu_seconds[middle], rounds);
}

}  // namespace
}  // namespace clearline::bench

int main(int argc, char** argv) {
  using namespace clearline::bench;
  using clearline::ChangeDays;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  if (argc != 2) {
    std::fprintf(stderr, "usage: history_bench FOLDER\n");
    return 2;
  }
  const char* wanted = std::getenv("CLEARLINE_BENCH_CHANGES");  // NOLINT(concurrency-mt-unsafe): one thread
  const std::uint64_t changes = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 10'000'000;
  const auto start = Clock::now();
  const clearline::RegistryDirectory directory = make_directory(argv[1], changes);
  std::printf("made       %.1f s, %llu changes, %.0f bytes each\n", seconds_since(start),
              static_cast<unsigned long long>(changes),
              static_cast<double>(std::filesystem::file_size(directory.journal_path())) / static_cast<double>(changes));
  const MadeUpChanges made_up(changes);
  const std::vector<clearline::Code> codes{made_up.code(1), made_up.code(changes / 2), made_up.code(changes)};
  check(directory, codes);
  const auto by_day = [&] {
    ChangeDays days;
    count(directory, days);
    std::uint64_t surges = 0;
    days.for_each_day([&](const ChangeDays::Day& day) {
      surges += static_cast<std::uint64_t>(day.is_surge(clearline::ChangeOp::kReissue));
    });
    require(surges != 0, "surges");
  };
  measure("by day", 5, by_day);
  measure("history", 5, [&] { history(directory, codes[1]); });
  drop_from_memory(directory.journal_path());
  measure("from disk", 1, by_day);
  return 0;
}
