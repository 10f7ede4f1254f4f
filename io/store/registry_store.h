// RegistryStore: the only owner of a registry that changes. What is answered is on disk, and seen.
//
//   apply     judge each change -> journal rows -> commit (fsync) -> head (fsync) -> publish -> answer, in this order
//   start     RegistryDirectory::open, then head is brought to the journal's end: what was committed and not answered
//             counts, and whoever sends it again gets `repeat`
//
// Group commit   apply() takes all changes that have gathered, and one pair of fsyncs answers them. While they are at the
//             disk the next ones gather (io/store/change_queue.h); there is no timer.
// In a group     each change is judged by what the ones before it made, published or not. If the commit fails, all of
//             them fail: none was judged by what is.
// Idempotence    a map from keyed hashes of change_ids to seqs, of what was received in the last 31 to 62 days before the
//             newest change (ChangeIds); a hit is checked against its row. 16 to 37 bytes a change.
// Clock       `received` is the clock's time, or that of the change before where the clock fell back: it never falls, and
//             alone says how long a change is remembered. Of the time between two changes a day counts at most: a clock
//             that jumped ahead for one group and came back makes no answer old. The clock itself only says whether an
//             `at` lies ahead of it.
// Failure        no space: nothing was written, the group is answered `busy`, and a later one tries again. A failed
//             fsync, or anything unknown: what was written may be on disk or not; from then on all is answered `read_only`
//             until the directory is opened again, which finds out. A directory that was moved or replaced, or a file of it
//             that was: `read_only` until it is back; nothing is written. Screening goes on. state() says why.
// Threads        apply() and checkpoint() by any, one at a time each; they lock against each other for moments. Readers of
//             registry() wait for nobody. One process a directory: io/store/registry_lock.h.
// Checkpoints    an image of the registry at its seq, written while changes go on; older images go, the journal stays. The
//             write-ahead log is moved into the journal by a thread of its own when it is kWalBytesMax long.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "clearline/change.h"
#include "clearline/registry.h"
#include "clearline/status.h"
#include "engine/hash.h"
#include "engine/latency_histogram.h"
#include "engine/registry_writer.h"
#include "io/formats/change_reader.h"
#include "io/store/change_ids.h"
#include "io/store/registry_directory.h"
#include "io/store/registry_lock.h"

namespace clearline {

/// How long commits took, of all groups since the start.
struct CommitTimes {
  LatencyHistogram journal;  ///< commit of the journal, with its fsync
  LatencyHistogram head;     ///< write of head, with its fsync
};

/// A change on its way, and its answer.
struct ChangeRequest {
  Change change;
  std::string actor;         ///< who sends it: "uid:1000"
  bool is_answered = false;  ///< from the start: a line that could not be read
  ChangeAnswer answer;
};

class RegistryStore {
 public:
  struct Options {
    std::string vfs;                       ///< the SQLite VFS; "" is the default one
    std::function<std::int64_t()> now_us;  ///< Unix time; empty: the system's
    bool moves_wal_aside = true;           ///< a thread moves the write-ahead log; else apply() does it now and then
    std::uint64_t wal_bytes_max = std::uint64_t{64} << 20;
  };

  /// A new directory (or an empty one) from an image: a registry of its own, with a new UUID, at the seq of the image.
  /// kOutput when there is anything in it: nothing is ever removed that was not made here.
  static Status create(const std::string& directory, const std::string& image);
  /// For changing. kRegistry also when another process has it open for that.
  static Result<std::unique_ptr<RegistryStore>> open(const std::string& directory, const Options& options);
  static Result<std::unique_ptr<RegistryStore>> open(const std::string& directory) {
    return open(directory, Options());
  }
  ~RegistryStore();

  const Registry& registry() const { return *opened_.registry; }
  /// What was found bad at the start and could be done without.
  const std::vector<std::string>& warnings() const { return opened_.warnings; }

  /// Answers changes, in order. Those that are answered already stay as they are.
  void apply(std::span<ChangeRequest* const> requests);

  const CommitTimes& commit_times() const { return commit_times_; }
  /// The `effective` of the last published change (Unix time, microseconds); nothing before the first one.
  std::optional<std::int64_t> last_change_us() const;  // waits for nobody

  enum class State {
    kReady,
    kNoSpace,
    kMoved,  ///< the directory, or a file of it, is not where it was; ready again once it is back
    kFailed,
  };
  State state() const { return state_.load(std::memory_order_acquire); }
  /// Looks whether the directory and its files are where they were, as apply() does; nothing while that is at work.
  void look_around();
  /// Why it is not ready; empty when it is.
  std::string state_reason() const;

  /// Changes behind the newest image: what the next start goes through.
  std::uint64_t changes_since_image() const {
    // relaxed: a number that says when a checkpoint is due. An image is never newer than the registry.
    return opened_.registry->seq() - std::min(newest_image_.load(std::memory_order_relaxed), opened_.registry->seq());
  }

  /// Writes an image of the registry as it is. Nothing to do when the newest image is of this seq.
  struct Checkpoint {
    std::uint64_t seq = 0;
    bool was_written = false;
  };
  Result<Checkpoint> checkpoint();

 private:
  RegistryStore(RegistryDirectory directory, const Options& options);

  struct Pending {
    ChangeRequest* request;
    std::uint64_t id_hash;
    std::array<PreparedEntry, ChangeWindow::kCodesMax> entries;
    std::size_t entry_count;
  };

  void remember(const JournalRow& row);
  Status load_ids();
  Status prepare_group(std::span<ChangeRequest* const> requests);
  Status take(ChangeRequest& request);
  bool is_content_of(const Change& change, const JournalRow& row);
  bool answer_repeat(ChangeRequest& request, std::uint64_t seq);
  Status append(ChangeRequest& request, const ChangeEffect& effect, std::uint64_t id_hash);
  std::optional<Entry> entry_now(Code code) const;
  void refuse_group(std::span<ChangeRequest* const> requests, ChangeError error, const std::string& detail);
  void forget_group();
  void fail(State state, const std::string& reason);
  bool is_in_place();
  void move_wal();
  void move_wal_aside();
  void fill_salt(std::array<std::uint8_t, 16>& salt);

  RegistryDirectory directory_;
  Options options_;
  std::unique_ptr<RegistryLock> lock_;
  RegistryDirectory::Opened opened_;
  std::unique_ptr<Head> head_;
  std::atomic<std::uint64_t> newest_image_{0};

  mutable std::mutex mutex_;  // apply, and the moments of a checkpoint; guards all below
  std::atomic<State> state_{State::kReady};
  std::string state_reason_;
  ChangeIds ids_;
  std::vector<Pending> pending_;                    // of the group, in order
  std::unordered_map<std::uint64_t, Entry> after_;  // what the group makes of codes
  Journal::Last next_;                              // behind the group
  std::int64_t now_us_ = 0;
  std::string before_record_;
  std::string after_record_;
  std::string new_record_;
  std::string content_;
  std::vector<std::uint8_t> random_;

  CommitTimes commit_times_;
  std::atomic<std::int64_t> last_effective_us_{Journal::Last{}.effective_us};
  std::mutex checkpoint_mutex_;  // one checkpoint at a time

  // The thread that moves the write-ahead log aside.
  std::mutex wal_mutex_;
  std::condition_variable wal_wanted_;
  bool wal_is_wanted_ = false;
  bool is_ending_ = false;
  std::atomic<bool> wal_is_moved_{false};
  std::jthread wal_thread_;
};

}  // namespace clearline
