#include "io/cli/machine.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "clearline/status.h"
#include "io/cli/words.h"
#include "io/store/output_file.h"

namespace clearline {
namespace {

// LeakSanitizer attaches to the process at its end, which a process without dumps forbids.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

/// Read by the signal handler: release in set_interrupt_words(), acquire there.
std::atomic<const char*> interrupt_words{"\nclearline: interrupted: each output file is whole, or as it was before\n"};
static_assert(std::atomic<const char*>::is_always_lock_free, "a signal handler waits for no lock");

void end_by_signal(int) {
  remove_pending_output_files();
  say_without_waiting(interrupt_words.load(std::memory_order_acquire));
  _exit(static_cast<int>(StatusKind::kInterrupted));
}

/// A standard descriptor that is closed would go to the next file that is opened: words would end up among verdicts. In
/// its place comes one that can neither be read nor written, so that all fails as it should.
void hold_closed_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // The lowest free number is the one that is missing.
    if (fcntl(fd, F_GETFD) < 0) (void)open("/", O_PATH | O_CLOEXEC);
  }
}

/// Signals that mean nothing to this program and would end it all the same: from a timer, a terminal or a script that has the
/// wrong process. SIGPIPE and SIGXFSZ are errors of write() instead. What is handled before main stays: a profiler's say.
void ignore_stray_signals() {
  const auto ignore = [](int number) {
    struct sigaction before{};
    if (sigaction(number, nullptr, &before) == 0 && before.sa_handler == SIG_DFL) std::signal(number, SIG_IGN);
  };
  for (const int number : {SIGPIPE, SIGXFSZ, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGSTKFLT})
    ignore(number);
  for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) ignore(number);
}

}  // namespace

int usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (file >> quota >> period && quota != "max" && period > 0) {
    const double processors = std::strtod(quota.c_str(), nullptr) / period;
    count = std::min(count, static_cast<int>(processors + 0.999));
  }
  return std::max(count, 1);
}

bool stderr_is_terminal() { return isatty(STDERR_FILENO) != 0; }

std::int64_t now_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void set_interrupt_words(const char* words) { interrupt_words.store(words, std::memory_order_release); }

void prepare_process() {
  hold_closed_descriptors();
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  if (!kSanitized) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  ignore_stray_signals();
  struct sigaction action{};
  action.sa_handler = end_by_signal;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    // A run under nohup stays deaf to SIGHUP.
    struct sigaction before{};
    if (sigaction(number, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) continue;
    sigaction(number, &action, nullptr);
  }
}

}  // namespace clearline
