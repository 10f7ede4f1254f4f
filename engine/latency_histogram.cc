#include "engine/latency_histogram.h"

#include <algorithm>
#include <boost/histogram/axis/regular.hpp>
#include <cmath>

namespace clearline {
namespace {

namespace bh = boost::histogram;
using Axis = bh::axis::regular<double, bh::axis::transform::log>;

const Axis& axis() {
  static const Axis it(LatencyHistogram::kBins, 100.0, 1e12);
  return it;
}

}  // namespace

void LatencyHistogram::add(std::chrono::nanoseconds value, std::uint64_t count) {
  if (count == 0) return;
  const std::int64_t ns = std::max<std::int64_t>(value.count(), 0);
  const int bin = std::clamp(axis().index(static_cast<double>(ns)), 0, static_cast<int>(kBins) - 1);
  // relaxed everywhere: numbers that say nothing about each other.
  bins_[static_cast<std::size_t>(bin)].fetch_add(count, std::memory_order_relaxed);
  total_ns_.fetch_add(ns * static_cast<std::int64_t>(count), std::memory_order_relaxed);
  std::int64_t longest = longest_ns_.load(std::memory_order_relaxed);
  while (ns > longest && !longest_ns_.compare_exchange_weak(longest, ns, std::memory_order_relaxed)) {
  }
}

void LatencyHistogram::add(const LatencyHistogram& other) {
  for (std::size_t i = 0; i < kBins; ++i) {
    bins_[i].fetch_add(other.bins_[i].load(std::memory_order_relaxed), std::memory_order_relaxed);
  }
  total_ns_.fetch_add(other.total_ns_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  const std::int64_t theirs = other.longest().count();
  std::int64_t longest = longest_ns_.load(std::memory_order_relaxed);
  while (theirs > longest && !longest_ns_.compare_exchange_weak(longest, theirs, std::memory_order_relaxed)) {
  }
}

std::uint64_t LatencyHistogram::count() const {
  std::uint64_t sum = 0;
  for (const auto& bin : bins_) sum += bin.load(std::memory_order_relaxed);
  return sum;
}

std::chrono::nanoseconds LatencyHistogram::percentile(double share) const {
  const std::uint64_t all = count();
  if (all == 0) return std::chrono::nanoseconds(0);
  const auto wanted =
      std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(all))));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBins; ++i) {
    seen += bins_[i].load(std::memory_order_relaxed);
    if (seen < wanted) continue;
    const auto end = static_cast<std::int64_t>(axis().value(static_cast<double>(i) + 1));
    return std::min(std::chrono::nanoseconds(end), longest());
  }
  return longest();
}

std::chrono::nanoseconds LatencyHistogram::longest() const {
  return std::chrono::nanoseconds(longest_ns_.load(std::memory_order_relaxed));
}

std::chrono::nanoseconds LatencyHistogram::total() const {
  return std::chrono::nanoseconds(total_ns_.load(std::memory_order_relaxed));
}

}  // namespace clearline
