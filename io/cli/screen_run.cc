#include "io/cli/screen_run.h"

#include <unistd.h>

#include <chrono>
#include <memory>

#include "engine/hash.h"
#include "io/cli/block_flow.h"
#include "io/cli/inputs.h"
#include "io/cli/machine.h"
#include "io/cli/progress.h"
#include "io/cli/words.h"
#include "io/store/checkpoint.h"

namespace clearline {
namespace {

using Clock = std::chrono::steady_clock;
using Flow = BlockFlow<VerdictBlock>;

/// Inputs that go into one output.
struct Job {
  std::vector<std::string> inputs;
  std::string output;
};

/// What the verdicts depend on, beside the bytes of the inputs and the registry. A checkpoint is only good for the same.
std::uint64_t fingerprint(const ScreenRequest& request, const Job& job) {
  std::string all = "1";
  for (const std::string& text : job.inputs) all += '\0' + text;
  for (const std::string& text : {request.columns, request.policy}) all += '\0' + text;
  const auto add = [&](auto number) { all += '\0' + std::to_string(static_cast<long>(number)); };
  add(request.format ? static_cast<int>(*request.format) : -1);
  add(request.output_format ? static_cast<int>(*request.output_format) : -1);
  add(request.emit);
  add(request.encoding);
  add(request.explain);
  add(request.block_bytes);
  if (request.as_of) {
    add(request.as_of->kind);
    add(request.as_of->seq);
    add(request.as_of->moment.unix_us);
  }
  return checksum64(all.data(), all.size());
}

/// One run over all inputs: the registry, and the memory that jobs share.
class Run {
 public:
  Run(const ScreenRequest& request, const RegistryAsOf& registry, FieldNames names, ScreenReport& report)
      : request_(request),
        registry_(*registry.registry),
        past_(registry.past.get()),
        registry_seq_(registry.seq),
        report_(report),
        policy_(standard_policy()),
        threads_(request.threads > 0 ? request.threads : usable_processors()),
        today_(registry.today.value_or(korean_date(now_seconds()))),
        flow_(threads_, std::max(request.block_bytes, block_bytes_min(kLineBytesMaxDefault))) {
    input_options_.format = request.format;
    input_options_.encoding = request.encoding;
    input_options_.names = std::move(names);
    input_options_.marks = request.resume;
  }

  Status screen(const Job& job, Progress& progress);

 private:
  ScreenOptions screen_options(const Job& job) const;
  Status resume(const Job& job, InputChain& inputs, std::optional<CompressedOutput>& output, Checkpoint& checkpoint);
  Status run_blocks(InputChain& inputs, CompressedOutput& output, Checkpoint& checkpoint, const Job& job,
                    Progress& progress);

  const ScreenRequest& request_;
  const Registry& registry_;
  const PastRows* past_;
  std::uint64_t registry_seq_;
  ScreenReport& report_;
  Policy policy_;
  InputOptions input_options_;
  int threads_;
  Date today_;
  Flow flow_;
};

ScreenOptions Run::screen_options(const Job& job) const {
  ScreenOptions options;
  options.output_format = request_.output_format.value_or(format_of_name(job.output).value_or(Format::kNdjson));
  options.explain = request_.explain;
  options.emit = request_.emit;
  options.today = today_;
  options.past = past_;
  return options;
}

/// Finds out how far an earlier run came, and goes there. `checkpoint.done` afterwards: nothing is left but the name.
/// `output` stays empty when the file has its name already.
Status Run::resume(const Job& job, InputChain& inputs, std::optional<CompressedOutput>& output,
                   Checkpoint& checkpoint) {
  const std::string path = checkpoint_path(job.output);
  auto found = read_checkpoint(path);
  if (!found.ok()) return found.status();
  const bool has_part = access(OutputFile::part_path(job.output).c_str(), F_OK) == 0;
  const bool goes_on = found->has_value() && (has_part || (*found)->done);
  if (goes_on) {
    const Checkpoint& old = **found;
    if (old.request != checkpoint.request) {
      return {StatusKind::kUsage,
              path + ": error: it is of a run with other inputs or options; run as then, or remove it to start anew"};
    }
    if (!(old.identity == checkpoint.identity) || old.seq != checkpoint.seq) {
      return {StatusKind::kRegistry, path +
                                         ": error: the run was interrupted under another registry; screen with that "
                                         "one, or remove the file to start anew"};
    }
    if (Status status = inputs.skip_to(old.inputs); !status.ok()) return status;
    if (old.done) {
      const auto ended = inputs.at_end();
      if (!ended.ok()) return ended.status();
      if (!*ended) {
        return {StatusKind::kInput,
                job.inputs.back() + ": error: the input has grown since it was screened; run again without --resume"};
      }
    }
    checkpoint = old;
    if (old.done && !has_part) return {};
  }
  auto opened = CompressedOutput::open_resumable(job.output, FileMode::kUsual);
  if (!opened.ok()) return opened.status();
  output = std::move(*opened);
  return output->keep(checkpoint.output_bytes, goes_on ? checkpoint.output_checksum : output->checksum());
}

Status Run::screen(const Job& job, Progress& progress) {
  const auto start = Clock::now();
  InputChain inputs(job.inputs, input_options_, request_.block_bytes);
  if (Status status = inputs.open(); !status.ok()) return status;
  Checkpoint checkpoint;
  checkpoint.request = fingerprint(request_, job);
  checkpoint.today = today_;
  checkpoint.identity = registry_.identity();
  checkpoint.seq = registry_seq_;
  std::optional<CompressedOutput> output;
  if (request_.resume) {
    if (Status status = resume(job, inputs, output, checkpoint); !status.ok()) return status;
    today_ = checkpoint.today;
    report_.resumed += checkpoint.tally.declarations;
  } else {
    auto opened = CompressedOutput::open(job.output, FileMode::kUsual);
    if (!opened.ok()) return opened.status();
    output = std::move(*opened);
  }

  Status status;
  if (!checkpoint.done) {
    status = run_blocks(inputs, *output, checkpoint, job, progress);
    if (status.ok() && request_.resume) {
      status = output->sync();
      checkpoint.done = true;
      checkpoint.inputs = inputs.marks();
      checkpoint.output_bytes = output->bytes_written();
      checkpoint.output_checksum = output->checksum();
      if (status.ok()) status = write_checkpoint(checkpoint_path(job.output), checkpoint);
    }
  }
  report_.tally.add(checkpoint.tally);
  report_.seconds += seconds_since(start);
  report_.bytes += inputs.bytes_taken();
  if (output && output->pipe_closed()) {
    report_.pipe_closed = true;
    return {};
  }
  if (!status.ok()) return status;
  const auto sync_start = Clock::now();
  if (output) status = output->commit();
  report_.sync_seconds += seconds_since(sync_start);
  return status;
}

/// Screens what is left of the inputs; `checkpoint` counts along.
Status Run::run_blocks(InputChain& inputs, CompressedOutput& output, Checkpoint& checkpoint, const Job& job,
                       Progress& progress) {
  const ScreenOptions options = screen_options(job);
  std::vector<BlockScreener> screeners;
  screeners.reserve(static_cast<std::size_t>(threads_));
  for (int i = 0; i < threads_; ++i) screeners.emplace_back(registry_, policy_, options);
  if (options.output_format == Format::kCsv && output.bytes_written() == 0) {
    if (Status status = output.write(csv_verdict_header(options.explain)); !status.ok()) return status;
  }
  auto saved = Clock::now();
  Flow::Steps steps;
  steps.with_marks = request_.resume;
  steps.work = [&](int worker, const Block& in, VerdictBlock& out) {
    screeners[static_cast<std::size_t>(worker)].screen_block(in, out);
  };
  steps.delivered = [&](const Flow::Token& token, Status status) {
    checkpoint.tally.add(token.out.tally);
    if (status.ok() && request_.resume && seconds_since(saved) >= request_.checkpoint_seconds) {
      status = output.sync();
      checkpoint.inputs = token.marks;
      checkpoint.output_bytes = output.bytes_written();
      checkpoint.output_checksum = output.checksum();
      if (status.ok()) status = write_checkpoint(checkpoint_path(job.output), checkpoint);
      saved = Clock::now();
    }
    progress.update(report_.tally.declarations + checkpoint.tally.declarations, report_.bytes + token.bytes_taken);
    return status;
  };
  return flow_.run(inputs, output, steps);
}

}  // namespace

bool FailOn::met_by(const Tally& tally) const {
  std::uint64_t bad = 0;
  for (auto i = static_cast<std::size_t>(at_least); i < tally.outcome.size(); ++i) bad += tally.outcome[i];
  return static_cast<double>(bad) * 100 > share_percent * static_cast<double>(tally.declarations);
}

Status run_screen(const ScreenRequest& request, ScreenReport& report) {
  auto names = parse_columns(request.columns);
  if (!names.ok()) return names.status();
  if (request.policy != "standard") {
    return {StatusKind::kConfig, "--policy: unknown policy; the built-in one is standard"};
  }
  const auto inputs = expand_inputs(request.inputs);
  if (!inputs.ok()) return inputs.status();
  std::vector<Job> jobs;
  if (is_pattern(request.output)) {
    for (const std::string& input : *inputs) jobs.push_back({{input}, output_for(request.output, input)});
  } else {
    jobs.push_back({*inputs, request.output});
  }
  std::vector<std::string> outputs;
  for (const Job& job : jobs) {
    outputs.push_back(job.output);
    if (!request.resume) continue;
    const std::string checkpoint = checkpoint_path(job.output);
    outputs.insert(outputs.end(), {OutputFile::part_path(job.output), checkpoint, checkpoint_temporary(checkpoint)});
  }
  if (Status status = check_outputs(with_registry_files(*inputs, request.registry), outputs); !status.ok()) {
    return status;
  }
  const auto bytes_total = bytes_of(*inputs);
  if (request.resume && !bytes_total) {
    return {StatusKind::kUsage, "--resume: only files can be read again; name them as inputs"};
  }

  const auto load_start = Clock::now();
  std::vector<std::string> warnings;
  const auto registry = read_registry_as_of(request.registry, request.as_of, warnings);
  if (!registry.ok()) return registry.status();
  for (const std::string& warning : warnings) say("{}\n", warning);
  report.load_seconds = seconds_since(load_start);
  report.registry_seq = registry->seq;
  report.registry_entries = registry->entries;

  Progress progress("declarations", bytes_total, stderr_is_terminal() && request.summary != SummaryForm::kNone);
  Run run(request, *registry, std::move(*names), report);
  for (const Job& job : jobs) {
    if (Status status = run.screen(job, progress); !status.ok() || report.pipe_closed) return status;
  }
  const std::uint64_t unjudged = report.tally.reason[static_cast<std::size_t>(Reason::kInternal)];
  if (registry->past && unjudged != 0) {
    say("{}: {} declarations are from before {}, where its history begins: they were not judged; screen them with a "
        "registry of then\n",
        request.registry, with_commas(unjudged), format_time(registry->history_us.value_or(0)));
  }
  // Only now: until all are done, a later run must know which ones are.
  for (const Job& job : jobs) {
    if (request.resume) remove_checkpoint(checkpoint_path(job.output));
  }
  return {};
}

}  // namespace clearline
