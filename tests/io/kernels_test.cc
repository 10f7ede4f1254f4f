#include "io/formats/kernels.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "engine/isa.h"
#include "io/formats/block.h"
#include "io/formats/utf8.h"
#include "tests/support/decoding.h"
#include "tests/support/random_input.h"

namespace clearline::test {
namespace {

/// Every Isa that this machine has but kScalar, which the others are held against.
std::vector<Isa> vector_isas() {
  std::vector<Isa> isas;
  for (const Isa isa : {Isa::kSse2, Isa::kAvx2, Isa::kAvx512}) {
    if (machine_has(isa)) isas.push_back(isa);
  }
  return isas;
}

class Kernels : public testing::Test {
 protected:
  ~Kernels() override { use_isa(before_); }

 private:
  Isa before_ = isa_in_use();
};

/// Bytes among which those that kernels look for are frequent.
std::string random_bytes(std::mt19937_64& random, std::size_t size) {
  constexpr std::string_view kFrequent = "\"\"\\,\n\r\t {}[]:0123-+.eEu\x1F\x7F\x80\xFF";
  std::string text;
  while (text.size() < size) {
    text += random() % 3 == 0 ? kFrequent[random() % kFrequent.size()] : static_cast<char>(random());
  }
  return text;
}

TEST_F(Kernels, OfEachIsaMarkTheSameBytes) {
  std::mt19937_64 random(test_seed());
  for (int round = 0; round < 200; ++round) {
    const std::size_t words = 1 + random() % 20;
    const std::string text = random_bytes(random, 64 * words + 63);
    const std::size_t start = random() % 64;  // any alignment
    std::vector<std::uint64_t> json(words);
    std::vector<std::uint64_t> csv(words);
    use_isa(Isa::kScalar);
    kernels().mark_json(text.data() + start, words, json.data());
    kernels().mark_csv(text.data() + start, words, csv.data());
    for (const Isa isa : vector_isas()) {
      use_isa(isa);
      std::vector<std::uint64_t> got(words);
      kernels().mark_json(text.data() + start, words, got.data());
      EXPECT_EQ(got, json) << to_string(isa);
      kernels().mark_csv(text.data() + start, words, got.data());
      EXPECT_EQ(got, csv) << to_string(isa);
    }
  }
}

/// What scan_json says of a text, with padding as a block has it.
std::vector<std::vector<std::uint64_t>> scan_of(const std::string& text) {
  const std::size_t words = text.size() / 64 + 1;
  const std::string padded = text + std::string(kBlockPadding, '\0');
  std::vector<std::vector<std::uint64_t>> marks(3, std::vector<std::uint64_t>(words));
  JsonMarks out{marks[0].data(), marks[1].data(), marks[2].data()};
  kernels().scan_json(padded.data(), words, out);
  return marks;
}

TEST_F(Kernels, OfEachIsaScanJsonAlike) {
  const std::uint64_t seed = test_seed();
  std::mt19937_64 random(seed);
  RandomInput input(seed);
  for (int round = 0; round < 60; ++round) {
    std::string text;
    switch (round % 4) {
      case 0:
        text = random_bytes(random, random() % 5'000);
        break;
      case 1:  // runs longer than a word, of what a scan carries over
        for (int i = 0; i < 40; ++i) {
          constexpr std::string_view kRuns = " \\\"1.e{[:,\n";
          text += std::string(random() % 150, kRuns[random() % kRuns.size()]);
        }
        break;
      default:
        text = input.ndjson(50 + random() % 200);
    }
    use_isa(Isa::kSse2);
    const auto expected = scan_of(text);
    for (const Isa isa : vector_isas()) {
      use_isa(isa);
      EXPECT_EQ(scan_of(text), expected) << to_string(isa) << " CLEARLINE_SEED=" << seed;
      std::vector<std::uint32_t> places(64 * expected[0].size() + 64);
      std::vector<std::uint32_t> got(places.size());
      places.resize(kScalarKernels.list_marks(expected[0].data(), 0, expected[0].size(), places.data()));
      got.resize(kernels().list_marks(expected[0].data(), 0, expected[0].size(), got.data()));
      EXPECT_EQ(got, places) << to_string(isa);
    }
  }
}

// The scalar kernels have the exact pass alone, so this holds the two passes against each other.
TEST_F(Kernels, OfEachIsaDecodeAlike) {
  const std::uint64_t seed = test_seed();
  std::mt19937_64 random(seed);
  RandomInput input(seed);
  for (int round = 0; round < 40; ++round) {
    std::string text = input.ndjson(500);
    // Damage where it matters: characters that mean something, put anywhere.
    for (int i = 0; round % 2 == 1 && i < 60; ++i) {
      constexpr std::string_view kDamage = "{}[]:,\"\\ 01.-+eEtnu\n";
      text[random() % text.size()] = kDamage[random() % kDamage.size()];
    }
    use_isa(Isa::kScalar);
    const auto expected = decoded_ndjson(text);
    for (const Isa isa : vector_isas()) {
      use_isa(isa);
      const auto got = decoded_ndjson(text);
      ASSERT_EQ(got.size(), expected.size());
      for (std::size_t i = 0; i < got.size(); ++i) {
        ASSERT_EQ(got[i], expected[i]) << to_string(isa) << " CLEARLINE_SEED=" << seed;
      }
    }
  }
}

TEST_F(Kernels, OfEachIsaScanTheSameLinesAndReadNothingBehindThem) {
  std::mt19937_64 random(test_seed());
  for (std::size_t size = 0; size < 400; ++size) {
    // A copy of just that size: AddressSanitizer sees a read behind it.
    const std::string bytes = random_bytes(random, size);
    const std::vector<char> text(bytes.begin(), bytes.end());
    use_isa(Isa::kScalar);
    const LineScan scan = kernels().scan_lines(text.data(), size);
    const std::size_t line_ends = kernels().count_line_ends(text.data(), size);
    for (const Isa isa : vector_isas()) {
      use_isa(isa);
      const LineScan got = kernels().scan_lines(text.data(), size);
      EXPECT_EQ(got.even_end, scan.even_end) << to_string(isa) << " " << size;
      EXPECT_EQ(got.odd, scan.odd) << to_string(isa) << " " << size;
      EXPECT_EQ(kernels().count_line_ends(text.data(), size), line_ends) << to_string(isa) << " " << size;
    }
  }
}

TEST_F(Kernels, OfEachIsaKnowTheSameUtf8) {
  std::mt19937_64 random(test_seed());
  for (int round = 0; round < 2'000; ++round) {
    std::string text(random() % 200, 'a');
    for (int i = 0; i < 4; ++i) {
      constexpr std::string_view kPieces[] = {"\xC3\xA9", "\xED\x99\x8D", "\xF0\x9F\x8E\x81", "\xED\xA0\x80",
                                              "\xC0\x80"};
      text.insert(random() % (text.size() + 1), kPieces[random() % (round % 2 == 0 ? 3 : 5)]);
    }
    const bool valid = find_invalid_utf8(text) == text.size();
    use_isa(Isa::kScalar);
    EXPECT_EQ(is_utf8(text), valid);
    for (const Isa isa : vector_isas()) {
      use_isa(isa);
      EXPECT_EQ(is_utf8(text), valid) << to_string(isa);
    }
  }
}

TEST_F(Kernels, AreForcedByNameOrRefused) {
  ASSERT_TRUE(forced_isa("scalar").ok());
  EXPECT_EQ(*forced_isa("scalar"), Isa::kScalar);
  const auto unknown = forced_isa("mmx");
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.status().kind(), StatusKind::kConfig);
  EXPECT_NE(unknown.status().message().find("scalar"), std::string::npos) << "says what there is";
}

}  // namespace
}  // namespace clearline::test
