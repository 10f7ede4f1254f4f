#include "io/formats/block_reader.h"

#include <gtest/gtest.h>

#include "tests/support/screening.h"

namespace clearline {
namespace {

struct Blocks {
  std::string text;
  std::vector<std::uint64_t> first_lines;
};

Blocks read_all(const std::string& text, std::size_t block_bytes, std::size_t line_bytes_max) {
  InputOptions options;
  options.format = Format::kNdjson;
  options.line_bytes_max = line_bytes_max;
  auto reader = BlockReader::open(test::text_source(text, 3), options, block_bytes);
  Block block(std::max(block_bytes, block_bytes_min(line_bytes_max)));
  Blocks blocks;
  while (*(*reader)->next(block)) {
    blocks.text += block.text();
    blocks.first_lines.push_back(block.first_line);
    for (std::size_t i = 0; i < kBlockPadding; ++i) EXPECT_EQ(block.data[block.size + i], '\0');
  }
  return blocks;
}

TEST(BlockReader, KeepsLinesWholeAndCountsThem) {
  const Blocks blocks = read_all("a\nbb\nccc\n\ndddd", 8, 4);
  EXPECT_EQ(blocks.text, "a\nbb\nccc\n\ndddd");
  EXPECT_EQ(blocks.first_lines, (std::vector<std::uint64_t>{1, 3, 5}));
}

TEST(BlockReader, CutsALineLongerThanABlockAndGoesOnBehindIt) {
  const Blocks blocks = read_all("a\n" + std::string(100, 'x') + "\nb\n", 8, 4);
  EXPECT_EQ(blocks.text, "a\nxxxxx\nb\n") << "one byte more than the limit: enough to be refused";
}

TEST(BlockReader, ALineThatIsBlankUpToTheLimitIsBlankOnlyIfAllOfItIs) {
  for (const std::size_t blanks : {4U, 5U, 7U, 8U, 9U, 100U}) {
    const std::string blank(blanks, ' ');
    for (const std::string end : {"", "\n", "\r\n"}) {
      for (const std::size_t block_bytes : {8U, 1000U}) {
        const auto is_blank = [&](const std::string& line) {
          const std::string text = read_all(line + end, block_bytes, 4).text;
          return text.find_first_not_of(" \t\r\n") == std::string::npos;
        };
        EXPECT_TRUE(is_blank(blank));
        EXPECT_TRUE(is_blank(blank + "\t"));
        EXPECT_FALSE(is_blank(blank + "y"));
        EXPECT_FALSE(is_blank(blank + "y" + blank));
        EXPECT_FALSE(is_blank(blank + blank + "y"));
      }
    }
  }
}

/// Gives one piece a read, and would wait behind each.
class LivePieces : public ByteSource {
 public:
  explicit LivePieces(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}
  Result<std::size_t> read(std::span<char> out) override {
    if (next_ == pieces_.size()) return std::size_t{0};
    const std::string& piece = pieces_[next_++];
    EXPECT_GE(out.size(), piece.size());
    std::copy(piece.begin(), piece.end(), out.begin());
    return piece.size();
  }
  const std::string& name() const override { return name_; }
  bool may_wait() const override { return true; }

 private:
  std::vector<std::string> pieces_;
  std::size_t next_ = 0;
  std::string name_ = "<pieces>";
};

TEST(BlockReader, OfALiveInputWholeLinesAreHandedOnAsTheyCome) {
  const std::vector<std::string> pieces{"{\"a\"", ":1}\n{\"b", "\":2}\n{\"c\":3}\n", "\n", "{\"d\":", "4}"};
  InputOptions options;
  options.line_bytes_max = 64;
  for (const bool is_live : {true, false}) {
    options.is_live = is_live;
    auto reader = BlockReader::open(std::make_unique<LivePieces>(pieces), options, 1'000);
    ASSERT_TRUE(reader.ok());
    EXPECT_EQ((*reader)->format().format, Format::kNdjson);
    std::vector<std::string> blocks;
    std::vector<std::uint64_t> first_lines;
    Block block(1'000);
    while (*(*reader)->next(block)) {
      blocks.emplace_back(block.text());
      first_lines.push_back(block.first_line);
    }
    if (is_live) {
      EXPECT_EQ(blocks, (std::vector<std::string>{"{\"a\":1}\n", "{\"b\":2}\n{\"c\":3}\n", "\n", "{\"d\":4}"}));
      EXPECT_EQ(first_lines, (std::vector<std::uint64_t>{1, 2, 4, 5}));
    } else {
      EXPECT_EQ(blocks, std::vector<std::string>{"{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n\n{\"d\":4}"});
    }
  }
}

TEST(BlockReader, ALiveLineMayBeLongerThanTheLimit) {
  InputOptions options;
  options.format = Format::kNdjson;
  options.line_bytes_max = 4;
  options.is_live = true;
  auto reader = BlockReader::open(
      std::make_unique<LivePieces>(std::vector<std::string>{"a\nxx", "xxx", "xxxx", "x\nb", "\n"}), options, 16);
  std::string text;
  Block block(16);
  while (*(*reader)->next(block)) text += block.text();
  EXPECT_EQ(text, "a\nxxxxxxxxxx\nb\n") << "it fits a block, and is for the decoder to refuse";
}

TEST(Formats, AnOutputIsCsvByTheNameCsvAlone) {
  for (const std::string name : {"v.csv", "v.CSV", "v.csv.gz", "v.csv.zst"})
    EXPECT_EQ(output_format_of_name(name), Format::kCsv) << name;
  for (const std::string name : {"v.tsv", "v.TSV.gz", "v.txt", "v.csv.bz2", "csv", "-"})
    EXPECT_EQ(output_format_of_name(name), std::nullopt) << name;
  EXPECT_EQ(output_format_of_name("v.ndjson.zst"), Format::kNdjson);
}

TEST(Formats, ByNameThenByContent) {
  EXPECT_EQ(format_of_name("a.csv"), Format::kCsv);
  EXPECT_EQ(format_of_name("a.CSV.gz"), Format::kCsv);
  for (const std::string name : {"a.ndjson", "a.jsonl", "a.json", "a.ndjson.zst"})
    EXPECT_EQ(format_of_name(name), Format::kNdjson);
  EXPECT_EQ(format_of_name("a.txt"), std::nullopt);
  EXPECT_EQ(format_of_content("\r\n {"), Format::kNdjson);
  EXPECT_EQ(format_of_content("id,code"), Format::kCsv);
  EXPECT_EQ(format_of_content(""), Format::kCsv);
}

TEST(Columns, WrongListsAreToldWithWhatIsWrong) {
  for (const std::string list : {"code", "code=", "nome=x", "code=x,code=y", "code=x,zip=x", "code=zip"}) {
    EXPECT_EQ(parse_columns(list).status().kind(), StatusKind::kUsage) << list;
  }
  EXPECT_TRUE(parse_columns("code=zip,zip=code").ok());
}

}  // namespace
}  // namespace clearline
