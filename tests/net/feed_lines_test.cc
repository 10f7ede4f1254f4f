#include "io/net/feed_lines.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace clearline::test {
namespace {

constexpr std::size_t kLineBytesMax = 8;
constexpr std::size_t kReadBytes = 64;

/// What comes out of a connection whose bytes come in such pieces, whole lines only; a quarter of the time not all of them are
/// answered at once.
std::string framed(std::string_view input, const std::vector<std::size_t>& pieces, std::mt19937_64& random) {
  FeedLines lines(kLineBytesMax);
  std::vector<char> block(FeedLines::block_bytes(kReadBytes, kLineBytesMax));
  std::string out;
  const auto answer = [&](FeedLines::Framed framed) {
    while (random() % 4 == 0 && framed.whole != 0) {
      const std::string_view text(block.data(), framed.whole);
      const std::size_t line_end = text.find('\n');
      const std::size_t answered = line_end == std::string_view::npos ? framed.whole : line_end + 1;
      out.append(text.substr(0, answered));
      lines.keep({block.data() + answered, framed.size - answered}, framed.whole - answered);
      std::fill(block.begin(), block.end(), '#');
      framed = lines.begin(block.data());
    }
    out.append(block.data(), framed.whole);
    lines.keep({block.data() + framed.whole, framed.size - framed.whole}, 0);
    EXPECT_LE(lines.kept_bytes(), kLineBytesMax + 1);
  };
  for (std::size_t piece : pieces) {
    piece = std::min({piece, input.size(), kReadBytes});
    const auto kept = lines.begin(block.data());
    std::copy_n(input.data(), piece, block.data() + kept.size);
    input.remove_prefix(piece);
    answer(lines.take(block.data(), kept.size, piece, false));
  }
  EXPECT_TRUE(input.empty());
  const auto kept = lines.begin(block.data());
  answer(lines.take(block.data(), kept.size, 0, true));
  return out;
}

/// The slow twin: line by line, what is too long cut to one byte more than the limit that says what was beyond.
std::string expected(std::string_view input) {
  std::string out;
  while (!input.empty()) {
    const std::size_t line_end = input.find('\n');
    std::string_view line = input.substr(0, line_end);
    const bool has_end = line_end != std::string_view::npos;
    input.remove_prefix(has_end ? line_end + 1 : input.size());
    std::string_view content = line;
    if (content.ends_with('\r') && has_end) content.remove_suffix(1);
    if (content.size() > kLineBytesMax) {
      const std::string_view beyond = line.substr(kLineBytesMax);
      out.append(line.substr(0, kLineBytesMax));
      out += beyond.find_first_not_of(" \t\r") == std::string_view::npos ? ' ' : 'x';
    } else {
      out.append(line);
    }
    if (has_end) out += '\n';
  }
  return out;
}

/// A line that is too long may come out whole or cut, as its bytes come: both are refused for the same reason. So both are made
/// alike here.
std::string canonical(const std::string& text) { return expected(text); }

TEST(FeedLines, CutAnywhereTheLinesAreTheSame) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    std::string input;
    const std::size_t size = random() % 120;
    while (input.size() < size) input += std::string_view("ab \t\r\n\n")[random() % 7];
    std::vector<std::size_t> pieces;
    for (std::size_t left = input.size(); left != 0;) {
      pieces.push_back(std::min<std::size_t>(left, 1 + random() % 30));
      left -= pieces.back();
    }
    ASSERT_EQ(canonical(framed(input, pieces, random)), canonical(input)) << round;
  }
}

TEST(FeedLines, CutAtEveryByteTheLinesAreTheSame) {
  std::mt19937_64 random(1);
  const std::string input = "{\"a\":1}\r\n\n{\"b\":2}\n123456789012\nlast";
  for (std::size_t at = 0; at <= input.size(); ++at) {
    ASSERT_EQ(canonical(framed(input, {at, input.size() - at}, random)), canonical(input)) << at;
  }
  ASSERT_EQ(canonical(framed(input, std::vector<std::size_t>(input.size(), 1), random)), canonical(input));
}

TEST(FeedLines, ALineAtTheLimitPassesAndOneBeyondIsCut) {
  std::mt19937_64 random(1);
  const auto whole = [&](const std::string& input) { return framed(input, {input.size()}, random); };
  EXPECT_EQ(whole("12345678\n"), "12345678\n");
  EXPECT_EQ(whole("12345678\r\n"), "12345678\r\n");
  EXPECT_EQ(whole("1234567890"), "12345678x");
  std::string long_line(200, 'a');
  EXPECT_EQ(framed(long_line + "\nb\n", {64, 64, 64, 64}, random), "aaaaaaaax\nb\n");
  EXPECT_EQ(framed("12345678" + std::string(100, ' ') + "\nb\n", {64, 64}, random), "12345678 \nb\n");
}

TEST(FeedLines, NothingIsKeptBetweenWholeLines) {
  FeedLines lines(kLineBytesMax);
  std::vector<char> block(FeedLines::block_bytes(kReadBytes, kLineBytesMax));
  const std::string_view text = "ab\ncd";
  std::copy(text.begin(), text.end(), block.begin());
  const auto framed = lines.take(block.data(), 0, text.size(), false);
  EXPECT_EQ(framed.whole, 3U);
  lines.keep({block.data() + framed.whole, framed.size - framed.whole}, 0);
  EXPECT_EQ(lines.kept_bytes(), 2U);
  lines.keep({}, 0);
  EXPECT_EQ(lines.kept_bytes(), 0U);
}

TEST(FeedLines, ALargeRestLeavesNoMemoryBehind) {
  FeedLines lines(kLineBytesMax);
  lines.keep(std::string(100'000, 'x'), 100'000);
  lines.keep("x", 0);
  EXPECT_LE(lines.held_bytes(), 2U);
}

}  // namespace
}  // namespace clearline::test
