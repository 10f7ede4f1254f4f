// ReadyQueue: which connections can be read or written, for any number of threads that serve them.
//
// Idea        one epoll of the system's for all. A connection in it is asked about once (EPOLLONESHOT): the thread that is told has it
//             to itself until it asks again. So each connection is served by whoever is free, one that the system lets wait for a
//             processor holds up nothing but what it has in hand, and who goes on waiting is woken by nobody.
// Why not an io_context that all threads run: it wakes one more thread for each event, to wait in the first one's place. Measured
//             (bench/README.md): at half of the peak p99 575 to 1,104 us and not 367 to 411, one connection 2.8 million/s and not 3.2.
//             And an io_context a thread, to which connections are dealt, lets connections wait for their thread while another idles.
// Threads     wait() from any; the rest as well, for a connection by whoever has it locked (FeedSlot).
// Late news   what a thread was told may be over when it has the lock: a connection is gone, or another one in its slot. Whoever is
//             told looks for itself; a slot lives as long as the server.
#pragma once

#include <atomic>
#include <cstdint>

namespace clearline {

struct FeedSlot;

class ReadyQueue {
 public:
  enum class When : std::uint8_t {
    kReadable,
    kWritable,
    kAtOnce,  ///< readable or writable: at once, unless its peer leaves it nearly full of answers, and sends nothing
  };

  ReadyQueue();
  ~ReadyQueue();
  ReadyQueue(const ReadyQueue&) = delete;
  ReadyQueue& operator=(const ReadyQueue&) = delete;

  /// A connection that is not asked about yet. False: the system takes no more.
  bool add(int descriptor, FeedSlot& slot) const;
  /// Asks about it, once; what was asked before is forgotten. A peer that is gone is told of always.
  void ask(int descriptor, FeedSlot& slot, When when) const;
  void remove(int descriptor) const;

  /// Waits for the next connection that can be served; null once end() was called.
  FeedSlot* wait() const;
  /// Also connections that can be served still are told of no more.
  void end();

 private:
  int epoll_;
  int end_;  // an event that never passes
  std::atomic<bool> has_ended_{false};
};

}  // namespace clearline
