// FeedWorker: one thread and its connections. (Included by feed_server.cc and feed_worker.cc alone: it names Asio.)
//
// Life of a connection
//
//   hello      where a token is needed: its first line must be one, within handshake_timeout
//   open       wait until something can be read -> read -> screen -> send, and again. One of two things is waited for:
//              that it can be read, or, as long as answers are held, that they can be sent. So a peer that takes no answers is
//              not read, and what waits is the answers to one slice and the rest of one read
//   draining   (of the whole thread) the server stops: what the system has received by then is read and answered still
//   lingering  nothing more is handed to the system (Lingerers)
//
// A read is cut into slices of whole lines (kSliceBytes, kSliceLines), and each slice is screened and sent: large enough that a
// system call is nothing beside it, small enough that answers go out while the next slice is judged, and that their size has
// a bound.
//
// Memory      one block and one buffer of verdicts a thread, a screener for each kind of client. A connection that waits holds
//             nothing but some 1.1 KiB and what is left of a line.
// Threads     all of it is used by its own thread; adopt(), use() and drain() post to it, and so does a worker that gives it a
//             connection, which is then the new one's alone.
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "clearline/registry.h"
#include "io/formats/block.h"
#include "io/formats/input_format.h"
#include "io/formats/screen_block.h"
#include "io/net/asio_parts.h"
#include "io/net/feed_lines.h"
#include "io/net/lingerers.h"
#include "io/net/log.h"
#include "io/net/server_config.h"
#include "io/net/server_counters.h"
#include "io/net/serving.h"

namespace clearline {

class FeedWorker {
 public:
  using Clock = std::chrono::steady_clock;

  /// All outlive it. `gone` is called with the address of each connection that ends.
  struct Parts {
    const ServerConfig& config;
    const Registry& registry;
    ServerCounters& all;
    FeedCounters& counters;
    Log& log;
    std::function<void(const std::string& address)> gone;
    /// Of all workers, the one that has least to do; and calls `hand_over` unless the server is stopping.
    std::function<FeedWorker&()> idlest;
    std::function<void(const std::function<void()>& hand_over)> unless_stopping;
  };
  FeedWorker(const Parts& parts, ServingPtr serving, int number);
  ~FeedWorker();

  void start();
  /// From any thread: a connection, as a descriptor, that is this thread's from now on.
  void adopt(int descriptor, const Tcp::endpoint& peer);
  void use(ServingPtr serving);
  /// Answers what was received, closes, and lets the thread end.
  void drain();
  /// Waits for the end of the thread; at the deadline whatever is left is cut off.
  void join(Clock::time_point deadline);

  /// Connections it has, or will have in a moment.
  std::size_t load() const { return load_.load(std::memory_order_relaxed); }
  /// Share of the time for which it had a processor, lately; 0 to 1.
  double busy() const { return busy_.load(std::memory_order_relaxed); }

 private:
  struct Connection;
  using ConnectionPtr = std::shared_ptr<Connection>;
  struct Screening;

  void run();
  void take(int descriptor, const Tcp::endpoint& peer);
  void balance();
  void give(const ConnectionPtr& connection);
  void take_over(const ConnectionPtr& connection);
  bool is_still_known(Connection& connection) const;
  void wait_readable(const ConnectionPtr& connection);
  void wait_writable(const ConnectionPtr& connection);
  void read(const ConnectionPtr& connection);
  bool is_scarce() const;
  std::size_t bytes_to_read(const Connection& connection) const;
  void answer(const ConnectionPtr& connection, FeedLines::Framed framed);
  bool take_hello(Connection& connection, std::string_view text, std::size_t& at, bool is_last);
  std::string_view next_slice(std::string_view text, std::size_t& lines);
  void screen(Connection& connection, std::string_view slice, std::size_t lines);
  bool send(Connection& connection, std::string_view text, std::uint64_t declarations);
  void send_held(const ConnectionPtr& connection);
  void count_answered(Connection& connection, std::uint64_t declarations);
  void go_on(const ConnectionPtr& connection);
  void start_draining(const ConnectionPtr& connection);
  void finish_drained(const ConnectionPtr& connection);
  void refuse(Connection& connection, std::string_view event, std::string_view error, std::string_view detail,
              bool is_hello);
  void close_for(Connection& connection, LimitHit limit, std::string_view detail);
  void finish(Connection& connection);
  void abort(Connection& connection);
  void remove(Connection& connection);
  void leave(Connection& connection);
  void take_out(Connection& connection);
  void count_gone(const std::string& address);
  void end_if_drained();
  void update_held(Connection& connection);
  Screening& screening_of(Connection& connection);
  bool needs_token() const { return !serving_->clients.empty(); }
  void sweep();
  void retry_starved();

  Parts parts_;
  const Limits& limits_;
  ServingPtr serving_;
  int number_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::steady_timer sweeper_;
  asio::steady_timer starved_timer_;
  std::vector<ConnectionPtr> connections_;
  Lingerers lingerers_;
  std::vector<ConnectionPtr> starved_;  // would read, were there not too much unanswered
  std::vector<std::unique_ptr<Screening>> screenings_;
  std::size_t read_bytes_;
  std::size_t slice_lines_;
  Block block_;
  VerdictBlock verdicts_;
  OutBuffer words_;
  bool is_draining_ = false;
  std::atomic<std::size_t> load_{0};
  std::atomic<double> busy_{0};
  Clock::time_point balanced_at_;
  std::chrono::nanoseconds balanced_time_{0};  // of this thread's processor
  std::atomic<bool> has_ended_{false};
  std::jthread thread_;
};

}  // namespace clearline
