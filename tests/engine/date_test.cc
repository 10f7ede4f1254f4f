#include "clearline/date.h"

#include <gtest/gtest.h>

#include <random>

#include "clearline/code.h"
#include "tests/support/random_input.h"

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
  EXPECT_EQ(parse_moment("2026-01-15T15:00:00Z")->day, parse_date("2026-01-16"));
  EXPECT_EQ(parse_moment("2026-01-15T14:59:59.999Z")->day, parse_date("2026-01-15"));
  EXPECT_EQ(parse_moment("2026-01-15T00:30:00+09:00")->day, parse_date("2026-01-15"));
  EXPECT_EQ(parse_moment("2026-01-15T23:30:00-05:00")->day, parse_date("2026-01-16"));
  EXPECT_EQ(parse_moment("2016-12-31T23:59:60Z")->day, parse_date("2017-01-01"));
  EXPECT_FALSE(parse_moment("2016-12-31T12:59:60Z"));
  EXPECT_EQ(korean_date(-1), parse_date("1970-01-01"));
  EXPECT_EQ(korean_date(-9 * 3600 - 1), parse_date("1969-12-31"));
}

TEST(Moment, OfADateAloneIsTheEndOfItsDay) {
  const auto moment = parse_moment("2026-01-15");
  ASSERT_TRUE(moment);
  EXPECT_EQ(moment->day, parse_date("2026-01-15"));
  EXPECT_EQ(format_time(moment->unix_us), "2026-01-15T23:59:59.999999+09:00");
  EXPECT_EQ(format_time(parse_moment("0000-01-01")->unix_us), "0000-01-01T23:59:59.999999+09:00");
  EXPECT_EQ(parse_moment("2026-01-15T14:59:59.999999Z"), moment);
  EXPECT_EQ(parse_moment("1970-01-01T00:00:00.25Z")->unix_us, 250'000);
  EXPECT_FALSE(parse_moment("2026-01-32"));
  EXPECT_FALSE(parse_moment("2026-1-15"));
}

TEST(Date, TheEndsOfTheCalendar) {
  EXPECT_EQ(parse_date("0000-01-01"), kDateMin);
  EXPECT_EQ(parse_date("9999-12-31"), kDateMax);
  EXPECT_EQ(format_date(kDateMin), "0000-01-01");
  EXPECT_EQ(format_date(kDateMax), "9999-12-31");
}

TEST(Time, IsReadToTheMicrosecond) {
  EXPECT_EQ(parse_time_us("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parse_time_us("1970-01-01T09:00:00+09:00"), 0);
  EXPECT_EQ(parse_time_us("1969-12-31t19:00:00-05:00"), 0);
  EXPECT_EQ(parse_time_us("2025-12-01T10:00:00+09:00"), 1'764'550'800'000'000);
  EXPECT_EQ(parse_time_us("2025-12-01 01:00:00z"), 1'764'550'800'000'000);
  EXPECT_EQ(parse_time_us("1970-01-01T00:00:00.5Z"), 500'000);
  EXPECT_EQ(parse_time_us("1970-01-01T00:00:00.000001Z"), 1);
  EXPECT_EQ(parse_time_us("1970-01-01T00:00:00.0000019Z"), 1) << "further digits are cut off";
  EXPECT_EQ(parse_time_us("1970-01-01T00:00:00.123456789123456789123456789Z"), 123'456);
  EXPECT_EQ(parse_time_us("1969-12-31T23:59:59.999999Z"), -1);
  EXPECT_EQ(parse_time_us("2016-12-31T23:59:60.25Z"), *parse_time_us("2016-12-31T23:59:59.25Z"));
}

TEST(Time, NeedsWhatRfc3339Needs) {
  for (const char* text :
       {"", "2025-12-01", "2025-12-01T10:00:00", "2025-12-01T10:00+09:00", "2025-12-01T10:00:00+0900",
        "2025-12-01T10:00:00+09", "2025-12-01T10:00:00.+09:00", "2025-12-01T24:00:00Z", "2025-12-01T10:60:00Z",
        "2025-12-01T10:00:61Z", "2025-12-01T10:00:60Z", "2025-02-30T10:00:00Z", "2025-12-01T10:00:00Z ",
        " 2025-12-01T10:00:00Z", "2025-12-01T10:00:00+24:00", "2025-12-01T10:00:00+09:60", "2025-12-01T10:00:00,5Z"}) {
    EXPECT_FALSE(parse_time_us(text)) << text;
  }
}

TEST(Time, IsWrittenInKoreanTime) {
  EXPECT_EQ(format_time(1'764'550'800'000'000), "2025-12-01T10:00:00.000000+09:00");
  EXPECT_EQ(format_time(0), "1970-01-01T09:00:00.000000+09:00");
  EXPECT_EQ(format_time(-1), "1970-01-01T08:59:59.999999+09:00");
  EXPECT_EQ(format_time(*parse_time_us("0000-01-01T00:00:00+09:00")), "0000-01-01T00:00:00.000000+09:00");
  EXPECT_EQ(format_time(*parse_time_us("9999-12-31T23:59:59.999999+09:00")), "9999-12-31T23:59:59.999999+09:00");
}

TEST(Time, WhatIsWrittenIsReadAndFallsOnItsDay) {
  const std::uint64_t seed = test::test_seed();
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<std::int64_t> times(*parse_time_us("0000-01-01T00:00:00+09:00"),
                                                    *parse_time_us("9999-12-31T23:59:59.999999+09:00"));
  for (int i = 0; i < 100'000; ++i) {
    const std::int64_t time = times(random);
    const std::string text = format_time(time);
    ASSERT_EQ(parse_time_us(text), time) << text;
    ASSERT_EQ(parse_moment(text), (Moment{*parse_date(text.substr(0, 10)), time})) << text;
  }
}

TEST(Code, SurvivesReadingAndWriting) {
  for (const char* text : {"P000000000000", "P123456789012", "P999999999999"})
    EXPECT_EQ(format_code(*parse_code(text)), text);
}

}  // namespace
}  // namespace clearline
