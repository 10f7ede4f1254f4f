// The fast path of folding names against the slow twin: each code point, alone and in company.
#include "engine/name.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <random>
#include <vector>

#include "tests/support/random_input.h"
#include "tests/support/reference.h"

namespace clearline::test {
namespace {

std::string utf8(unsigned point) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | (point >> shift & 0x3F)); };
  if (point < 0x80) return {static_cast<char>(point)};
  if (point < 0x800) return {static_cast<char>(0xC0 | point >> 6), tail(0)};
  if (point < 0x10000) return {static_cast<char>(0xE0 | point >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | point >> 18), tail(12), tail(6), tail(0)};
}

bool is_surrogate(unsigned point) { return point >= 0xD800 && point < 0xE000; }

/// Form, Latin and Hangul part as one text.
std::string by_engine(NameFolder& folder, std::string_view text) {
  const DeclaredName name = folder.fold_declared(text);
  if (name.form == DeclaredName::Form::kMissing) return "missing";
  if (name.form == DeclaredName::Form::kUnusable) return "unusable";
  return std::string(name.latin, name.latin_size) + "|" + std::string(name.hangul);
}

std::string by_twin(const std::string& text) {
  const reference::NameParts name = reference::declared_name(text);
  if (name.missing) return "missing";
  if (name.unusable) return "unusable";
  return name.latin + "|" + name.hangul;
}

std::string dump(const std::string& text) {
  std::string bytes;
  for (const char c : text) {
    char hex[8];
    std::snprintf(hex, sizeof hex, "%02X ", static_cast<unsigned>(static_cast<unsigned char>(c)));
    bytes += hex;
  }
  return bytes;
}

TEST(Name, EachCodePointIsFoldedAsTheTwinDoes) {
  NameFolder folder;
  const unsigned step = CLEARLINE_SANITIZED != 0 ? 17 : 1;
  for (unsigned point = 1; point < 0x11000; point += step) {
    if (is_surrogate(point)) continue;
    const std::string c = utf8(point);
    for (const std::string& text : {c, "A" + c + "B", c + c, "각" + c + "가" + c, "e" + c + "\u0301", "\u1100" + c}) {
      ASSERT_EQ(by_engine(folder, text), by_twin(text)) << dump(text);
    }
  }
}

TEST(Name, RandomCompanyIsFoldedAsTheTwinDoes) {
  const std::uint64_t seed = test_seed();
  std::mt19937_64 random(seed);
  // Ranges where characters act on each other: Latin and its marks, jamo, Hangul, half-width forms, Greek, anything.
  const std::pair<unsigned, unsigned> ranges[] = {
      {0x20, 0x7F},     {0xA0, 0x24F},    {0x300, 0x36F},   {0x1100, 0x11FF}, {0xAC00, 0xAC80}, {0xFF00, 0xFFEF},
      {0x370, 0x3FF},   {0x1E00, 0x1FFF}, {0x3000, 0x33FF}, {0xA960, 0xA97F}, {0xD7B0, 0xD7FF}, {0x80, 0x10FFFF},
      {0x2000, 0x206F}, {0x1161, 0x1175}, {0x11A7, 0x11C2}, {0x41, 0x5A}};
  NameFolder folder;
  for (int round = 0; round < (CLEARLINE_SANITIZED != 0 ? 20'000 : 300'000); ++round) {
    std::string text;
    for (std::size_t size = 1 + random() % 8; size > 0; --size) {
      const auto& [low, high] = ranges[random() % std::size(ranges)];
      const auto point = static_cast<unsigned>(low + random() % (high - low + 1));
      if (!is_surrogate(point)) text += utf8(point);
    }
    ASSERT_EQ(by_engine(folder, text), by_twin(text)) << "CLEARLINE_SEED=" << seed << " " << dump(text);
  }
}

TEST(Name, OfAsciiOfAnySizeIsFoldedAsTheTwinDoes) {
  const std::uint64_t seed = test_seed();
  std::mt19937_64 random(seed);
  NameFolder folder;
  for (int round = 0; round < 50'000; ++round) {
    std::string text;
    const std::size_t size = random() % 70;  // the vectors take 64
    while (text.size() < size) {
      constexpr std::string_view kPieces[] = {"MR", "mrs", "Ms", "miss", "DR", " ", " ", ",",  "<<",   "'",
                                              "`",  "-",   ".",  "KIM",  "Z",  "a", "9", "\t", "\x01", "\x7F"};
      text += kPieces[random() % (round % 2 == 0 ? std::size(kPieces) : std::size(kPieces) - 2)];
    }
    text.resize(size);
    // A copy of just that size: AddressSanitizer sees a read behind it.
    const std::vector<char> exact(text.begin(), text.end());
    ASSERT_EQ(by_engine(folder, {exact.data(), exact.size()}), by_twin(text))
        << "CLEARLINE_SEED=" << seed << " " << dump(text);
  }
}

/// The letters of an ASCII name.
std::string ascii_letters(std::string_view text) {
  std::string letters;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) letters += static_cast<char>(std::toupper(c));
  }
  return letters;
}

TEST(Name, RegisteredAsciiNamesAreSplitAtTheirMarkOrBehindTheirFirstWord) {
  NameFolder folder;
  const std::uint64_t seed = test_seed();
  std::mt19937_64 random(seed);
  constexpr std::string_view kLetters = "AbZ z09,<<<  '`-.\t\n\r\x01\x7F";
  for (int round = 0; round < (CLEARLINE_SANITIZED != 0 ? 20'000 : 300'000); ++round) {
    std::string text;
    for (std::size_t i = random() % 12; i > 0; --i) text += kLetters[random() % kLetters.size()];
    std::size_t split = std::min(text.find(','), text.find("<<"));
    if (split == std::string::npos) split = text.find_first_of(" \t\n\r", text.find_first_not_of(" \t\n\r"));
    const std::string letters = ascii_letters(text);
    const RegisteredName name = folder.fold_registered(text);
    ASSERT_EQ(name.whole, letters) << "CLEARLINE_SEED=" << seed << " " << dump(text);
    ASSERT_EQ(name.family, ascii_letters(text.substr(0, split))) << "CLEARLINE_SEED=" << seed << " " << dump(text);
    ASSERT_EQ(name.has_latin_letter, letters.find_first_not_of("0123456789") != std::string::npos);
    ASSERT_FALSE(name.has_hangul);
  }
}

}  // namespace
}  // namespace clearline::test
