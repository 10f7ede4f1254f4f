#include "io/store/registry_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "io/formats/errno_words.h"
#include "io/store/folders.h"

namespace clearline {
namespace {

StatusKind kind_of(RegistryLock::Kind kind) {
  return kind == RegistryLock::Kind::kOfNewOne ? StatusKind::kOutput : StatusKind::kRegistry;
}

/// Takes a lock at once or says why not.
Status lock_now(int fd, const std::string& path, RegistryLock::Kind kind) {
  int locked = 0;
  do {
    locked = flock(fd, LOCK_EX | LOCK_NB);
  } while (locked != 0 && errno == EINTR);
  if (locked == 0) return {};
  if (errno != EWOULDBLOCK) return {kind_of(kind), path + ": error: cannot lock it: " + errno_words(errno, path)};
  return {kind_of(kind), path +
                             ": error: another process changes this registry; send the changes to it, or wait for its "
                             "end"};
}

}  // namespace

Result<std::unique_ptr<RegistryLock>> RegistryLock::take(const std::string& directory, Kind kind) {
  std::unique_ptr<RegistryLock> lock(new RegistryLock(directory));
  Status status = lock->open(kind);
  if (status.ok()) status = lock->open_old_lock(kind);
  // Between looking and locking another directory may have come to this path.
  if (status.ok()) status = lock->check();
  if (!status.ok()) return status;
  return lock;
}

RegistryLock::~RegistryLock() {
  if (old_lock_ >= 0) close(old_lock_);
  if (directory_ >= 0) close(directory_);
}

Status RegistryLock::open(Kind kind) {
  directory_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  struct stat info{};
  if (directory_ < 0 || fstat(directory_, &info) != 0) {
    return {kind_of(kind), path_ + ": error: cannot open the directory: " + errno_words(errno, path_)};
  }
  identity_ = {info.st_dev, info.st_ino};
  const uid_t user = geteuid();
  if (user != 0 && user != info.st_uid) {
    return {kind_of(kind), path_ + ": error: it belongs to uid " + std::to_string(info.st_uid) +
                               ", and this runs as uid " + std::to_string(user) +
                               ": run it as that user, for its files must stay that user's"};
  }
  return lock_now(directory_, path_, kind);
}

Status RegistryLock::open_old_lock(Kind kind) {
  const std::string path = path_ + "/lock";
  constexpr int kFlags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
  old_lock_ = ::open(path.c_str(), kFlags | O_CREAT | O_EXCL, 0600);
  if (old_lock_ >= 0) {
    if (!give_to_owner_of_folder(old_lock_, path)) {
      const int error = errno;
      unlink(path.c_str());
      return {kind_of(kind), path + ": error: cannot give it to the owner of its folder: " + errno_words(error, path)};
    }
  } else if (errno == EEXIST && kind == Kind::kOfRegistry) {
    old_lock_ = ::open(path.c_str(), kFlags);
  }
  if (old_lock_ < 0 && kind == Kind::kOfNewOne) {
    return {kind_of(kind),
            path + ": error: cannot make the lock; is another init at work here?: " + errno_words(errno, path)};
  }
  if (old_lock_ < 0) {
    return {kind_of(kind), path + ": error: cannot open it for writing: " + errno_words(errno, path) +
                               "; changes need a directory that can be written"};
  }
  return lock_now(old_lock_, path, kind);
}

void RegistryLock::watch(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    struct stat info{};
    if (fstatat(directory_, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
      watched_.push_back({name, {info.st_dev, info.st_ino}});
    }
  }
}

Status RegistryLock::check() const {
  struct stat info{};
  const bool is_there = stat(path_.c_str(), &info) == 0;
  if (!is_there && errno != ENOENT && errno != ENOTDIR) {
    return {StatusKind::kOutput, path_ + ": error: cannot look at the directory: " + errno_words(errno, path_)};
  }
  if (!is_there || !(Identity{info.st_dev, info.st_ino} == identity_)) {
    return {StatusKind::kOutput, path_ +
                                     ": error: the directory was moved or replaced while it is in use; put it back, or "
                                     "stop this process and start it with the right one"};
  }
  for (const Watched& file : watched_) {
    const std::string path = path_ + "/" + file.name;
    const bool is_file_there = fstatat(directory_, file.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
    if (!is_file_there && errno != ENOENT) {
      return {StatusKind::kOutput, path + ": error: cannot look at it: " + errno_words(errno, path)};
    }
    if (!is_file_there || !(Identity{info.st_dev, info.st_ino} == file.identity)) {
      return {StatusKind::kOutput, path +
                                       ": error: was removed or replaced while it is in use; put it back, or stop this "
                                       "process and restore the registry from a backup"};
    }
  }
  return {};
}

}  // namespace clearline
