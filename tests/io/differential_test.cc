// The fast path against the slow twin, on random input far wilder than real files.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/random_input.h"
#include "tests/support/reference.h"
#include "tests/support/screening.h"

namespace clearline::test {
namespace {

constexpr std::size_t kLinesARound = 2'000;
const std::string kToday = "2026-01-15";

/// Most of them with the kernels that nobody has named: the others agree with them in kernels_test.cc.
std::uint64_t declarations() {
  const std::uint64_t usual = CLEARLINE_SANITIZED != 0                  ? 40'000
                              : std::getenv("CLEARLINE_ISA") != nullptr ? 300'000
                                                                        : 1'000'000;
  return test_count("CLEARLINE_RANDOM_DECLARATIONS", usual);
}

TEST(Differential, NdjsonAgreesWithTheReference) {
  const std::uint64_t seed = test_seed();
  const std::uint64_t rounds = declarations() / 2 / kLinesARound;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    RandomInput input(seed + round);
    const Registry registry = make_registry(input.people());
    const reference::Reference twin(input.people(), kToday);
    const std::string text = input.ndjson(kLinesARound);
    ScreenSetup setup;
    setup.block_bytes = round % 2 == 0 ? 1 : 256 << 10;
    setup.threads = 1 + static_cast<int>(round % 3);
    const auto got = screen_to_rows(text, registry, setup);
    ASSERT_TRUE(got);
    ASSERT_EQ(first_difference(twin.screen_ndjson(text), *got), "") << "CLEARLINE_SEED=" << seed + round;
  }
}

TEST(Differential, CsvAgreesWithTheReference) {
  const std::uint64_t seed = test_seed();
  const std::uint64_t rounds = declarations() / 2 / kLinesARound;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    RandomInput input(seed + round);
    const Registry registry = make_registry(input.people());
    const reference::Reference twin(input.people(), kToday);
    const std::string text = input.csv(kLinesARound);
    ScreenSetup setup;
    setup.format = Format::kCsv;
    setup.block_bytes = round % 2 == 0 ? 1 : 256 << 10;
    setup.threads = 1 + static_cast<int>(round % 3);
    const auto expected = twin.screen_csv(text);
    const auto got = screen_to_rows(text, registry, setup);
    ASSERT_TRUE(expected);
    ASSERT_TRUE(got);
    ASSERT_EQ(first_difference(*expected, *got), "") << "CLEARLINE_SEED=" << seed + round;
  }
}

TEST(Differential, OutputIsTheSameForAnyThreadsBlocksAndReads) {
  const std::uint64_t seed = test_seed();
  for (std::uint64_t round = 0; round < 6; ++round) {
    RandomInput input(seed + round);
    const Registry registry = make_registry(input.people());
    ScreenSetup setup;
    setup.format = round % 2 == 0 ? Format::kNdjson : Format::kCsv;
    const std::string text = setup.format == Format::kCsv ? input.csv(3000) : input.ndjson(3000);
    const auto once = screen_to_text(text, registry, setup, Format::kNdjson, true);
    ASSERT_TRUE(once);
    for (const int threads : {1, 2, 7}) {
      for (const std::size_t block_bytes : {std::size_t{1}, std::size_t{70'001}, std::size_t{1} << 20}) {
        for (const std::size_t piece_bytes : {std::size_t{97}, std::size_t{65'536}}) {
          setup.threads = threads;
          setup.block_bytes = block_bytes;
          setup.piece_bytes = piece_bytes;
          ASSERT_EQ(screen_to_text(text, registry, setup, Format::kNdjson, true), once)
              << "CLEARLINE_SEED=" << seed + round << " threads " << threads << " block " << block_bytes;
        }
      }
    }
  }
}

}  // namespace
}  // namespace clearline::test
