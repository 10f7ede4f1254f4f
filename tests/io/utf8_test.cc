#include "io/formats/utf8.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/reference.h"

namespace clearline {
namespace {

TEST(Utf8, EveryTwoAndThreeBytePrefixAgreesWithTheReference) {
  for (unsigned a = 0; a < 256; ++a) {
    for (unsigned b = 0; b < 256; ++b) {
      for (const std::string tail : {"", "\x80", "\xbf", "\x80\x80", "\xbf\xbf", "a"}) {
        const std::string text = std::string{static_cast<char>(a), static_cast<char>(b)} + tail;
        const bool valid = reference::is_valid_utf8(text);
        ASSERT_EQ(is_utf8(text), valid);
        ASSERT_EQ(find_invalid_utf8(text) == text.size(), valid);
      }
    }
  }
}

TEST(Utf8, TellsWhereItBreaks) {
  EXPECT_EQ(find_invalid_utf8("0123456789abcdefgh\xff"), 18U);
  EXPECT_EQ(find_invalid_utf8("가\xed\xa0\x80"), 3U);
  EXPECT_EQ(find_invalid_utf8("가나\xea\xb0"), 6U);
}

}  // namespace
}  // namespace clearline
