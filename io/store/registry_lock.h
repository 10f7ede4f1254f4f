// RegistryLock: the right to change a registry directory, as long as it lives.
//
// What is locked  the directory itself: flock on a descriptor of it. A file in it would be locked by its name alone: whoever
//                 removes the file, or puts another in its place, makes a second lock beside the first. A directory that is
//                 moved takes its lock along. flock, since SQLite's own locks on journal.db are POSIX locks: those end as
//                 soon as the process closes any descriptor of the file, and flock does not touch them.
// DIR/lock        is locked as well, for the version before, which knows no other lock. It protects nothing else.
// Whose it is     files of a directory belong to its owner. Root may change it and gives the owner what it makes
//                 (give_to_owner_of_folder; SQLite does the same with its log); another user is refused.
// Looking back    check() finds a directory that was moved or replaced, and files that were removed or replaced while they
//                 are in use: what is written then is not what the next start reads. Costs six calls of the system.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "clearline/status.h"

namespace clearline {

class RegistryLock {
 public:
  enum class Kind {
    kOfRegistry,  ///< of a directory that may have been used before
    kOfNewOne,    ///< of one that is being made: a file `lock` that is there already is refused
  };
  /// kRegistry when another process holds it, the directory is another user's, or cannot be opened; of a new one, kOutput.
  static Result<std::unique_ptr<RegistryLock>> take(const std::string& directory, Kind kind);
  RegistryLock(const RegistryLock&) = delete;
  RegistryLock& operator=(const RegistryLock&) = delete;
  ~RegistryLock();

  /// Remembers these files of the directory, as they are now, for check().
  void watch(const std::vector<std::string>& names);
  /// kOutput when the path of the directory leads to another one or nowhere, or one of these files is not the one that
  /// was there.
  Status check() const;

 private:
  explicit RegistryLock(std::string path) : path_(std::move(path)) {}
  Status open(Kind kind);
  Status open_old_lock(Kind kind);

  struct Identity {
    dev_t device = 0;
    ino_t inode = 0;
    friend bool operator==(const Identity&, const Identity&) = default;
  };
  struct Watched {
    std::string name;
    Identity identity;
  };

  std::string path_;
  int directory_ = -1;
  int old_lock_ = -1;
  Identity identity_;
  std::vector<Watched> watched_;
};

}  // namespace clearline
