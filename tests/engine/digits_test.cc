#include "engine/digits.h"

#include <gtest/gtest.h>

#include <string>

#include "clearline/code.h"
#include "clearline/date.h"
#include "engine/phone.h"

namespace clearline {
namespace {

TEST(Digits, SpellANumber) {
  EXPECT_EQ(eight_digits("00000000"), 0U);
  EXPECT_EQ(eight_digits("12345678"), 12'345'678U);
  EXPECT_EQ(eight_digits("99999999"), 99'999'999U);
  EXPECT_EQ(parse_code("P123456789012")->digits, 123'456'789'012U);
  EXPECT_EQ(pack_phone("98765432109"), 98'765'432'109U);
}

TEST(Digits, NoOtherByteIsTakenForOneAnywhere) {
  const std::string eight = "12345678";
  const std::string code = "P123456789012";
  const std::string phone = "01012345678";
  const std::string date = "2026-01-15";
  for (int byte = 0; byte < 256; ++byte) {
    if (byte >= '0' && byte <= '9') continue;
    const auto with = [&](std::string text, std::size_t at) {
      text[at] = static_cast<char>(byte);
      return text;
    };
    for (std::size_t i = 0; i < eight.size(); ++i) EXPECT_FALSE(eight_digits(with(eight, i))) << byte;
    // At its end a blank is dropped, and then a digit lacks.
    for (std::size_t i = 1; i < code.size(); ++i) EXPECT_FALSE(parse_code(with(code, i))) << byte;
    for (std::size_t i = 0; i < phone.size(); ++i) EXPECT_FALSE(pack_phone(with(phone, i))) << byte;
    for (const std::size_t i : {0U, 1U, 2U, 3U, 5U, 6U, 8U, 9U}) EXPECT_FALSE(parse_date(with(date, i))) << byte;
  }
}

}  // namespace
}  // namespace clearline
