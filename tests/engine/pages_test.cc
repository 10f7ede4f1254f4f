#include "engine/pages.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace clearline {
namespace {

bool all_are(std::span<const std::byte> bytes, int value) {
  return std::all_of(bytes.begin(), bytes.end(), [&](std::byte byte) { return byte == std::byte(value); });
}

TEST(Pages, KeepTheirBytesAndAreZeroBehindWhenTheyGrow) {
  Pages pages;
  std::size_t size = 0;
  for (const std::size_t more : {1U, 100U, 5'000U, 3'000'000U, 10U, 9'000'000U}) {
    ASSERT_TRUE(pages.resize(size + more));
    ASSERT_EQ(pages.bytes().size(), size + more);
    EXPECT_TRUE(all_are(pages.bytes().first(size), 7)) << size;
    EXPECT_TRUE(all_are(pages.bytes().subspan(size), 0)) << size;
    size += more;
    std::fill(pages.bytes().begin(), pages.bytes().end(), std::byte(7));
  }
  pages.trim();
  EXPECT_TRUE(all_are(pages.bytes(), 7));
  ASSERT_TRUE(pages.resize(2 * size));
  EXPECT_TRUE(all_are(pages.bytes().first(size), 7));
  EXPECT_TRUE(all_are(pages.bytes().subspan(size), 0));
}

TEST(Pages, ThatCannotGrowStayAsTheyAre) {
  auto pages = Pages::create(10);
  ASSERT_TRUE(pages);
  pages->bytes()[9] = std::byte(7);
  EXPECT_FALSE(pages->resize(SIZE_MAX));
  EXPECT_FALSE(pages->resize(SIZE_MAX / 8)) << "more than an address space";
  ASSERT_EQ(pages->bytes().size(), 10U);
  EXPECT_EQ(pages->bytes()[9], std::byte(7));
}

}  // namespace
}  // namespace clearline
