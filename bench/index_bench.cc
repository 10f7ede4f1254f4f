// The code index: nanoseconds and cache lines a look-up, over size, hit rate and load, looked up as the screener does.
#include <benchmark/benchmark.h>

#include <cstring>
#include <vector>

#include "bench/made_up.h"
#include "engine/code_index.h"
#include "engine/pages.h"
#include "io/generate/people.h"
#include "io/generate/random.h"

namespace clearline::bench {
namespace {

constexpr std::size_t kGroup = 64;

/// Buckets of a table at any load, filled as the builder fills them.
struct Table {
  Pages buckets;
  std::vector<std::uint64_t> directory;  // SegmentPlace::packed
  std::uint64_t bucket_count = 0;

  Table(std::uint64_t count, double load) {
    const generate::People people(1);
    std::vector<std::uint32_t> entries(kSegmentCount);
    for (std::uint64_t i = 0; i < count; ++i) ++entries[mix_code(people.code(i)) >> kTailBits];
    for (const std::uint32_t n : entries) {
      const auto buckets_of_it = static_cast<std::uint64_t>(n / (load * kBucketRows)) + 1;
      directory.push_back(SegmentPlace::of(bucket_count, buckets_of_it).packed);
      bucket_count += buckets_of_it;
    }
    buckets = std::move(*Pages::create(bucket_count * sizeof(HotBucket)));
    auto* rows = reinterpret_cast<HotBucket*>(buckets.bytes().data());
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t mixed = mix_code(people.code(i));
      ProbeSequence probe(mixed & kTailMask, index().segment(mixed));
      for (;; probe.next()) {
        std::size_t row = 0;
        while (row < kBucketRows && !rows[probe.bucket()].rows[row].empty()) ++row;
        if (row == kBucketRows) continue;
        rows[probe.bucket()].rows[row] = {mixed & kTailMask, 7};
        break;
      }
    }
  }
  CodeIndex index() const { return {reinterpret_cast<const HotBucket*>(buckets.bytes().data()), directory.data()}; }
};

/// Cache lines that a look-up reads: buckets from its home to where it ends.
std::uint64_t lines_touched(const Table& table, std::uint64_t mixed) {
  const CodeIndex index = table.index();
  HotRow hot{};
  std::uint64_t lines = 1;
  for (ProbeSequence probe(mixed & kTailMask, index.segment(mixed));
       index.find_in(probe.bucket(), mixed, hot) == CodeIndex::kElsewhere; probe.next()) {
    ++lines;
  }
  return lines;
}

void look_up(benchmark::State& state) {
  const auto count = static_cast<std::uint64_t>(state.range(0));
  const auto hits = static_cast<double>(state.range(1)) / 100;
  const Table table(count, static_cast<double>(state.range(2)) / 100);
  const CodeIndex index = table.index();
  const generate::People people(1);
  generate::Random random(9, 9);
  std::vector<std::uint64_t> mixed(std::size_t{1} << 20);
  std::uint64_t present = 0;
  std::uint64_t lines = 0;
  for (auto& code : mixed) {
    const bool hit = random.chance(hits);
    const std::uint64_t who = random.below(count);
    code = mix_code(people.code(hit ? who : generate::kNobody + who));
    present += static_cast<std::uint64_t>(hit);
    lines += lines_touched(table, code);
    HotRow hot{};
    require((index.find(code, index.segment(code), hot) != CodeIndex::kAbsent) == hit, "a look-up");
  }
  std::array<SegmentPlace, kGroup> segment{};
  HotRow hot{};
  for (auto _ : state) {
    std::uint64_t found = 0;
    for (std::size_t at = 0; at < mixed.size(); at += kGroup) {
      for (std::size_t i = 0; i < kGroup; ++i) {
        segment[i] = index.segment(mixed[at + i]);
        index.prefetch(CodeIndex::home(mixed[at + i], segment[i]));
      }
      std::uint64_t elsewhere = 0;
      for (std::size_t i = 0; i < kGroup; ++i) {
        const std::uint64_t code = mixed[at + i];
        const std::size_t row = index.find_in(CodeIndex::home(code, segment[i]), code, hot);
        found += static_cast<std::uint64_t>(row < CodeIndex::kElsewhere);
        if (row != CodeIndex::kElsewhere) continue;
        index.prefetch(CodeIndex::second(code, segment[i]));
        elsewhere |= std::uint64_t{1} << i;
      }
      for (; elsewhere != 0; elsewhere &= elsewhere - 1) {
        const auto i = static_cast<std::size_t>(std::countr_zero(elsewhere));
        found += static_cast<std::uint64_t>(index.find_further(mixed[at + i], segment[i], hot) != CodeIndex::kAbsent);
      }
    }
    if (found != present) state.SkipWithError("wrong result");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(mixed.size()) * state.iterations());
  state.counters["lines"] = static_cast<double>(lines) / static_cast<double>(mixed.size());
  state.counters["bytes_a_code"] = static_cast<double>(table.bucket_count) * 64 / static_cast<double>(count);
}

}  // namespace
}  // namespace clearline::bench

int main(int argc, char** argv) {
  using namespace clearline::bench;
  auto* lookups = benchmark::RegisterBenchmark("look_up/codes/hit_percent/load_percent", look_up);
  for (const std::int64_t codes : {std::int64_t{100'000}, static_cast<std::int64_t>(codes_wanted())}) {
    for (const std::int64_t hits : {100, 95, 50})
      lookups->Args({codes, hits, static_cast<std::int64_t>(clearline::kLoad * 100)});
    for (const std::int64_t load : {60, 70, 80, 90}) lookups->Args({codes, 95, load});
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
