// With head.cc the only file that knows SQLite.
#include "io/store/journal.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "clearline/date.h"
#include "io/formats/errno_words.h"
#include "io/store/folders.h"

namespace clearline {
namespace {

constexpr int kApplicationId = 0x434C524A;  // "CLRJ"
/// Of 4096, 8192 and 16384: 245, 265 and 271 thousand rows a second in commits of 512 rows without a disk, and 17.6, 20.1
/// and 25.1 us of CPU for a single one, as each commit writes the last page again (bench/journal_bench /dev/shm). With
/// fsyncs of 4 ms the three cannot be told apart.
constexpr int kPageBytes = 8192;
/// A writer finds a lock taken only for a moment: by a reader that opens, or by another's recovery.
constexpr int kBusyTimeoutMs = 2000;
/// Pages of a commit wait in 16 MiB of memory; beyond it SQLite writes them to its log before the commit, which is right,
/// and slower.
constexpr const char* kPragmas =
    "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON;"
    "PRAGMA mmap_size=0; PRAGMA cache_size=-16384";

constexpr const char* kSchema =
    "CREATE TABLE registry(uuid BLOB, incarnation INTEGER, base_seq INTEGER, base_chain BLOB,"
    " base_effective INTEGER) STRICT;"
    "CREATE TABLE changes(seq INTEGER PRIMARY KEY, at INTEGER, effective INTEGER, received INTEGER, op INTEGER,"
    " by INTEGER, code INTEGER, new_code INTEGER, change_id TEXT, actor TEXT, salt BLOB, content_hash BLOB, before "
    "BLOB,"
    " after BLOB, new_after BLOB, data_hash BLOB, chain BLOB) STRICT;";

/// What stands first in a row comes first: SQLite decodes a row from its start, no further than it is asked, and a row's
/// long columns may lie on other pages.
constexpr const char* kBriefColumns = "seq, at, effective, op, by, code, new_code";
constexpr const char* kColumns =
    "seq, at, effective, op, by, code, new_code, received, change_id, actor, salt, content_hash, before, after, "
    "new_after,"
    " data_hash, chain";

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

/// Ends the read that a kept statement began, also when the reading is left early.
class Resetting {
 public:
  explicit Resetting(const Statement& statement) : statement_(statement.get()) {}
  Resetting(const Resetting&) = delete;
  Resetting& operator=(const Resetting&) = delete;
  ~Resetting() { sqlite3_reset(statement_); }

 private:
  sqlite3_stmt* statement_;
};

bool is_damage(int code) { return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB; }

/// A write that found no room; SQLite has a code of its own for ENOSPC only.
bool is_no_space(int code, int system_error) {
  if ((code & 0xff) == SQLITE_FULL) return true;
  return code == SQLITE_IOERR_WRITE && (system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG);
}

/// Why, and what to do about it. SQLite's own words are its fixed ones for the code: they hold no value of a row.
std::string words_of(const std::string& path, int code, int system_error) {
  if (is_no_space(code, system_error)) return errno_words((code & 0xff) == SQLITE_FULL ? ENOSPC : system_error);
  if (is_damage(code)) return std::string(sqlite3_errstr(code)) + "; restore the registry from a backup";
  switch (code & 0xff) {
    case SQLITE_BUSY:
      return "another process keeps it locked; stop that one, or try again";
    case SQLITE_READONLY:
      return "it may not be written; check its permissions and those of its folder";
    case SQLITE_NOMEM:
      return "not enough memory; use a larger machine";
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      if (system_error != 0) return errno_words(system_error, path);
      break;
    default:
      break;
  }
  return std::string(sqlite3_errstr(code)) + "; check the file, its folder and their disk";
}

/// `PATH: error: WHAT: why; how to mend`. What SQLite calls damage is kRegistry, anything else `kind`.
Status failure(const std::string& path, StatusKind kind, const std::string& what, int code, int system_error) {
  return {is_damage(code) ? StatusKind::kRegistry : kind,
          path + ": error: " + what + ": " + words_of(path, code, system_error)};
}
Status failure(const std::string& path, StatusKind kind, const std::string& what, sqlite3* database) {
  return failure(path, kind, what, sqlite3_extended_errcode(database), sqlite3_system_errno(database));
}

Status damaged(const std::string& path, const std::string& what) {
  return {StatusKind::kRegistry, path + ": error: " + what + "; restore the registry from a backup"};
}

std::string change_words(std::uint64_t seq) { return "change " + std::to_string(seq); }

/// A name that SQLite does not take for a URI, a temporary file or memory.
std::string plain_name(const std::string& path) { return path.starts_with('/') ? path : "./" + path; }

/// The name as a URI of a file that nobody changes: then SQLite needs neither locks nor a log.
std::string immutable_uri(const std::string& path) {
  std::string uri = path.starts_with('/') ? "file://" : "file:";
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      constexpr std::string_view kHex = "0123456789ABCDEF";
      uri += {'%', kHex[static_cast<unsigned char>(c) >> 4U], kHex[static_cast<unsigned char>(c) & 15U]};
    } else {
      uri += c;
    }
  }
  return uri + "?immutable=1";
}

/// Runs statements without results.
int run(sqlite3* database, const char* sql) { return sqlite3_exec(database, sql, nullptr, nullptr, nullptr); }

Statement prepare(sqlite3* database, const std::string& sql, unsigned flags = 0) {
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v3(database, sql.c_str(), static_cast<int>(sql.size()) + 1, flags, &statement, nullptr);
  return Statement(statement);
}

/// An integer that the database gives, by a statement of one row.
std::optional<std::int64_t> number(sqlite3* database, const char* sql) {
  const Statement statement = prepare(database, sql);
  if (!statement || sqlite3_step(statement.get()) != SQLITE_ROW) return std::nullopt;
  return sqlite3_column_int64(statement.get(), 0);
}

int connect(const std::string& name, int flags, const std::string& vfs, Database& database) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &opened, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                                   vfs.empty() ? nullptr : vfs.c_str());
  database.reset(opened);
  if (code != SQLITE_OK) return code;
  sqlite3_busy_timeout(opened, kBusyTimeoutMs);
  // The schema of a damaged or foreign file must not run anything.
  for (const int off : {SQLITE_DBCONFIG_ENABLE_TRIGGER, SQLITE_DBCONFIG_ENABLE_VIEW, SQLITE_DBCONFIG_TRUSTED_SCHEMA}) {
    sqlite3_db_config(opened, off, 0, nullptr);
  }
  return SQLITE_OK;
}

/// That it is a journal, and of this version; before any other statement, which could fail on another kind of file.
Status check_kind(const std::string& path, sqlite3* database, std::int64_t& kind_version) {
  const auto application = number(database, "PRAGMA application_id");
  const auto version = application ? number(database, "PRAGMA user_version") : std::nullopt;
  kind_version = version.value_or(0);
  if (!version) {
    if ((sqlite3_errcode(database) & 0xff) != SQLITE_NOTADB) {
      return failure(path, StatusKind::kRegistry, "cannot read the journal", database);
    }
  } else if (*application == kApplicationId) {
    // The version comes before anything else is looked at: a newer one may have other tables.
    if (*version >= 1 && *version <= kJournalVersion) return {};
    return {StatusKind::kRegistry, path + ": error: journal version " + std::to_string(*version) +
                                       "; this program reads version " + std::to_string(kJournalVersion) +
                                       "; use the program that made it"};
  }
  return {StatusKind::kRegistry,
          path +
              ": error: is not a clearline journal, or its first bytes are damaged; name another "
              "file, or restore the registry from a backup"};
}

/// A column of exactly as many bytes.
template <std::size_t kSize>
bool take(sqlite3_stmt* statement, int column, std::array<std::uint8_t, kSize>& out) {
  const void* bytes = sqlite3_column_blob(statement, column);
  if (sqlite3_column_bytes(statement, column) != static_cast<int>(kSize)) return false;
  std::memcpy(out.data(), bytes, kSize);
  return true;
}

std::string_view bytes_of(sqlite3_stmt* statement, int column) {
  const void* bytes = sqlite3_column_blob(statement, column);
  return {static_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_column_bytes(statement, column))};
}

bool is_null(sqlite3_stmt* statement, int column) { return sqlite3_column_type(statement, column) == SQLITE_NULL; }

/// Whether a time can be told as a date. No row has another one; one that was damaged may.
bool is_on_calendar(std::int64_t unix_us) {
  constexpr std::int64_t kDayUs = std::int64_t{24} * 3600 * 1'000'000;
  constexpr std::int64_t kKoreaUs = std::int64_t{9} * 3600 * 1'000'000;
  return unix_us >= kDateMin.days * kDayUs - kKoreaUs && unix_us < (kDateMax.days + 1) * kDayUs - kKoreaUs;
}

/// The row that a statement over kBriefColumns or kColumns stands on; false when it is none that append() wrote.
bool take_brief(sqlite3_stmt* statement, JournalBrief& row) {
  row.seq = static_cast<std::uint64_t>(sqlite3_column_int64(statement, 0));
  row.at_us = sqlite3_column_int64(statement, 1);
  row.effective_us = sqlite3_column_int64(statement, 2);
  const std::int64_t op = sqlite3_column_int64(statement, 3);
  const std::int64_t by = sqlite3_column_int64(statement, 4);
  if (!is_on_calendar(row.at_us) || !is_on_calendar(row.effective_us)) return false;
  if (op < static_cast<int>(ChangeOp::kIssue) || op > static_cast<int>(ChangeOp::kReissue)) return false;
  if (by < static_cast<int>(ChangeBy::kOwner) || by > static_cast<int>(ChangeBy::kExOfficio)) return false;
  row.op = static_cast<ChangeOp>(op);
  row.by = static_cast<ChangeBy>(by);
  row.code = Code{static_cast<std::uint64_t>(sqlite3_column_int64(statement, 5))};
  row.new_code.reset();
  if (!is_null(statement, 6)) row.new_code = Code{static_cast<std::uint64_t>(sqlite3_column_int64(statement, 6))};
  return row.code.digits < kCodeEnd && (!row.new_code || row.new_code->digits < kCodeEnd);
}

/// The row that a statement over kColumns stands on; false when it is none that append() wrote or erasing left.
bool take_row(sqlite3_stmt* statement, JournalRow& row) {
  if (!take_brief(statement, row)) return false;
  row.received_us = sqlite3_column_int64(statement, 7);
  if (!is_on_calendar(row.received_us)) return false;
  row.change_id = bytes_of(statement, 8);
  row.actor = bytes_of(statement, 9);
  if (!take(statement, 11, row.content_hash)) return false;
  row.before = bytes_of(statement, 12);
  row.after = bytes_of(statement, 13);
  row.new_after = bytes_of(statement, 14);
  row.erased_data.reset();
  if (is_null(statement, 15)) {
    if (!take(statement, 10, row.salt)) return false;
  } else {
    // A hash beside data that is there would vouch for any data.
    if (!is_null(statement, 10) || !row.before.empty() || !row.after.empty() || !row.new_after.empty()) return false;
    row.salt = {};
    if (!take(statement, 15, row.erased_data.emplace())) return false;
  }
  return take(statement, 16, row.chain);
}

/// Statements that bind a blob keep its place, so what is bound must outlive the step.
void bind_blob(sqlite3_stmt* statement, int parameter, const void* data, std::size_t size) {
  sqlite3_bind_blob64(statement, parameter, data, size, SQLITE_STATIC);
}
void bind_record(sqlite3_stmt* statement, int parameter, std::string_view record) {
  if (record.empty()) {
    sqlite3_bind_null(statement, parameter);
  } else {
    bind_blob(statement, parameter, record.data(), record.size());
  }
}
void bind_text(sqlite3_stmt* statement, int parameter, std::string_view text) {
  // "": a null pointer would be NULL.
  sqlite3_bind_text64(statement, parameter, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}
void bind_number(sqlite3_stmt* statement, int parameter, std::int64_t value) {
  sqlite3_bind_int64(statement, parameter, value);
}
void bind_number(sqlite3_stmt* statement, int parameter, std::uint64_t value) {
  sqlite3_bind_int64(statement, parameter, static_cast<sqlite3_int64>(value));
}

class SqliteJournal final : public Journal {
 public:
  explicit SqliteJournal(std::string path) : path_(std::move(path)) {}
  Status open(Mode mode, const std::string& vfs);

  const RegistryIdentity& identity() const override { return identity_; }
  const Last& base() const override { return base_; }
  Result<Last> last() override;
  Status read_from(std::uint64_t seq, std::uint64_t last, const std::function<Status(const JournalRow&)>& use) override;
  Status read_brief(std::uint64_t seq, std::uint64_t last,
                    const std::function<Status(const JournalBrief&)>& use) override;
  Status read_back(std::uint64_t seq, std::uint64_t last, const std::function<Status(const JournalRow&)>& use) override;
  Result<std::uint64_t> first_received(std::int64_t received_us) override;
  Result<std::uint64_t> first_of_age(std::int64_t age_us, std::int64_t gap_us) override;
  Status read_row(std::uint64_t seq, const std::function<void(const JournalRow&)>& use) override;

  Status begin() override;
  Status append(const JournalRow& row) override;
  Status commit() override;
  void rollback() override;
  JournalFault fault() const override { return fault_; }

  std::uint64_t wal_bytes() const override;
  Status checkpoint_wal() override;
  Status restart_wal() override;
  void keep_log() override;

 private:
  Status open_for_writing(const std::string& vfs);
  Status open_for_reading(const std::string& vfs);
  Result<std::uint64_t> first_of_age_in_old_version(std::int64_t age_us, std::int64_t gap_us, std::uint64_t end);
  bool can_write_folder() const;
  Status start_reading();
  Status make_log_durable();
  int sync_log();
  Status prepare_all(Mode mode);
  Status reading_failed(std::uint64_t behind) const;
  Status check_is_behind_base(std::uint64_t seq) const;
  Status writing_failed(const std::string& what, std::optional<int> commit_errno = std::nullopt);
  Status refusal() const;
  /// Whether rows may have been received before the ones before them.
  bool received_may_fall() const { return version_ < 3; }
  Status checkpoint(sqlite3* database, int mode);

  std::string path_;
  Database database_;
  std::int64_t version_ = 0;
  Statement row_;
  // The rest is for writing.
  Statement begin_;
  Statement insert_;
  Statement commit_;
  struct End {
    std::uint64_t seq = 0;
    std::int64_t received_us = Last{}.received_us;
  };
  End end_;        // with what is appended and not committed
  End committed_;  // without
  bool is_begun_ = false;
  bool has_failed_ = false;  // an append or the commit did, and SQLite may have rolled back alone
  bool is_lost_ = false;     // a sync failed
  JournalFault fault_ = JournalFault::kNone;
  // Of the log, since it started anew. A count that guards nothing, so relaxed throughout.
  std::atomic<std::uint64_t> wal_pages_{0};
  std::mutex checkpointer_mutex_;
  Database checkpointer_;  // guarded by checkpointer_mutex_; closed before database_

  RegistryIdentity identity_;
  Last base_;
};

Status SqliteJournal::reading_failed(std::uint64_t behind) const {
  return failure(path_, StatusKind::kRegistry, "reading the journal behind " + change_words(behind), database_.get());
}

Status SqliteJournal::open(Mode mode, const std::string& vfs) {
  struct stat info{};
  if (stat(path_.c_str(), &info) != 0) {
    return {StatusKind::kRegistry, path_ + ": error: cannot open the journal: " + errno_words(errno, path_)};
  }
  if (!S_ISREG(info.st_mode)) return {StatusKind::kRegistry, path_ + ": error: is no file; name the journal"};
  Status status = mode == Mode::kWrite ? open_for_writing(vfs) : open_for_reading(vfs);
  if (!status.ok()) return status;

  const Statement registry =
      prepare(database_.get(), std::string("SELECT uuid, incarnation, base_seq, base_chain, ") +
                                   (version_ == 1 ? "NULL" : "base_effective") + " FROM registry LIMIT 1");
  const int code = registry ? sqlite3_step(registry.get()) : sqlite3_extended_errcode(database_.get());
  if (code != SQLITE_ROW && code != SQLITE_DONE && code != SQLITE_ERROR) {
    return failure(path_, StatusKind::kRegistry, "reading whose journal it is", database_.get());
  }
  if (code != SQLITE_ROW || !take(registry.get(), 0, identity_.uuid) || !take(registry.get(), 3, base_.chain)) {
    return damaged(path_, "the journal does not say whose it is");
  }
  identity_.incarnation = static_cast<std::uint32_t>(sqlite3_column_int64(registry.get(), 1));
  base_.seq = static_cast<std::uint64_t>(sqlite3_column_int64(registry.get(), 2));
  if (!is_null(registry.get(), 4)) base_.effective_us = sqlite3_column_int64(registry.get(), 4);
  status = prepare_all(mode);
  if (!status.ok() || mode == Mode::kRead) return status;
  const auto end = last();
  if (!end.ok()) return end.status();
  end_ = committed_ = {end->seq, end->received_us};
  return {};
}

Status SqliteJournal::prepare_all(Mode mode) {
  row_ = prepare(database_.get(), std::string("SELECT ") + kColumns + " FROM changes WHERE seq = ?1",
                 SQLITE_PREPARE_PERSISTENT);
  if (row_ && mode == Mode::kRead) return {};
  begin_ = prepare(database_.get(), "BEGIN IMMEDIATE", SQLITE_PREPARE_PERSISTENT);
  commit_ = prepare(database_.get(), "COMMIT", SQLITE_PREPARE_PERSISTENT);
  insert_ = prepare(database_.get(),
                    "INSERT INTO changes(seq, at, effective, received, op, by, code, new_code, change_id, actor, salt,"
                    " content_hash, before, after, new_after, chain)"
                    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
                    SQLITE_PREPARE_PERSISTENT);
  if (row_ && begin_ && commit_ && insert_) return {};
  if ((sqlite3_errcode(database_.get()) & 0xff) == SQLITE_ERROR) return damaged(path_, "the journal has other columns");
  return failure(path_, StatusKind::kRegistry, "cannot open the journal", database_.get());
}

Status SqliteJournal::open_for_writing(const std::string& vfs) {
  int code = connect(plain_name(path_), SQLITE_OPEN_READWRITE, vfs, database_);
  if (code != SQLITE_OK) {
    return failure(path_, StatusKind::kRegistry, "cannot open the journal", code,
                   sqlite3_system_errno(database_.get()));
  }
  Status status = check_kind(path_, database_.get(), version_);
  if (!status.ok()) return status;
  if (run(database_.get(), kPragmas) != SQLITE_OK) {
    return failure(path_, StatusKind::kRegistry, "cannot open the journal", database_.get());
  }
  // SQLite opens a file that it may not write all the same, for reading.
  if (sqlite3_db_readonly(database_.get(), "main") != 0) {
    return failure(path_, StatusKind::kRegistry, "cannot open the journal for writing", SQLITE_READONLY, 0);
  }
  // Another mode: somebody's tool was at it. SQLite keeps the old mode without an error when it cannot change it.
  Statement mode = prepare(database_.get(), "PRAGMA journal_mode=WAL");
  if (!mode || sqlite3_step(mode.get()) != SQLITE_ROW) {
    return failure(path_, StatusKind::kRegistry, "cannot open the journal for writing", database_.get());
  }
  if (bytes_of(mode.get(), 0) != "wal") {
    return failure(path_, StatusKind::kRegistry, "cannot open the journal for writing", SQLITE_BUSY, 0);
  }
  mode.reset();
  code = connect(plain_name(path_), SQLITE_OPEN_READWRITE, vfs, checkpointer_);
  if (code == SQLITE_OK) code = run(checkpointer_.get(), kPragmas);
  if (code != SQLITE_OK) {
    return failure(path_, StatusKind::kRegistry, "cannot open the journal", code,
                   sqlite3_system_errno(checkpointer_.get()));
  }
  sqlite3_wal_hook(
      database_.get(),
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<SqliteJournal*>(self)->wal_pages_.store(static_cast<std::uint64_t>(pages),
                                                            std::memory_order_relaxed);
        return SQLITE_OK;
      },
      this);
  return make_log_durable();
}

/// What the log holds may be in the page cache alone: a process was killed between the write and the fsync of a commit,
/// or the fsync failed, after which Linux takes the pages for written. SQLite believes it as it is. Before anyone
/// answers by it, a checkpoint syncs the log, for the first case, and moves it into the database and syncs that, for the
/// second. Readers do not hinder that: those that were there when the process died have kept the index of the log, which
/// knows whole commits only, and those that came later see all that is moved. (Closing moves the log too, but never a
/// commit that failed: that one SQLite has forgotten.)
Status SqliteJournal::make_log_durable() {
  int pages = 0;
  int code = sqlite3_wal_checkpoint_v2(database_.get(), "main", SQLITE_CHECKPOINT_TRUNCATE, &pages, nullptr);
  // A reader keeps the log from starting anew, or the disk is full: the log stays, synced.
  if ((code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_FULL) {
    wal_pages_.store(static_cast<std::uint64_t>(std::max(pages, 0)), std::memory_order_relaxed);
    return {};
  }
  // That the log is empty now must be on disk before it is written again: what of it never reached the disk is missing
  // there, and the rest, found after a power cut, would undo parts of what was moved.
  if (code == SQLITE_OK) code = sync_log();
  if (code == SQLITE_OK) return {};
  return failure(path_, StatusKind::kRegistry, "moving its log into the database", code,
                 sqlite3_system_errno(database_.get()));
}

int SqliteJournal::sync_log() {
  sqlite3_file* log = nullptr;
  const int code =
      sqlite3_file_control(database_.get(), "main", SQLITE_FCNTL_JOURNAL_POINTER, static_cast<void*>(&log));
  if (code != SQLITE_OK || log == nullptr || log->pMethods == nullptr) return code;
  return log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
}

/// Takes the moment that all reads will see.
Status SqliteJournal::start_reading() {
  // A reader must not write into the database, not even when it is the last to close it.
  sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  Status status = check_kind(path_, database_.get(), version_);
  if (!status.ok()) return status;
  // The moment is that of the first read, which open() does.
  if (run(database_.get(), kPragmas) == SQLITE_OK && run(database_.get(), "BEGIN") == SQLITE_OK) return {};
  return failure(path_, StatusKind::kRegistry, "cannot read the journal", database_.get());
}

/// Where it can be written, a log that cannot be opened has another reason (too many open files, say), which must not be
/// taken for a journal that nobody writes.
bool SqliteJournal::can_write_folder() const {
  return faccessat(AT_FDCWD, folder_of(path_).c_str(), W_OK | X_OK, AT_EACCESS) == 0;
}

Status SqliteJournal::open_for_reading(const std::string& vfs) {
  int code = connect(plain_name(path_), SQLITE_OPEN_READONLY, vfs, database_);
  if (code == SQLITE_OK) {
    Status status = start_reading();
    code = sqlite3_extended_errcode(database_.get());
    const bool needs_folder =
        (code & 0xff) == SQLITE_CANTOPEN || ((code & 0xff) == SQLITE_READONLY && code != SQLITE_READONLY_ROLLBACK);
    if (status.ok() || !needs_folder || can_write_folder()) return status;
  } else if (((code & 0xff) != SQLITE_CANTOPEN && (code & 0xff) != SQLITE_READONLY) || can_write_folder()) {
    return failure(path_, StatusKind::kRegistry, "cannot open the journal", code,
                   sqlite3_system_errno(database_.get()));
  }
  // SQLite reads through a log and an index of it that it must be able to make. Where the folder is read-only and there
  // is no log, the file is whole without one.
  const char* log = sqlite3_filename_wal(sqlite3_db_filename(database_.get(), "main"));
  struct stat info{};
  const bool has_log = log != nullptr && stat(log, &info) == 0 && info.st_size > 0;
  if (has_log) {
    return {StatusKind::kRegistry,
            path_ +
                ": error: its log (-wal) cannot be used in a folder that is read-only; read it as "
                "its owner, or copy the journal with its log to a folder that can be written"};
  }
  code = connect(immutable_uri(path_), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, vfs, database_);
  if (code == SQLITE_OK) return start_reading();
  return failure(path_, StatusKind::kRegistry, "cannot open the journal", code, sqlite3_system_errno(database_.get()));
}

Result<Journal::Last> SqliteJournal::last() {
  const Statement statement =
      prepare(database_.get(), "SELECT seq, chain, effective, received FROM changes ORDER BY seq DESC LIMIT 1");
  const int code = statement ? sqlite3_step(statement.get()) : SQLITE_ERROR;
  Last last = base_;
  if (code == SQLITE_DONE) return last;
  if (code != SQLITE_ROW) {
    return failure(path_, StatusKind::kRegistry, "reading the last change of the journal", database_.get());
  }
  last.seq = static_cast<std::uint64_t>(sqlite3_column_int64(statement.get(), 0));
  last.effective_us = sqlite3_column_int64(statement.get(), 2);
  last.received_us = sqlite3_column_int64(statement.get(), 3);
  if (!take(statement.get(), 1, last.chain) || last.seq <= base_.seq || !is_on_calendar(last.effective_us) ||
      !is_on_calendar(last.received_us)) {
    return damaged(path_, change_words(last.seq) + " is damaged");
  }
  return last;
}

Status SqliteJournal::check_is_behind_base(std::uint64_t seq) const {
  if (seq > base_.seq) return {};
  return {StatusKind::kRegistry, path_ + ": error: " + change_words(seq) +
                                     " is not in this journal, which begins with " + change_words(base_.seq + 1) +
                                     "; read an older one"};
}

Status SqliteJournal::read_from(std::uint64_t seq, std::uint64_t last,
                                const std::function<Status(const JournalRow&)>& use) {
  if (Status status = check_is_behind_base(seq); !status.ok()) return status;
  const Statement statement = prepare(
      database_.get(), std::string("SELECT ") + kColumns + " FROM changes WHERE seq >= ?1 AND seq <= ?2 ORDER BY seq");
  if (!statement) return reading_failed(seq - 1);
  // In one read, so that both are of one moment: the row before, for its chain.
  const bool has_row_before = seq - 1 > base_.seq;
  bind_number(statement.get(), 1, has_row_before ? seq - 1 : seq);
  bind_number(statement.get(), 2, last);
  Chain chain = base_.chain;
  std::int64_t received_us = Last{}.received_us;
  std::uint64_t expected = has_row_before ? seq - 1 : seq;
  JournalRow row;
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(statement.get())) == SQLITE_ROW) {
    const auto found = static_cast<std::uint64_t>(sqlite3_column_int64(statement.get(), 0));
    if (found != expected) return damaged(path_, change_words(expected) + " is missing in the journal");
    if (!take_row(statement.get(), row)) return damaged(path_, change_words(found) + " of the journal is damaged");
    ++expected;
    if (found >= seq) {
      if (next_chain(chain, row) != row.chain) {
        return damaged(path_, change_words(found) + " of the journal, or the one before it, is damaged or was altered");
      }
      if (row.received_us < received_us && !received_may_fall()) {
        return damaged(path_, change_words(found) + " of the journal was received before the one before it");
      }
      Status status = use(row);
      if (!status.ok()) return status;
    }
    chain = row.chain;
    received_us = row.received_us;
  }
  if (code != SQLITE_DONE) return reading_failed(expected - 1);
  if (expected < seq || (last != kEnd && expected <= last)) {
    return damaged(path_, change_words(expected) + " is missing in the journal");
  }
  return {};
}

Status SqliteJournal::read_brief(std::uint64_t seq, std::uint64_t last,
                                 const std::function<Status(const JournalBrief&)>& use) {
  if (Status status = check_is_behind_base(seq); !status.ok()) return status;
  const Statement statement = prepare(database_.get(), std::string("SELECT ") + kBriefColumns +
                                                           " FROM changes WHERE seq >= ?1 AND seq <= ?2 ORDER BY seq");
  if (!statement) return reading_failed(seq - 1);
  bind_number(statement.get(), 1, seq);
  bind_number(statement.get(), 2, last);
  JournalBrief row;
  std::uint64_t expected = seq;
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(statement.get())) == SQLITE_ROW) {
    const bool is_sound = take_brief(statement.get(), row);
    if (row.seq != expected) return damaged(path_, change_words(expected) + " is missing in the journal");
    if (!is_sound) return damaged(path_, change_words(row.seq) + " of the journal is damaged");
    ++expected;
    Status status = use(row);
    if (!status.ok()) return status;
  }
  if (code != SQLITE_DONE) return reading_failed(expected - 1);
  if (last != kEnd && expected <= last) return damaged(path_, change_words(expected) + " is missing in the journal");
  return {};
}

Status SqliteJournal::read_back(std::uint64_t seq, std::uint64_t last,
                                const std::function<Status(const JournalRow&)>& use) {
  const Statement statement =
      prepare(database_.get(),
              std::string("SELECT ") + kColumns + " FROM changes WHERE seq <= ?1 AND seq >= ?2 ORDER BY seq DESC");
  if (!statement) return reading_failed(seq);
  bind_number(statement.get(), 1, seq);
  bind_number(statement.get(), 2, last);
  JournalRow row;
  std::uint64_t expected = seq;
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(statement.get())) == SQLITE_ROW) {
    const auto found = static_cast<std::uint64_t>(sqlite3_column_int64(statement.get(), 0));
    if (found != expected) break;
    if (!take_row(statement.get(), row)) return damaged(path_, change_words(found) + " of the journal is damaged");
    --expected;
    Status status = use(row);
    if (!status.ok()) return status;
  }
  if (code != SQLITE_DONE && code != SQLITE_ROW) {
    return failure(path_, StatusKind::kRegistry, "reading " + change_words(expected) + " of the journal",
                   database_.get());
  }
  if (expected + 1 > last) return damaged(path_, change_words(expected) + " is missing in the journal");
  return {};
}

Result<std::uint64_t> SqliteJournal::first_received(std::int64_t received_us) {
  const auto end = last();
  if (!end.ok()) return end.status();
  const auto is_it = [received_us](const JournalRow& row) { return row.received_us >= received_us; };
  if (!received_may_fall()) return find_first(base_.seq + 1, end->seq + 1, is_it);
  std::uint64_t first = end->seq + 1;
  if (end->seq == base_.seq) return first;
  const Status status = read_from(base_.seq + 1, end->seq, [&](const JournalRow& row) -> Status {
    if (!is_it(row)) return {};
    first = row.seq;
    return {StatusKind::kInterrupted, "found"};
  });
  if (!status.ok() && status.kind() != StatusKind::kInterrupted) return status;
  return first;
}

Result<std::uint64_t> SqliteJournal::first_of_age(std::int64_t age_us, std::int64_t gap_us) {
  const auto end = last();
  if (!end.ok()) return end.status();
  if (end->seq == base_.seq) return end->seq + 1;  // a base has no time of receipt to count from
  if (received_may_fall()) return first_of_age_in_old_version(age_us, gap_us, end->seq + 1);
  std::int64_t received_us = end->received_us;
  for (;;) {
    // Up to here from the first row that was received within a gap, no gap is longer: all of the time counts.
    auto first = first_received(received_us - std::min(age_us, gap_us));
    if (!first.ok() || age_us < gap_us || *first <= base_.seq + 1) return first;
    std::int64_t before_us = 0;
    std::int64_t first_us = 0;
    const Status status = read_from(*first - 1, *first, [&](const JournalRow& row) {
      (row.seq == *first ? first_us : before_us) = row.received_us;
      return Status();
    });
    if (!status.ok()) return status;
    age_us -= received_us - first_us + std::min(first_us - before_us, gap_us);  // a gap at least
    if (age_us < 0) return first;
    received_us = before_us;
  }
}

/// By one reading of all rows; the largest `received` so far counts as that of a row.
Result<std::uint64_t> SqliteJournal::first_of_age_in_old_version(std::int64_t age_us, std::int64_t gap_us,
                                                                 std::uint64_t end) {
  struct Step {
    std::uint64_t seq;
    std::int64_t age_us;  // of the first row, when this one came
  };
  std::deque<Step> steps;  // the rows at which time went on, of as long as is wanted
  std::int64_t newest_us = Last{}.received_us;
  const Status status = read_from(base_.seq + 1, end - 1, [&](const JournalRow& row) -> Status {
    if (!steps.empty() && row.received_us <= newest_us) return {};
    const std::int64_t age = steps.empty() ? 0 : steps.back().age_us + std::min(row.received_us - newest_us, gap_us);
    steps.push_back({row.seq, age});
    while (steps.front().age_us < age - age_us) steps.pop_front();
    newest_us = row.received_us;
    return {};
  });
  return status.ok() ? Result(steps.front().seq) : Result<std::uint64_t>(status);
}

Status SqliteJournal::read_row(std::uint64_t seq, const std::function<void(const JournalRow&)>& use) {
  const Resetting resetting(row_);
  bind_number(row_.get(), 1, seq);
  const int code = sqlite3_step(row_.get());
  if (code == SQLITE_DONE) return damaged(path_, change_words(seq) + " is missing in the journal");
  if (code != SQLITE_ROW) {
    return failure(path_, StatusKind::kRegistry, "reading " + change_words(seq) + " of the journal", database_.get());
  }
  JournalRow row;
  if (!take_row(row_.get(), row)) return damaged(path_, change_words(seq) + " of the journal is damaged");
  use(row);
  return {};
}

/// Which kind of fault a failed write was, kept, and in words.
///
/// kNoSpace in a commit is certain: SQLite writes the frames of a transaction in order, the last one is what makes it
/// valid, ENOSPC of a write stops there, and ENOSPC of an fsync has another code. Anything else in a commit is kSync,
/// also when it is no sync that failed: behind the sync SQLite still extends the index of its log, and when that fails
/// (SHMSIZE, NOMEM) the commit has failed and is on disk.
///   commit_errno  errno behind a failed commit: SQLite keeps that of what fails inside of a statement, and no other
Status SqliteJournal::writing_failed(const std::string& what, std::optional<int> commit_errno) {
  const int code = sqlite3_extended_errcode(database_.get());
  const int system_error = commit_errno ? *commit_errno : sqlite3_system_errno(database_.get());
  has_failed_ = true;
  if (is_no_space(code, system_error)) {
    fault_ = JournalFault::kNoSpace;
  } else if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC || commit_errno) {
    fault_ = JournalFault::kSync;
    is_lost_ = true;
  } else {
    fault_ = JournalFault::kOther;
  }
  return failure(path_, StatusKind::kOutput, what, code, system_error);
}

/// Why nothing may be written now, if so.
Status SqliteJournal::refusal() const {
  if (is_lost_) {
    return {StatusKind::kOutput,
            path_ +
                ": error: changes that could not be synced may be on disk or not; check the disk and "
                "open the registry again"};
  }
  // SQLite rolls back alone after some failures: what were appended now would be a commit of its own.
  if (has_failed_)
    return {StatusKind::kInternal, path_ + ": error: the transaction has failed, and was not rolled back"};
  return {};
}

Status SqliteJournal::begin() {
  assert(insert_ != nullptr && !is_begun_);
  if (Status refused = refusal(); !refused.ok()) return refused;
  const Resetting resetting(begin_);
  if (sqlite3_step(begin_.get()) != SQLITE_DONE) return writing_failed("cannot begin to append to the journal");
  is_begun_ = true;
  return {};
}

Status SqliteJournal::append(const JournalRow& row) {
  assert(is_begun_ || has_failed_);
  if (Status refused = refusal(); !refused.ok()) return refused;
  if (row.seq != end_.seq + 1 || (row.received_us < end_.received_us && !received_may_fall())) {
    has_failed_ = true;
    fault_ = JournalFault::kOther;
    return {StatusKind::kInternal, path_ + ": error: append " + change_words(row.seq) + ": the last one is " +
                                       std::to_string(end_.seq) + ", and it was received no later"};
  }
  sqlite3_stmt* insert = insert_.get();
  bind_number(insert, 1, row.seq);
  bind_number(insert, 2, row.at_us);
  bind_number(insert, 3, row.effective_us);
  bind_number(insert, 4, row.received_us);
  bind_number(insert, 5, static_cast<std::int64_t>(row.op));
  bind_number(insert, 6, static_cast<std::int64_t>(row.by));
  bind_number(insert, 7, row.code.digits);
  if (row.new_code) {
    bind_number(insert, 8, row.new_code->digits);
  } else {
    sqlite3_bind_null(insert, 8);
  }
  bind_text(insert, 9, row.change_id);
  bind_text(insert, 10, row.actor);
  bind_blob(insert, 11, row.salt.data(), row.salt.size());
  bind_blob(insert, 12, row.content_hash.data(), row.content_hash.size());
  bind_record(insert, 13, row.before);
  bind_record(insert, 14, row.after);
  bind_record(insert, 15, row.new_after);
  bind_blob(insert, 16, row.chain.data(), row.chain.size());
  const Resetting resetting(insert_);
  if (sqlite3_step(insert) != SQLITE_DONE) return writing_failed("append " + change_words(row.seq));
  end_ = {row.seq, row.received_us};
  return {};
}

Status SqliteJournal::commit() {
  assert(is_begun_ || has_failed_);
  if (Status refused = refusal(); !refused.ok()) return refused;
  const Resetting resetting(commit_);
  errno = 0;
  const bool is_done = sqlite3_step(commit_.get()) == SQLITE_DONE;
  const int commit_errno = errno;
  if (!is_done) {
    return writing_failed("commit changes " + std::to_string(committed_.seq + 1) + " to " + std::to_string(end_.seq),
                          commit_errno);
  }
  is_begun_ = false;
  committed_ = end_;
  return {};
}

void SqliteJournal::rollback() {
  // SQLite may have done it alone.
  if (sqlite3_get_autocommit(database_.get()) == 0) run(database_.get(), "ROLLBACK");
  is_begun_ = false;
  has_failed_ = false;
  end_ = committed_;
}

std::uint64_t SqliteJournal::wal_bytes() const {
  constexpr std::uint64_t kLogHeaderBytes = 32;
  constexpr std::uint64_t kFrameHeaderBytes = 24;
  const std::uint64_t pages = wal_pages_.load(std::memory_order_relaxed);
  return pages == 0 ? 0 : kLogHeaderBytes + pages * (kFrameHeaderBytes + kPageBytes);
}

/// A checkpoint that fails endangers no row: the log stays as it is, and the next one writes all its pages again.
Status SqliteJournal::checkpoint(sqlite3* database, int mode) {
  int pages = 0;
  int moved = 0;
  const int code = sqlite3_wal_checkpoint_v2(database, "main", mode, &pages, &moved);
  if (code == SQLITE_OK) {
    if (mode == SQLITE_CHECKPOINT_RESTART) wal_pages_.store(0, std::memory_order_relaxed);
    return {};
  }
  // A reader, or the other connection's checkpoint, is in the way.
  if ((code & 0xff) == SQLITE_BUSY) return {};
  return failure(path_, StatusKind::kOutput, "moving the log of the journal into the database", database);
}

Status SqliteJournal::checkpoint_wal() {
  const std::scoped_lock lock(checkpointer_mutex_);
  return checkpoint(checkpointer_.get(), SQLITE_CHECKPOINT_PASSIVE);
}

Status SqliteJournal::restart_wal() {
  sqlite3_busy_timeout(database_.get(), 0);
  Status status = checkpoint(database_.get(), SQLITE_CHECKPOINT_RESTART);
  sqlite3_busy_timeout(database_.get(), kBusyTimeoutMs);
  if (!status.ok()) {
    const bool is_full = is_no_space(sqlite3_extended_errcode(database_.get()), sqlite3_system_errno(database_.get()));
    fault_ = is_full ? JournalFault::kNoSpace : JournalFault::kOther;
  }
  return status;
}

void SqliteJournal::keep_log() {
  const std::scoped_lock lock(checkpointer_mutex_);
  for (sqlite3* database : {database_.get(), checkpointer_.get()}) {
    sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  }
}

/// The tables of a new journal in a file that is there and empty.
Status write_tables(const std::string& path, const RegistryIdentity& identity, const Journal::Last& base,
                    const std::string& vfs) {
  Database database;
  int code = connect(plain_name(path), SQLITE_OPEN_READWRITE, vfs, database);
  // In memory, what undoes the first page: as a file it could come back after a power cut, and undo all of them.
  const std::string before =
      "PRAGMA journal_mode=MEMORY; PRAGMA page_size=" + std::to_string(kPageBytes) + "; PRAGMA journal_mode=WAL; BEGIN";
  const std::string kind = "PRAGMA application_id=" + std::to_string(kApplicationId) +
                           "; PRAGMA user_version=" + std::to_string(kJournalVersion);
  if (code == SQLITE_OK) code = run(database.get(), kPragmas);
  if (code == SQLITE_OK) code = run(database.get(), before.c_str());
  if (code == SQLITE_OK) code = run(database.get(), kSchema);
  if (code == SQLITE_OK) {
    const Statement insert = prepare(database.get(), "INSERT INTO registry VALUES(?1, ?2, ?3, ?4, ?5)");
    if (insert) {
      bind_blob(insert.get(), 1, identity.uuid.data(), identity.uuid.size());
      bind_number(insert.get(), 2, static_cast<std::int64_t>(identity.incarnation));
      bind_number(insert.get(), 3, base.seq);
      bind_blob(insert.get(), 4, base.chain.data(), base.chain.size());
      if (const auto effective_us = base.effective_time()) bind_number(insert.get(), 5, *effective_us);
    }
    code = insert ? sqlite3_step(insert.get()) : sqlite3_extended_errcode(database.get());
    if (code == SQLITE_DONE) code = SQLITE_OK;
  }
  // The kind comes with the tables: a file that was cut off before is foreign, never a journal without tables.
  if (code == SQLITE_OK) code = run(database.get(), kind.c_str());
  if (code == SQLITE_OK) code = run(database.get(), "COMMIT");
  if (code == SQLITE_OK) {
    code = sqlite3_wal_checkpoint_v2(database.get(), "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  }
  if (code == SQLITE_OK) return {};
  return failure(path, StatusKind::kOutput, "cannot write the new journal", code, sqlite3_system_errno(database.get()));
}

}  // namespace

Status Journal::create(const std::string& path, const RegistryIdentity& identity, const Last& base,
                       const std::string& vfs) {
  // Before SQLite opens it, which gives its log and index the mode of the file.
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return {StatusKind::kOutput, path + ": error: cannot create the journal: " + errno_words(errno, path)};
  Status status;
  if (!give_to_owner_of_folder(fd, path)) {
    status = {StatusKind::kOutput, path + ": error: cannot give it to the owner of its folder: " + errno_words(errno)};
  }
  close(fd);
  if (status.ok()) status = write_tables(path, identity, base, vfs);
  if (status.ok()) return status;
  for (const char* suffix : {"", "-wal", "-shm"}) unlink((path + suffix).c_str());
  return status;
}

Result<std::unique_ptr<Journal>> Journal::open(const std::string& path, Mode mode, const std::string& vfs) {
  auto journal = std::make_unique<SqliteJournal>(path);
  Status status = journal->open(mode, vfs);
  if (!status.ok()) return status;
  return std::unique_ptr<Journal>(std::move(journal));
}

Result<std::uint64_t> Journal::find_first(std::uint64_t first, std::uint64_t end,
                                          const std::function<bool(const JournalRow&)>& is_it) {
  while (first < end) {
    const std::uint64_t middle = first + (end - first) / 2;
    bool holds = false;
    const Status status = read_from(middle, middle, [&](const JournalRow& row) {
      holds = is_it(row);
      return Status();
    });
    if (!status.ok()) return status;
    (holds ? end : first) = holds ? middle : middle + 1;
  }
  return first;
}

}  // namespace clearline
