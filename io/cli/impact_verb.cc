#include "io/cli/impact_verb.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/pipeline.h"
#include "io/cli/inputs.h"
#include "io/cli/machine.h"
#include "io/cli/options.h"
#include "io/cli/progress.h"
#include "io/cli/screen_run.h"
#include "io/cli/words.h"
#include "io/formats/impact_block.h"
#include "io/store/as_of.h"
#include "io/store/compressed_output.h"

namespace clearline {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

struct ImpactRequest {
  std::string registry;
  std::optional<AsOf> since;
  std::vector<std::string> inputs;
  std::string output = "-";
  std::optional<Format> format;
  std::optional<Format> output_format;
  std::string columns;
  Encoding encoding = Encoding::kAuto;
  ImpactEmit emit = ImpactEmit::kTouched;
  int threads = 0;
  SummaryForm summary = SummaryForm::kText;
};

struct ImpactReport {
  ImpactTally tally;
  std::uint64_t since = 0;
  std::uint64_t seq = 0;
  std::uint64_t codes = 0;  ///< that have changed
  std::uint64_t bytes = 0;
  double seconds = 0;
  double load_seconds = 0;
  bool pipe_closed = false;
};

/// A block on its way, and what was found in it.
struct Token {
  explicit Token(std::size_t block_bytes) : in(block_bytes) {}
  Block in;
  ImpactBlock out;
  OutBuffer packed;
  std::uint64_t bytes_taken = 0;
};

Status find_impact(const ImpactRequest& request, const RegistryAsOf& registry, InputChain& inputs,
                   CompressedOutput& output, Progress& progress, ImpactReport& report) {
  const int threads = request.threads > 0 ? request.threads : usable_processors();
  const Policy policy = standard_policy();
  ImpactOptions options;
  options.output_format = request.output_format.value_or(format_of_name(request.output).value_or(Format::kNdjson));
  options.emit = request.emit;
  options.today = korean_date(now_seconds());
  std::vector<ImpactFinder> finders;
  std::vector<Compressor> compressors;
  const bool packs = output.compression() != Compression::kNone;
  for (int i = 0; i < threads; ++i) {
    finders.emplace_back(*registry.registry, *registry.past, registry.changes, policy, options);
    compressors.emplace_back(output.compression());
  }
  std::vector<std::unique_ptr<Token>> tokens(static_cast<std::size_t>(pipeline_tokens(threads)));
  for (auto& token : tokens) token = std::make_unique<Token>(kScreenBlockBytes);
  if (options.output_format == Format::kCsv) {
    if (Status status = output.write(kCsvImpactHeader); !status.ok()) return status;
  }

  // Written by one stage each and read after the run. `stop` is how delivery tells reading that nothing more is wanted.
  Status read_status;
  Status write_status;
  std::atomic<bool> stop{false};
  PipelineStages stages;
  stages.read = [&](int i) {
    if (stop.load(std::memory_order_relaxed)) return false;  // relaxed: seeing it late costs a block
    Token& token = *tokens[static_cast<std::size_t>(i)];
    const auto more = inputs.next(token.in);
    if (!more.ok()) read_status = more.status();
    token.bytes_taken = inputs.bytes_taken();
    return more.ok() && *more;
  };
  stages.work = [&](int i, int worker) {
    Token& token = *tokens[static_cast<std::size_t>(i)];
    finders[static_cast<std::size_t>(worker)].find(token.in, token.out);
    token.packed.clear();
    const std::string_view lines = token.out.lines.text();
    if (packs && !lines.empty()) compressors[static_cast<std::size_t>(worker)].append(lines, token.packed);
  };
  stages.deliver = [&](int i) {
    const Token& token = *tokens[static_cast<std::size_t>(i)];
    if (!write_status.ok()) return;
    write_status = packs ? output.write_compressed(token.packed.text()) : output.write(token.out.lines.text());
    report.tally.add(token.out.tally);
    if (!write_status.ok()) stop.store(true, std::memory_order_relaxed);
    progress.update(report.tally.lines, token.bytes_taken);
  };
  run_pipeline(threads, stages);
  report.bytes = inputs.bytes_taken();
  return write_status.ok() ? read_status : write_status;
}

Status run_impact(const ImpactRequest& request, ImpactReport& report) {
  if (Status status = check_has_journal(request.registry); !status.ok()) return status;
  auto names = parse_columns(request.columns);
  if (!names.ok()) return names.status();
  const auto paths = expand_inputs(request.inputs);
  if (!paths.ok()) return paths.status();
  std::vector<std::string> reads = *paths;
  const std::vector<std::string> registry_reads = registry_files(request.registry);
  reads.insert(reads.end(), registry_reads.begin(), registry_reads.end());
  if (Status status = check_outputs(reads, {request.output}); !status.ok()) return status;

  const auto load_start = Clock::now();
  std::vector<std::string> warnings;
  const auto registry = read_registry_since(request.registry, *request.since, warnings);
  if (!registry.ok()) return registry.status();
  for (const std::string& warning : warnings) say("{}\n", warning);
  report.load_seconds = seconds_since(load_start);
  report.since = registry->seq;
  report.seq = registry->registry->seq();
  report.codes = registry->past->code_count();

  InputOptions input_options;
  input_options.format = request.format;
  input_options.encoding = request.encoding;
  input_options.names = std::move(*names);
  const auto start = Clock::now();
  InputChain inputs(*paths, input_options, kScreenBlockBytes);
  if (Status status = inputs.open(); !status.ok()) return status;
  auto output = CompressedOutput::open(request.output, FileMode::kUsual);
  if (!output.ok()) return output.status();
  Progress progress("lines", bytes_of(*paths), stderr_is_terminal() && request.summary != SummaryForm::kNone);
  Status status = find_impact(request, *registry, inputs, *output, progress, report);
  report.seconds = seconds_since(start);
  report.pipe_closed = output->pipe_closed();
  if (report.pipe_closed) return {};
  return status.ok() ? output->commit() : status;
}

std::string summary_text(const ImpactReport& report) {
  const ImpactTally& tally = report.tally;
  std::string text =
      fmt::format("{} lines held against {} changes behind seq {}, to {} codes\n", with_commas(tally.lines),
                  with_commas(report.seq - report.since), report.since, with_commas(report.codes));
  text += fmt::format("  {:<20}{:>14}\n  {:<20}{:>14}\n", "touched", with_commas(tally.touched), "verdict changed",
                      with_commas(tally.changed));
  for (int before = 0; before < kOutcomeCount; ++before) {
    for (int after = 0; after < kOutcomeCount; ++after) {
      const std::uint64_t count = tally.outcome[static_cast<std::size_t>(before)][static_cast<std::size_t>(after)];
      if (count == 0 || before == after) continue;
      const std::string words =
          fmt::format("{} to {}", to_string(static_cast<Outcome>(before)), to_string(static_cast<Outcome>(after)));
      text += fmt::format("    {:<18}{:>14}\n", words, with_commas(count));
    }
  }
  if (tally.touched != 0) text += fmt::format("  {:<20}{:>14}{:>14}\n", "reason", "before", "after");
  for (std::size_t i = 0; i < kReasonCount; ++i) {
    if (tally.before[i] == 0 && tally.after[i] == 0) continue;
    text += fmt::format("    {:<18}{:>14}{:>14}\n", to_string(static_cast<Reason>(i)), with_commas(tally.before[i]),
                        with_commas(tally.after[i]));
  }
  const double seconds = std::max(report.seconds, 1e-9);
  text += fmt::format("{} in {:.2f} s: {} lines/s, {}/s; registry read in {:.2f} s\n",
                      as_bytes(static_cast<double>(report.bytes)), report.seconds,
                      with_commas(static_cast<std::uint64_t>(static_cast<double>(tally.lines) / seconds)),
                      as_bytes(static_cast<double>(report.bytes) / seconds), report.load_seconds);
  return text;
}

std::string summary_json(const ImpactReport& report) {
  const ImpactTally& tally = report.tally;
  std::string text = fmt::format(
      "{{\"lines\":{},\"since_seq\":{},\"registry_seq\":{},\"changes\":{},\"codes\":{},\"touched\":{},\"verdict_"
      "changed\":{},"
      "\"verdicts\":[",
      tally.lines, report.since, report.seq, report.seq - report.since, report.codes, tally.touched, tally.changed);
  const char* separator = "";
  for (int before = 0; before < kOutcomeCount; ++before) {
    for (int after = 0; after < kOutcomeCount; ++after) {
      const std::uint64_t count = tally.outcome[static_cast<std::size_t>(before)][static_cast<std::size_t>(after)];
      if (count == 0) continue;
      text += fmt::format("{}{{\"before\":\"{}\",\"after\":\"{}\",\"declarations\":{}}}", separator,
                          to_string(static_cast<Outcome>(before)), to_string(static_cast<Outcome>(after)), count);
      separator = ",";
    }
  }
  text += "],\"reasons\":{";
  separator = "";
  for (std::size_t i = 0; i < kReasonCount; ++i) {
    if (tally.before[i] == 0 && tally.after[i] == 0) continue;
    text += fmt::format("{}\"{}\":{{\"before\":{},\"after\":{}}}", separator, to_string(static_cast<Reason>(i)),
                        tally.before[i], tally.after[i]);
    separator = ",";
  }
  return text + fmt::format("}},\"bytes\":{},\"seconds\":{:.3f},\"registry_seconds\":{:.3f}}}\n", report.bytes,
                            report.seconds, report.load_seconds);
}

}  // namespace

void add_impact_verb(Verb registry, Command& command) {
  auto request = std::make_shared<ImpactRequest>();
  const Verb verb = registry.add_verb(
      "impact", "Find the declarations whose codes have changed since, and what became of their verdicts");
  verb.add_option("DIR", request->registry, "Registry directory").required().type("");
  verb.add_option(
          "INPUT", request->inputs,
          "Declaration files, NDJSON or CSV, plain, .gz or .zst; a folder is the files in it; none or - is stdin")
      .type("");
  add_since_option(verb, request->since).required();
  verb.add_option("-o,--output", request->output, "Where they go; compressed if it ends in .gz or .zst; - is stdout")
      .not_empty()
      .type("FILE");
  add_format_option(verb, "--format", request->format, "Format of the input; else by its name, else by its first byte");
  add_format_option(verb, "--output-format", request->output_format, "Format of the output; else by -o, else ndjson");
  add_encoding_option(verb, request->encoding);
  add_columns_option(verb, request->columns);
  add_choice<ImpactEmit>(verb, "--emit", request->emit,
                         {{"touched", ImpactEmit::kTouched}, {"changed", ImpactEmit::kChanged}},
                         "Which declarations are written: all whose codes have changed, or those whose verdicts have");
  add_threads_option(verb, request->threads);
  add_summary_option(verb, request->summary);
  verb.footer(
      "A line for each declaration whose code has changed behind N, or behind the moment: both verdicts and what "
      "changed, by\n"
      "name and never by value. Both are told as of today, so that what differs is the registry. Other lines are not\n"
      "decoded, so that bad ones among them are not told.\n\n"
      "Examples:\n"
      "  clearline registry impact live --since 4813 day.ndjson -o impact.ndjson\n"
      "  clearline registry impact live --since 2025-11-30 year/ --emit changed -o impact.csv\n\n"
      "Exit: 0 done, 2 wrong use, 3 input, 4 registry, 5 output, 7 interrupted.");
  verb.when_chosen([request, &command] {
    command.run = [request]() -> Status {
      ImpactReport report;
      if (Status status = run_impact(*request, report); !status.ok()) return status;
      if (report.pipe_closed) return {};
      if (request->summary == SummaryForm::kText) say(summary_text(report));
      if (request->summary == SummaryForm::kJson) say(summary_json(report));
      return {};
    };
  });
}

}  // namespace clearline
