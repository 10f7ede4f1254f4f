#include "io/cli/screen_run.h"

#include <sys/stat.h>

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

/// Texts and numbers that together are one text, and no other ones are the same.
class Fingerprint {
 public:
  void add(std::string_view text) { all_.append(text).push_back('\0'); }
  template <typename Number>
  void add_number(Number number) {
    add(std::to_string(static_cast<long long>(number)));
  }
  std::uint64_t value() const { return checksum64(all_.data(), all_.size()); }

 private:
  std::string all_;
};

/// What is asked for: the bytes of inputs and registry apart, all that the output depends on. A checkpoint is only good
/// for the same.
std::uint64_t request_fingerprint(const ScreenRequest& request, const Job& job, Format output_format) {
  Fingerprint all;
  for (const std::string& input : job.inputs) all.add(input);
  all.add(request.columns);
  all.add_number(request.ignored.size());
  for (const std::string& name : request.ignored) all.add(name);
  all.add_number(request.format ? static_cast<int>(*request.format) : -1);
  all.add_number(output_format);
  all.add_number(compression_of_name(job.output));
  all.add_number(request.emit);
  all.add_number(request.encoding);
  all.add_number(request.explain);
  all.add_number(request.block_bytes);
  all.add_number(request.as_of.has_value());
  if (request.as_of) {
    all.add_number(request.as_of->kind);
    all.add_number(request.as_of->seq);
    all.add_number(request.as_of->moment.unix_us);
    all.add_number(request.as_of->moment.is_day);
  }
  return all.value();
}

/// Of its rules, not of its name alone: a file may have another content under the same name.
std::uint64_t policy_fingerprint(const Policy& policy) {
  Fingerprint all;
  all.add(policy.name);
  for (const Rule& rule : policy.rules) {
    all.add(rule.name);
    all.add_number(rule.from ? rule.from->days : INT32_MIN);
    all.add_number(rule.checks_name);
    all.add_number(rule.checks_zip);
    all.add_number(rule.phone);
    all.add_number(rule.given_first_is_same);
    all.add_number(rule.expiry_grace_days);
    for (const Outcome outcome : rule.outcome) all.add_number(outcome);
  }
  return all.value();
}

/// Whether something stands under a name, whatever it is: a link that leads nowhere, too.
bool stands(const std::string& path) {
  struct stat info{};
  return lstat(path.c_str(), &info) == 0;
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
    input_options_.ignored = request.ignored;
    input_options_.marks = request.resume;
  }

  Status screen(const Job& job, Progress& progress);

 private:
  ScreenOptions screen_options(const Job& job) const;
  Status resume(const Job& job, InputChain& inputs, std::optional<CompressedOutput>& output, Checkpoint& checkpoint);
  static Status begin(const Job& job, std::optional<CompressedOutput>& output, Checkpoint& checkpoint);
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
  options.output_format = request_.output_format.value_or(output_format_of_name(job.output).value_or(Format::kNdjson));
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
  const std::string part = OutputFile::part_path(job.output);
  auto found = read_checkpoint(path);
  if (!found.ok()) return found.status();
  const bool has_part = stands(part);
  if (has_part && !found->has_value()) return OutputFile::foreign_part(part);
  if (!found->has_value() || (!has_part && !(*found)->done)) return begin(job, output, checkpoint);

  const Checkpoint& old = **found;
  if (Status status = check_same_run(path, old, checkpoint); !status.ok()) return status;
  if (!has_part) {
    if (Status status = check_finished(job.output, old); !status.ok()) return status;
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
  if (!has_part) return {};
  auto opened = CompressedOutput::open_resumable(job.output, FileMode::kUsual, OutputFile::Part::kFound);
  if (!opened.ok()) return opened.status();
  output = std::move(*opened);
  return output->keep(checkpoint.output_bytes, checkpoint.output_checksum);
}

/// Starts an output of which nothing is written yet. The checkpoint comes first: it is what makes the .part ours.
Status Run::begin(const Job& job, std::optional<CompressedOutput>& output, Checkpoint& checkpoint) {
  const std::string path = checkpoint_path(job.output);
  checkpoint.output_checksum = ChecksumStream().value();
  if (Status status = write_checkpoint(path, checkpoint); !status.ok()) return status;
  auto opened = CompressedOutput::open_resumable(job.output, FileMode::kUsual, OutputFile::Part::kNew);
  if (!opened.ok()) {
    remove_checkpoint(path);
    return opened.status();
  }
  output = std::move(*opened);
  return {};
}

Status Run::screen(const Job& job, Progress& progress) {
  const auto start = Clock::now();
  InputChain inputs(job.inputs, input_options_, request_.block_bytes);
  if (Status status = inputs.open(); !status.ok()) return status;
  Checkpoint checkpoint;
  checkpoint.version = CLEARLINE_VERSION;
  checkpoint.policy = policy_fingerprint(policy_);
  checkpoint.request = request_fingerprint(request_, job, screen_options(job).output_format);
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
      status = output->finish();
      if (status.ok()) status = output->sync();
      checkpoint.done = true;
      checkpoint.inputs = inputs.marks();
      checkpoint.output_bytes = output->bytes_written();
      checkpoint.output_checksum = output->checksum();
      if (status.ok()) status = write_checkpoint(checkpoint_path(job.output), checkpoint);
    }
  }
  report_.today = today_;
  report_.tally.add(checkpoint.tally);
  report_.seconds += seconds_since(start);
  report_.bytes += inputs.bytes_taken();
  const EncodingTally encodings = inputs.encodings();
  for (std::size_t i = 0; i < kEncodingCount; ++i) report_.encodings.inputs[i] += encodings.inputs[i];
  report_.encodings.utf8_lines += encodings.utf8_lines;
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
    report_.encodings.cp949_lines += token.out.cp949_lines;
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

  if (request.resume) {
    set_interrupt_words(
        "\nclearline: interrupted; give the same command again to go on, and each output file will be whole\n");
    for (const Job& job : jobs) {  // all of them now, and not one after hours of work for the others
      const std::string part = OutputFile::part_path(job.output);
      if (stands(part) && !stands(checkpoint_path(job.output))) return OutputFile::foreign_part(part);
    }
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
