// LatencyHistogram: durations by their logarithm, so that any percentile is known within 2.3 %, from 100 ns to 1,000 s.
//
// Threads     any may add and read. Costs some 25 ns and no lock; what is read while others add is of no one moment.
// Source      the idea of HdrHistogram (Tene); the axis is Boost.Histogram's.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace clearline {

class LatencyHistogram {
 public:
  static constexpr std::size_t kBins = 1'024;

  /// Counts `count` durations of `value`; what is outside the range counts at its end.
  void add(std::chrono::nanoseconds value, std::uint64_t count = 1);
  /// Adds all that another one holds.
  void add(const LatencyHistogram& other);

  std::uint64_t count() const;
  /// The duration below or at which a share of all lie, `share` from 0 to 1: the upper end of its bin, never more than the
  /// longest that was added. 0 when empty.
  std::chrono::nanoseconds percentile(double share) const;
  std::chrono::nanoseconds longest() const;
  /// The sum of all, each as it was added.
  std::chrono::nanoseconds total() const;

 private:
  std::array<std::atomic<std::uint64_t>, kBins> bins_{};
  std::atomic<std::int64_t> longest_ns_{0};
  std::atomic<std::int64_t> total_ns_{0};
};

}  // namespace clearline
