#include "clearline/date.h"

#include <gtest/gtest.h>

#include "clearline/code.h"

namespace clearline {
namespace {

TEST(Date, ReadsAndWritesEveryDayOfTheCalendar) {
  // Counts on from day to day, against the calendar's own lengths of months.
  std::int32_t days = parse_date("0000-01-01")->days;
  for (int year = 0; year < 10'000; ++year) {
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    const int lengths[] = {31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (int month = 1; month <= 12; ++month) {
      for (int day = 1; day <= 31; ++day) {
        char text[40];
        std::snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, day);
        const auto date = parse_date(text);
        ASSERT_EQ(date.has_value(), day <= lengths[month - 1]) << text;
        if (!date) continue;
        ASSERT_EQ(date->days, days++);
        if (year % 100 < 5) {
          ASSERT_EQ(format_date(*date), text);
        }
      }
    }
  }
  EXPECT_EQ(parse_date("1970-01-01")->days, 0);
  for (const char* text : {"2026-00-01", "2026-13-01", "2026-99-01", "2026-01-00", "2026-01-99"}) {
    EXPECT_FALSE(parse_date(text)) << text;
  }
  EXPECT_EQ(format_date(*parse_date("0000-02-29")), "0000-02-29");
}

TEST(Date, KoreanDayOfATime) {
  EXPECT_EQ(parse_declared_at("2026-01-15T15:00:00Z"), parse_date("2026-01-16"));
  EXPECT_EQ(parse_declared_at("2026-01-15T14:59:59.999Z"), parse_date("2026-01-15"));
  EXPECT_EQ(parse_declared_at("2026-01-15T00:30:00+09:00"), parse_date("2026-01-15"));
  EXPECT_EQ(parse_declared_at("2026-01-15T23:30:00-05:00"), parse_date("2026-01-16"));
  EXPECT_EQ(parse_declared_at("2016-12-31T23:59:60Z"), parse_date("2017-01-01"));
  EXPECT_FALSE(parse_declared_at("2016-12-31T12:59:60Z"));
  EXPECT_EQ(korean_date(-1), parse_date("1970-01-01"));
  EXPECT_EQ(korean_date(-9 * 3600 - 1), parse_date("1969-12-31"));
}

TEST(Code, SurvivesReadingAndWriting) {
  for (const char* text : {"P000000000000", "P123456789012", "P999999999999"})
    EXPECT_EQ(format_code(*parse_code(text)), text);
}

}  // namespace
}  // namespace clearline
