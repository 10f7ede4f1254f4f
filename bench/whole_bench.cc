// The whole, in memory: the waist on one core, and the pipeline over threads. What files and disks add: bench/compare.sh.
#include <benchmark/benchmark.h>

#include <atomic>
#include <map>
#include <vector>

#include "bench/made_up.h"
#include "engine/pipeline.h"
#include "io/formats/block_reader.h"
#include "io/formats/screen_block.h"
#include "tests/support/screening.h"

namespace clearline::bench {
namespace {

using generate::Form;
using generate::Style;

constexpr std::uint64_t kDeclarations = 400'000;
constexpr std::size_t kBlockBytes = std::size_t{256} << 10;

const Registry& registry() {
  static const Registry made = made_up_registry(codes_wanted());
  return made;
}

/// A day cut into blocks, checked.
struct Blocks {
  std::unique_ptr<BlockReader> reader;
  std::vector<std::unique_ptr<Block>> blocks;
  std::uint64_t bytes = 0;
};
const Blocks& blocks_of(Form form, Style style) {
  static std::map<std::pair<Form, Style>, Blocks> made;
  Blocks& blocks = made[{form, style}];
  if (!blocks.blocks.empty()) return blocks;
  check_against_twin(form, style);
  const Day day = made_up_day(form, style, codes_wanted(), kDeclarations);
  check_day(day, form, registry());
  InputOptions options;
  options.format = form == Form::kNdjson ? Format::kNdjson : Format::kCsv;
  blocks.reader = std::move(*BlockReader::open(test::text_source(day.text), options, kBlockBytes));
  for (;;) {
    auto block = std::make_unique<Block>(kBlockBytes);
    if (!*blocks.reader->next(*block)) break;
    blocks.bytes += block->size;
    blocks.blocks.push_back(std::move(block));
  }
  return blocks;
}

void run(benchmark::State& state, Form form, Style style, int threads) {
  const Blocks& input = blocks_of(form, style);
  const Policy policy = standard_policy();
  ScreenOptions options;
  options.today = *parse_date("2026-01-15");
  std::vector<BlockScreener> screeners;
  for (int i = 0; i < std::max(threads, 1); ++i) screeners.emplace_back(registry(), policy, options);
  std::vector<VerdictBlock> verdicts(static_cast<std::size_t>(pipeline_tokens(std::max(threads, 1))));
  for (auto _ : state) {
    std::uint64_t declarations = 0;
    if (threads == 0) {  // the waist alone
      for (const auto& block : input.blocks) {
        screeners[0].screen_block(*block, verdicts[0]);
        declarations += verdicts[0].tally.declarations;
      }
    } else {
      std::size_t next = 0;
      std::vector<const Block*> at(verdicts.size());
      PipelineStages stages;
      stages.read = [&](int token) {
        if (next == input.blocks.size()) return false;
        at[static_cast<std::size_t>(token)] = input.blocks[next++].get();
        return true;
      };
      stages.work = [&](int token, int worker) {
        const auto i = static_cast<std::size_t>(token);
        screeners[static_cast<std::size_t>(worker)].screen_block(*at[i], verdicts[i]);
      };
      stages.deliver = [&](int token) { declarations += verdicts[static_cast<std::size_t>(token)].tally.declarations; };
      run_pipeline(threads, stages);
    }
    if (declarations != kDeclarations) state.SkipWithError("wrong result");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(kDeclarations) * state.iterations());
  state.SetBytesProcessed(static_cast<std::int64_t>(input.bytes) * state.iterations());
}

}  // namespace
}  // namespace clearline::bench

int main(int argc, char** argv) {
  using namespace clearline::bench;
  benchmark::Initialize(&argc, argv);
  for (const auto& [form, form_word] : {std::pair{Form::kNdjson, "ndjson"}, std::pair{Form::kCsv, "csv"}}) {
    for (const auto& [style, style_word] : {std::pair{Style::kShort, "short"}, std::pair{Style::kFull, "full"}}) {
      const std::string of = std::string("/") + form_word + "/" + style_word;
      benchmark::RegisterBenchmark(("waist" + of).c_str(), run, form, style, 0)->UseRealTime();
      for (const int threads : {1, 2, 4}) {
        const std::string name = "pipeline" + of + "/threads:" + std::to_string(threads);
        benchmark::RegisterBenchmark(name.c_str(), run, form, style, threads)->UseRealTime();
      }
    }
  }
  benchmark::RunSpecifiedBenchmarks();
}
