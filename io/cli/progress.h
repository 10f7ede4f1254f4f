// Progress: one line on a terminal's stderr, redrawn a few times a second; nothing elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace clearline {

class Progress {
 public:
  /// `what`: "declarations"; `bytes_total`: when known. Shown only if `shown` (a terminal, and the user did not ask for
  /// quiet).
  Progress(std::string what, std::optional<std::uint64_t> bytes_total, bool shown);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  /// Redraws when it is time to.
  void update(std::uint64_t items, std::uint64_t bytes);

 private:
  using Clock = std::chrono::steady_clock;
  std::string what_;
  std::optional<std::uint64_t> bytes_total_;
  bool shown_;
  bool drawn_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point next_ = start_;
};

/// `1,234,567`.
std::string with_commas(std::uint64_t number);
/// `1.2 GB`.
std::string as_bytes(double bytes);

}  // namespace clearline
