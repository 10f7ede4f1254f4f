#include "tests/support/fault_vfs.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>

#include "tests/support/files.h"

namespace clearline::test {
namespace {

constexpr std::int64_t kSectorBytes = 512;

std::optional<std::string> content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string{std::istreambuf_iterator<char>(file), {}};
}

/// What failing calls answer once the power is gone.
int cut_code(FaultVfs::Call call) {
  switch (call) {
    case FaultVfs::Call::kOpen:
      return SQLITE_CANTOPEN;
    case FaultVfs::Call::kWrite:
      return SQLITE_IOERR_WRITE;
    case FaultVfs::Call::kSync:
      return SQLITE_IOERR_FSYNC;
    case FaultVfs::Call::kTruncate:
      return SQLITE_IOERR_TRUNCATE;
    case FaultVfs::Call::kDelete:
      return SQLITE_IOERR_DELETE;
  }
  return SQLITE_IOERR;
}

}  // namespace

/// What SQLite calls: the functions of the VFS and of its files.
struct FaultVfsCalls {
  using Call = FaultVfs::Call;
  using Event = FaultVfs::Event;

  /// What SQLite makes room for; the real file lies behind it.
  struct Handle {
    sqlite3_file base;
    FaultVfs* vfs;
    const std::string* path;  // a key of files_; null: a file without a name, which is only passed on
    FaultVfs::File* file;

    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
    const sqlite3_io_methods& methods() { return *real()->pMethods; }
    bool is_cut() const {
      const std::scoped_lock lock(vfs->mutex_);
      return vfs->is_cut_;
    }
  };
  static_assert(alignof(Handle) >= alignof(void*));

  static Handle& handle(sqlite3_file* file) { return *reinterpret_cast<Handle*>(file); }
  static FaultVfs& self(sqlite3_vfs* vfs) { return *static_cast<FaultVfs*>(vfs->pAppData); }

  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* out, int flags, int* out_flags) {
    FaultVfs& fault = self(vfs);
    Handle& h = handle(out);
    h.base.pMethods = nullptr;
    h.vfs = &fault;
    h.path = nullptr;
    h.file = nullptr;
    const bool is_tracked = name != nullptr && (flags & SQLITE_OPEN_DELETEONCLOSE) == 0;
    const bool is_there = is_tracked && access(name, F_OK) == 0;
    const std::scoped_lock lock(fault.mutex_);
    if (const int code = fault.before(Call::kOpen, name == nullptr ? "" : name, nullptr, {}); code != SQLITE_OK)
      return code;
    h.real()->pMethods = nullptr;
    const int code = fault.real_->xOpen(fault.real_, name, h.real(), flags, out_flags);
    if (code != SQLITE_OK) return code;
    h.base.pMethods = &kMethods;
    if (!is_tracked) return SQLITE_OK;
    const auto [place, is_new] = fault.files_.try_emplace(name);
    h.path = &place->first;
    h.file = &place->second;
    ++h.file->handles;
    if (!is_new || !is_there) return SQLITE_OK;
    // Read through the file that is open: closing another descriptor of it would let go of its locks.
    sqlite3_int64 size = 0;
    h.methods().xFileSize(h.real(), &size);
    std::string content(static_cast<std::size_t>(size), '\0');
    if (size != 0) h.methods().xRead(h.real(), content.data(), static_cast<int>(size), 0);
    h.file->synced = std::move(content);
    return SQLITE_OK;
  }

  static int remove(sqlite3_vfs* vfs, const char* name, int sync_folder) {
    FaultVfs& fault = self(vfs);
    const std::scoped_lock lock(fault.mutex_);
    const auto found = fault.files_.find(name);
    FaultVfs::File* file = found == fault.files_.end() ? nullptr : &found->second;
    const Event event{Event::Kind::kDelete, 0, {}};
    if (const int code = fault.before(Call::kDelete, name, file, event); code != SQLITE_OK) return code;
    const int code = fault.real_->xDelete(fault.real_, name, 0);
    if (code != SQLITE_OK || file == nullptr) return code;
    file->pending.push_back(event);
    if (sync_folder != 0) {
      file->synced.reset();
      file->pending.clear();
    }
    return SQLITE_OK;
  }

  static int access_file(sqlite3_vfs* vfs, const char* name, int flags, int* out) {
    FaultVfs& fault = self(vfs);
    if (fault.is_cut()) return SQLITE_IOERR_ACCESS;
    return fault.real_->xAccess(fault.real_, name, flags, out);
  }

  static int close(sqlite3_file* file) {
    Handle& h = handle(file);
    if (h.file != nullptr) {
      const std::scoped_lock lock(h.vfs->mutex_);
      --h.file->handles;
    }
    return h.methods().xClose(h.real());
  }

  static int read(sqlite3_file* file, void* out, int size, sqlite3_int64 offset) {
    Handle& h = handle(file);
    return h.is_cut() ? SQLITE_IOERR_READ : h.methods().xRead(h.real(), out, size, offset);
  }

  static int write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
    Handle& h = handle(file);
    if (h.file == nullptr) return h.methods().xWrite(h.real(), bytes, size, offset);
    Event event{Event::Kind::kWrite, offset, {static_cast<const char*>(bytes), static_cast<std::size_t>(size)}};
    const std::scoped_lock lock(h.vfs->mutex_);
    int code = h.vfs->before(Call::kWrite, *h.path, h.file, event);
    if (code != SQLITE_OK && (code != SQLITE_FULL || size < 2)) return code;
    if (code == SQLITE_FULL) event.bytes.resize(event.bytes.size() / 2);
    const int written = h.methods().xWrite(h.real(), event.bytes.data(), static_cast<int>(event.bytes.size()), offset);
    if (written == SQLITE_OK) h.file->pending.push_back(std::move(event));
    return code == SQLITE_OK ? written : code;
  }

  static int truncate(sqlite3_file* file, sqlite3_int64 size) {
    Handle& h = handle(file);
    if (h.file == nullptr) return h.methods().xTruncate(h.real(), size);
    const Event event{Event::Kind::kTruncate, size, {}};
    const std::scoped_lock lock(h.vfs->mutex_);
    if (const int code = h.vfs->before(Call::kTruncate, *h.path, h.file, event); code != SQLITE_OK) return code;
    const int code = h.methods().xTruncate(h.real(), size);
    if (code == SQLITE_OK) h.file->pending.push_back(event);
    return code;
  }

  static int sync(sqlite3_file* file, int) {
    Handle& h = handle(file);
    if (h.file == nullptr) return SQLITE_OK;
    const std::scoped_lock lock(h.vfs->mutex_);
    const bool was_cut = h.vfs->is_cut_;
    const int code = h.vfs->before(Call::kSync, *h.path, nullptr, {});
    if (code != SQLITE_OK) {
      if (!was_cut && !h.vfs->is_cut_) {
        for (Event& event : h.file->pending) event.is_orphan = true;
      }
      return code;
    }
    for (const Event& event : h.file->pending) {
      if (!event.is_orphan) FaultVfs::apply(event, h.file->synced);
    }
    if (!h.file->synced) h.file->synced.emplace();  // created, and nothing written
    h.file->pending.clear();
    return SQLITE_OK;
  }

  static int file_size(sqlite3_file* file, sqlite3_int64* out) {
    Handle& h = handle(file);
    return h.is_cut() ? SQLITE_IOERR_FSTAT : h.methods().xFileSize(h.real(), out);
  }
  static int lock(sqlite3_file* file, int level) {
    Handle& h = handle(file);
    return h.is_cut() ? SQLITE_IOERR_LOCK : h.methods().xLock(h.real(), level);
  }
  static int unlock(sqlite3_file* file, int level) {
    return handle(file).methods().xUnlock(handle(file).real(), level);
  }
  static int check_lock(sqlite3_file* file, int* out) {
    return handle(file).methods().xCheckReservedLock(handle(file).real(), out);
  }
  static int control(sqlite3_file* file, int operation, void* argument) {
    return handle(file).methods().xFileControl(handle(file).real(), operation, argument);
  }
  static int sector_size(sqlite3_file* file) { return handle(file).methods().xSectorSize(handle(file).real()); }
  static int characteristics(sqlite3_file* file) {
    return handle(file).methods().xDeviceCharacteristics(handle(file).real());
  }
  static int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
    Handle& h = handle(file);
    return h.is_cut() ? SQLITE_IOERR_SHMMAP : h.methods().xShmMap(h.real(), page, size, extend, out);
  }
  static int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
    Handle& h = handle(file);
    if ((flags & SQLITE_SHM_UNLOCK) == 0 && h.is_cut()) return SQLITE_IOERR_SHMLOCK;
    return h.methods().xShmLock(h.real(), offset, count, flags);
  }
  static void shm_barrier(sqlite3_file* file) { handle(file).methods().xShmBarrier(handle(file).real()); }
  static int shm_unmap(sqlite3_file* file, int remove_it) {
    return handle(file).methods().xShmUnmap(handle(file).real(), remove_it);
  }

  /// Version 2: files are not mapped into memory, where nobody could see them written.
  static constexpr sqlite3_io_methods kMethods{
      2,         close,      read,    write,       truncate,        sync,    file_size, lock,
      unlock,    check_lock, control, sector_size, characteristics, shm_map, shm_lock,  shm_barrier,
      shm_unmap, nullptr,    nullptr};
};

FaultVfs::FaultVfs() {
  static std::atomic<int> counter{0};
  name_ = "fault-" + std::to_string(counter.fetch_add(1, std::memory_order_relaxed));
  sqlite3_initialize();
  real_ = sqlite3_vfs_find(nullptr);
  vfs_ = *real_;
  vfs_.pNext = nullptr;
  vfs_.zName = name_.c_str();
  vfs_.szOsFile = static_cast<int>(sizeof(FaultVfsCalls::Handle)) + real_->szOsFile;
  vfs_.pAppData = this;
  vfs_.xOpen = FaultVfsCalls::open;
  vfs_.xDelete = FaultVfsCalls::remove;
  vfs_.xAccess = FaultVfsCalls::access_file;
  if (sqlite3_vfs_register(&vfs_, 0) != SQLITE_OK) std::abort();
}

FaultVfs::~FaultVfs() { sqlite3_vfs_unregister(&vfs_); }

std::uint64_t FaultVfs::calls() const {
  const std::scoped_lock lock(mutex_);
  std::uint64_t sum = 0;
  for (const std::uint64_t count : calls_) sum += count;
  return sum;
}

std::uint64_t FaultVfs::calls(Call call) const {
  const std::scoped_lock lock(mutex_);
  return calls_[static_cast<std::size_t>(call)];
}

void FaultVfs::fail(Call call, std::uint64_t nth, int code, const std::string& suffix) {
  const std::scoped_lock lock(mutex_);
  failures_.push_back({call, nth, code, suffix, false});
}

void FaultVfs::fail_from(Call call, std::uint64_t nth, int code, const std::string& suffix) {
  const std::scoped_lock lock(mutex_);
  failures_.push_back({call, nth, code, suffix, true});
}

void FaultVfs::heal() {
  const std::scoped_lock lock(mutex_);
  failures_.clear();
}

void FaultVfs::cut_power(std::uint64_t nth) {
  const std::scoped_lock lock(mutex_);
  until_cut_ = nth;
}

bool FaultVfs::is_cut() const {
  const std::scoped_lock lock(mutex_);
  return is_cut_;
}

int FaultVfs::before(Call call, const std::string& path, File* file, Event event) {
  if (is_cut_) return cut_code(call);
  ++calls_[static_cast<std::size_t>(call)];
  if (until_cut_ != 0 && --until_cut_ == 0) {
    is_cut_ = true;
    if (file != nullptr) {
      cut_path_ = path;
      cut_event_ = std::move(event);
    }
    return cut_code(call);
  }
  for (Failure& failure : failures_) {
    if (failure.call != call || failure.left == 0 || !path.ends_with(failure.suffix)) continue;
    if (--failure.left != 0) continue;
    if (failure.is_lasting) failure.left = 1;
    return failure.code;
  }
  return SQLITE_OK;
}

void FaultVfs::apply(const Event& event, std::optional<std::string>& content) {
  if (event.kind == Event::Kind::kDelete) {
    content.reset();
    return;
  }
  if (!content) content.emplace();
  const auto offset = static_cast<std::size_t>(event.offset);
  if (event.kind == Event::Kind::kTruncate) {
    content->resize(offset);
    return;
  }
  if (event.bytes.empty()) return;
  if (content->size() < offset + event.bytes.size()) content->resize(offset + event.bytes.size());
  content->replace(offset, event.bytes.size(), event.bytes);
}

void FaultVfs::restart_process() {
  const std::scoped_lock lock(mutex_);
  until_cut_ = 0;
  is_cut_ = false;
  cut_event_.reset();
}

void FaultVfs::settle(Settle mode, std::uint64_t seed) {
  const std::scoped_lock lock(mutex_);
  std::mt19937_64 random(seed);
  for (auto& [path, file] : files_) {
    if (file.handles != 0) {
      std::fprintf(stderr, "FaultVfs: %s is still open\n", path.c_str());
      std::abort();
    }
    const bool has_cut_event = cut_event_ && cut_path_ == path;
    std::optional<std::string> content = file.synced;
    if (mode == Settle::kKept) {
      content = content_of(path);
      if (has_cut_event) apply(*cut_event_, content);
    }
    if (mode == Settle::kTorn) {
      if (has_cut_event) file.pending.push_back(*cut_event_);
      for (const Event& event : file.pending) {
        const std::uint64_t chance = random() % 3;
        // What follows a deleting that is not on disk went to a file that the folder does not know.
        if (event.kind == Event::Kind::kDelete && chance == 0) break;
        if (event.kind != Event::Kind::kWrite) {
          if (chance != 0) apply(event, content);
          continue;
        }
        if (chance == 1) apply(event, content);
        if (chance != 2) continue;
        const std::int64_t end = event.offset + static_cast<std::int64_t>(event.bytes.size());
        for (std::int64_t at = event.offset; at < end;) {
          const std::int64_t next = std::min(end, (at / kSectorBytes + 1) * kSectorBytes);
          const auto from = static_cast<std::size_t>(at - event.offset);
          if (random() % 2 == 0)
            apply({Event::Kind::kWrite, at, event.bytes.substr(from, static_cast<std::size_t>(next - at))}, content);
          at = next;
        }
      }
    }
    unlink((path + "-shm").c_str());
    if (!content) {
      unlink(path.c_str());
    } else if (content_of(path) != content) {
      // In place, so that its mode stays; a file that a deleting took and the cut gave back is private again.
      const mode_t before = umask(0077);
      std::ofstream(path, std::ios::binary | std::ios::app).close();
      umask(before);
      overwrite(path, *content);
    }
  }
  files_.clear();
  failures_.clear();
  until_cut_ = 0;
  is_cut_ = false;
  cut_event_.reset();
}

}  // namespace clearline::test
