// Dates: all are Korean (+09:00, no summer time).
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace clearline {

/// A Korean calendar day, as days since 1970-01-01. Years 0000 to 9999.
struct Date {
  std::int32_t days = 0;
  friend constexpr auto operator<=>(Date, Date) = default;
};

/// Reads `YYYY-MM-DD`, exactly; nothing if the day does not exist.
std::optional<Date> parse_date(std::string_view text);

/// Reads a date, or an RFC 3339 time with offset, as the Korean day on which it falls.
std::optional<Date> parse_declared_at(std::string_view text);

/// `YYYY-MM-DD`.
std::string format_date(Date date);

/// The Korean day of a Unix time in seconds.
Date korean_date(std::int64_t unix_seconds);

}  // namespace clearline
