#include "io/store/folders.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace clearline {

std::string folder_of(const std::string& path) {
  std::string_view name = path;
  while (name.size() > 1 && name.ends_with('/')) name.remove_suffix(1);
  const std::size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? "." : std::string(name.substr(0, std::max<std::size_t>(slash, 1)));
}

bool sync_folder(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  const int synced = fsync(fd);
  const int error = errno;
  close(fd);
  errno = error;
  return synced == 0 || error == EINVAL;
}

bool give_to_owner_of_folder(int fd, const std::string& path) {
  if (geteuid() != 0) return true;
  struct stat folder{};
  struct stat file{};
  if (stat(folder_of(path).c_str(), &folder) != 0 || fstat(fd, &file) != 0) return false;
  if (file.st_uid == folder.st_uid && file.st_gid == folder.st_gid) return true;
  return fchown(fd, folder.st_uid, folder.st_gid) == 0;
}

}  // namespace clearline
