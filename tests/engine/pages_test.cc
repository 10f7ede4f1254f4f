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

TEST(Pages, ExtendWhereTheyAre) {
  constexpr std::size_t kReserved = std::size_t{1} << 30;
  auto pages = Pages::create_extensible(10, kReserved);
  ASSERT_TRUE(pages);
  const std::byte* const start = pages->bytes().data();
  std::fill(pages->bytes().begin(), pages->bytes().end(), std::byte(7));
  for (const std::size_t size : {std::size_t{11}, std::size_t{5'000'000}, std::size_t{50'000'000}}) {
    ASSERT_TRUE(pages->extend(size));
    ASSERT_EQ(pages->bytes().data(), start);
    ASSERT_EQ(pages->bytes().size(), size);
    EXPECT_TRUE(all_are(pages->bytes().first(10), 7));
    EXPECT_TRUE(all_are(pages->bytes().subspan(10), 0));
  }
  EXPECT_FALSE(pages->extend(kReserved + Pages::kHugeBytes));
  EXPECT_EQ(pages->bytes().size(), 50'000'000U);
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
