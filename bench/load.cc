#include "bench/load.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <iterator>
#include <limits>
#include <thread>
#include <utility>

#include "bench/line_ends.h"
#include "bench/made_up.h"

namespace clearline::bench {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

constexpr std::size_t kReadBytes = std::size_t{256} << 10;
constexpr nanoseconds kTick = std::chrono::microseconds(100);
constexpr nanoseconds kBatchSpan = std::chrono::microseconds(4);
constexpr nanoseconds kPatience = std::chrono::seconds(20);

int connect_to(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  require(colon != std::string::npos, "an address reads 127.0.0.1:40123");
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::strtoul(address.c_str() + colon + 1, nullptr, 10)));
  require(inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr) == 1, "the address");
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  require(fd >= 0 && connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0, "connecting");
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

/// When a load begins, from when it is measured, and when nothing more is sent.
struct Times {
  Clock::time_point start;
  Clock::time_point measured_from;
  Clock::time_point end;
};

/// One thread's connections.
class Loader {
 public:
  Loader(const Requests& requests, const LoadPlan& plan, Times times)
      : requests_(requests), plan_(plan), times_(times), epoll_(epoll_create1(EPOLL_CLOEXEC)), buffer_(kReadBytes) {
    require(epoll_ >= 0, "epoll");
  }
  ~Loader() {
    for (const Connection& connection : connections_) close(connection.fd);
    if (timer_ >= 0) close(timer_);
    close(epoll_);
  }
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// A connection that starts with request `first`, and sends `most` at most.
  void add(std::size_t first, std::uint64_t most, bool keeps_answers) {
    Connection& connection = connections_.emplace_back();
    connection.fd = connect_to(plan_.address);
    connection.first = first;
    connection.most = most;
    connection.keeps_answers = keeps_answers;
    watch(connection.fd, EPOLLIN | EPOLLOUT | EPOLLET, &connection);
  }

  void run() {
    if (is_open()) {
      start_timer();
    } else {
      for (Connection& connection : connections_) top_up(connection, times_.start);
    }
    std::array<epoll_event, 64> events;
    for (;;) {
      constexpr int kLookMs = 100;
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), kLookMs);
      bool is_tick = false;
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.ptr == nullptr) {
          is_tick = true;
        } else {
          serve(*static_cast<Connection*>(event.data.ptr), event.events);
        }
      }
      const auto now = Clock::now();
      if (is_tick) {
        take_ticks(now);
        deal(now);
      }
      if (unanswered_ == 0 && (now >= times_.end || is_nothing_left())) return;
      require(now < times_.end + kPatience, "requests were not answered in time");
    }
  }

  const LoadResult& result() const { return result_; }
  const std::string& answers(std::size_t connection) const { return connections_[connection].answers; }

 private:
  struct Batch {
    std::uint64_t end = 0;  ///< of the connection's requests
    Clock::time_point moment;
  };
  struct Connection {
    int fd = -1;
    std::size_t first = 0;
    std::uint64_t most = 0;
    std::uint64_t due = 0;     ///< requests that may be sent
    std::uint64_t handed = 0;  ///< of these, up to the end of what is being sent
    const char* from = nullptr;
    const char* to = nullptr;
    bool is_full = false;  ///< the socket takes no more for now
    std::uint64_t answered = 0;
    std::uint64_t timed = 0;  ///< of the answered, those whose latency was taken
    std::size_t line_ends = 0;
    std::deque<Batch> batches;
    bool keeps_answers = false;
    std::string answers;
  };

  bool is_open() const { return plan_.per_second > 0; }
  bool is_nothing_left() const {
    return std::all_of(connections_.begin(), connections_.end(),
                       [](const Connection& connection) { return connection.due == connection.most; });
  }

  void watch(int fd, std::uint32_t what, Connection* connection) const {
    epoll_event event{};
    event.events = what;
    event.data.ptr = connection;
    require(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0, "epoll");
  }

  /// A timer of its own: epoll_wait's timeout may be late by the slack of the thread's timers, half a tick.
  void start_timer() {
    timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    itimerspec ticks{};
    ticks.it_interval.tv_nsec = kTick.count();
    ticks.it_value.tv_nsec = kTick.count();
    require(timer_ >= 0 && timerfd_settime(timer_, 0, &ticks, nullptr) == 0, "the timer");
    last_tick_ = Clock::now();
    watch(timer_, EPOLLIN | EPOLLET, nullptr);
  }

  /// A timer goes on only when it is read.
  void take_ticks(Clock::time_point now) {
    std::uint64_t ticks = 0;
    require(read(timer_, &ticks, sizeof ticks) == sizeof ticks, "the timer");
    if (now >= times_.measured_from && now < times_.end) result_.lateness.add(now - (last_tick_ + kTick), 1);
    last_tick_ += ticks * kTick;
  }

  void serve(Connection& connection, std::uint32_t what) {
    if ((what & EPOLLOUT) != 0) connection.is_full = false;
    if ((what & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) receive(connection);
    if (!is_open()) top_up(connection, Clock::now());
    send_due(connection);
  }

  /// Closed loop: lets it send again what was answered, an eighth of the window at least, so that calls carry many requests.
  void top_up(Connection& connection, Clock::time_point now) {
    if (now >= times_.end) return;
    const std::uint64_t due = std::min(connection.most, connection.answered + plan_.in_flight);
    if (due - connection.due < std::max<std::uint64_t>(plan_.in_flight / 8, 1) && due != connection.most) return;
    let_send(connection, due - connection.due, now);
    send_due(connection);
  }

  /// Open loop: gives connections what has come due.
  void deal(Clock::time_point now) {
    const double second = std::chrono::duration<double>(std::min(now, times_.end) - times_.start).count();
    const auto wanted = static_cast<std::uint64_t>(second * plan_.per_second);
    const auto in_a_batch = std::max<std::uint64_t>(
        1, static_cast<std::uint64_t>(plan_.per_second * std::chrono::duration<double>(kBatchSpan).count()));
    const auto moment_of = [&](std::uint64_t request) {
      return times_.start + nanoseconds(std::llround(static_cast<double>(request) / plan_.per_second * 1e9));
    };
    while (dealt_ < wanted) {
      Connection& connection = connections_[turn_++ % connections_.size()];
      const std::uint64_t end = std::min(wanted, dealt_ + plan_.at_once);
      while (dealt_ < end) {
        const std::uint64_t count = std::min(in_a_batch, end - dealt_);
        let_send(connection, count, moment_of(dealt_));
        dealt_ += count;
      }
      send_due(connection);
    }
  }

  void let_send(Connection& connection, std::uint64_t count, Clock::time_point moment) {
    if (count == 0) return;
    connection.due += count;
    unanswered_ += count;
    connection.batches.push_back({connection.due, moment});
  }

  void send_due(Connection& connection) const {
    while (!connection.is_full) {
      if (connection.from == connection.to) {
        if (connection.handed == connection.due) return;
        const std::size_t index = (connection.first + connection.handed) % requests_.size();
        const auto count = std::min<std::uint64_t>(connection.due - connection.handed, requests_.size() - index);
        connection.from = requests_.text.data() + requests_.starts[index];
        connection.to = requests_.text.data() + requests_.starts[index + count];
        connection.handed += count;
      }
      const ssize_t sent = ::send(connection.fd, connection.from,
                                  static_cast<std::size_t>(connection.to - connection.from), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      require(sent >= 0 || errno == EAGAIN, "a connection is broken");
      if (sent > 0) connection.from += sent;
      connection.is_full = connection.from != connection.to;
    }
  }

  void receive(Connection& connection) {
    for (;;) {
      const ssize_t got = recv(connection.fd, buffer_.data(), buffer_.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return;
      require(got > 0, "the server has closed a connection");
      const std::string_view bytes(buffer_.data(), static_cast<std::size_t>(got));
      if (connection.keeps_answers) connection.answers += bytes;
      connection.line_ends += count_line_ends(bytes);
      take_answers(connection, Clock::now(), bytes.size());
      if (bytes.size() < buffer_.size()) return;  // nothing is left; more would be another event
    }
  }

  void take_answers(Connection& connection, Clock::time_point now, std::size_t bytes) {
    const std::uint64_t answers = connection.line_ends / requests_.line_ends_of_an_answer;
    connection.line_ends %= requests_.line_ends_of_an_answer;
    connection.answered += answers;
    require(connection.answered <= connection.due, "more was answered than asked");
    unanswered_ -= answers;
    if (now >= times_.measured_from && now < times_.end) {
      result_.answered += answers;
      result_.bytes_in += bytes;
    }
    while (connection.timed < connection.answered) {
      const Batch& batch = connection.batches.front();
      const std::uint64_t end = std::min(batch.end, connection.answered);
      if (batch.moment >= times_.measured_from) result_.latencies.add(now - batch.moment, end - connection.timed);
      connection.timed = end;
      if (end == batch.end) connection.batches.pop_front();
    }
  }

  const Requests& requests_;
  const LoadPlan& plan_;
  Times times_;
  int epoll_ = -1;
  int timer_ = -1;
  std::vector<char> buffer_;
  std::deque<Connection> connections_;  // they are pointed at
  Clock::time_point last_tick_;
  std::size_t turn_ = 0;
  std::uint64_t dealt_ = 0;
  std::uint64_t unanswered_ = 0;
  LoadResult result_;
};

constexpr std::uint64_t kNoEnd = std::numeric_limits<std::uint64_t>::max();

}  // namespace

Requests read_requests(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  require(file.good(), "reading a file");
  Requests requests;
  requests.text.assign(std::istreambuf_iterator<char>(file), {});
  for (std::size_t end = 0; (end = requests.text.find('\n', end)) != std::string::npos;) {
    require(requests.text.find_first_not_of(" \t\r", requests.starts.back()) < end,
            "no blank lines: they have no answer");
    requests.starts.push_back(++end);
  }
  require(requests.starts.back() == requests.text.size(), "whole lines in the file");
  return requests;
}

void run_load(const Requests& requests, const LoadPlan& plan, LoadResult& result) {
  require(requests.size() > 0 && plan.threads > 0 && plan.connections >= plan.threads, "the plan");
  LoadPlan share = plan;
  share.per_second /= plan.threads;
  std::deque<Loader> loaders;
  Times times;
  times.start = Clock::now() + std::chrono::milliseconds(50);
  times.measured_from = times.start + plan.warm_up;
  times.end = times.measured_from + plan.measured;
  for (int thread = 0; thread < plan.threads; ++thread) {
    Loader& loader = loaders.emplace_back(requests, share, times);
    for (int i = thread; i < plan.connections; i += plan.threads) {
      loader.add(requests.size() * static_cast<std::size_t>(i) / static_cast<std::size_t>(plan.connections), kNoEnd,
                 false);
    }
  }
  std::this_thread::sleep_until(times.start);
  {
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < loaders.size(); ++i) others.emplace_back([&loaders, i] { loaders[i].run(); });
    loaders.front().run();
  }
  for (const Loader& loader : loaders) {
    result.answered += loader.result().answered;
    result.bytes_in += loader.result().bytes_in;
    result.latencies.add(loader.result().latencies);
    result.lateness.add(loader.result().lateness);
  }
  result.seconds = std::chrono::duration<double>(plan.measured).count();
}

std::string ask_once(const Requests& requests, const std::string& address, int connections) {
  LoadPlan plan;
  plan.address = address;
  constexpr std::chrono::minutes kLongest(1);
  const auto now = Clock::now();
  Loader loader(requests, plan, {now, now, now + kLongest});
  const auto parts = static_cast<std::size_t>(connections);
  for (std::size_t i = 0; i < parts; ++i) {
    const std::size_t first = requests.size() * i / parts;
    loader.add(first, requests.size() * (i + 1) / parts - first, true);
  }
  loader.run();
  std::string answers;
  for (std::size_t i = 0; i < parts; ++i) answers += loader.answers(i);
  return answers;
}

}  // namespace clearline::bench
