#include "tests/support/process.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace clearline::test {
namespace {

void close_fd(int& fd) {
  if (fd >= 0) close(fd);
  fd = -1;
}

/// Starts the program on these descriptors.
pid_t start(const std::vector<std::string>& arguments, const ProcessSetup& setup, int in, int out, int err) {
  std::signal(SIGPIPE, SIG_IGN);
  std::string path = CLEARLINE_PROGRAM;
  std::vector<std::string> texts{path};
  texts.insert(texts.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  argv.reserve(texts.size() + 1);
  for (auto& text : texts) argv.push_back(text.data());
  argv.push_back(nullptr);
  const pid_t child = fork();
  if (child != 0) return child;
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  const auto redirect = [](const std::string& file, int flags, int fd) {
    if (file.empty()) return;
    const int opened = open(file.c_str(), flags | O_CLOEXEC, 0600);
    if (opened < 0) _exit(127);
    dup2(opened, fd);
  };
  redirect(setup.input_path, O_RDONLY, STDIN_FILENO);
  redirect(setup.output_path, O_WRONLY | O_CREAT | (setup.output_appends ? O_APPEND : O_TRUNC), STDOUT_FILENO);
  redirect(setup.error_path, O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
  for (const int fd : setup.closed) close(fd);
  const auto limit = static_cast<rlim_t>(setup.file_bytes_max);
  const rlimit file_size{limit, limit};
  if (limit != 0) setrlimit(RLIMIT_FSIZE, &file_size);
  const uid_t user = setup.user;
  if (user != 0 && (setgroups(0, nullptr) != 0 || setgid(user) != 0 || setuid(user) != 0)) _exit(126);
  execv(path.c_str(), argv.data());
  _exit(127);
}

/// Its exit code, and what it used.
int wait_for(pid_t child, rusage& usage) {
  int status = 0;
  wait4(child, &status, 0, &usage);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

ProcessResult run_clearline(const std::vector<std::string>& arguments, const ProcessSetup& setup) {
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  std::array<int, 2> err{};
  if (pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0 || pipe2(err.data(), O_CLOEXEC) != 0)
    std::abort();
  const pid_t child = start(arguments, setup, in[0], out[1], err[1]);
  close_fd(in[0]);
  close_fd(out[1]);
  close_fd(err[1]);
  fcntl(in[1], F_SETFL, O_NONBLOCK);

  ProcessResult result;
  std::size_t written = 0;
  const auto start = std::chrono::steady_clock::now();
  bool signalled = false;
  while (out[0] >= 0 || err[0] >= 0) {
    const auto elapsed = std::chrono::steady_clock::now() - start;
    if (elapsed > std::chrono::minutes(5)) kill(child, SIGKILL);
    if (setup.signal_after_ms > 0 && !signalled && elapsed > std::chrono::milliseconds(setup.signal_after_ms)) {
      signalled = true;
      kill(child, setup.signal);
    }
    if (in[1] >= 0 && written == setup.input.size() && (setup.signal_after_ms == 0 || signalled)) close_fd(in[1]);
    std::array<pollfd, 3> polled{{{out[0], POLLIN, 0}, {err[0], POLLIN, 0}, {in[1], POLLOUT, 0}}};
    if (written == setup.input.size()) polled[2].fd = -1;
    poll(polled.data(), polled.size(), setup.signal_after_ms > 0 && !signalled ? 1 : 20);
    std::array<char, 65'536> buffer{};
    const auto take = [&](int& fd, const pollfd& state, std::string& text) {
      if (fd < 0 || state.revents == 0) return;
      const ssize_t got = read(fd, buffer.data(), buffer.size());
      if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
      if (got == 0) close_fd(fd);
    };
    take(out[0], polled[0], result.out);
    take(err[0], polled[1], result.err);
    if (setup.close_stdout_early && !result.out.empty()) close_fd(out[0]);
    if (in[1] >= 0 && polled[2].revents != 0) {
      const ssize_t put = write(in[1], setup.input.data() + written, setup.input.size() - written);
      if (put > 0) written += static_cast<std::size_t>(put);
      if (put < 0 && errno != EAGAIN) {
        written = setup.input.size();
        close_fd(in[1]);
      }
    }
  }
  close_fd(in[1]);
  rusage usage{};
  result.exit_code = wait_for(child, usage);
  result.peak_kib = usage.ru_maxrss;
  return result;
}

Conversation::Conversation(const std::vector<std::string>& arguments, const ProcessSetup& setup)
    : err_(std::tmpfile(), std::fclose) {
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  if (!err_ || pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0) std::abort();
  child_ = start(arguments, setup, in[0], out[1], fileno(err_.get()));
  close_fd(in[0]);
  close_fd(out[1]);
  in_ = in[1];
  out_ = out[0];
  fcntl(in_, F_SETFL, O_NONBLOCK);
  fcntl(out_, F_SETFL, O_NONBLOCK);
}

Conversation::~Conversation() {
  if (child_ < 0) return;
  kill();
  end();
}

void Conversation::kill() const { signal(SIGKILL); }

void Conversation::signal(int number) const { ::kill(child_, number); }

/// Moves what can be moved now, after waiting at most a minute for something to move.
void Conversation::exchange(Wait wait) {
  std::array<pollfd, 2> polled{
      {{out_, POLLIN, 0}, {wait == Wait::kForInputOrOutput && !unsent_.empty() ? in_ : -1, POLLOUT, 0}}};
  poll(polled.data(), polled.size(), wait == Wait::kNone ? 0 : 60'000);
  std::array<char, 65'536> buffer{};
  while (out_ >= 0) {
    const ssize_t got = read(out_, buffer.data(), buffer.size());
    if (got < 0) break;
    if (got == 0) close_fd(out_);
    came_.append(buffer.data(), static_cast<std::size_t>(got));
  }
  if (in_ < 0 || unsent_.empty()) return;
  const ssize_t put = write(in_, unsent_.data(), unsent_.size());
  if (put > 0) unsent_.erase(0, static_cast<std::size_t>(put));
  if (put < 0 && errno != EAGAIN) close_fd(in_);
}

bool Conversation::send(std::string_view text) {
  unsent_ = text;
  exchange(Wait::kNone);
  while (in_ >= 0 && !unsent_.empty()) exchange(Wait::kForInputOrOutput);
  return in_ >= 0;
}

std::optional<std::string> Conversation::take_line() {
  if (came_.find('\n') == std::string::npos) exchange(Wait::kNone);
  const std::size_t end = came_.find('\n');
  if (end == std::string::npos) return std::nullopt;
  std::string line = came_.substr(0, end);
  came_.erase(0, end + 1);
  return line;
}

std::optional<std::string> Conversation::read_line() {
  const auto start = std::chrono::steady_clock::now();
  while (out_ >= 0 && came_.find('\n') == std::string::npos) {
    if (std::chrono::steady_clock::now() - start > std::chrono::minutes(1)) return std::nullopt;
    exchange(Wait::kForOutput);
  }
  return take_line();
}

ProcessResult Conversation::end() {
  close_fd(in_);
  while (out_ >= 0) exchange(Wait::kForOutput);
  ProcessResult result;
  rusage usage{};
  result.exit_code = wait_for(child_, usage);
  child_ = -1;
  result.out = std::move(came_);
  std::array<char, 4096> buffer{};
  for (;;) {
    const auto at = static_cast<off_t>(result.err.size());
    const ssize_t got = pread(fileno(err_.get()), buffer.data(), buffer.size(), at);
    if (got <= 0) break;
    result.err.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return result;
}

}  // namespace clearline::test
