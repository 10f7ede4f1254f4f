// The fast path of folding names against the slow twin: each code point, alone and in company.
#include "engine/name.h"

#include <gtest/gtest.h>

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

/// The text in memory of just its size: AddressSanitizer sees a read behind it.
class Exact {
 public:
  explicit Exact(std::string_view text) : bytes_(text.begin(), text.end()) {}
  std::string_view text() const { return {bytes_.data(), bytes_.size()}; }

 private:
  std::vector<char> bytes_;
};

/// What a text is as a declared name, as a registered one and as a registered Hangul name.
std::string by_engine(NameFolder& folder, std::string_view text) {
  const Exact exact(text);
  std::string found;
  const DeclaredName name = folder.fold_declared(exact.text());
  switch (name.form) {
    case DeclaredName::Form::kMissing:
      found = "missing";
      break;
    case DeclaredName::Form::kUnusable:
      found = "unusable";
      break;
    case DeclaredName::Form::kUsable:
      found = std::string(name.latin, name.latin_size) + "|" + std::string(name.hangul);
      break;
  }
  const RegisteredName registered = folder.fold_registered(exact.text());
  found += " / ";
  if (registered.flaw != NameFlaw::kNone) {
    found += "flawed";
  } else if (registered.has_hangul || !registered.has_latin_letter) {
    found += "refused";
  } else {
    found += std::string(registered.family) + "|" + std::string(registered.whole.substr(registered.family.size()));
  }
  const RegisteredHangul hangul = folder.fold_hangul(exact.text());
  return found + " / " + (hangul.flaw != NameFlaw::kNone ? "flawed" : std::string(hangul.hangul));
}

std::string by_twin(const std::string& text) {
  const reference::NameParts name = reference::declared_name(text);
  std::string found = name.missing ? "missing" : name.unusable ? "unusable" : name.latin + "|" + name.hangul;
  const reference::RegisteredName registered = reference::registered_name(text);
  found += " / ";
  if (registered.flawed) {
    found += "flawed";
  } else if (registered.has_hangul || !registered.has_latin_letter) {
    found += "refused";
  } else {
    found += registered.family + "|" + registered.given;
  }
  return found + " / " + reference::registered_hangul(text).value_or("flawed");
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
  for (unsigned point = 1; point < 0x110000; point += point < 0x11000 ? step : 31) {
    if (is_surrogate(point)) continue;
    const std::string c = utf8(point);
    for (const std::string& text : {c, "A" + c + "B", c + c, "각" + c + "가" + c, "e" + c + "\u0301", "\u1100" + c,
                                    "<" + c + "<B", "A<<" + c + "\u0338 B", "1 " + c + " MR", c + "?"}) {
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
  for (int round = 0; round < (CLEARLINE_SANITIZED != 0 ? 20'000 : 50'000); ++round) {
    std::string text;
    const std::size_t size = random() % (round % 100 == 0 ? 600 : 70);  // the vectors take 64
    while (text.size() < size) {
      constexpr std::string_view kPieces[] = {"MR", "mrs", "Ms", "miss", "DR", " ",    " ",    ",",
                                              "<<", "<",   "'",  "`",    "-",  ".",    "3",    "KIM",
                                              "Z",  "a9",  " ",  " ",    "\t", "\x01", "\x7F", "?"};
      text += kPieces[random() % (std::size(kPieces) - (round % 4 == 0 ? 0 : 3))];
    }
    text.resize(size);
    ASSERT_EQ(by_engine(folder, text), by_twin(text)) << "CLEARLINE_SEED=" << seed << " " << dump(text);
  }
}

TEST(Name, OfAnyBytesIsFoldedAsTheTwinDoes) {
  const std::uint64_t seed = test_seed();
  std::mt19937_64 random(seed);
  NameFolder folder;
  for (int round = 0; round < (CLEARLINE_SANITIZED != 0 ? 50'000 : 200'000); ++round) {
    std::string text;
    for (std::size_t size = random() % 12; size > 0; --size) {
      // Leads without their tails, tails without a lead, surrogates, and whole characters among them.
      constexpr std::string_view kPieces[] = {
          "A",  " ", "\xC3", "\xE1\x84", "\xEA\xB0", "\xED\xA0\x80", "\xF0\x9F\x98", "\x80",
          "홍", "é", "\xFF", "\xC0\xAF", "?",        "\xEF\xBF\xBD", "\xEA",         "\xE3\x80"};
      const bool is_piece = random() % 3 != 0;
      if (is_piece) text += kPieces[random() % std::size(kPieces)];
      if (!is_piece) text += static_cast<char>(random() % 256);
    }
    ASSERT_EQ(by_engine(folder, text), by_twin(text)) << "CLEARLINE_SEED=" << seed << " " << dump(text);
  }
}

struct Split {
  std::string text;
  std::string parts;  // F|G
};

TEST(Name, TheFamilyNameIsTheFirstPieceWithALetterOrAllBeforeAMark) {
  NameFolder folder;
  for (const Split& it : std::initializer_list<Split>{{"KIM MINSU", "KIM|MINSU"},
                                                      {"- KIM MINSU", "KIM|MINSU"},
                                                      {"' KIM MINSU", "KIM|MINSU"},
                                                      {"1 KIM MINSU", "KIM|1MINSU"},
                                                      {"KIM-LEE HANA", "KIMLEE|HANA"},
                                                      {"O'NEIL SEAN", "ONEIL|SEAN"},
                                                      {"DE LA CRUZ, JUAN", "DELACRUZ|JUAN"},
                                                      {"DE LA CRUZ， JUAN", "DELACRUZ|JUAN"},
                                                      {"DE LA CRUZ<<JUAN<<<", "DELACRUZ|JUAN"},
                                                      {"DE LA CRUZ<'<JUAN", "DELACRUZ|JUAN"},
                                                      {"DE LA CRUZ＜＜JUAN", "DELACRUZ|JUAN"},
                                                      {"DE<LA CRUZ JUAN", "DELA|CRUZJUAN"},
                                                      {", JUAN CARLOS", "|JUANCARLOS"}}) {
    const RegisteredName name = folder.fold_registered(it.text);
    ASSERT_EQ(name.flaw, NameFlaw::kNone);
    EXPECT_EQ(std::string(name.family) + "|" + std::string(name.whole.substr(name.family.size())), it.parts) << it.text;
  }
}

TEST(Name, TitlesAreDroppedFromRegisteredNamesToo) {
  NameFolder folder;
  for (const Split& it : std::initializer_list<Split>{{"MR. KIM MINSU", "KIM|MINSU"},
                                                      {"KIM MINSU MR DR", "KIM|MINSU"},
                                                      {"DR MR KIM MINSU", "KIM|MINSU"},
                                                      {"MR, KIM MINSU", "KIM|MINSU"},
                                                      {"DR KIM, MINSU", "KIM|MINSU"},
                                                      {"MR<<KIM<<MINSU", "KIM|MINSU"},
                                                      {"KIM DR", "KIM|"},
                                                      {"MR DR", "DR|"},
                                                      {"DR", "DR|"},
                                                      {"1 MR", "|1"},
                                                      {"ＭＲ KIM MINSU", "KIM|MINSU"}}) {
    const RegisteredName name = folder.fold_registered(it.text);
    ASSERT_EQ(name.flaw, NameFlaw::kNone);
    EXPECT_EQ(std::string(name.family) + "|" + std::string(name.whole.substr(name.family.size())), it.parts) << it.text;
  }
}

TEST(Name, OneWithAFlawIsEqualToNothing) {
  NameFolder folder;
  const std::pair<std::string, NameFlaw> flawed[] = {
      {"홍?동", NameFlaw::kLostLetter},
      {"KIM?", NameFlaw::kLostLetter},
      {"?KIM", NameFlaw::kLostLetter},
      {"KIM MIN?U", NameFlaw::kLostLetter},
      {"편\uFFFD쀍", NameFlaw::kLostLetter},
      {"KIM \uFFFD", NameFlaw::kLostLetter},
      {"KIM\x01MINSU", NameFlaw::kControl},
      {"KIM\u0080MINSU", NameFlaw::kControl},
      {std::string("KIM\0MINSU", 9), NameFlaw::kControl},
      {"\x80", NameFlaw::kNotUtf8},
      {"KIM\xED\xA0\x80", NameFlaw::kNotUtf8},
      {"KIM\xC1\x81", NameFlaw::kNotUtf8},
      {"홍길\xEB\x8F", NameFlaw::kNotUtf8},
      {std::string(513, 'A'), NameFlaw::kTooLong},
  };
  for (const auto& [text, flaw] : flawed) {
    EXPECT_EQ(folder.fold_declared(text).form, DeclaredName::Form::kUnusable) << dump(text);
    EXPECT_EQ(folder.fold_registered(text).flaw, flaw) << dump(text);
    EXPECT_EQ(folder.fold_hangul(text).flaw, flaw) << dump(text);
  }
  for (const std::string& good : {std::string("KIM ? MINSU"), std::string("KIM 3?"), std::string("KIM？MINSU"),
                                  std::string("KIM\u0085MINSU"), std::string(512, 'A')}) {
    EXPECT_EQ(folder.fold_declared(good).form, DeclaredName::Form::kUsable) << dump(good);
    EXPECT_EQ(folder.fold_registered(good).flaw, NameFlaw::kNone) << dump(good);
  }
  EXPECT_EQ(folder.fold_declared(std::string(600, ' ') + "\u200B").form, DeclaredName::Form::kMissing);
}

}  // namespace
}  // namespace clearline::test
