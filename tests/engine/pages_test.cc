#include "engine/pages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <functional>
#include <memory>
#include <string>

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

/// What the system says of the mapping that an address is in: " rd wr mr ...", see proc(5), VmFlags.
std::string flags_of(const std::byte* there) {
  const auto address = reinterpret_cast<std::uintptr_t>(there);
  std::ifstream maps("/proc/self/smaps");
  bool is_it = false;
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " ", &begin, &end) == 2)
      is_it = begin <= address && address < end;
    if (is_it && line.starts_with("VmFlags:")) return line.substr(8) + " ";
  }
  return {};
}

TEST(Pages, AreKeptOutOfCoreDumps) {
  auto small = Pages::create(10);
  auto moved = Pages::create(3'000'000);
  auto extended = Pages::create_extensible(10, std::size_t{1} << 30);
  ASSERT_TRUE(small && moved && extended);
  ASSERT_TRUE(moved->resize(50'000'000));
  ASSERT_TRUE(extended->extend(50'000'000));
  for (const Pages& pages : {std::cref(*small), std::cref(*moved), std::cref(*extended)}) {
    for (const std::byte* there : {&pages.bytes().front(), &pages.bytes().back()}) {
      EXPECT_NE(flags_of(there).find(" dd "), std::string::npos) << flags_of(there);
    }
  }
  const auto other = std::make_unique<std::byte>();
  EXPECT_EQ(flags_of(other.get()).find(" dd "), std::string::npos) << "nothing is, so that this test says nothing";
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
