// Chores: a thread for what may take long, one thing after the other.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#include "io/net/asio_parts.h"

namespace clearline {

/// Its end waits for the chore that is being done; those behind it are dropped.
class Chores {
 public:
  Chores() : thread_([this] { run(); }) {}
  ~Chores() {
    {
      const std::scoped_lock lock(mutex_);
      is_ending_ = true;
    }
    filled_.notify_one();
  }
  void add(std::function<void()> chore) {
    {
      const std::scoped_lock lock(mutex_);
      chores_.push_back(std::move(chore));
    }
    filled_.notify_one();
  }

 private:
  void run() {
    name_thread("clr-chores");
    std::unique_lock lock(mutex_);
    for (;;) {
      filled_.wait(lock, [&] { return !chores_.empty() || is_ending_; });
      if (is_ending_) return;
      const std::function<void()> chore = std::move(chores_.front());
      chores_.pop_front();
      lock.unlock();
      chore();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<std::function<void()>> chores_;
  bool is_ending_ = false;
  std::jthread thread_;  // last: it uses all above
};

}  // namespace clearline
