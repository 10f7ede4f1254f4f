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
#include <charconv>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "io/formats/errno_words.h"
#include "io/store/folders.h"

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

/// The path with its links followed, also when what they name is not there yet.
std::string followed(std::string path) {
  std::array<char, PATH_MAX> buffer{};
  if (realpath(path.c_str(), buffer.data()) != nullptr) return buffer.data();
  constexpr int kLinksMax = 40;  // as many as the kernel follows
  for (int links = 0; links < kLinksMax; ++links) {
    const ssize_t size = readlink(path.c_str(), buffer.data(), buffer.size());
    if (size < 0) break;
    const std::string link(buffer.data(), static_cast<std::size_t>(size));
    path = link.starts_with('/') ? link : folder_of(path).append("/").append(link);
  }
  return path;
}

/// The descriptor that a path names: `-`, `/dev/stdout`, `/dev/fd/3`.
std::optional<int> descriptor_of(std::string_view path) {
  if (path == "-" || path == "/dev/stdout") return STDOUT_FILENO;
  if (path == "/dev/stderr") return STDERR_FILENO;
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (!path.starts_with(folder)) continue;
    path.remove_prefix(folder.size());
    int number = 0;
    const auto [end, error] = std::from_chars(path.data(), path.data() + path.size(), number);
    if (error == std::errc() && end == path.data() + path.size()) return number;
  }
  return std::nullopt;
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
  if (const auto descriptor = descriptor_of(path)) {
    file.fd_ = duplicate(*descriptor);
    if (file.fd_ < 0) return file.fail("cannot write");
    return file;
  }
  struct stat info{};
  const bool is_there = stat(path.c_str(), &info) == 0;
  if (!is_there && errno == ELOOP) return file.fail("cannot open");
  if (is_there && !S_ISREG(info.st_mode)) {
    if (S_ISDIR(info.st_mode)) return Status(StatusKind::kOutput, path + ": error: is a directory; name a file in it");
    file.fd_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (file.fd_ < 0) return file.fail("cannot open");
    return file;
  }
  file.target_ = followed(path);
  // Process and counter make the name unique; O_EXCL makes sure.
  static std::atomic<unsigned> counter{0};
  for (int attempt = 0; attempt < 100 && file.fd_ < 0; ++attempt) {
    file.temporary_ = file.target_ + ".tmp-" + std::to_string(getpid()) + "-" +
                      std::to_string(counter.fetch_add(1, std::memory_order_relaxed));
    file.fd_ = ::open(file.temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file.fd_ < 0 && errno != EEXIST) break;
  }
  if (file.fd_ < 0) {
    file.temporary_.clear();
    return file.fail("cannot create");
  }
  file.pending_ = remember(file.temporary_);
  return file;
}

Result<OutputFile> OutputFile::open_through(const std::string& temporary, const std::string& path) {
  OutputFile file;
  file.path_ = path;
  file.mode_ = FileMode::kPrivate;
  file.target_ = path;
  unlink(temporary.c_str());
  file.fd_ = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file.fd_ < 0) return file.fail("cannot create");
  file.temporary_ = temporary;
  file.pending_ = remember(temporary);
  return file;
}

std::string OutputFile::part_path(const std::string& path) { return followed(path) + ".part"; }

Result<OutputFile> OutputFile::open_resumable(const std::string& path, FileMode mode) {
  OutputFile file;
  file.path_ = path;
  file.mode_ = mode;
  struct stat info{};
  if (descriptor_of(path) || (stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode))) {
    return Status(StatusKind::kUsage, path + ": error: only a run into a file can be resumed; name one with -o");
  }
  file.target_ = followed(path);
  file.is_resumable_ = true;
  const std::string part = part_path(path);
  file.fd_ = ::open(part.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file.fd_ < 0) return file.fail("cannot create its .part");
  file.temporary_ = part;
  if (flock(file.fd_, LOCK_EX | LOCK_NB) != 0) {
    return Status(StatusKind::kOutput, path + ": error: another run is writing it; wait for its end");
  }
  return file;
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
                                     ": error: its .part was changed since the run was interrupted; remove it, and "
                                     "the whole run is done again"};
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
  if (mode_ == FileMode::kUsual) {
    const mode_t mask = umask(0);
    umask(mask);
    if (fchmod(fd_, 0666 & ~mask) != 0) return fail("cannot set the mode");
  }
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
