#include "io/formats/cp949.h"

#include <gtest/gtest.h>
#include <unicode/ucnv.h>

#include <random>

#include "io/formats/block_reader.h"
#include "io/formats/registry_reader.h"
#include "io/formats/utf8.h"
#include "tests/support/random_input.h"
#include "tests/support/screening.h"

namespace clearline {
namespace {

std::string decoded(std::string_view text, std::size_t piece = 1'000'000) {
  Cp949Decoder decoder;
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    const std::string_view part = text.substr(at, piece);
    std::string buffer(Cp949Decoder::bytes_max(part.size()), '\0');
    out.append(buffer, 0, decoder.decode(part, buffer.data()));
  }
  std::string rest(4, '\0');
  return out.append(rest, 0, decoder.finish(rest.data()));
}

/// ICU's own answer for a whole text; nothing when it is no CP949.
std::optional<std::string> by_icu(const std::string& text) {
  UErrorCode error = U_ZERO_ERROR;
  UConverter* const from = ucnv_open("windows-949", &error);
  ucnv_setToUCallBack(from, UCNV_TO_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &error);
  std::vector<UChar> units(text.size() + 1);
  const auto size = ucnv_toUChars(from, units.data(), static_cast<int32_t>(units.size()), text.data(),
                                  static_cast<int32_t>(text.size()), &error);
  ucnv_close(from);
  if (U_FAILURE(error)) return std::nullopt;
  UConverter* const to = ucnv_open("UTF-8", &error);
  std::string out(text.size() * 4 + 4, '\0');
  out.resize(static_cast<std::size_t>(
      ucnv_fromUChars(to, out.data(), static_cast<int32_t>(out.size()), units.data(), size, &error)));
  ucnv_close(to);
  return out;
}

/// A Korean name, a letter beyond EUC-KR, and marks, as Windows writes them.
const std::string kHong = "\xC8\xAB\xB1\xE6\xB5\xBF";

TEST(Cp949, KnownTexts) {
  EXPECT_EQ(decoded(kHong), "홍길동");
  EXPECT_EQ(decoded("\x8C\x63\xB9\xE6\xB0\xA2\xC7\xCF"), "똠방각하") << "UHC, not only EUC-KR";
  EXPECT_EQ(decoded("a\\b~\t\r\n"), "a\\b~\t\r\n");
  EXPECT_EQ(decoded("\xA2\xE6"), "€");
  EXPECT_EQ(decoded("\xA1\xA1"), "\u3000");
  EXPECT_EQ(decoded(""), "");
}

TEST(Cp949, EachPairIsWhatIcuMakesOfIt) {
  int characters = 0;
  for (unsigned pair = 0x8000; pair < 0x10000; ++pair) {
    const std::string bytes{static_cast<char>(pair >> 8), static_cast<char>(pair)};
    const std::string got = decoded("a" + bytes + "b");
    const auto expected = by_icu(bytes);
    // What ICU reads as two single bytes is no pair.
    const bool is_pair = expected && expected->size() >= 2 && decoded(bytes).find('\xFF') == std::string::npos;
    if (is_pair) {
      ++characters;
      ASSERT_EQ(got, "a" + *expected + "b") << std::hex << pair;
    } else {
      ASSERT_NE(got.find('\xFF'), std::string::npos) << std::hex << pair;
    }
  }
  EXPECT_GT(characters, 8'822 + 8'000) << "KS X 1001 and the syllables that UHC adds";
}

TEST(Cp949, AnyPiecesGiveTheSame) {
  const std::uint64_t seed = test::test_seed();
  std::mt19937_64 random(seed);
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (std::size_t size = random() % 200; size > 0; --size) {
      switch (random() % 4) {
        case 0:
          text += static_cast<char>(random());
          break;
        case 1:
          text += kHong;
          break;
        default:
          text += "abc,\"\n{}1"[random() % 9];
      }
    }
    const std::string whole = decoded(text);
    for (const std::size_t piece : {1U, 2U, 3U, 7U, 64U}) {
      ASSERT_EQ(decoded(text, piece), whole) << "CLEARLINE_SEED=" << seed;
    }
    if (const auto expected = by_icu(text); expected && whole.find('\xFF') == std::string::npos) {
      ASSERT_EQ(whole, *expected) << "CLEARLINE_SEED=" << seed;
    }
    ASSERT_EQ(std::count(whole.begin(), whole.end(), '\n'), std::count(text.begin(), text.end(), '\n'));
    ASSERT_EQ(std::count(whole.begin(), whole.end(), '"'), std::count(text.begin(), text.end(), '"'));
  }
}

TEST(Cp949, ALeadByteTakesNoLineEndQuoteOrComma) {
  for (const std::string next : {"\n", "\"", ",", " ", "0"}) {
    EXPECT_EQ(decoded("x\xC8" + next + kHong), "x\xFF" + next + "홍길동") << next;
  }
  EXPECT_EQ(decoded("\xC8"), "\xFF") << "cut off by the end";
  EXPECT_EQ(decoded("\x80z\xFFz"), "\xFFz\xFFz");
}

/// Verdicts of a CSV text, under an encoding.
std::string screened(const std::string& text, Encoding encoding) {
  static const Registry registry =
      test::make_registry({{"P123456789012", "HONG GILDONG", "홍길동", "", {"04524"}, "active"}});
  test::ScreenSetup setup;
  setup.format = Format::kCsv;
  setup.encoding = encoding;
  setup.columns = "name=수취인명";
  return test::screen_to_text(text, registry, setup, Format::kCsv).value_or("refused");
}

TEST(Cp949, IsScreenedAndABadByteSpoilsItsLineAlone) {
  const std::string header = "id,code,\xBC\xF6\xC3\xEB\xC0\xCE\xB8\xED,zip\n";  // 수취인명
  const std::string good = "a,P123456789012," + kHong + ",04524\n";
  const std::string bad = "b,P123456789012,\xC8,04524\n";
  const std::string more = "c,P123456789012," + kHong + ",04524\n";
  const std::string expected = "a,clear,,,\n,error,malformed,3,column 17: a byte that is not CP949\nc,clear,,,\n";
  EXPECT_EQ(screened(header + good + bad + more, Encoding::kCp949), expected);
  EXPECT_EQ(screened(header + good + more, Encoding::kAuto), "a,clear,,,\nc,clear,,,\n");
  EXPECT_EQ(screened(header + good, Encoding::kUtf8), "refused") << "the mapped column is not there";
  // Beyond the first 64 KiB a bad byte no longer changes what the text is.
  std::string long_text = header + good;
  while (long_text.size() < 70'000) long_text += "\n";
  EXPECT_NE(screened(long_text + bad + more, Encoding::kAuto).find("a byte that is not CP949\nc,clear"),
            std::string::npos);
}

TEST(Cp949, AUtf8BomAtTheVeryStartIsDroppedAllTheSame) {
  const std::string text =
      "\xEF\xBB\xBFid,code,\xBC\xF6\xC3\xEB\xC0\xCE\xB8\xED,zip\na,P123456789012," + kHong + ",04524\n";
  EXPECT_EQ(screened(text, Encoding::kCp949), "a,clear,,,\n");
  EXPECT_EQ(screened(text, Encoding::kAuto), "a,clear,,,\n");
  EXPECT_EQ(screened("\xEF\xBB\xBF" + text, Encoding::kCp949), "refused") << "only one";

  RegistryBuilder builder(RegistryKey{9}, {});
  RegistryRead read;
  const Status status = read_registry(test::text_source("\xEF\xBB\xBF"
                                                        "code,name_ko\nP123456789012," +
                                                        kHong + "\n"),
                                      Format::kCsv, builder, read, {}, {}, 1, Encoding::kCp949);
  EXPECT_TRUE(status.ok()) << status.message();
  const auto registry = std::move(builder.build(RegistryBuilder::OnDuplicate::kRefuse).registry);
  EXPECT_EQ(registry->find(*parse_code("P123456789012"))->name_ko, "홍길동");
}

}  // namespace
}  // namespace clearline
