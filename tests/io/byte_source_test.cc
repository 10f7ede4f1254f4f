#include "io/formats/byte_source.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <filesystem>

#include "io/formats/block_reader.h"
#include "io/formats/change_lines.h"
#include "io/formats/registry_reader.h"
#include "tests/support/files.h"

namespace clearline {
namespace {

using test::TestFolder;

std::string declarations(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += "{\"id\":\"" + std::to_string(i) + "\",\"code\":\"P123456789012\",\"name\":\"A B\",\"zip\":\"04524\"}\n";
  }
  return text;
}

constexpr int kManyLines = 20'000;  // more than is read ahead at an opening
const std::string kCutShort = "cut short while it was read";

/// Reads blocks to the end; what stopped it.
Status read_blocks(BlockReader& reader) {
  Block block(1 << 18);
  for (;;) {
    const auto more = reader.next(block);
    if (!more.ok()) return more.status();
    if (!*more) return {};
  }
}

Result<std::unique_ptr<BlockReader>> open_blocks(const std::string& path, bool marks = false) {
  InputOptions options;
  options.marks = marks;
  auto source = open_file_source(path);
  EXPECT_TRUE(source.ok());
  return BlockReader::open(std::move(*source), options, 1 << 18);
}

void expect_cut_short(const Status& status) {
  EXPECT_EQ(status.kind(), StatusKind::kInput);
  EXPECT_NE(status.message().find(kCutShort), std::string::npos) << status.message();
}

TEST(FileSource, AnInputThatShrinksIsCutShort) {
  const TestFolder folder;
  const std::string text = declarations(kManyLines);
  for (const std::uint64_t left : {std::uint64_t{0}, text.size() / 2, text.size() - 1}) {
    const std::string path = folder.write("day.ndjson", text);
    auto reader = open_blocks(path);
    ASSERT_TRUE(reader.ok());
    std::filesystem::resize_file(path, left);
    expect_cut_short(read_blocks(**reader));
  }
  const std::string path = folder.write("day.ndjson", text);
  auto reader = open_blocks(path);
  EXPECT_TRUE(read_blocks(**reader).ok());
}

TEST(FileSource, AnInputThatShrinksAtALineEndIsCutShortAtItsOpening) {
  const TestFolder folder;
  const std::string path = folder.write("day.csv", "id,code\n1,P1\n2,P2\n");
  auto source = open_file_source(path);
  ASSERT_TRUE(source.ok());
  std::filesystem::resize_file(path, 8);
  expect_cut_short(BlockReader::open(std::move(*source), {}, 1 << 18).status());
}

TEST(FileSource, AnInputThatGrowsIsReadToItsNewEnd) {
  const TestFolder folder;
  const std::string path = folder.write("day.ndjson", "{}\n");
  auto source = open_file_source(path);
  ASSERT_TRUE(source.ok());
  test::overwrite(path, "{}\n{}\n");
  auto reader = BlockReader::open(std::move(*source), {}, 1 << 18);
  ASSERT_TRUE(reader.ok());
  Block block(1 << 18);
  ASSERT_TRUE(*(*reader)->next(block));
  EXPECT_EQ(block.text(), "{}\n{}\n");
}

TEST(FileSource, ACompressedInputThatShrinksIsCutShortAlsoBehindAMember) {
  const TestFolder folder;
  const std::string path = folder.path("day.ndjson.gz");
  const std::string text = declarations(10);
  std::uintmax_t member_bytes = 0;
  for (int i = 0; i < 2; ++i) {
    const gzFile file = gzopen(path.c_str(), "ab");
    ASSERT_EQ(gzwrite(file, text.data(), static_cast<unsigned>(text.size())), static_cast<int>(text.size()));
    ASSERT_EQ(gzclose(file), Z_OK);
    if (i == 0) member_bytes = std::filesystem::file_size(path);
  }
  auto source = open_file_source(path);
  ASSERT_TRUE(source.ok());
  std::filesystem::resize_file(path, member_bytes);
  expect_cut_short(BlockReader::open(std::move(*source), {}, 1 << 18).status());
}

TEST(FileSource, ARegistryThatShrinksIsCutShort) {
  const TestFolder folder;
  std::string text = "code\n";
  for (int i = 0; i < kManyLines; ++i) text += "P" + std::to_string(100'000'000'000 + i) + "\n";
  const std::string path = folder.write("registry.csv", text);
  auto source = open_file_source(path);
  ASSERT_TRUE(source.ok());
  std::filesystem::resize_file(path, text.size() - 14);
  RegistryBuilder builder(RegistryKey{1}, {});
  RegistryRead read;
  expect_cut_short(read_registry(std::move(*source), std::nullopt, builder, read, {}, {}));
}

TEST(FileSource, ChangesThatShrinkAreCutShort) {
  const TestFolder folder;
  const std::string line = R"({"op":"suspend","code":"P000000000007","change_id":"k-1"})"
                           "\n";
  const std::string path = folder.write("changes.ndjson", line + line);
  auto source = open_file_source(path);
  ASSERT_TRUE(source.ok());
  std::filesystem::resize_file(path, line.size());
  expect_cut_short(read_changes(std::move(*source), [](std::uint64_t, Change&) { return Status(); }));
}

TEST(FileSource, AResumedInputThatShrinksWhileItIsReadAgainIsCutShort) {
  const TestFolder folder;
  const std::string text = declarations(kManyLines);
  const std::string path = folder.write("day.ndjson", text);
  auto first = open_blocks(path, true);
  ASSERT_TRUE(first.ok());
  Block block(1 << 18);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(*(*first)->next(block));
  auto again = open_blocks(path, true);
  ASSERT_TRUE(again.ok());
  std::filesystem::resize_file(path, text.size() / 4);
  expect_cut_short((*again)->skip_to((*first)->mark()));
}

}  // namespace
}  // namespace clearline
