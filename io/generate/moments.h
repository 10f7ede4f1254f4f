// Moments: when in a Korean day things happen.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "clearline/date.h"

namespace clearline::generate {

/// How much happens in each hour of a day, against the other hours.
using Hours = std::array<std::uint64_t, 24>;

/// Desks from nine to six, with a lunch hour, and the web around them.
inline constexpr Hours kOfficeHours{2,  1,  1,   1,  1,  2,  5,  14, 40, 90, 105, 95,
                                    55, 85, 100, 98, 92, 70, 38, 30, 28, 24, 14,  6};
/// Everybody hears of it and goes to the web, until late at night.
inline constexpr Hours kSurgeHours{30, 15, 8,  5,  5,  8,  20, 40, 65, 85, 92, 90,
                                   88, 86, 84, 82, 80, 82, 90, 96, 98, 95, 80, 55};
/// Parcels are declared as the couriers' lists come in: by day, and with the night's flights.
inline constexpr Hours kDeclarationHours{25, 20, 16, 14, 16, 24, 35, 48, 62, 80, 85, 82,
                                         66, 78, 84, 82, 80, 74, 62, 52, 46, 42, 38, 32};

inline constexpr std::int64_t kSecondUs = 1'000'000;
inline constexpr std::int64_t kHourUs = 3600 * kSecondUs;
inline constexpr std::int64_t kDayUs = 24 * kHourUs;

/// Unix time of the day's first moment in Korea.
constexpr std::int64_t start_of(Date day) { return day.days * kDayUs - 9 * kHourUs; }

/// Microseconds into the day when `place` of `places` things have happened; place < places.
constexpr std::int64_t moment_in(const Hours& hours, std::uint64_t place, std::uint64_t places) {
  // Whole numbers, so that every machine finds the same moment.
  __extension__ using Wide = unsigned __int128;
  std::uint64_t all = 0;
  for (const std::uint64_t weight : hours) all += weight;
  Wide rest = static_cast<Wide>(place) * all * static_cast<std::uint64_t>(kHourUs) / places;
  std::size_t hour = 0;
  for (; rest >= static_cast<Wide>(hours[hour]) * kHourUs; ++hour) rest -= static_cast<Wide>(hours[hour]) * kHourUs;
  return static_cast<std::int64_t>(hour) * kHourUs + static_cast<std::int64_t>(rest / hours[hour]);
}

}  // namespace clearline::generate
