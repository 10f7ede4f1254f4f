// Nothing is allocated per declaration: every malloc of the process is counted while blocks are screened again.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>

#include "io/formats/block_reader.h"
#include "io/formats/screen_block.h"
#include "tests/support/random_input.h"
#include "tests/support/screening.h"

namespace {
std::atomic<std::uint64_t> allocations{0};
}

// Everything allocates through these (operator new, ICU, glibc itself); glibc lets a program bring its own.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* malloc(std::size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_calloc(count, bytes);
}
void* realloc(void* old, std::size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_realloc(old, bytes);
}
}

namespace clearline::test {
namespace {

TEST(Allocation, TheCounterCounts) {
  const std::uint64_t before = allocations.load();
  // Volatile, or the compiler may leave the pair out.
  void* volatile memory = std::malloc(10);
  std::free(memory);
  EXPECT_GT(allocations.load(), before);
}

TEST(Allocation, NoneInTheSteadyState) {
  for (const Format form : {Format::kNdjson, Format::kCsv}) {
    for (const bool explain : {false, true}) {
      RandomInput input(7);
      const Registry registry = make_registry(input.people());
      const std::string whole = form == Format::kNdjson ? input.ndjson(2'000) : input.csv(2'000);
      InputOptions options;
      options.format = form;
      auto reader = BlockReader::open(text_source(whole), options, 8 << 20);
      ASSERT_TRUE(reader.ok());
      Block block(8 << 20);
      ASSERT_TRUE(*(*reader)->next(block));
      const Policy policy = standard_policy();
      ScreenOptions screen_options;
      screen_options.output_format = form;
      screen_options.explain = explain;
      screen_options.today = *parse_date("2026-01-15");
      BlockScreener screener(registry, policy, screen_options);
      VerdictBlock verdicts;
      for (int warm = 0; warm < 2; ++warm) screener.screen_block(block, verdicts);
      ASSERT_GE(verdicts.tally.declarations, 1'500U);
      const std::uint64_t before = allocations.load();
      for (int again = 0; again < 3; ++again) screener.screen_block(block, verdicts);
      EXPECT_EQ(allocations.load() - before, 0U) << "of " << verdicts.tally.declarations << " declarations";
    }
  }
}

}  // namespace
}  // namespace clearline::test
