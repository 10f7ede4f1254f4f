// FeedHub: what the threads that serve feeds share. (Included by feed_*.cc alone: it names Asio.)
//
//   FeedKeeper  (one thread: Asio)  takes connections in, looks after their time limits, and sees them out
//        |  FeedSlot: a connection and its lock         ^ what is over, or has to wait
//        v                                              |
//   ReadyQueue --> FeedWorker 1 .. n: whoever is free takes the next that can be served, reads, screens, sends
//
// Life of a connection
//
//   hello      where a token is needed: its first line must be one, within handshake_timeout
//   open       asked about until something can be read -> read -> screen -> send, and again. It is asked about one of two things:
//              that it can be read, or, as long as answers are held, that they can be sent. So a peer that takes no answers is
//              not read, and what waits is the answers to one slice and the rest of one read
//   starved    there is too much unanswered in all: asked about again by the keeper, in a few milliseconds
//   draining   the server stops: what the system has received by then is read and answered still
//   closed     nothing more is handed to the system; it lingers (Lingerers), or is gone. The keeper empties the slot
//
// Locks       a connection is touched with the lock of its slot alone: by a worker that serves it, or by the keeper. Nobody holds two.
//             Taken once a read, hardly ever by two at a time.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "clearline/registry.h"
#include "io/net/asio_parts.h"
#include "io/net/feed_lines.h"
#include "io/net/log.h"
#include "io/net/ready_queue.h"
#include "io/net/server_config.h"
#include "io/net/server_counters.h"
#include "io/net/serving.h"

namespace clearline {

struct FeedConnection {
  using Clock = std::chrono::steady_clock;

  FeedConnection(int descriptor_of, const Tcp::endpoint& peer, std::size_t line_bytes_max)
      : descriptor(descriptor_of),
        protocol(peer.protocol()),
        address(peer.address().to_string()),
        lines(line_bytes_max),
        hello_start(Clock::now()),
        last_active(hello_start) {}

  bool is_served() const { return phase != Phase::kClosed; }
  bool is_draining() const { return left_to_drain.has_value(); }
  /// With its memory, which assigning {} would keep.
  void drop_held() {
    std::string().swap(held);
    held_sent = 0;
  }

  int descriptor;  ///< -1 once it is closed
  Stream protocol;
  std::string address;
  FeedLines lines;
  std::string held;  ///< verdicts that the system has not taken yet
  std::size_t held_sent = 0;
  std::uint64_t held_declarations = 0;
  std::uint64_t counted = 0;  ///< of its bytes, in unanswered_bytes
  enum class Phase : std::uint8_t { kHello, kOpen, kClosed } phase = Phase::kHello;
  bool is_at_end = false;  ///< the peer sends no more
  bool is_starved = false;
  bool was_starved = false;                  ///< at its last try, too: counted once
  bool is_removed = false;                   ///< its client is none any more: closed behind the answers that are held
  std::size_t queued = 0;                    ///< unsent_bytes() as it was, where answers are held
  std::optional<std::size_t> left_to_drain;  ///< draining: bytes
  std::optional<ClientConfig> client;
  Clock::time_point hello_start;
  Clock::time_point last_active;  ///< anything read or sent
  Clock::time_point read_at;      ///< of what is answered now
  std::int64_t received_us = 0;   ///< the same as Unix time
};

/// A place for a connection. Its address is what the system is given, so it lives as long as the server.
struct FeedSlot {
  std::mutex mutex;
  std::unique_ptr<FeedConnection> connection;  ///< null: free
};

/// What is served with now: threads keep the one they work with, and look for a newer one at each read.
class ServingNow {
 public:
  explicit ServingNow(ServingPtr serving) : serving_(std::move(serving)) {}

  ServingPtr get() const {
    const std::scoped_lock lock(mutex_);
    return serving_;
  }
  void set(ServingPtr serving) {
    const std::scoped_lock lock(mutex_);
    serving_ = std::move(serving);
    number_.fetch_add(1, std::memory_order_release);
  }
  /// Another one, whenever there is another to get. (acquire: get() behind it gives that one or a later.)
  std::uint64_t number() const { return number_.load(std::memory_order_acquire); }

 private:
  mutable std::mutex mutex_;
  ServingPtr serving_;
  std::atomic<std::uint64_t> number_{0};
};

struct FeedHub {
  FeedHub(const ServerConfig& of_config, const Registry& of_registry, ServerCounters& of_all, Log& to_log,
          ServingPtr with)
      : config(of_config), registry(of_registry), all(of_all), log(to_log), serving(std::move(with)) {}

  const ServerConfig& config;
  const Registry& registry;
  ServerCounters& all;
  Log& log;
  ServingNow serving;
  ReadyQueue ready;
  /// To the keeper, with the slot locked: its connection is closed. With `lingers` its descriptor is open still.
  std::function<void(FeedSlot&, bool lingers)> closed;
  /// To the keeper, with the slot locked: it may not be read for now.
  std::function<void(FeedSlot&)> starved;
};

}  // namespace clearline
