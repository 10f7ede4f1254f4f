#include "io/store/output_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "io/formats/errno_words.h"
#include "io/store/folders.h"
#include "io/store/output_place.h"

namespace clearline {
namespace {

/// Paths of open temporaries, for the signal handler. A place is taken by `used`, and `path` is complete before it is
/// set: release here, acquire in the handler.
struct Pending {
  std::array<char, PATH_MAX> path{};
  std::atomic<bool> used{false};
};
constexpr int kPendingMax = 8;
std::array<Pending, kPendingMax> pending_files;

int remember(const std::string& path) {
  if (path.size() >= PATH_MAX) return -1;
  for (int i = 0; i < kPendingMax; ++i) {
    Pending& place = pending_files[static_cast<std::size_t>(i)];
    if (place.used.load(std::memory_order_relaxed)) continue;
    std::memcpy(place.path.data(), path.c_str(), path.size() + 1);
    place.used.store(true, std::memory_order_release);
    return i;
  }
  return -1;
}

void forget(int place) {
  if (place >= 0) pending_files[static_cast<std::size_t>(place)].used.store(false, std::memory_order_release);
}

/// A descriptor of the same file, open for as long as the program likes.
int duplicate(int fd) {
  // One that closes at exec is a file of our own, or stands for a standard one that was closed.
  const int flags = fcntl(fd, F_GETFD);
  if (flags >= 0 && (flags & FD_CLOEXEC) == 0) return fcntl(fd, F_DUPFD_CLOEXEC, 0);
  errno = EBADF;
  return -1;
}

}  // namespace

void remove_pending_output_files() {
  for (Pending& place : pending_files) {
    if (place.used.load(std::memory_order_acquire)) unlink(place.path.data());
  }
}

Result<OutputFile> OutputFile::open(const std::string& path, FileMode mode) {
  OutputFile file;
  file.path_ = path == "-" ? "<stdout>" : path;
  file.mode_ = mode;
  OutputPlace place = output_place(path);
  file.target_ = std::move(place.path);
  switch (place.kind) {
    case OutputPlace::Kind::kDescriptor:
      file.fd_ = duplicate(place.descriptor);
      if (file.fd_ < 0) return file.fail("cannot write");
      return file;
    case OutputPlace::Kind::kStraight: {
      struct stat info{};
      const bool is_there = stat(file.target_.c_str(), &info) == 0;
      if (is_there && S_ISDIR(info.st_mode)) {
        return Status(StatusKind::kOutput, path + ": error: is a directory; name a file in it");
      }
      // A regular file here is behind a descriptor of another process, whose bytes stay.
      const int how = is_there && S_ISREG(info.st_mode) ? O_APPEND : 0;
      file.fd_ = ::open(file.target_.c_str(), O_WRONLY | O_CLOEXEC | how);
      if (file.fd_ < 0) return file.fail("cannot open");
      return file;
    }
    case OutputPlace::Kind::kLoop:
      errno = ELOOP;
      return file.fail("cannot open");
    case OutputPlace::Kind::kFile:
      break;
  }
  if (Status status = file.check_name(); !status.ok()) return status;
  // Process and counter make the name unique; O_EXCL makes sure.
  static std::atomic<unsigned> counter{0};
  for (int attempt = 0; attempt < 100 && file.fd_ < 0; ++attempt) {
    file.temporary_ = path_beside(file.target_, ".tmp-" + std::to_string(getpid()) + "-" +
                                                    std::to_string(counter.fetch_add(1, std::memory_order_relaxed)));
    file.fd_ = ::open(file.temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file.fd_ < 0 && errno != EEXIST) break;
  }
  if (file.fd_ < 0) {
    file.temporary_.clear();
    return file.fail_to_create();
  }
  file.pending_ = remember(file.temporary_);
  return file;
}

Result<OutputFile> OutputFile::open_through(const std::string& temporary, const std::string& path, FileMode mode) {
  OutputFile file;
  file.path_ = path;
  file.mode_ = mode;
  file.target_ = path;
  unlink(temporary.c_str());
  file.fd_ = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file.fd_ < 0) return file.fail_to_create();
  file.temporary_ = temporary;
  file.pending_ = remember(temporary);
  return file;
}

std::string OutputFile::part_path(const std::string& path) { return path_beside(output_place(path).path, ".part"); }

Result<OutputFile> OutputFile::open_resumable(const std::string& path, FileMode mode, Part part) {
  OutputFile file;
  file.path_ = path;
  file.mode_ = mode;
  OutputPlace place = output_place(path);
  if (place.kind != OutputPlace::Kind::kFile) {
    return Status(StatusKind::kUsage, path + ": error: only a run into a file can be resumed; name one with -o");
  }
  file.target_ = std::move(place.path);
  if (Status status = file.check_name(); !status.ok()) return status;
  file.is_resumable_ = true;
  const std::string name = path_beside(file.target_, ".part");
  const int how = part == Part::kNew ? O_CREAT | O_EXCL : 0;
  file.fd_ = ::open(name.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | how, 0600);
  if (file.fd_ < 0) {
    if (errno == EEXIST) return foreign_part(name);
    return part == Part::kNew ? file.fail_to_create() : file.fail("cannot open its .part");
  }
  file.temporary_ = name;
  struct stat info{};
  if (fstat(file.fd_, &info) != 0 || !S_ISREG(info.st_mode)) return foreign_part(name);
  if (flock(file.fd_, LOCK_EX | LOCK_NB) != 0) {
    return Status(StatusKind::kOutput, path + ": error: another run is writing it; wait for its end");
  }
  return file;
}

Status OutputFile::foreign_part(const std::string& part) {
  return {StatusKind::kOutput, part +
                                   ": error: it stands where the output is to grow, and no checkpoint says that an "
                                   "interrupted run left it; move it away, or remove it to start anew"};
}

Status OutputFile::keep(std::uint64_t bytes, std::uint64_t checksum) {
  std::vector<char> piece(std::size_t{1} << 20);
  while (bytes_written_ < bytes) {
    const ssize_t got = ::read(fd_, piece.data(), std::min<std::uint64_t>(piece.size(), bytes - bytes_written_));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail("cannot read its .part");
    if (got == 0) break;
    checksum_.add(piece.data(), static_cast<std::size_t>(got));
    bytes_written_ += static_cast<std::uint64_t>(got);
  }
  if (bytes_written_ != bytes || checksum_.value() != checksum) {
    return {StatusKind::kOutput, path_ +
                                     ": error: its .part was changed since the run was interrupted; remove that and "
                                     "its .checkpoint, and the whole run is done again"};
  }
  if (ftruncate(fd_, static_cast<off_t>(bytes)) != 0) return fail("cannot cut its .part");
  return {};
}

Status OutputFile::sync() { return fdatasync(fd_) == 0 ? Status() : fail("cannot write"); }

// NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): it takes `this` for null within std::optional
OutputFile::OutputFile(OutputFile&& other) noexcept { *this = std::move(other); }

OutputFile& OutputFile::operator=(OutputFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(mode_, other.mode_);
  std::swap(path_, other.path_);
  std::swap(target_, other.target_);
  std::swap(temporary_, other.temporary_);
  std::swap(pending_, other.pending_);
  std::swap(pipe_closed_, other.pipe_closed_);
  std::swap(is_resumable_, other.is_resumable_);
  std::swap(is_direct_, other.is_direct_);
  std::swap(bytes_written_, other.bytes_written_);
  std::swap(checksum_, other.checksum_);
  return *this;
}

OutputFile::~OutputFile() {
  if (fd_ >= 0) close(fd_);
  if (temporary_.empty() || is_resumable_) return;
  unlink(temporary_.c_str());
  forget(pending_);
}

Status OutputFile::fail(const char* what) const {
  return {StatusKind::kOutput, path_ + ": error: " + what + ": " + errno_words(errno)};
}

/// Now, and not at the rename after hours of work.
Status OutputFile::check_name() const {
  struct stat info{};
  return lstat(target_.c_str(), &info) == 0 || errno != ENAMETOOLONG ? Status() : fail("cannot create");
}

Status OutputFile::fail_to_create() const {
  const int error = errno;
  const std::string folder = folder_of(target_);
  struct stat info{};
  if (error == ENOENT && stat(folder.c_str(), &info) != 0 && errno == ENOENT) {
    return {StatusKind::kOutput,
            path_ + ": error: its folder " + folder + " does not exist; make it (mkdir -p), or name another one"};
  }
  errno = error;
  return fail("cannot create");
}

Status OutputFile::take_mode() {
  if (mode_ == FileMode::kOfFolder) {
    return give_to_owner_of_folder(fd_, target_) ? Status() : fail("cannot give it to the owner of its folder");
  }
  const mode_t mask = umask(0);
  umask(mask);
  mode_t mode = mode_ == FileMode::kPrivate ? 0600 : 0666 & ~mask;
  struct stat old{};
  struct stat folder{};
  if (lstat(target_.c_str(), &old) == 0 && S_ISREG(old.st_mode) && stat(folder_of(target_).c_str(), &folder) == 0) {
    const mode_t kept = old.st_mode & 0777;
    // Where anybody may make files, one of another user may lie in wait for what comes: it is given nothing.
    const bool is_trusted = old.st_uid == geteuid() || (folder.st_mode & S_IWOTH) == 0;
    if (mode_ == FileMode::kUsual) mode = is_trusted ? kept : kept & mode;
    // Without the right to give files away the group alone may be kept; without that, a stranger's group gets what all
    // others have.
    const bool has_group = is_trusted && (fchown(fd_, old.st_uid, old.st_gid) == 0 ||
                                          fchown(fd_, static_cast<uid_t>(-1), old.st_gid) == 0);
    if (!has_group) mode = (mode & ~mode_t{070}) | (mode & (mode & 07) << 3);
  }
  return fchmod(fd_, mode) == 0 ? Status() : fail("cannot set the mode");
}

void OutputFile::set_direct(bool direct) {
  const int flags = fcntl(fd_, F_GETFL);
  is_direct_ = flags >= 0 && fcntl(fd_, F_SETFL, direct ? flags | O_DIRECT : flags & ~O_DIRECT) == 0 && direct;
}

void OutputFile::write_directly() {
  if (!is_straight()) set_direct(true);
}

Status OutputFile::write(std::string_view bytes) {
  // A signal waits for the piece that is on its way to the disk.
  constexpr std::size_t kDirectPieceBytes = std::size_t{8} << 20;
  while (!bytes.empty()) {
    const std::size_t piece = is_direct_ ? std::min(bytes.size(), kDirectPieceBytes) : bytes.size();
    const ssize_t put = ::write(fd_, bytes.data(), piece);
    if (put >= 0) {
      if (is_resumable_) checksum_.add(bytes.data(), static_cast<std::size_t>(put));
      bytes_written_ += static_cast<std::uint64_t>(put);
      bytes.remove_prefix(static_cast<std::size_t>(put));
    } else if (is_direct_ && errno == EINVAL) {
      set_direct(false);
    } else if (errno != EINTR) {
      pipe_closed_ = errno == EPIPE;
      return fail("cannot write");
    }
  }
  return {};
}

Status OutputFile::write_at(std::string_view bytes, std::uint64_t offset) {
  assert(!is_straight() && !is_resumable_);
  while (!bytes.empty()) {
    const ssize_t put = pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(put));
      offset += static_cast<std::uint64_t>(put);
    } else if (is_direct_ && errno == EINVAL) {
      set_direct(false);
    } else if (errno != EINTR) {
      return fail("cannot write");
    }
  }
  return {};
}

Status OutputFile::commit() {
  if (is_straight()) {
    // Pipes and terminals cannot be synced; what can be and fails (a full disk behind stdout) must not pass as done.
    if (fsync(fd_) != 0 && errno != EINVAL && errno != EROFS && errno != ENOTSUP) return fail("cannot write");
    const int fd = std::exchange(fd_, -1);
    if (close(fd) != 0) return fail("cannot write");
    return {};
  }
  if (Status status = take_mode(); !status.ok()) return status;
  if (fsync(fd_) != 0) return fail("cannot write");
  const int fd = std::exchange(fd_, -1);
  if (close(fd) != 0) return fail("cannot write");
  if (rename(temporary_.c_str(), target_.c_str()) != 0) return fail("cannot rename");
  temporary_.clear();
  forget(std::exchange(pending_, -1));
  if (!sync_folder(folder_of(target_))) return fail("cannot sync its folder");
  return {};
}

}  // namespace clearline
