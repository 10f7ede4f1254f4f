// FeedKeeper: takes the connections of feeds in, looks after their time limits, and sees them out; reading and answering is the
// workers' (feed_hub.h). (Included by feed_keeper.cc and feed_server.cc alone.)
// One thread: that of its io_context, also for each call but the constructor's and cut_all().
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "io/net/feed_hub.h"
#include "io/net/feed_out.h"
#include "io/net/lingerers.h"

namespace clearline {

class FeedKeeper {
 public:
  /// All outlive it; `counters` are its thread's. `gone` is called with the address of each connection that was taken in and ends.
  FeedKeeper(FeedHub& hub, FeedCounters& counters, asio::io_context& io, std::function<void(const std::string&)> gone);
  ~FeedKeeper() { cut_all(); }

  void start();
  /// A connection of this peer, whose descriptor is the keeper's from now on.
  void take(int descriptor, const Tcp::endpoint& peer);
  /// To who is there, what is served with now: who is no client any more is closed behind the answers that are held.
  void apply_serving();
  /// What was received is answered still; then nothing is waited for any more, so that io_context::run() returns.
  void drain();
  /// Cuts off whoever is left. No other thread touches connections any more.
  void cut_all();

 private:
  using Clock = FeedConnection::Clock;

  bool is_still_known(FeedConnection& connection, const Clients& clients) const;
  void see_out(FeedSlot& slot, bool lingers);
  void count_gone(const std::string& address);
  void end_if_drained();
  void retry_starved();
  void sweep();
  void look_at(FeedSlot& slot, Clock::time_point now);
  bool is_full() const;

  FeedHub& hub_;
  FeedCounters& counters_;
  const Limits& limits_;
  asio::io_context& io_;
  std::function<void(const std::string&)> gone_;
  FeedOut out_;
  asio::steady_timer sweeper_;
  asio::steady_timer starved_timer_;
  std::deque<FeedSlot> slots_;  // they stay where they are
  std::vector<FeedSlot*> free_;
  std::vector<FeedSlot*> starved_;  // would be read, were there not too much unanswered
  Lingerers lingerers_;
  std::size_t taken_ = 0;  // and not gone
  bool needs_token_;       // as far as apply_serving() has told who is there
  bool is_draining_ = false;
};

}  // namespace clearline
