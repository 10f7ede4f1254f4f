#include "io/formats/errno_words.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>

namespace clearline {
namespace {

const char* mend_of(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG:
      return "check its name";
    case EACCES:
    case EPERM:
      return "check its permissions";
    case EROFS:
      return "make its file system writable, or name another";
    case ENOSPC:
    case EDQUOT:
      return "make room";
    case EFBIG:
      return "allow larger files (ulimit -f)";
    case EMFILE:
    case ENFILE:
      return "allow more open files (ulimit -n)";
    case ENOMEM:
      return "free some memory";
    case EIO:
      return "check its disk";
    case EBADF:
      return "it is closed, or open for something else";
    default:
      return "check the file and its disk";
  }
}

/// The owner of the path, or of the deepest folder on the way to it that can be looked at.
uid_t owner_of(std::string_view path) {
  struct stat info{};
  while (!path.empty() && stat(std::string(path).c_str(), &info) != 0) {
    const std::size_t slash = path.find_last_of('/');
    path = slash == std::string_view::npos ? "." : slash == 0 && path.size() > 1 ? "/" : path.substr(0, slash);
  }
  return path.empty() ? geteuid() : info.st_uid;
}

}  // namespace

std::string errno_words(int error) { return std::generic_category().message(error) + "; " + mend_of(error); }

std::string errno_words(int error, const std::string& path) {
  if (error != EACCES && error != EPERM) return errno_words(error);
  const uid_t owner = owner_of(path);
  const uid_t user = geteuid();
  if (owner == user || user == 0) return errno_words(error);
  return std::generic_category().message(error) + "; it or its folder belongs to uid " + std::to_string(owner) +
         ", and this runs as uid " + std::to_string(user) + ": run it as that user, or check its permissions";
}

}  // namespace clearline
