// Journal: the durable, ordered list of changes of a registry, in one SQLite table.
//
// Table `changes`, one row a change; `registry`, one row: uuid, incarnation, base_seq, base_chain, base_effective (of the
// change at base_seq; NULL: not known, or there is none).
//
//   seq           the key of the only B-tree: rows are appended at its right end
//   at, effective, received   microseconds of Unix time
//   op, by        numbers of ChangeOp and ChangeBy
//   code, new_code            the twelve digits as a number; NULL: no new code
//   change_id, actor          text
//   salt, content_hash        16 bytes each
//   before, after, new_after  entry records; NULL: none
//   data_hash     NULL; once salt, before, after and new_after are erased (all NULL), their hash
//   chain         32 bytes: io/store/chain.h
//
// The file carries its kind in SQLite's application_id ("CLRJ") and the version of the tables in user_version, 3. Rows
// begin after the base: a registry starts from an image at base_seq, whose chain is base_chain. `effective` and `received`
// never fall along seq. (Versions 1 and 2 are read and written too. In the rows that their programs wrote, `received` may
// fall by a day a row, after a clock that was set back; version 1 has no base_effective.)
//
// Why SQLite    a crash-safe file that many trust, and whose rows can be queried. What measuring it showed: it drops
//               everything behind the first bad frame of its log and calls the rest good; so the last answered change is
//               kept beside it (io/store/head.h). An index on change_ids cuts the rate to a sixth; so there is one B-tree,
//               and who wants idempotence keeps the ids in memory. Moving the log into the database is off the
//               commit's path: checkpoint_wal().
// On disk       WAL mode, synchronous=FULL: commit() returns behind an fsync of the log. What a log holds when a journal
//               is opened for writing may never have reached the disk (a process killed between write and fsync; an fsync
//               that failed): it is synced and moved into the database before anything of it is believed.
// Trust         read_from() checks each row's chain as it is read; it, read_back() and read_brief() that no seq is missing.
//               Damage that SQLite finds, or that the chain finds, is kRegistry. A missing end does not show here: that
//               is `head`.
// Privacy       files are 0600 from their first byte, temporary data stays in memory, no error holds a value of a row.
// Threads       one for everything but checkpoint_wal() and wal_bytes(), which any may call. Any number of kRead journals
//               in any process beside the one kWrite: readers and the writer do not wait for each other.
// Costs         about 315 bytes a row. Rates: bench/README.md. A kRead journal keeps the log from starting anew as long
//               as it is open.
// Not here      who may write, idempotence, what a change does, when to checkpoint: the registry's store.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "clearline/registry.h"
#include "clearline/status.h"
#include "io/store/chain.h"

namespace clearline {

inline constexpr int kJournalVersion = 3;

/// Why the journal failed, beside the words.
enum class JournalFault : std::uint8_t {
  kNone,
  kNoSpace,  ///< nothing was written, and may be tried again
  kSync,     ///< what was written may be on disk or not: nothing more may be answered until it is opened again
  kOther,
};

class Journal {
 public:
  enum class Mode { kWrite, kRead };

  /// A change that others come behind: its seq, chain and times. The times of none are the smallest number.
  struct Last {
    std::uint64_t seq = 0;
    Chain chain{};
    std::int64_t effective_us = std::numeric_limits<std::int64_t>::min();
    std::int64_t received_us = std::numeric_limits<std::int64_t>::min();

    std::optional<std::int64_t> effective_time() const {
      return effective_us == Last{}.effective_us ? std::nullopt : std::optional(effective_us);
    }
  };

  /// A new, empty journal (mode 0600) behind `base`, whose `received_us` is not kept. `vfs`: the name of an SQLite VFS, ""
  /// is the default one. kOutput when there is something of that name, or it cannot be written: then nothing is left
  /// there.
  static Status create(const std::string& path, const RegistryIdentity& identity, const Last& base,
                       const std::string& vfs = "");
  /// kRegistry when it is missing, foreign, damaged or of a newer version. kRead sees one moment: all changes committed
  /// when it was opened, also while another process writes; the file is not changed then.
  static Result<std::unique_ptr<Journal>> open(const std::string& path, Mode mode, const std::string& vfs = "");
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  virtual ~Journal() = default;

  virtual const RegistryIdentity& identity() const = 0;
  /// Where it begins: the change before its first row.
  virtual const Last& base() const = 0;

  /// The last row; the base when there is none.
  virtual Result<Last> last() = 0;

  /// As the last row to read: the last there is.
  static constexpr std::uint64_t kEnd = std::numeric_limits<std::int64_t>::max();
  /// Rows from `seq` to `last`, in order, each with its chain checked against the one before (that of `seq` - 1 is read).
  /// A hole or a wrong chain is kRegistry and names the seq. `use` may end the reading by a status that is not ok.
  virtual Status read_from(std::uint64_t seq, std::uint64_t last,
                           const std::function<Status(const JournalRow&)>& use) = 0;
  Status read_from(std::uint64_t seq, const std::function<Status(const JournalRow&)>& use) {
    return read_from(seq, kEnd, use);
  }
  /// The same rows, but for what is long in them, and chains are not checked: some four times as fast. A hole is found.
  virtual Status read_brief(std::uint64_t seq, std::uint64_t last,
                            const std::function<Status(const JournalBrief&)>& use) = 0;
  /// Rows backwards, from `seq` down to and with `last`; chains are not checked.
  virtual Status read_back(std::uint64_t seq, std::uint64_t last,
                           const std::function<Status(const JournalRow&)>& use) = 0;
  /// The first row from `first` on and before `end` for which `is_it` holds; `end` when there is none. It must hold for
  /// none or for all rows after one for which it does: so some twenty rows are read, each checked as by read_from().
  Result<std::uint64_t> find_first(std::uint64_t first, std::uint64_t end,
                                   const std::function<bool(const JournalRow&)>& is_it);
  /// The first row that was received at `received_us` or later; one behind the last row when there is none. By
  /// find_first(); where `received` may fall (versions 1 and 2), by reading and checking all rows up to it. So what stands
  /// before it was received before, and what comes after it counts as received no earlier.
  virtual Result<std::uint64_t> first_received(std::int64_t received_us) = 0;
  /// The first row that is at most `age_us` older than the last one; one behind the last row when there is none. Of the time
  /// between two rows that follow each other `gap_us` count at most: a clock that jumped ahead makes no row old. Rows are
  /// read and checked as by first_received(), at most once for each `gap_us` in `age_us`.
  virtual Result<std::uint64_t> first_of_age(std::int64_t age_us, std::int64_t gap_us) = 0;
  /// One row; kRegistry when it is not there. Uncommitted rows are seen too. `use` must not call read_row.
  virtual Status read_row(std::uint64_t seq, const std::function<void(const JournalRow&)>& use) = 0;

  // Writing, kWrite only, by one thread. begin, any number of appends, then commit (on disk afterwards: fsync) or rollback.
  // Errors are kOutput. After a failed append or commit only rollback helps; after kSync nothing does.
  virtual Status begin() = 0;
  /// The row behind the last one: its seq is one more, its chain next_chain() of that, and it was received no earlier.
  virtual Status append(const JournalRow& row) = 0;
  virtual Status commit() = 0;
  /// Forgets what was appended since begin(). Also after a failed append or commit.
  virtual void rollback() = 0;
  /// Of the last failed call of these, kNone before the first; moving the log never is kSync, as it endangers no row.
  virtual JournalFault fault() const = 0;

  /// Bytes of the write-ahead log since it last started anew; its file keeps its size.
  virtual std::uint64_t wal_bytes() const = 0;
  /// Moves the write-ahead log into the database, as far as readers allow, without keeping the writer waiting. Another
  /// thread may call it while one writes: it has a connection of its own.
  virtual Status checkpoint_wal() = 0;
  /// The same by the writing thread, between transactions; the log starts anew afterwards if no reader is in the way.
  virtual Status restart_wal() = 0;
  /// Closing moves the log, and removes it by its name. After this it does not: for a folder that was moved, in whose
  /// place there may be another, with a log of that name.
  virtual void keep_log() = 0;

 protected:
  Journal() = default;
};

}  // namespace clearline
