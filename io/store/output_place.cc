#include "io/store/output_place.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cinttypes>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "engine/hash.h"
#include "io/store/folders.h"

namespace clearline {
namespace {

std::optional<int> number_of(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool is_in_proc(const std::string& folder) {
  struct statfs info{};
  return statfs(folder.c_str(), &info) == 0 && info.f_type == PROC_SUPER_MAGIC;
}

/// Whether a folder lists the descriptors of this process, or of one of its threads.
bool lists_own_descriptors(const std::string& folder) {
  std::array<char, PATH_MAX> real{};
  std::array<char, PATH_MAX> self{};
  if (realpath(folder.c_str(), real.data()) == nullptr || realpath("/proc/self", self.data()) == nullptr) return false;
  std::string_view rest = real.data();
  if (!rest.starts_with(self.data())) return false;
  rest.remove_prefix(std::string_view(self.data()).size());
  return rest == "/fd" || (rest.starts_with("/task/") && rest.ends_with("/fd"));
}

/// The descriptor of this process that a path names, where no link has to be read for it: there may be no /proc.
std::optional<int> own_descriptor(std::string_view path) {
  if (path == "-" || path == "/dev/stdout") return STDOUT_FILENO;
  if (path == "/dev/stderr") return STDERR_FILENO;
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (path.starts_with(folder)) return number_of(path.substr(folder.size()));
  }
  return std::nullopt;
}

std::string node_of(const struct stat& info) { return std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino); }

}  // namespace

OutputPlace output_place(const std::string& path) {
  OutputPlace place;
  place.path = path;
  constexpr int kLinksMax = 40;  // as many as the kernel follows
  for (int links = 0;; ++links) {
    auto descriptor = own_descriptor(place.path);
    const std::string folder = folder_of(place.path);
    const bool is_proc = !descriptor && is_in_proc(folder);
    if (is_proc && lists_own_descriptors(folder)) descriptor = number_of(name_of(place.path));
    if (descriptor) {
      place.kind = OutputPlace::Kind::kDescriptor;
      place.descriptor = *descriptor;
      return place;
    }
    struct stat info{};
    if (is_proc && lstat(place.path.c_str(), &info) == 0) {
      place.kind = OutputPlace::Kind::kStraight;
      return place;
    }
    std::array<char, PATH_MAX> link{};
    const ssize_t size = readlink(place.path.c_str(), link.data(), link.size());
    if (size < 0) {
      if (stat(place.path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) place.kind = OutputPlace::Kind::kStraight;
      return place;
    }
    if (links == kLinksMax) {
      place.kind = OutputPlace::Kind::kLoop;
      return place;
    }
    const std::string_view to(link.data(), static_cast<std::size_t>(size));
    place.path = to.starts_with('/') ? std::string(to) : (folder + "/").append(to);
  }
}

std::optional<std::string> file_identity(const std::string& path, int standard) {
  OutputPlace place = output_place(path);
  if (path == "-") place.descriptor = standard;
  const bool is_descriptor = place.kind == OutputPlace::Kind::kDescriptor;
  struct stat info{};
  if ((is_descriptor ? fstat(place.descriptor, &info) : stat(place.path.c_str(), &info)) == 0) {
    if (S_ISREG(info.st_mode) || S_ISFIFO(info.st_mode)) return node_of(info);
    // A terminal or a socket is both stdin and stdout by right.
    return is_descriptor ? std::optional("-" + std::to_string(place.descriptor)) : std::nullopt;
  }
  if (is_descriptor) return std::nullopt;  // closed: whoever opens it reports that
  if (stat(folder_of(place.path).c_str(), &info) == 0) {
    return node_of(info).append("/").append(name_of(place.path));
  }
  std::error_code error;
  const auto real = std::filesystem::weakly_canonical(place.path, error);
  return error ? place.path : real.string();
}

std::string path_beside(const std::string& path, std::string_view suffix) {
  const std::size_t name_at = path.rfind('/') + 1;
  const long limit = pathconf(folder_of(path).c_str(), _PC_NAME_MAX);
  const std::size_t name_max = std::min(limit > 0 ? static_cast<std::size_t>(limit) : NAME_MAX,
                                        PATH_MAX - 1 - std::min<std::size_t>(name_at, PATH_MAX - 1));
  if (path.size() - name_at + suffix.size() <= name_max) return path + std::string(suffix);
  std::array<char, 18> mark{};
  const int mark_size =
      std::snprintf(mark.data(), mark.size(), "~%016" PRIx64, checksum64(path.data() + name_at, path.size() - name_at));
  const std::size_t added = static_cast<std::size_t>(mark_size) + suffix.size();
  std::size_t kept = name_max > added ? std::min(name_max - added, path.size() - name_at) : 0;
  // Not in the middle of a character: some file systems refuse names that are not UTF-8.
  while (kept > 0 && (static_cast<unsigned char>(path[name_at + kept]) & 0xC0U) == 0x80U) --kept;
  return path.substr(0, name_at + kept).append(mark.data()).append(suffix);
}

}  // namespace clearline
