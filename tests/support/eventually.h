// Waiting for what another thread or process is about to do.
#pragma once

#include <chrono>
#include <thread>

namespace clearline::test {

/// Waits until something holds; false: it did not within 20 s.
template <typename Holds>
bool eventually(const Holds& holds) {
  for (int i = 0; i < 20'000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

}  // namespace clearline::test
