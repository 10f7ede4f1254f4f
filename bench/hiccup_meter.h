// HiccupMeter: how late this machine lets a thread go on that has nothing to do but wake up each millisecond. What stands beside it
// may blame the machine for that much, and for no more.
#pragma once

#include <chrono>
#include <thread>

#include "engine/latency_histogram.h"

namespace clearline::bench {

class HiccupMeter {
 public:
  HiccupMeter()
      : thread_([this](const std::stop_token& stop) {
          auto next = std::chrono::steady_clock::now();
          while (!stop.stop_requested()) {
            // A pause of many milliseconds is felt by each of the wake-ups in it, as it is by work that comes at a rate.
            std::this_thread::sleep_until(next += std::chrono::milliseconds(1));
            lateness_.add(std::chrono::steady_clock::now() - next);
          }
        }) {}

  const LatencyHistogram& lateness() const { return lateness_; }

 private:
  LatencyHistogram lateness_;
  std::jthread thread_;
};

}  // namespace clearline::bench
