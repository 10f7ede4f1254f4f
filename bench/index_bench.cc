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
  std::vector<std::uint32_t> segments{0};
  std::uint64_t codes = 0;

  Table(std::uint64_t count, double load) : codes(count) {
    const generate::People people(1);
    std::vector<std::uint32_t> entries(kSegmentCount);
    for (std::uint64_t i = 0; i < count; ++i) ++entries[mix_code(people.code(i)) >> kTailBits];
    for (const std::uint32_t n : entries) {
      segments.push_back(segments.back() + static_cast<std::uint32_t>(n / (load * kBucketRows)) + 1);
    }
    buckets = std::move(*Pages::create(segments.back() * sizeof(HotBucket)));
    auto* rows = reinterpret_cast<HotBucket*>(buckets.bytes().data());
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t mixed = mix_code(people.code(i));
      const std::uint64_t segment = mixed >> kTailBits;
      ProbeSequence probe(mixed & kTailMask, segments[segment], segments[segment + 1] - segments[segment]);
      for (;; probe.next()) {
        std::size_t row = 0;
        while (row < kBucketRows && !rows[probe.bucket()].rows[row].empty()) ++row;
        if (row == kBucketRows) continue;
        rows[probe.bucket()].rows[row] = {mixed & kTailMask, 7};
        break;
      }
    }
  }
  CodeIndex index() const { return {reinterpret_cast<const HotBucket*>(buckets.bytes().data()), segments.data()}; }
};

/// Cache lines that a look-up reads: buckets from its home to where it ends.
std::uint64_t lines_touched(const Table& table, std::uint64_t mixed) {
  const CodeIndex index = table.index();
  const std::size_t first = table.segments[mixed >> kTailBits];
  std::uint64_t lines = 1;
  for (ProbeSequence probe(mixed & kTailMask, first, table.segments[(mixed >> kTailBits) + 1] - first);
       index.find_in(probe.bucket(), mixed) == CodeIndex::kElsewhere; probe.next()) {
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
    require((index.find(code, index.home(code)) != CodeIndex::kAbsent) == hit, "a look-up");
  }
  std::array<std::size_t, kGroup> home{};
  for (auto _ : state) {
    std::uint64_t found = 0;
    for (std::size_t at = 0; at < mixed.size(); at += kGroup) {
      for (std::size_t i = 0; i < kGroup; ++i) {
        home[i] = index.home(mixed[at + i]);
        index.prefetch(home[i]);
      }
      std::uint64_t elsewhere = 0;
      for (std::size_t i = 0; i < kGroup; ++i) {
        const std::size_t row = index.find_in(home[i], mixed[at + i]);
        found += static_cast<std::uint64_t>(row < CodeIndex::kElsewhere);
        if (row != CodeIndex::kElsewhere) continue;
        index.prefetch(index.second(mixed[at + i]));
        elsewhere |= std::uint64_t{1} << i;
      }
      for (; elsewhere != 0; elsewhere &= elsewhere - 1) {
        const std::uint64_t code = mixed[at + static_cast<std::size_t>(std::countr_zero(elsewhere))];
        found += static_cast<std::uint64_t>(index.find_further(code) != CodeIndex::kAbsent);
      }
    }
    if (found != present) state.SkipWithError("wrong result");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(mixed.size()) * state.iterations());
  state.counters["lines"] = static_cast<double>(lines) / static_cast<double>(mixed.size());
  state.counters["bytes_a_code"] = static_cast<double>(table.segments.back()) * 64 / static_cast<double>(count);
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
