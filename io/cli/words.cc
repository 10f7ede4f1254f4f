#include "io/cli/words.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "io/store/output_file.h"

namespace clearline {

void say(std::string_view words) {
  while (!words.empty()) {
    const ssize_t put = write(STDERR_FILENO, words.data(), words.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return;
    words.remove_prefix(static_cast<std::size_t>(put));
  }
}

void say_without_waiting(std::string_view words) {
  pollfd room{STDERR_FILENO, POLLOUT, 0};
  // A pipe that can be written takes PIPE_BUF bytes without waiting.
  if (words.size() <= PIPE_BUF && poll(&room, 1, 0) == 1 && (room.revents & POLLOUT) != 0) say(words);
}

Status tell(std::string_view text) {
  auto file = OutputFile::open("-", FileMode::kUsual);
  if (!file.ok()) return file.status();
  Status status = file->write(text);
  if (file->pipe_closed()) return {};
  return status.ok() ? file->commit() : status;
}

}  // namespace clearline
