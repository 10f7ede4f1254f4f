#include "tests/support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace clearline::test {
namespace {

void close_fd(int& fd) {
  if (fd >= 0) close(fd);
  fd = -1;
}

}  // namespace

ProcessResult run_clearline(const std::vector<std::string>& arguments, const ProcessSetup& setup) {
  std::signal(SIGPIPE, SIG_IGN);
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  std::array<int, 2> err{};
  if (pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0 || pipe2(err.data(), O_CLOEXEC) != 0)
    std::abort();
  std::string path = CLEARLINE_PROGRAM;
  std::vector<std::string> texts{path};
  texts.insert(texts.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  argv.reserve(texts.size() + 1);
  for (auto& text : texts) argv.push_back(text.data());
  argv.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    dup2(in[0], STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    const auto redirect = [](const std::string& file, int flags, int fd) {
      if (file.empty()) return;
      const int opened = open(file.c_str(), flags | O_CLOEXEC, 0600);
      if (opened < 0) _exit(127);
      dup2(opened, fd);
    };
    redirect(setup.input_path, O_RDONLY, STDIN_FILENO);
    redirect(setup.output_path, O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
    redirect(setup.error_path, O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
    for (const int fd : setup.closed) close(fd);
    const auto limit = static_cast<rlim_t>(setup.file_bytes_max);
    const rlimit file_size{limit, limit};
    if (limit != 0) setrlimit(RLIMIT_FSIZE, &file_size);
    execv(path.c_str(), argv.data());
    _exit(127);
  }
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
  int status = 0;
  rusage usage{};
  wait4(child, &status, 0, &usage);
  result.peak_kib = usage.ru_maxrss;
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace clearline::test
