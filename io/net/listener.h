// Listener: accepts connections until it is told to stop.
//
// Out of descriptors (of its own bound, or the system's) it accepts nobody for a while, says so, and goes on: who connects waits in
// the system's queue. At its end those that wait there are accepted still, so that whoever has connected is answered.
// One thread: that of its io_context.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>

#include "io/net/asio_parts.h"
#include "io/net/log.h"
#include "io/net/server_counters.h"

namespace clearline {

class Listener {
 public:
  /// All outlive it, and `io` runs no handler of it afterwards.
  struct Parts {
    asio::io_context& io;
    ConnectionCounters& counters;
    Log& log;
    std::function<bool()> has_room;  ///< whether there are descriptors for one more
    std::function<void(Stream::socket)> welcome;
  };
  Listener(const Parts& parts, StreamAcceptor acceptor);

  void start();
  void stop();

 private:
  void pause();

  Parts parts_;
  StreamAcceptor acceptor_;
  asio::steady_timer pause_;
  bool is_stopped_ = false;
};

}  // namespace clearline
