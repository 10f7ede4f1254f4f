#include "io/cli/impact_run.h"

#include <chrono>

#include "io/cli/block_flow.h"
#include "io/cli/inputs.h"
#include "io/cli/machine.h"
#include "io/cli/progress.h"

namespace clearline {
namespace {

using Clock = std::chrono::steady_clock;
using Flow = BlockFlow<ImpactBlock>;

Status find_impact(const ImpactRequest& request, const RegistryAsOf& registry, InputChain& inputs,
                   CompressedOutput& output, Progress& progress, ImpactReport& report) {
  const int threads = request.threads > 0 ? request.threads : usable_processors();
  const Policy policy = standard_policy();
  ImpactOptions options;
  options.output_format =
      request.output_format.value_or(output_format_of_name(request.output).value_or(Format::kNdjson));
  options.emit = request.emit;
  options.today = korean_date(now_seconds());
  report.today = options.today;
  std::vector<ImpactFinder> finders;
  finders.reserve(static_cast<std::size_t>(threads));
  for (int i = 0; i < threads; ++i) {
    finders.emplace_back(*registry.registry, *registry.past, registry.changes, policy, options);
  }
  if (options.output_format == Format::kCsv) {
    if (Status status = output.write(kCsvImpactHeader); !status.ok()) return status;
  }
  Flow::Steps steps;
  steps.work = [&](int worker, const Block& in, ImpactBlock& out) {
    finders[static_cast<std::size_t>(worker)].find(in, out);
  };
  steps.delivered = [&](const Flow::Token& token, Status written) {
    report.tally.add(token.out.tally);
    progress.update(report.tally.lines, token.bytes_taken);
    return written;
  };
  Status status = Flow(threads, kRunBlockBytes).run(inputs, output, steps);
  report.bytes = inputs.bytes_taken();
  report.encodings = inputs.encodings();
  return status;
}

}  // namespace

Status run_impact(const ImpactRequest& request, ImpactReport& report) {
  if (Status status = check_has_journal(request.registry); !status.ok()) return status;
  auto names = parse_columns(request.columns);
  if (!names.ok()) return names.status();
  const auto paths = expand_inputs(request.inputs);
  if (!paths.ok()) return paths.status();
  if (Status status = check_outputs(with_registry_files(*paths, request.registry), {request.output}); !status.ok()) {
    return status;
  }

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
  input_options.ignored = request.ignored;
  const auto start = Clock::now();
  InputChain inputs(*paths, input_options, kRunBlockBytes);
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

}  // namespace clearline
