#include "io/formats/change_lines.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "io/formats/change_reader.h"
#include "tests/support/screening.h"

namespace clearline {
namespace {

using Lines = std::vector<std::pair<std::uint64_t, std::string>>;

Lines cut(std::string_view text, std::size_t piece_bytes) {
  ChangeLines lines;
  Lines got;
  const auto use = [&](std::uint64_t number, std::string_view line) { got.emplace_back(number, line); };
  for (std::size_t at = 0; at < text.size(); at += piece_bytes) lines.take(text.substr(at, piece_bytes), false, use);
  lines.take({}, true, use);
  return got;
}

TEST(ChangeLines, AreTheSameInAnyPieces) {
  const std::string text = "\xEF\xBB\xBF{\"a\":1}\r\n\n \t\r\n{}\n\xEF\xBB\xBF{}\nlast";
  const Lines wanted{{1, "{\"a\":1}"}, {4, "{}"}, {5, "\xEF\xBB\xBF{}"}, {6, "last"}};
  for (const std::size_t piece_bytes : {1, 2, 3, 7, 100}) EXPECT_EQ(cut(text, piece_bytes), wanted) << piece_bytes;
  EXPECT_EQ(cut("", 1), Lines());
  EXPECT_EQ(cut("\n", 1), Lines());
}

TEST(ChangeLines, ThatHoldBlanksAndCarriageReturnsAloneAreNone) {
  for (const std::size_t piece_bytes : {1, 2, 100}) {
    EXPECT_EQ(cut("\r\r\n \r\t\r\n\r\n{}\r\n\r", piece_bytes), (Lines{{4, "{}"}})) << piece_bytes;
  }
}

TEST(ChangeLines, BehindMoreBlanksThanALineMayHaveAreNotPassedOver) {
  const std::string blanks(kLineBytesMaxDefault + 10, ' ');
  for (const std::size_t piece_bytes : {1000, 1 << 20}) {
    const Lines got = cut(blanks + "{\"op\":1}\n" + blanks + "\n{}\n", piece_bytes);
    ASSERT_EQ(got.size(), 2U) << piece_bytes;
    EXPECT_EQ(got[0].first, 1U);
    EXPECT_GT(got[0].second.size(), kLineBytesMaxDefault);
    EXPECT_EQ(got[1], (std::pair<std::uint64_t, std::string>(3, "{}")));
  }
}

TEST(ChangeLines, OfOneThatIsTooLongEnoughIsKept) {
  const Lines got = cut(std::string(1 << 20, 'x') + "\n{}\n", 1000);
  ASSERT_EQ(got.size(), 2U);
  EXPECT_GT(got[0].second.size(), kLineBytesMaxDefault);
  EXPECT_LT(got[0].second.size(), kLineBytesMaxDefault + 100);
  EXPECT_EQ(got[1], (std::pair<std::uint64_t, std::string>(2, "{}")));
}

std::string line_of(int number) {
  return R"({"op":"suspend","code":"P000000000007","change_id":"k-)" + std::to_string(number) + "\"}\n";
}

TEST(ReadChanges, GivesEachAndStopsWhereOneIsNone) {
  std::vector<std::string> ids;
  const auto use = [&](std::uint64_t line, Change& change) -> Status {
    ids.push_back(std::to_string(line) + " " + change.change_id);
    return {};
  };
  EXPECT_TRUE(read_changes(test::text_source(line_of(1) + "\n" + line_of(2)), use).ok());
  EXPECT_EQ(ids, (std::vector<std::string>{"1 k-1", "3 k-2"}));
  ids.clear();
  const Status status = read_changes(test::text_source(line_of(1) + "{\"op\":\n" + line_of(3)), use);
  EXPECT_EQ(status.kind(), StatusKind::kInput);
  EXPECT_NE(status.message().find(":2:7: error: "), std::string::npos) << status.message();
  EXPECT_EQ(ids, (std::vector<std::string>{"1 k-1"}));
}

TEST(ReadChanges, StopsWhereOneIsRefused) {
  int count = 0;
  const auto use = [&](std::uint64_t, Change&) -> Status {
    return ++count == 2 ? Status(StatusKind::kInput, "no") : Status();
  };
  EXPECT_EQ(read_changes(test::text_source(line_of(1) + line_of(2) + line_of(3)), use).message(), "no");
  EXPECT_EQ(count, 2);
}

}  // namespace
}  // namespace clearline
