#include "io/net/token_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "io/formats/block.h"
#include "io/formats/errno_words.h"
#include "io/formats/utf8.h"

namespace clearline {
namespace {

/// More than a token with blanks around it: a longer first line is no token.
constexpr std::size_t kReadBytesMax = 4 * kTokenBytesMax;

TokenFile faulty(std::string fault) { return {{}, std::move(fault)}; }

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

TokenFile token_of(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  if (text.starts_with(kBom)) text.remove_prefix(kBom.size());
  std::string_view line = text.substr(0, text.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  line = line.substr(0, line.find_last_not_of(kBlanks) + 1);
  if (line.empty()) return faulty("holds no token in its first line; put it there");
  if (line.size() > kTokenBytesMax) return faulty("holds a token of more than 1024 bytes; make a shorter one");
  if (!is_utf8(line)) return faulty("is not UTF-8; save it as UTF-8");
  if (std::any_of(line.begin(), line.end(), is_control))
    return faulty("holds a control character in its first line; make a token of letters and digits");
  return {std::string(line), {}};
}

}  // namespace

TokenFile read_token_file(const std::string& path) {
  // A pipe without a writer must not hold up the start.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return faulty("cannot be opened: " + errno_words(errno));
  struct stat info{};
  std::array<char, kReadBytesMax> bytes{};
  std::size_t size = 0;
  int error = fstat(fd, &info) == 0 ? 0 : errno;
  const bool is_file = error == 0 && S_ISREG(info.st_mode);
  while (is_file && size < bytes.size()) {
    const ssize_t got = read(fd, bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) error = errno;
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  close(fd);
  if (error != 0) return faulty("cannot be read: " + errno_words(error));
  if (!is_file) return faulty("is no file; put the token in one");
  if ((info.st_mode & 077) != 0) return faulty("can be used by others; chmod 600 it, and make a new token");
  return token_of({bytes.data(), size});
}

}  // namespace clearline
