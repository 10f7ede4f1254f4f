// FaultVfs: an SQLite VFS over real files that forgets what was not synced, fails, and loses its power.
//
// It stands over the default VFS: files, locks and the shared index of a log are real, so that several connections and
// processes see each other. Of each file that is opened by its name it keeps
//
//   synced   the content as of its last xSync (or as it was found, when it was opened first)
//   pending  what was written, cut off or deleted since, in order
//
// Counted are the calls that change something: open, write, sync, truncate, delete. A scripted run has the same calls
// each time; so a test runs it once, reads calls(), and runs it again with the power cut at each of them:
//
//   for (std::uint64_t cut = 1; cut <= calls; ++cut) {
//     vfs.cut_power(cut);       // that call, and all behind it, fail; reads too
//     run();                    // must end, and close all files
//     vfs.settle(mode, seed);   // the files are now what a disk would have; the power is back
//     ... open again, and see what is left ...
//   }
//
// Settling   kKept       everything written is there: the machine stopped, the page cache was written
//            kForgotten  only what was synced
//            kTorn       of what is pending each piece is there, not there, or in some of its 512-byte sectors, by chance
//            The call that was cut is one that was under way: there with kKept, by chance with kTorn. A file that was
//            created counts as created by its first sync, which in SQLite syncs its folder too. A deleting without
//            `syncDir` is pending. The order between pending pieces, and between files, is nobody's promise. The -shm
//            files go, as after a restart.
// A failed sync  leaves what was pending in the page cache and out of reach: as in Linux, a later sync that succeeds does
//            not bring it to the disk, if it is not written again.
// A full disk    a write that fails with SQLITE_FULL has written its first half.
// Syncs      are not passed on to the disk: a run takes milliseconds.
// Threads    any number; settle() when all files are closed.
#pragma once

#include <sqlite3.h>

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace clearline::test {

class FaultVfs {
 public:
  enum class Call { kOpen, kWrite, kSync, kTruncate, kDelete };
  enum class Settle { kKept, kForgotten, kTorn };

  FaultVfs();
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;
  ~FaultVfs();

  /// For sqlite3_open_v2, Journal::open, Head::open.
  const std::string& name() const { return name_; }

  std::uint64_t calls() const;
  std::uint64_t calls(Call call) const;

  /// The `nth` such call from now (1: the next) on a file whose name ends in `suffix` fails with an SQLite code:
  /// SQLITE_FULL for a full disk, SQLITE_IOERR_FSYNC for a failed sync.
  void fail(Call call, std::uint64_t nth, int code, const std::string& suffix = "");
  /// That and all such calls behind it, until heal().
  void fail_from(Call call, std::uint64_t nth, int code, const std::string& suffix = "");
  void heal();

  /// At the `nth` call of any kind from now (1: the next).
  void cut_power(std::uint64_t nth);
  bool is_cut() const;
  /// The process died where the power was cut, and the machine goes on: what was written is still there, and what was not
  /// synced is still not. The call under way did not happen. All files must be closed.
  void restart_process();
  /// Makes the files what a disk would have after a power cut now, and brings the power back. All must be closed.
  void settle(Settle mode, std::uint64_t seed = 0);

 private:
  friend struct FaultVfsCalls;  // what SQLite calls
  struct Event {
    enum class Kind { kWrite, kTruncate, kDelete };
    Kind kind;
    std::int64_t offset;  // of a write; the size of a truncate
    std::string bytes;
    bool is_orphan = false;  // pending when a sync failed
  };
  struct File {
    std::optional<std::string> synced;
    std::vector<Event> pending;
    int handles = 0;
  };
  struct Failure {
    Call call;
    std::uint64_t left;
    int code;
    std::string suffix;
    bool is_lasting;
  };
  /// SQLITE_OK, or the code that this call is to fail with. Counts it.
  int before(Call call, const std::string& path, File* file, Event event);
  static void apply(const Event& event, std::optional<std::string>& content);

  std::string name_;
  sqlite3_vfs vfs_{};
  sqlite3_vfs* real_ = nullptr;
  mutable std::mutex mutex_;  // guards what follows
  std::map<std::string, File> files_;
  std::vector<Failure> failures_;
  std::array<std::uint64_t, 5> calls_{};
  std::uint64_t until_cut_ = 0;  // 0: never
  bool is_cut_ = false;
  std::string cut_path_;
  std::optional<Event> cut_event_;  // the call under way
};

}  // namespace clearline::test
