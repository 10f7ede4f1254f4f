// Nothing is allocated and no lock taken per declaration: every malloc and every mutex of the process is counted while
// blocks are screened again.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <cstdlib>
#include <mutex>

#include "io/formats/block_reader.h"
#include "io/formats/screen_block.h"
#include "tests/support/random_input.h"
#include "tests/support/screening.h"

namespace {
std::atomic<std::uint64_t> allocations{0};
std::atomic<std::uint64_t> locks{0};
}  // namespace

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
// std::mutex and whatever else locks goes through this; the next one of that name is the system's.
int pthread_mutex_lock(pthread_mutex_t* mutex) {
  using Lock = int (*)(pthread_mutex_t*);
  static const auto lock = reinterpret_cast<Lock>(dlsym(RTLD_NEXT, "pthread_mutex_lock"));
  locks.fetch_add(1, std::memory_order_relaxed);
  return lock(mutex);
}
}

namespace clearline::test {
namespace {

TEST(Allocation, TheCountersCount) {
  std::mutex mutex;
  const std::uint64_t locks_before = locks.load();
  {
    const std::lock_guard guard(mutex);
  }
  EXPECT_GT(locks.load(), locks_before);
  const std::uint64_t before = allocations.load();
  // Volatile, or the compiler may leave the pair out.
  void* volatile memory = std::malloc(10);
  std::free(memory);
  EXPECT_GT(allocations.load(), before);
}

TEST(Allocation, NoneAndNoLockInTheSteadyState) {
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
      const std::uint64_t locks_before = locks.load();
      for (int again = 0; again < 3; ++again) screener.screen_block(block, verdicts);
      EXPECT_EQ(locks.load() - locks_before, 0U) << "of " << verdicts.tally.declarations << " declarations";
      EXPECT_EQ(allocations.load() - before, 0U) << "of " << verdicts.tally.declarations << " declarations";
    }
  }
}

}  // namespace
}  // namespace clearline::test
