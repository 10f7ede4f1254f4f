#include "io/formats/csv.h"

#include <gtest/gtest.h>

#include "io/formats/block.h"
#include "tests/support/random_input.h"

namespace clearline {
namespace {

/// Records of a text, as `line: field|field` or `line: !fault`.
std::vector<std::string> records(std::string text, std::size_t record_bytes_max, std::size_t column_count,
                                 std::uint64_t first_line = 1) {
  const std::size_t size = text.size();
  text.append(kBlockPadding, '\0');
  CsvReader reader(record_bytes_max, column_count);
  reader.start({text.data(), size}, first_line);
  CsvRecord record;
  std::vector<std::string> out;
  while (reader.next(record)) {
    std::string row = std::to_string(record.line) + ":";
    if (record.fault) row += "!";
    for (const auto field : record.fields) row += std::string(field) + "|";
    out.push_back(row);
  }
  return out;
}

std::string random_text(std::mt19937_64& random) {
  const char* const pieces[] = {"\"",   "\"\"", ",", "\n",   "\r\n",     "\r",    "a",           "bc",
                                "\xff", "가",   " ", "\n\n", "xxxxxxxx", "a,b\n", "\"x\ny\",z\n"};
  std::string text;
  for (std::size_t i = random() % 60; i > 0; --i) text += pieces[random() % std::size(pieces)];
  return text;
}

TEST(CsvCut, AgreesWithTheReaderOnEveryTextHoweverDamaged) {
  const std::uint64_t seed = test::test_seed();
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200'000; ++round) {
    const std::string text = random_text(random);
    const std::size_t record_bytes_max = 4 + random() % 60;
    const std::size_t columns = random() % 4;
    const auto whole = records(text, record_bytes_max, columns);
    // Cut the text where a block would end, and go on from the cut: the same records at the same lines.
    std::vector<std::string> pieces;
    std::uint64_t line = 1;
    std::size_t at = 0;
    std::size_t end = 0;
    while (at < text.size()) {
      end = std::min(text.size(), std::max(end, at) + 1 + random() % 50);
      const std::size_t cut = end == text.size()
                                  ? end - at
                                  : csv_cut(std::string_view(text).substr(at, end - at), record_bytes_max, columns);
      const std::string block = text.substr(at, cut);
      for (auto& row : records(block, record_bytes_max, columns, line)) pieces.push_back(row);
      line += static_cast<std::uint64_t>(std::count(block.begin(), block.end(), '\n'));
      at += cut;
    }
    ASSERT_EQ(pieces, whole) << "CLEARLINE_SEED=" << seed << " round " << round;
  }
}

TEST(CsvReader, SeventeenLinesInQuotes) {
  EXPECT_EQ(records("a,\"" + std::string(15, '\n') + "\"\nb,c\n", 1000, 2).size(), 2U);
  EXPECT_EQ(records("a,\"" + std::string(16, '\n') + "\"\nb,c\n", 1000, 2).front(), "1:!");
}

TEST(CsvReader, TellsTheColumnOfAFault) {
  std::string text = "ab,c\"d\n";
  text.append(kBlockPadding, '\0');
  CsvReader reader(100, 2);
  reader.start({text.data(), 7}, 1);
  CsvRecord record;
  ASSERT_TRUE(reader.next(record));
  EXPECT_EQ(record.fault.column, 5U);
  EXPECT_EQ(record.fault.what, "a quote inside a field without quotes");
}

}  // namespace
}  // namespace clearline
