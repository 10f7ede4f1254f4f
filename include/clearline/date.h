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

/// 0000-01-01 and 9999-12-31: what lies outside cannot be written.
inline constexpr Date kDateMin{-719'528};
inline constexpr Date kDateMax{2'932'896};

/// Reads `YYYY-MM-DD`, exactly; nothing if the day does not exist.
std::optional<Date> parse_date(std::string_view text);

/// A moment, and the Korean day on which it falls.
struct Moment {
  Date day;
  std::int64_t unix_us = 0;  ///< microseconds
  bool is_day = false;       ///< a date alone was given; the same moment all the same
  friend bool operator==(const Moment& a, const Moment& b) { return a.day == b.day && a.unix_us == b.unix_us; }
};

/// Reads a date, or an RFC 3339 time with offset. A date alone is the end of its day: the last microsecond of it, so that
/// it counts all that happened on that day.
std::optional<Moment> parse_moment(std::string_view text);

/// Reads an RFC 3339 time with offset as Unix time in microseconds; further digits of a fraction are cut off. A leap
/// second is taken for the second before it, on whose day it falls: Unix time has none. At the calendar's ends its
/// Korean day may lie outside kDateMin to kDateMax.
std::optional<std::int64_t> parse_time_us(std::string_view text);

/// What is wrong with the offset of a text that parse_time_us() does not take, if that alone is wrong.
enum class OffsetFault : unsigned char {
  kNone,     ///< something else is wrong, too
  kMissing,  ///< `2025-12-01T10:00:00`
  kNoColon,  ///< `2025-12-01T10:00:00+0900`, or with the hours alone
};
inline constexpr int kOffsetFaultCount = 3;
OffsetFault offset_fault(std::string_view text);

/// `YYYY-MM-DD`; from kDateMin to kDateMax.
std::string format_date(Date date);

/// `2025-12-01T10:00:00.000000+09:00`: a Unix time in microseconds, told in Korean time; its day from kDateMin to
/// kDateMax.
std::string format_time(std::int64_t unix_us);

/// The Korean day of a Unix time in seconds.
Date korean_date(std::int64_t unix_seconds);
/// The same of one in microseconds.
Date korean_date_us(std::int64_t unix_us);

}  // namespace clearline
