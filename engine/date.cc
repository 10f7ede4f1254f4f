#include "clearline/date.h"

#include <array>
#include <chrono>

#include "engine/digits.h"
#include "engine/text.h"

namespace clearline {
namespace {

constexpr std::int64_t kDaySeconds = 86'400;
constexpr std::int64_t kKoreaSeconds = 32'400;
constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::size_t kFractionDigits = 6;

/// The number that `text` spells in exactly `count` digits from `at`; -1 if it does not.
int digits_at(std::string_view text, std::size_t at, std::size_t count) {
  if (text.size() < at + count) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (!is_digit(text[i])) return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

bool char_at(std::string_view text, std::size_t at, char wanted) { return at < text.size() && text[at] == wanted; }

/// Days of a common year before each month, from 1; one past the last.
constexpr std::array<std::int32_t, 14> kMonthStart{0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - static_cast<std::int64_t>(a % b < 0); }

}  // namespace

std::optional<Date> parse_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const std::uint64_t year_and_month = load8(text.data());
  const std::uint64_t digits = (year_and_month & 0xFFFFFFFF) | (year_and_month >> 8 & 0x0000FFFF00000000) |
                               load_some(text.data() + 8, 2) << 48;  // YYYYMMDD
  if (!are_digits(digits)) return std::nullopt;
  const std::uint64_t pairs = digit_pairs(digits);
  const auto year = static_cast<std::int32_t>((pairs & 0xFF) * 100 + (pairs >> 16 & 0xFF));
  const std::size_t month = pairs >> 32 & 0xFF;
  const auto day = static_cast<std::int32_t>(pairs >> 48);
  if (month < 1 || month > 12) return std::nullopt;
  const bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  const std::int32_t month_days = kMonthStart[month + 1] - kMonthStart[month] + static_cast<int>(is_leap && month == 2);
  if (day < 1 || day > month_days) return std::nullopt;
  // Leap days before this year, year 0 being one; the table has none.
  const std::int32_t leap_days = (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400;
  constexpr std::int32_t kDaysTo1970 = 719'528;
  return Date{year * 365 + leap_days + kMonthStart[month] + static_cast<int>(is_leap && month > 2) + day - 1 -
              kDaysTo1970};
}

namespace {

/// A time as it is read.
struct Time {
  std::int64_t unix_seconds = 0;  ///< of a leap second, those of the second before it
  std::string_view fraction;      ///< digits; views into the text
};

/// RFC 3339, 5.6: full-date ("T" / "t" / " ") hh:mm:ss ["." 1*DIGIT] ("Z" / "z" / ("+" / "-") hh:mm).
inline std::optional<Time> read_time(std::string_view text) {
  const auto date = parse_date(text.substr(0, 10));
  if (!date || !(char_at(text, 10, 'T') || char_at(text, 10, 't') || char_at(text, 10, ' '))) return std::nullopt;
  const int hour = digits_at(text, 11, 2);
  const int minute = digits_at(text, 14, 2);
  const int second = digits_at(text, 17, 2);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return std::nullopt;
  if (!char_at(text, 13, ':') || !char_at(text, 16, ':')) return std::nullopt;
  std::size_t at = 19;
  std::string_view fraction;
  if (char_at(text, at, '.')) {
    const std::size_t first = ++at;
    while (at < text.size() && is_digit(text[at])) ++at;
    if (at == first) return std::nullopt;
    fraction = text.substr(first, at - first);
  }
  int offset_seconds = 0;
  if (char_at(text, at, 'Z') || char_at(text, at, 'z')) {
    ++at;
  } else if (char_at(text, at, '+') || char_at(text, at, '-')) {
    const int offset_hour = digits_at(text, at + 1, 2);
    const int offset_minute = digits_at(text, at + 4, 2);
    if (offset_hour < 0 || offset_hour > 23 || offset_minute < 0 || offset_minute > 59) return std::nullopt;
    if (!char_at(text, at + 3, ':')) return std::nullopt;
    offset_seconds = (text[at] == '-' ? -1 : 1) * (offset_hour * 3600 + offset_minute * 60);
    at += 6;
  } else {
    return std::nullopt;
  }
  if (at != text.size()) return std::nullopt;
  const std::int64_t utc =
      date->days * kDaySeconds + hour * std::int64_t{3600} + minute * std::int64_t{60} + second - offset_seconds;
  // A leap second only exists at the end of a UTC day; counted on, it would be the next day's first second.
  if (second == 60 && floor_div(utc, kDaySeconds) * kDaySeconds != utc) return std::nullopt;
  return Time{second == 60 ? utc - 1 : utc, fraction};
}

std::int64_t unix_us(const Time& time) {
  std::int64_t fraction_us = 0;
  for (std::size_t i = 0; i < kFractionDigits && !time.fraction.empty(); ++i) {
    fraction_us = fraction_us * 10 + (i < time.fraction.size() ? time.fraction[i] - '0' : 0);
  }
  return time.unix_seconds * kSecondUs + fraction_us;
}

}  // namespace

std::optional<Moment> parse_moment(std::string_view text) {
  if (text.size() == 10) {
    const auto date = parse_date(text);
    if (!date) return std::nullopt;
    return Moment{*date, ((date->days + 1) * kDaySeconds - kKoreaSeconds) * kSecondUs - 1, true};
  }
  const auto time = read_time(text);
  if (!time) return std::nullopt;
  return Moment{korean_date(time->unix_seconds), unix_us(*time)};
}

std::optional<std::int64_t> parse_time_us(std::string_view text) {
  const auto time = read_time(text);
  if (!time) return std::nullopt;
  return unix_us(*time);
}

OffsetFault offset_fault(std::string_view text) {
  constexpr std::size_t kBytesMax = 58;
  if (text.size() > kBytesMax) return OffsetFault::kNone;
  std::array<char, kBytesMax + 3> copy{};
  text.copy(copy.data(), text.size());
  const auto is_time_with = [&](std::size_t at, std::string_view end) {
    end.copy(copy.data() + at, end.size());
    return read_time({copy.data(), at + end.size()}).has_value();
  };
  if (is_time_with(text.size(), "Z")) return OffsetFault::kMissing;
  if (is_time_with(text.size(), ":00")) return OffsetFault::kNoColon;
  if (text.size() < 2) return OffsetFault::kNone;
  const std::string_view minutes = text.substr(text.size() - 2);
  const std::array<char, 3> with_colon{':', minutes[0], minutes[1]};
  return is_time_with(text.size() - 2, {with_colon.data(), with_colon.size()}) ? OffsetFault::kNoColon
                                                                               : OffsetFault::kNone;
}

std::string format_date(Date date) {
  const std::chrono::year_month_day ymd{std::chrono::sys_days{std::chrono::days{date.days}}};
  const auto put = [](std::string& text, unsigned value, int width) {
    std::string digits = std::to_string(value);
    text.append(static_cast<std::size_t>(width) - digits.size(), '0').append(digits);
  };
  std::string text;
  put(text, static_cast<unsigned>(static_cast<int>(ymd.year())), 4);
  text += '-';
  put(text, static_cast<unsigned>(ymd.month()), 2);
  text += '-';
  put(text, static_cast<unsigned>(ymd.day()), 2);
  return text;
}

std::string format_time(std::int64_t unix_us) {
  const std::int64_t unix_seconds = floor_div(unix_us, kSecondUs);
  const Date date = korean_date(unix_seconds);
  const std::int64_t second_of_day = unix_seconds + kKoreaSeconds - date.days * kDaySeconds;
  std::string text = format_date(date);
  const auto put = [&](char mark, std::int64_t value, std::size_t width) {
    text += mark;
    text.append(width, '0');
    for (auto digit = text.rbegin(); value != 0; ++digit, value /= 10) *digit = static_cast<char>('0' + value % 10);
  };
  put('T', second_of_day / 3600, 2);
  put(':', second_of_day / 60 % 60, 2);
  put(':', second_of_day % 60, 2);
  put('.', unix_us - unix_seconds * kSecondUs, kFractionDigits);
  return text + "+09:00";
}

Date korean_date(std::int64_t unix_seconds) {
  return Date{static_cast<std::int32_t>(floor_div(unix_seconds + kKoreaSeconds, kDaySeconds))};
}

Date korean_date_us(std::int64_t unix_us) { return korean_date(floor_div(unix_us, kSecondUs)); }

}  // namespace clearline
