#include "io/formats/compression.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <random>

#include "io/store/compressed_output.h"
#include "tests/support/files.h"
#include "tests/support/random_input.h"
#include "tests/support/screening.h"

namespace clearline {
namespace {

/// All that a compressed text holds, read in pieces of `piece`, from a source that gives `source_piece` at a time.
Result<std::string> inflated(const std::string& packed, std::size_t piece = 1000, std::size_t source_piece = 777) {
  auto source = decompress(test::text_source(packed, source_piece));
  if (!source.ok()) return source.status();
  std::string text;
  std::string buffer(piece, '\0');
  for (;;) {
    const auto got = (*source)->read(buffer);
    if (!got.ok()) return got.status();
    if (*got == 0) return text;
    text.append(buffer, 0, *got);
  }
}

/// One gzip member, by zlib.
std::string zlib_gzip(const std::string& text, int level = 6) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// What zlib makes of members one after the other.
std::string zlib_gunzip(const std::string& packed) {
  std::string text;
  std::size_t at = 0;
  while (at < packed.size()) {
    z_stream stream{};
    EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data() + at));
    stream.avail_in = static_cast<uInt>(packed.size() - at);
    int result = Z_OK;
    while (result == Z_OK) {
      char piece[4096];
      stream.next_out = reinterpret_cast<Bytef*>(piece);
      stream.avail_out = sizeof piece;
      result = inflate(&stream, Z_NO_FLUSH);
      text.append(piece, sizeof piece - stream.avail_out);
    }
    EXPECT_EQ(result, Z_STREAM_END);
    at += stream.total_in;
    inflateEnd(&stream);
    if (result != Z_STREAM_END) break;
  }
  return text;
}

std::string zstd_frame(const std::string& text, bool checksum = true) {
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, checksum ? 1 : 0);
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress2(context, out.data(), out.size(), text.data(), text.size()));
  ZSTD_freeCCtx(context);
  return out;
}

const std::string kSkippable("\x53\x2A\x4D\x18\x05\x00\x00\x00hello", 13);

std::string day() { return test::RandomInput(11).ndjson(2'000); }

TEST(Compression, IsKnownByContent) {
  EXPECT_EQ(*inflated("plain"), "plain");
  EXPECT_EQ(*inflated(""), "");
  EXPECT_EQ(*inflated("\x1F"), "\x1F");
  EXPECT_EQ(*inflated(zlib_gzip("text")), "text");
  EXPECT_EQ(*inflated(zstd_frame("text")), "text");
  EXPECT_EQ(*inflated(kSkippable + zstd_frame("text")), "text");
}

TEST(Compression, NameTellsForOutputs) {
  EXPECT_EQ(compression_of_name("a.csv.gz"), Compression::kGzip);
  EXPECT_EQ(compression_of_name("a.ZST"), Compression::kZstd);
  EXPECT_EQ(compression_of_name("a.gz.csv"), Compression::kNone);
  EXPECT_EQ(format_of_name("a.csv.gz"), Format::kCsv);
  EXPECT_EQ(format_of_name("a.jsonl.zst"), Format::kNdjson);
}

TEST(Compression, SeveralMembersAndFramesAreOneText) {
  const std::string text = day();
  const std::string half = text.substr(0, text.size() / 2);
  const std::string rest = text.substr(half.size());
  for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}, std::size_t{1} << 20}) {
    for (const std::size_t source_piece : {std::size_t{1}, std::size_t{999}, std::size_t{1} << 20}) {
      EXPECT_TRUE(*inflated(zlib_gzip(half) + zlib_gzip("") + zlib_gzip(rest, 0), piece, source_piece) == text);
      EXPECT_TRUE(*inflated(zstd_frame(half) + kSkippable + zstd_frame("") + zstd_frame(rest, false), piece,
                            source_piece) == text);
    }
  }
  EXPECT_TRUE(*inflated(zlib_gzip(text) + std::string(512, '\0')) == text) << "padded with zeros";
}

TEST(Compression, AnArchiveThatIsCutAnywhereIsRefusedWithThePlace) {
  const std::string text = day();
  for (const std::string& packed : {zlib_gzip(text), zstd_frame(text), zstd_frame(text, false)}) {
    ASSERT_GT(packed.size(), 20'000U);
    for (std::size_t size = 5; size < packed.size(); size += 997) {
      const auto got = inflated(packed.substr(0, size), 100'000, 65'536);
      ASSERT_FALSE(got.ok()) << size;
      ASSERT_EQ(got.status().kind(), StatusKind::kInput);
      ASSERT_NE(got.status().message().find("cut off at byte " + std::to_string(size)), std::string::npos)
          << got.status().message();
    }
    for (const std::size_t lacking : {1U, 2U, 4U, 8U}) {
      ASSERT_FALSE(inflated(packed.substr(0, packed.size() - lacking)).ok()) << lacking;
    }
  }
}

TEST(Compression, DamageIsRefused) {
  const std::string text = day();
  const std::uint64_t seed = test::test_seed();
  std::mt19937_64 random(seed);
  for (const std::string& packed : {zlib_gzip(text), zstd_frame(text)}) {
    for (int round = 0; round < (CLEARLINE_SANITIZED != 0 ? 50 : 500); ++round) {
      std::string damaged = packed;
      const std::size_t at = 12 + random() % (packed.size() - 12);  // behind the headers, where each bit counts
      damaged[at] = static_cast<char>(damaged[at] ^ 1 << random() % 8);
      const auto got = inflated(damaged, 100'000, 65'536);
      ASSERT_TRUE(!got.ok() || *got == text) << "CLEARLINE_SEED=" << seed << " byte " << at;
      ASSERT_TRUE(got.ok() || got.status().kind() == StatusKind::kInput);
    }
  }
  for (const std::string& behind : {std::string("x"), zstd_frame("a"), std::string(3, '\0') + zlib_gzip("a")}) {
    EXPECT_FALSE(inflated(zlib_gzip("a") + behind).ok());
  }
  EXPECT_FALSE(inflated(zstd_frame("a") + "x").ok());
  EXPECT_FALSE(inflated(zstd_frame("a") + zlib_gzip("a")).ok());
}

/// A member with a header of this flag byte, these parts, and with `has_checksum` its CRC.
std::string member_with(char flags, const std::string& parts, bool has_checksum) {
  std::string header("\x1F\x8B\x08\0\0\0\0\0\0\x03", 10);
  header[3] = flags;
  header += parts;
  if (has_checksum) {
    const auto crc = crc32(0, reinterpret_cast<const Bytef*>(header.data()), static_cast<uInt>(header.size()));
    header += {static_cast<char>(crc), static_cast<char>(crc >> 8)};
  }
  return header + zlib_gzip("text").substr(10);
}

TEST(Compression, AGzipHeaderIsReadByTheStandard) {
  using namespace std::string_literals;
  const std::string extra = "\x03\0abc"s;
  const std::vector<std::string> members{
      member_with(0, "", false),
      member_with(0x01, "", false),
      member_with(0x02, "", true),
      member_with(0x04, extra, false),
      member_with(0x04, "\0\0"s, false),
      member_with(0x08, "day.csv\0"s, false),
      member_with(0x10, "a comment\0"s, false),
      member_with(0x1A, "day.csv\0a comment\0"s, true),
      member_with(0x1F, extra + "day.csv\0a comment\0"s, true),
  };
  for (const std::string& member : members) {
    for (const std::size_t source_piece : {1U, 3U, 777U}) {
      EXPECT_EQ(*inflated(member + member, 1000, source_piece), "texttext");
      for (std::size_t size = 4; size < member.size(); ++size) {
        const auto got = inflated(member.substr(0, size), 1000, source_piece);
        ASSERT_FALSE(got.ok()) << size;
        EXPECT_NE(got.status().message().find("cut off"), std::string::npos) << got.status().message();
      }
    }
  }
}

TEST(Compression, AGzipHeaderWithAWrongChecksumIsDamaged) {
  std::string member = member_with(0x0A, std::string("day\0", 4), true);
  for (const std::size_t at : {11U, 14U, 15U}) {
    std::string damaged = member;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    const auto got = inflated(damaged);
    ASSERT_FALSE(got.ok()) << at;
    EXPECT_NE(got.status().message().find("wrong checksum of a header"), std::string::npos) << got.status().message();
  }
}

TEST(Compression, ReservedFlagsOfGzipAreRefusedByName) {
  for (const int flag : {0x20, 0x40, 0x80}) {
    const auto got = inflated(member_with(static_cast<char>(flag), "", false));
    ASSERT_FALSE(got.ok());
    EXPECT_NE(got.status().message().find("reserved flags"), std::string::npos) << got.status().message();
    EXPECT_EQ(got.status().message().find("anew"), std::string::npos) << "it is not damaged";
  }
}

TEST(Compression, AFrameThatNeedsADictionaryIsNotCalledDamaged) {
  // A frame that names the dictionary 7, with a raw block of one byte.
  const std::string frame("\x28\xB5\x2F\xFD\x21\x07\x01\x09\x00\x00x", 11);
  const auto got = inflated(frame);
  ASSERT_FALSE(got.ok());
  EXPECT_NE(got.status().message().find("needs a dictionary"), std::string::npos) << got.status().message();
}

TEST(Compression, AWindowThatAsksForTooMuchMemoryIsRefused) {
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 28);
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  std::string out(1000, '\0');
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  ZSTD_inBuffer from{"text", 4, 0};
  EXPECT_EQ(ZSTD_compressStream2(context, &to, &from, ZSTD_e_flush), 0U);
  EXPECT_EQ(ZSTD_compressStream2(context, &to, &from, ZSTD_e_end), 0U);
  ZSTD_freeCCtx(context);
  const auto got = inflated(out.substr(0, to.pos));
  ASSERT_FALSE(got.ok());
  EXPECT_NE(got.status().message().find("needs a window larger than the 128 MiB"), std::string::npos)
      << got.status().message();
}

TEST(Compressor, WritesWhatOtherToolsRead) {
  std::mt19937_64 random(5);
  std::string noise(300'000, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  Compressor gzip(Compression::kGzip);
  Compressor zstd(Compression::kZstd);
  OutBuffer gzipped;
  OutBuffer frames;
  std::string all;
  for (const std::string& text : {std::string("a"), day(), noise, std::string(), std::string(1'000'000, 'x')}) {
    gzip.append(text, gzipped);
    zstd.append(text, frames);
    all += text;
  }
  EXPECT_TRUE(zlib_gunzip(std::string(gzipped.text())) == all);
  EXPECT_TRUE(*inflated(std::string(gzipped.text())) == all);
  EXPECT_TRUE(*inflated(std::string(frames.text())) == all);
}

TEST(CompressedOutput, WritesPiecesInTheirOrder) {
  const test::TestFolder folder;
  for (const std::string name : {"out.gz", "out.zst", "out"}) {
    auto file = CompressedOutput::open(folder.path(name), FileMode::kUsual);
    ASSERT_TRUE(file.ok());
    Compressor compressor(file->compression());
    OutBuffer packed;
    compressor.append("second", packed);
    ASSERT_TRUE(file->write("first,").ok());
    ASSERT_TRUE(file->write_compressed(packed.text()).ok());
    ASSERT_TRUE(file->write(",third").ok());
    ASSERT_TRUE(file->commit().ok());
    EXPECT_EQ(*inflated(test::read_file(folder.path(name))), "first,second,third") << name;

    auto empty = CompressedOutput::open(folder.path(name), FileMode::kUsual);
    ASSERT_TRUE(empty->commit().ok());
    EXPECT_EQ(test::read_file(folder.path(name)).empty(), name == "out");
    EXPECT_EQ(*inflated(test::read_file(folder.path(name))), "");
  }
}

}  // namespace
}  // namespace clearline
