// A suspend while the feed is flooded: from its sending to its `ok`, beside what the machine itself makes a thread wait.
//
//   suspend_bench FILE HOST:PORT SOCKET PEOPLE [CONNECTIONS] [SECONDS]     48 10
//
// The flood: connections that always have more declarations of FILE to send than the server takes, each as many unanswered as a
// feed may have. Each 20 ms a suspend of another active person of seed 1 (0 .. PEOPLE - 1 are registered) goes over the Unix
// socket, whether or not those before were answered. First one code, afterwards each is declared on the feed: it must be held for
// `code_suspended`. In the end all are resumed, so that the registry is as it was.
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/hiccup_meter.h"
#include "bench/load.h"
#include "bench/made_up.h"
#include "clearline/code.h"
#include "io/generate/people.h"

namespace clearline::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kEvery(20);
constexpr std::chrono::seconds kPatience(20);

/// Changes over the Unix socket, answers in order.
class Registrar {
 public:
  explicit Registrar(const std::string& path) : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    require(path.size() < sizeof to.sun_path, "a path that fits a socket");
    path.copy(to.sun_path, sizeof to.sun_path - 1);
    require(connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0, "connecting to the Unix socket");
    // Ids of this run are no other run's.
    run_ = std::to_string(std::chrono::system_clock::now().time_since_epoch().count());
  }
  ~Registrar() { ::close(fd_); }
  Registrar(const Registrar&) = delete;
  Registrar& operator=(const Registrar&) = delete;

  void send(std::string_view op, const std::string& code) {
    const std::string id = "bench-" + run_ + "-" + std::to_string(sent_++);
    const std::string line =
        R"({"op":")" + std::string(op) + R"(","code":")" + code + R"(","change_id":")" + id + "\"}\n";
    require(::send(fd_, line.data(), line.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(line.size()),
            "sending a change");
  }

  /// Waits until then for answers, and gives how many have come; each must be an `ok`, of the next change.
  std::size_t receive(Clock::time_point until) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd wait{fd_, POLLIN, 0};
    if (poll(&wait, 1, static_cast<int>(std::max<std::int64_t>(left, 0))) <= 0) return 0;
    std::array<char, 65'536> bytes;
    const ssize_t got = recv(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    require(got > 0 || errno == EINTR, "the Unix socket was closed");
    came_.append(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    std::size_t count = 0;
    for (std::size_t end = came_.find('\n'); end != std::string::npos; end = came_.find('\n')) {
      const std::string ok =
          R"({"change_id":"bench-)" + run_ + "-" + std::to_string(answered_) + R"(","ok":true,"seq":)";
      if (!came_.starts_with(ok)) std::fprintf(stderr, "answered: %s\n", came_.substr(0, end).c_str());
      require(came_.starts_with(ok), "the answer to a change");
      came_.erase(0, end + 1);
      ++answered_;
      ++count;
    }
    return count;
  }

  void wait_for_all() {
    const auto until = Clock::now() + kPatience;
    while (answered_ < sent_) {
      receive(until);
      require(Clock::now() < until, "changes were not answered in time");
    }
  }

 private:
  int fd_;
  std::string run_;
  std::uint64_t sent_ = 0;
  std::uint64_t answered_ = 0;
  std::string came_;
};

/// Codes that can be suspended.
std::vector<std::string> active_codes(std::uint64_t people_count, std::size_t count) {
  const generate::People people(1);
  std::vector<std::string> codes;
  for (std::uint64_t i = 0; i < people_count && codes.size() < count; ++i) {
    const std::uint64_t number = i * 7919 % people_count;
    if (people.traits(number).status == CodeStatus::kActive) codes.push_back(format_code(people.code(number)));
  }
  require(codes.size() == count, "enough people");
  return codes;
}

void require_suspended(const std::vector<std::string>& codes, const std::string& feed) {
  Requests declarations;
  for (const std::string& code : codes) {
    declarations.add(R"({"id":"S1","code":")" + code + R"(","name":"HONG GILDONG","zip":"04524"})" + "\n");
  }
  const std::string answers = ask_once(declarations, feed, 1);
  std::size_t held = 0;
  constexpr std::string_view kHeld = R"({"id":"S1","verdict":"hold","reasons":["code_suspended")";
  for (std::size_t at = answers.find(kHeld); at != std::string::npos; at = answers.find(kHeld, at + 1)) ++held;
  require(held == codes.size(), "a suspended code on the feed");
}

void suspend_each(Registrar& registrar, const std::vector<std::string>& codes, Clock::time_point start,
                  LatencyHistogram& latencies) {
  std::vector<Clock::time_point> sent;
  std::size_t answered = 0;
  const auto receive = [&](Clock::time_point until) {
    const std::size_t count = registrar.receive(until);
    const auto now = Clock::now();
    for (std::size_t i = 0; i < count; ++i) latencies.add(now - sent[answered++]);
  };
  for (const std::string& code : codes) {
    while (Clock::now() < start) receive(start);
    sent.push_back(Clock::now());
    registrar.send("suspend", code);
    start += kEvery;
  }
  const auto until = Clock::now() + kPatience;
  while (answered < codes.size()) {
    receive(until);
    require(Clock::now() < until, "suspends were not answered in time");
  }
}

void measure(const Requests& requests, const LoadPlan& plan, const std::string& socket, std::uint64_t people) {
  const auto suspends = static_cast<std::size_t>(plan.measured / kEvery);
  const std::vector<std::string> codes = active_codes(people, suspends + 1);
  Registrar registrar(socket);
  registrar.send("suspend", codes.back());
  registrar.wait_for_all();
  require_suspended({codes.back()}, plan.address);

  LoadResult flood;
  LatencyHistogram suspended;
  LatencyHistogram hiccups;
  {
    const std::jthread flooding([&] { run_load(requests, plan, flood); });
    const auto start = Clock::now() + plan.warm_up;
    std::this_thread::sleep_until(start);
    const HiccupMeter meter;
    suspend_each(registrar, {codes.begin(), codes.end() - 1}, start, suspended);
    hiccups.add(meter.lateness());
  }
  require_suspended(codes, plan.address);
  for (const std::string& code : codes) {
    registrar.send("resume", code);
    registrar.receive(Clock::now());
  }
  registrar.wait_for_all();

  const auto ms = [](const LatencyHistogram& of, double share) {
    return std::chrono::duration<double, std::milli>(of.percentile(share)).count();
  };
  std::printf("suspends=%zu", suspends);
  const std::initializer_list<std::pair<const char*, double>> percentiles{{"p50", 0.5}, {"p99", 0.99}, {"max", 1}};
  for (const auto& [name, share] : percentiles) {
    std::printf(" %s_ms=%.2f hiccup_%s_ms=%.2f more_%s_ms=%.2f", name, ms(suspended, share), name, ms(hiccups, share),
                name, ms(suspended, share) - ms(hiccups, share));
  }
  std::printf(" flood_per_second=%.0f\n", static_cast<double>(flood.answered) / flood.seconds);
}

}  // namespace
}  // namespace clearline::bench

int main(int argc, char** argv) {
  using namespace clearline::bench;
  if (argc < 5) {
    std::fprintf(stderr, "usage: suspend_bench FILE HOST:PORT SOCKET PEOPLE [CONNECTIONS] [SECONDS]\n");
    return 2;
  }
  LoadPlan plan;
  plan.address = argv[2];
  plan.connections = argc > 5 ? static_cast<int>(std::strtol(argv[5], nullptr, 10)) : 48;
  plan.measured = std::chrono::seconds(argc > 6 ? std::strtol(argv[6], nullptr, 10) : 10);
  plan.in_flight = 65'536;
  measure(read_requests(argv[1]), plan, argv[3], std::strtoull(argv[4], nullptr, 10));
  return 0;
}
