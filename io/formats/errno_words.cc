#include "io/formats/errno_words.h"

#include <cerrno>
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
    case EROFS:
      return "check its permissions";
    case ENOSPC:
    case EDQUOT:
      return "make room";
    case EFBIG:
      return "allow larger files (ulimit -f)";
    case EMFILE:
    case ENFILE:
      return "allow more open files (ulimit -n)";
    case EBADF:
      return "it is closed, or open for something else";
    default:
      return "check the file and its disk";
  }
}

}  // namespace

std::string errno_words(int error) { return std::generic_category().message(error) + "; " + mend_of(error); }

}  // namespace clearline
