#include "io/formats/csv.h"

#include <gtest/gtest.h>

#include "io/formats/block.h"
#include "tests/support/decoding.h"
#include "tests/support/random_input.h"
#include "tests/support/screening.h"

namespace clearline {
namespace {

using test::csv_records;
using test::csv_records_in_blocks;

const std::string kOpenQuote = "a quote is not closed on its line, and the record is wrong";

using Texts = std::vector<std::string>;

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
    const auto whole = csv_records(text, record_bytes_max, columns);
    std::vector<std::size_t> steps(8);
    for (std::size_t& step : steps) step = 1 + random() % 50;
    const auto pieces = csv_records_in_blocks(text, record_bytes_max, columns, steps);
    ASSERT_EQ(pieces, whole) << "CLEARLINE_SEED=" << seed << " round " << round;
  }
}

TEST(CsvReader, SeventeenLinesInQuotes) {
  EXPECT_EQ(csv_records("a,\"" + std::string(15, '\n') + "\"\nb,c\n", 1000, 2).size(), 2U);
  EXPECT_EQ(csv_records("a,\"" + std::string(16, '\n') + "\"\nb,c\n", 1000, 2).front(), "1:!3 " + kOpenQuote);
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

TEST(CsvReader, WhatGoesWrongBehindTheFirstLineIsToldAsItsOpenQuote) {
  const Texts rests{"\"x,c\n", "\"\n", "\",c,d\n", "\",\xff\n", "\",\"d\n", "\"," + std::string(100, 'x') + "\n"};
  for (const std::string& rest : rests) {
    EXPECT_EQ(csv_records("a,\"b\n" + rest, 60, 3).front(), "1:!3 " + kOpenQuote) << rest;
  }
  EXPECT_EQ(csv_records("a,\"b\n\",c\n", 60, 3), Texts{"1:a|b\n|c|"});
}

TEST(CsvReader, OfALineThatIsTooLongNothingElseIsTold) {
  for (const std::string line : {"abc\"d", "\"ab\"c", "abc,\"",
                                 "a\xff"
                                 "bcd",
                                 "\"\"\"\"\"", "a,b,c,", "abcdef"}) {
    EXPECT_NE(csv_records(line + "\n", line.size(), 1).front(), "1:!0 record is longer than the limit") << line;
    EXPECT_EQ(csv_records(line + "\n", line.size() - 1, 1).front(), "1:!0 record is longer than the limit") << line;
    EXPECT_EQ(csv_records(line + "\r\n", line.size() - 1, 1).front(), "1:!0 record is longer than the limit") << line;
  }
}

TEST(CsvReader, ALoneCarriageReturnIsData) {
  EXPECT_EQ(csv_records("a\rb,\"c\rd\"\r\ne,\rf\r\n", 60, 2), (Texts{"1:a\rb|c\rd|", "2:e|\rf|"}));
  EXPECT_EQ(csv_records("a,\"b\"\rc\n", 60, 2).front(), "1:!6 text behind a closing quote");
}

TEST(CsvReader, CountsTheLinesInsideQuotesAndTheBlankOnes) {
  EXPECT_EQ(csv_records("\n \t\r\na,\"\n\n\"\n\nb,c", 60, 2, 10), (Texts{"12:a|\n\n|", "16:b|c|"}));
}

// A malformed line's detail is output, so it may not tell where a block ended.
TEST(CsvBlocks, AnyBlockSizeGivesTheSameVerdictsAndDetails) {
  const std::uint64_t seed = test::test_seed();
  std::mt19937_64 random(seed);
  const Registry registry = test::make_registry({});
  const std::string fillers[] = {"x", " ", "\"", "\"\"", ",", "y\xff", "가"};
  const std::uint64_t rounds = test::test_count("CLEARLINE_CSV_ROUNDS", CLEARLINE_SANITIZED != 0 ? 4 : 12);
  for (std::uint64_t round = 0; round < rounds; ++round) {
    std::string text = "id,note\n";
    for (int i = 0; i < 200; ++i) {
      text += random_text(random);
      if (random() % 10 != 0) continue;
      const std::string& filler = fillers[random() % std::size(fillers)];
      const std::size_t bytes = random() % 3 == 0 ? random() % 200'000 : 65'536 - random() % 40;
      for (const std::size_t end = text.size() + bytes; text.size() < end;) text += filler;
    }
    test::ScreenSetup setup;
    setup.format = Format::kCsv;
    setup.block_bytes = 64 << 20;
    const auto whole = test::screen_to_text(text, registry, setup);
    ASSERT_TRUE(whole);
    for (const std::size_t block_bytes : {std::size_t{1}, std::size_t{65'549}, std::size_t{256} << 10}) {
      setup.block_bytes = block_bytes;
      const auto cut = test::screen_to_text(text, registry, setup);
      const auto differ = std::mismatch(whole->begin(), whole->end(), cut->begin(), cut->end());
      ASSERT_TRUE(whole == cut) << "CLEARLINE_SEED=" << seed << " round " << round << " block " << block_bytes << "\n"
                                << std::string(differ.first, whole->end()).substr(0, 200) << "\n"
                                << std::string(differ.second, cut->end()).substr(0, 200);
    }
  }
}

}  // namespace
}  // namespace clearline
