#include "engine/latency_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace clearline::test {
namespace {

using std::chrono::nanoseconds;

TEST(LatencyHistogram, PercentilesAreWithinTheWidthOfABinOfThoseOfTheSortedList) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> durations(12, 2);
  LatencyHistogram histogram;
  std::vector<std::int64_t> all;
  for (int i = 0; i < 20'000; ++i) {
    const auto ns =
        std::clamp(static_cast<std::int64_t>(durations(random)), std::int64_t{100}, std::int64_t{1'000'000'000'000});
    all.push_back(ns);
    histogram.add(nanoseconds(ns));
  }
  std::sort(all.begin(), all.end());
  for (const double share : {0.001, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto at = static_cast<std::size_t>(std::ceil(share * 20'000)) - 1;
    const auto exact = static_cast<double>(all[at]);
    EXPECT_GE(static_cast<double>(histogram.percentile(share).count()), exact * 0.999) << share;
    EXPECT_LE(static_cast<double>(histogram.percentile(share).count()), exact * 1.024) << share;
  }
  EXPECT_EQ(histogram.longest().count(), all.back());
  EXPECT_EQ(histogram.count(), 20'000U);
}

TEST(LatencyHistogram, WhatIsOutsideTheRangeCountsAtItsEnds) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.percentile(0.5).count(), 0);
  histogram.add(nanoseconds(-5));
  histogram.add(nanoseconds(0), 2);
  histogram.add(std::chrono::hours(1));
  EXPECT_EQ(histogram.count(), 4U);
  EXPECT_LE(histogram.percentile(0.5).count(), 103);
  EXPECT_EQ(histogram.longest(), std::chrono::hours(1));
}

TEST(LatencyHistogram, AddsAnother) {
  LatencyHistogram a;
  LatencyHistogram b;
  a.add(nanoseconds(1'000), 3);
  b.add(nanoseconds(1'000'000), 1);
  a.add(b);
  EXPECT_EQ(a.count(), 4U);
  EXPECT_EQ(a.total().count(), 1'003'000);
  EXPECT_EQ(a.longest().count(), 1'000'000);
}

}  // namespace
}  // namespace clearline::test
