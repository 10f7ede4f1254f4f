// Lingerers: connections that are at their end, and may not have heard it.
//
// A socket that is closed while its peer still sends answers with a reset, and that makes both sides forget what is on its way: the last
// answers, the reason. So it is shut for sending alone, and what comes is thrown away, until the peer ends too, or kLinger is over and
// the peer has all that was sent, or takes none of it for `unsent_max`.
// One thread: that of its io_context, which calls sweep() now and then.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "io/net/asio_parts.h"

namespace clearline {

class Lingerers {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Lingerers(std::chrono::milliseconds unsent_max) : unsent_max_(unsent_max) {}
  ~Lingerers() { cut_all(); }

  /// A socket on which nothing is waited for; `gone` is called once it is closed.
  void add(Stream::socket socket, std::function<void()> gone);
  /// Closes those whose time is over.
  void sweep(Clock::time_point now);
  void cut_all();

  std::size_t size() const { return all_.size(); }
  bool empty() const { return all_.empty(); }

 private:
  struct One {
    Stream::socket socket;
    std::function<void()> gone;
    Clock::time_point since;
    std::size_t place = 0;  // in all_
  };
  using OnePtr = std::shared_ptr<One>;

  void wait(const OnePtr& one);
  void remove(const OnePtr& one);

  std::chrono::milliseconds unsent_max_;
  std::vector<OnePtr> all_;
  std::array<char, 16'384> thrown_away_;
};

}  // namespace clearline
