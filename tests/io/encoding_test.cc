#include "io/formats/encoding.h"

#include <gtest/gtest.h>

#include <random>

#include "io/formats/block_reader.h"
#include "io/formats/registry_reader.h"
#include "io/formats/screen_block.h"
#include "io/formats/utf16.h"
#include "tests/support/random_input.h"
#include "tests/support/screening.h"

namespace clearline {
namespace {

using namespace std::string_literals;

/// A name in CP949 and in UTF-8, and a line that is neither.
const std::string kCp949Line = "\xC8\xAB\xB1\xE6\xB5\xBF\n";
const std::string kUtf8Line = "홍길동\n";  // not CP949 as well
const std::string kNeitherLine = "\x80\n";

std::string lines(int cp949, int utf8, int neither) {
  std::string text = "id,name\n";
  for (int i = 0; i < cp949; ++i) text += kCp949Line;
  for (int i = 0; i < utf8; ++i) text += kUtf8Line;
  for (int i = 0; i < neither; ++i) text += kNeitherLine;
  return text;
}

bool is_cp949_csv(const std::string& text, bool is_cut = false) {
  return encoding_of_csv(text, is_cut) == Encoding::kCp949;
}

TEST(Encodings, OfACsvTheLinesDecide) {
  EXPECT_FALSE(is_cp949_csv(""));
  EXPECT_FALSE(is_cp949_csv("plain\n"));
  EXPECT_FALSE(is_cp949_csv(lines(0, 1, 0)));
  EXPECT_TRUE(is_cp949_csv(lines(1, 0, 0)));
  EXPECT_TRUE(is_cp949_csv(lines(9, 0, 1)));
  EXPECT_TRUE(is_cp949_csv(lines(18, 0, 2)));
  EXPECT_FALSE(is_cp949_csv(lines(17, 0, 3)));
  EXPECT_TRUE(is_cp949_csv(lines(9, 1, 0)));
  EXPECT_FALSE(is_cp949_csv(lines(8, 1, 0)));
  EXPECT_FALSE(is_cp949_csv(lines(5, 5, 0)));
  EXPECT_FALSE(is_cp949_csv(lines(0, 0, 1))) << "neither: each bad line is reported";
}

TEST(Encodings, ADamagedLineDoesNotTurnAUtf8FileIntoCp949) {
  for (const int good : {1, 2, 20}) {
    EXPECT_FALSE(is_cp949_csv(lines(1, good, 0))) << good;
    EXPECT_FALSE(is_cp949_csv(lines(0, good, 1))) << good;
  }
}

TEST(Encodings, AnOddByteDoesNotTurnASmallCp949FileIntoUtf8) {
  for (const int good : {1, 2, 5, 8}) EXPECT_TRUE(is_cp949_csv(lines(good, 0, 1))) << good;
  EXPECT_FALSE(is_cp949_csv(lines(2, 0, 2)));
}

TEST(Encodings, WholeLinesAloneCount) {
  const std::string text = lines(1, 0, 0);
  EXPECT_TRUE(is_cp949_csv(text + "\xC8", true));
  EXPECT_TRUE(is_cp949_csv(text + kUtf8Line.substr(0, 4), true));
  EXPECT_FALSE(is_cp949_csv("id\n" + kCp949Line.substr(0, 6), true));
  EXPECT_TRUE(is_cp949_csv("id\n" + kCp949Line.substr(0, 6), false));
}

std::string utf16(std::u16string_view text, bool is_big = false) {
  std::string bytes;
  for (const char16_t unit : text) {
    const std::array<char, 2> both{static_cast<char>(unit >> 8), static_cast<char>(unit)};
    bytes += {both[is_big ? 0 : 1], both[is_big ? 1 : 0]};
  }
  return bytes;
}

/// All that a UTF-16 text becomes, read in pieces.
std::string decoded(std::string_view bytes, Utf16Order order, std::size_t piece) {
  Utf16Decoder decoder(order);
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    const std::string_view part = bytes.substr(at, piece);
    std::string out(Utf16Decoder::bytes_max(part.size()), '\0');
    text.append(out, 0, decoder.decode(part, out.data()));
  }
  std::string rest(4, '\0');
  return text.append(rest, 0, decoder.finish(rest.data()));
}

TEST(Utf16, IsReadInEitherOrderAndAnyPieces) {
  const std::u16string text = u"a,\u00E9 홍\uFFFD\U0001F600\0z\n"s;
  const std::string expected = "a,é 홍\uFFFD\U0001F600\0z\n"s;
  for (const std::size_t piece : {1U, 2U, 3U, 5U, 1000U}) {
    EXPECT_EQ(decoded(utf16(text), Utf16Order::kLittle, piece), expected);
    EXPECT_EQ(decoded(utf16(text, true), Utf16Order::kBig, piece), expected);
  }
}

TEST(Utf16, HalfOfACharacterBecomesAByteThatIsNotUtf8) {
  const std::u16string lead(1, char16_t{0xD83D});
  const std::u16string trail(1, char16_t{0xDE00});
  for (const std::size_t piece : {1U, 2U, 1000U}) {
    const auto text = [&](const std::string& bytes) { return decoded(bytes, Utf16Order::kLittle, piece); };
    EXPECT_EQ(text(utf16(u"a" + lead + u"b")),
              "a\xFF"
              "b");
    EXPECT_EQ(text(utf16(u"a" + trail + u"b")),
              "a\xFF"
              "b");
    EXPECT_EQ(text(utf16(trail + lead)), "\xFF\xFF");
    EXPECT_EQ(text(utf16(lead + lead + trail)), "\xFF\U0001F600");
    EXPECT_EQ(text(utf16(lead + u"\n")), "\xFF\n") << "the line end is never lost";
    EXPECT_EQ(text(utf16(u"a") + "b"), "a\xFF") << "a byte too few";
    EXPECT_EQ(text(utf16(lead) + "b"), "\xFF") << "one place, and so one bad line";
  }
}

TEST(Utf16, RandomUnitsGiveTheSameInAnyPiecesAndNeverMoreThanThereIsRoomFor) {
  const std::uint64_t seed = test::test_seed();
  std::mt19937_64 random(seed);
  for (int round = 0; round < 300; ++round) {
    std::string bytes;
    for (std::size_t size = random() % 100; size > 0; --size) {
      const std::array<unsigned, 4> units{static_cast<unsigned>(random() % 0x80),
                                          0xD800 + static_cast<unsigned>(random() % 0x800),
                                          static_cast<unsigned>(random() % 0x10000), '\n'};
      const unsigned unit = units[random() % 4];
      bytes += {static_cast<char>(unit), static_cast<char>(unit >> 8)};
    }
    if (random() % 4 == 0) bytes += 'x';
    const std::string whole = decoded(bytes, Utf16Order::kLittle, 1000);
    for (const std::size_t piece : {1U, 2U, 3U, 7U}) {
      ASSERT_EQ(decoded(bytes, Utf16Order::kLittle, piece), whole) << "CLEARLINE_SEED=" << seed;
    }
  }
}

TEST(Utf16, IsSeenWithoutBom) {
  EXPECT_EQ(utf16_order_of_content(utf16(u"id,code\n1,P1\n")), Utf16Order::kLittle);
  EXPECT_EQ(utf16_order_of_content(utf16(u"id,code\n1,P1\n", true)), Utf16Order::kBig);
  EXPECT_EQ(utf16_order_of_content(utf16(u"주문번호,개인통관고유부호,수취인명,우편번호\r\n")), Utf16Order::kLittle);
  for (const std::string& text : {"id,code\n1,P1\n"s, kUtf8Line, kCp949Line, ""s, "x"s, std::string(1000, '\0'),
                                  "id,code\n1,P1\n" + std::string(1000, '\0'), "id,code\0001,P1\0"s}) {
    EXPECT_EQ(utf16_order_of_content(text), std::nullopt) << text;
  }
}

struct Opened {
  std::string refusal;
  Encoding encoding = Encoding::kAuto;
  std::string text;  // of the blocks
  std::uint64_t utf8_lines = 0;
};

Opened open_text(const std::string& bytes, Encoding encoding, std::optional<Format> format = std::nullopt,
                 std::size_t piece = 1 << 20) {
  InputOptions options;
  options.encoding = encoding;
  options.format = format;
  auto reader = BlockReader::open(test::text_source(bytes, piece), options, 1 << 18);
  if (!reader.ok()) return {reader.status().message(), Encoding::kAuto, "", 0};
  Opened opened{"", (*reader)->encoding(), "", 0};
  Block block(1 << 18);
  while (*(*reader)->next(block)) opened.text += block.text();
  opened.utf8_lines = (*reader)->utf8_lines();
  return opened;
}

TEST(Encodings, Utf16IsTakenByItsBomAndWithoutOneOnlyIfTheUserSaysSo) {
  const std::u16string csv = u"id,name\r\n1,홍길동\r\n";
  for (const Encoding encoding : {Encoding::kAuto, Encoding::kUtf16}) {
    for (const std::string& bytes : {"\xFF\xFE" + utf16(csv), "\xFE\xFF" + utf16(csv, true)}) {
      for (const std::size_t piece : {1U, 1000U}) {
        const Opened opened = open_text(bytes, encoding, std::nullopt, piece);
        EXPECT_EQ(opened.text, "1,홍길동\r\n") << opened.refusal;
        EXPECT_EQ(opened.encoding, Encoding::kUtf16);
      }
    }
  }
  EXPECT_EQ(open_text(utf16(csv), Encoding::kUtf16).text, "1,홍길동\r\n");
  EXPECT_EQ(open_text("\xFF\xFE" + utf16(u"{\"id\":\"1\"}\n"), Encoding::kAuto).text, "{\"id\":\"1\"}\n");
  const std::vector<std::tuple<std::string, Encoding, std::string>> refused{
      {utf16(csv), Encoding::kAuto, "--encoding utf-16"},
      {utf16(csv), Encoding::kUtf8, "--encoding utf-16"},
      {utf16(csv), Encoding::kCp949, "--encoding utf-16"},
      {utf16(csv, true), Encoding::kAuto, "big-endian"},
      {utf16(csv, true), Encoding::kUtf16, "big-endian"},
      {"\xFF\xFE" + utf16(csv), Encoding::kUtf8, "UTF-16"},
      {"\xFF\xFE" + utf16(csv), Encoding::kCp949, "UTF-16"},
      {"id,name\n1,a\n", Encoding::kUtf16, "not UTF-16"},
      {"\xEF\xBB\xBFid,name\n1,a\n", Encoding::kUtf16, "not UTF-16"},
      {"\xFF\xFE\0\0i\0\0\0"s, Encoding::kAuto, "UTF-32"},
      {"\xFF\xFE" + utf16(u"[\n{}\n]\n"), Encoding::kAuto, "JSON array"},
      {"\xFF\xFE" + utf16(u"<html>"), Encoding::kAuto, "HTML"},
      {"\xFF\xFE" + utf16(u"id,name\r1,a\r"), Encoding::kAuto, "CR without LF"},
  };
  for (const auto& [bytes, encoding, word] : refused) {
    const std::string words = open_text(bytes, encoding).refusal;
    EXPECT_NE(words.find(word), std::string::npos) << word << ": " << words;
    EXPECT_NE(words.find("; "), std::string::npos) << words;
  }
}

TEST(Encodings, NdjsonIsUtf8UnlessTheUserSaysOtherwise) {
  const std::string line = "{\"id\":\"1\",\"name\":\"" + kCp949Line.substr(0, 6) + "\"}\n";
  EXPECT_EQ(open_text(line, Encoding::kAuto).encoding, Encoding::kUtf8);
  EXPECT_EQ(open_text(line, Encoding::kAuto, Format::kNdjson).encoding, Encoding::kUtf8);
  EXPECT_EQ(open_text(line, Encoding::kCp949).encoding, Encoding::kCp949);
  EXPECT_EQ(open_text("{\"id\":\"1\",\"x\":\"\xC0\xAF\"}\n", Encoding::kAuto).encoding, Encoding::kUtf8);
}

TEST(Encodings, LinesThatFailedAndWouldHavePassedInTheOtherOneAreCounted) {
  for (const std::size_t piece : {1U, 7U, 100'000U}) {
    std::string text = "id,name\n";
    for (int i = 0; i < 30; ++i) text += "1," + kCp949Line;
    text += "2,한글\n2,한글\n3," + kNeitherLine + "2,한글";
    EXPECT_EQ(open_text(text, Encoding::kCp949, Format::kCsv, piece).utf8_lines, 3U);
    EXPECT_EQ(open_text(text, Encoding::kUtf8, Format::kCsv, piece).utf8_lines, 0U);
  }
  const Registry registry = test::make_registry({{"P123456789012", "HONG GILDONG", "", "", {"04524"}, "active"}});
  const Policy policy = standard_policy();
  for (const Format form : {Format::kCsv, Format::kNdjson}) {
    BlockScreener screener(registry, policy, {});
    const bool is_csv = form == Format::kCsv;
    InputFormat format;
    format.format = form;
    format.column_count = 2;
    format.column[0] = 0;
    const std::string begin = is_csv ? "1," : "{\"id\":\"";
    const std::string end = is_csv ? "\n" : "\"}\n";
    const std::string name = kCp949Line.substr(0, 6);
    std::string text;
    for (const std::string& value : {name, "한글"s, "a"s, "\x80"s, name + name}) text += begin + value + end + "\n";
    Block block(4'000);
    std::copy(text.begin(), text.end(), block.data.get());
    block.set_size(text.size());
    block.format = &format;
    VerdictBlock out;
    screener.screen_block(block, out);
    EXPECT_EQ(out.tally.declarations, 5U);
    EXPECT_EQ(out.cp949_lines, 2U) << is_csv;
  }
}

TEST(Encodings, OfARegistryTheOneTakenAndTheLinesOfTheOtherAreKnown) {
  RegistryBuilder builder(RegistryKey{9}, {});
  RegistryRead read;
  const std::string text = "code,name_ko\nP123456789012,홍길동\nP123456789013,홍길동\nP123456789014," + kCp949Line;
  ASSERT_TRUE(read_registry(test::text_source(text), Format::kCsv, builder, read, {}, {}).ok());
  EXPECT_EQ(read.encoding, Encoding::kUtf8);
  EXPECT_EQ(read.bad.count(), 1U);
  EXPECT_EQ(read.cp949_lines, 1U);
}

}  // namespace
}  // namespace clearline
