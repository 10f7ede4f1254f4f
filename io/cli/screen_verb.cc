#include "io/cli/screen_verb.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <deque>
#include <memory>

#include "engine/pipeline.h"
#include "io/cli/machine.h"
#include "io/cli/options.h"
#include "io/cli/progress.h"
#include "io/formats/block_reader.h"
#include "io/store/compressed_output.h"
#include "io/store/image.h"

namespace clearline {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// The inputs one after the other, as one stream of blocks.
class InputChain {
 public:
  InputChain(const ScreenRequest& request, InputOptions options)
      : paths_(request.inputs), options_(std::move(options)), block_bytes_(request.block_bytes) {
    if (paths_.empty()) paths_.emplace_back("-");
  }

  /// Opens the first input; and all are looked at, so that a missing one is told before hours of work.
  Status open() {
    std::optional<std::uint64_t> total = 0;
    for (const std::string& path : paths_) {
      struct stat info{};
      if (path == "-" || (stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))) {
        total.reset();  // opening a pipe to look at it would end it
        continue;
      }
      auto source = open_file_source(path);
      if (!source.ok()) return source.status();
      const auto size = (*source)->size();
      total = total && size ? std::optional(*total + *size) : std::nullopt;
    }
    bytes_total_ = total;
    return open_next();
  }

  std::optional<std::uint64_t> bytes_total() const { return bytes_total_; }
  /// Plain bytes, for rates.
  std::uint64_t bytes_read() const { return bytes_before_ + (reader_ ? reader_->bytes_read() : 0); }
  /// Bytes of the files, for the share that is done.
  std::uint64_t bytes_taken() const { return taken_before_ + (reader_ ? reader_->source().bytes_taken() : 0); }

  /// False at the end of the last input.
  Result<bool> next(Block& block) {
    for (;;) {
      const auto more = reader_->next(block);
      if (!more.ok()) return more.status();
      if (*more) {
        block.format = &formats_.back();
        return true;
      }
      if (next_path_ == paths_.size()) return false;
      if (Status status = open_next(); !status.ok()) return status;
    }
  }

 private:
  Status open_next() {
    if (reader_) {
      bytes_before_ += reader_->bytes_read();
      taken_before_ += reader_->source().bytes_taken();
    }
    auto source = open_file_source(paths_[next_path_++]);
    if (!source.ok()) return source.status();
    auto reader = BlockReader::open(std::move(*source), options_, block_bytes_);
    if (!reader.ok()) return reader.status();
    reader_ = std::move(*reader);
    formats_.push_back(reader_->format());
    return {};
  }

  std::vector<std::string> paths_;
  InputOptions options_;
  std::size_t block_bytes_;
  std::size_t next_path_ = 0;
  std::unique_ptr<BlockReader> reader_;
  std::deque<InputFormat> formats_;  // blocks in flight point to them
  std::optional<std::uint64_t> bytes_total_;
  std::uint64_t bytes_before_ = 0;
  std::uint64_t taken_before_ = 0;
};

/// A block on its way, with its verdicts.
struct Token {
  explicit Token(std::size_t block_bytes) : in(block_bytes) {}
  Block in;
  VerdictBlock out;
  OutBuffer packed;
  std::uint64_t bytes_taken = 0;
};

}  // namespace

bool FailOn::met_by(const Tally& tally) const {
  std::uint64_t bad = 0;
  for (auto i = static_cast<std::size_t>(at_least); i < tally.outcome.size(); ++i) bad += tally.outcome[i];
  return static_cast<double>(bad) * 100 > share_percent * static_cast<double>(tally.declarations);
}

std::optional<FailOn> parse_fail_on(const std::string& text) {
  FailOn fail_on;
  const std::size_t colon = text.find(':');
  const std::string word = text.substr(0, colon);
  if (word == "hold") {
    fail_on.at_least = Outcome::kHold;
  } else if (word == "review") {
    fail_on.at_least = Outcome::kReview;
  } else if (word == "error") {
    fail_on.at_least = Outcome::kError;
  } else {
    return std::nullopt;
  }
  if (colon == std::string::npos) return fail_on;
  const std::string share = text.substr(colon + 1);
  if (share.size() < 2 || share.back() != '%' || share.find_first_not_of("0123456789.") != share.size() - 1) {
    return std::nullopt;
  }
  char* end = nullptr;
  fail_on.share_percent = std::strtod(share.c_str(), &end);
  if (*end != '%' || fail_on.share_percent > 100) return std::nullopt;
  return fail_on;
}

Status run_screen(const ScreenRequest& request, ScreenReport& report) {
  const auto names = parse_columns(request.columns);
  if (!names.ok()) return names.status();
  if (request.policy != "standard") {
    return {StatusKind::kConfig, "--policy: unknown policy '" + request.policy + "'; the built-in one is standard"};
  }
  const Policy policy = standard_policy();

  const auto load_start = Clock::now();
  const auto registry = read_image(request.registry);
  if (!registry.ok()) return registry.status();
  report.load_seconds = seconds_since(load_start);
  report.registry_seq = registry->seq();
  report.registry_entries = registry->size();

  InputOptions input_options;
  input_options.format = request.format;
  input_options.names = *names;
  InputChain inputs(request, std::move(input_options));
  if (Status status = inputs.open(); !status.ok()) return status;
  auto output = CompressedOutput::open(request.output, FileMode::kUsual);
  if (!output.ok()) return output.status();

  ScreenOptions options;
  options.output_format = request.output_format.value_or(format_of_name(request.output).value_or(Format::kNdjson));
  options.explain = request.explain;
  options.emit = request.emit;
  options.today = korean_date(now_seconds());

  const int threads = request.threads > 0 ? request.threads : usable_processors();
  std::vector<std::unique_ptr<Token>> tokens;
  const std::size_t block_bytes = std::max(request.block_bytes, block_bytes_min(kLineBytesMaxDefault));
  tokens.reserve(static_cast<std::size_t>(pipeline_tokens(threads)));
  for (int i = 0; i < pipeline_tokens(threads); ++i) tokens.push_back(std::make_unique<Token>(block_bytes));
  std::vector<BlockScreener> screeners;
  screeners.reserve(static_cast<std::size_t>(threads));
  for (int i = 0; i < threads; ++i) screeners.emplace_back(*registry, policy, options);
  // Verdicts are compressed where they are made, a member or frame a block.
  const bool packs = output->compression() != Compression::kNone;
  std::vector<Compressor> compressors;
  for (int i = 0; i < threads && packs; ++i) compressors.emplace_back(output->compression());

  // Written by one stage each and read after the run. `stop` is how delivery tells reading that nothing more is wanted.
  Status read_status;
  Status write_status;
  std::atomic<bool> stop{false};
  Progress progress("declarations", inputs.bytes_total(),
                    stderr_is_terminal() && request.summary != SummaryForm::kNone);
  const auto start = Clock::now();
  if (options.output_format == Format::kCsv) write_status = output->write(csv_verdict_header(options.explain));

  PipelineStages stages;
  stages.read = [&](int i) {
    // relaxed: the flag carries no data; seeing it late costs a block.
    if (stop.load(std::memory_order_relaxed)) return false;
    Token& token = *tokens[static_cast<std::size_t>(i)];
    const auto more = inputs.next(token.in);
    if (!more.ok()) read_status = more.status();
    token.bytes_taken = inputs.bytes_taken();
    return more.ok() && *more;
  };
  stages.work = [&](int i, int worker) {
    Token& token = *tokens[static_cast<std::size_t>(i)];
    screeners[static_cast<std::size_t>(worker)].screen_block(token.in, token.out);
    token.packed.clear();
    const std::string_view lines = token.out.lines.text();
    if (packs && !lines.empty()) compressors[static_cast<std::size_t>(worker)].append(lines, token.packed);
  };
  stages.deliver = [&](int i) {
    const Token& token = *tokens[static_cast<std::size_t>(i)];
    if (!write_status.ok()) return;
    write_status = packs ? output->write_compressed(token.packed.text()) : output->write(token.out.lines.text());
    if (!write_status.ok()) stop.store(true, std::memory_order_relaxed);
    report.tally.add(token.out.tally);
    progress.update(report.tally.declarations, token.bytes_taken);
  };
  if (write_status.ok()) run_pipeline(threads, stages);
  report.seconds = seconds_since(start);
  report.bytes = inputs.bytes_read();
  report.pipe_closed = output->pipe_closed();
  if (report.pipe_closed) return {};
  if (!write_status.ok()) return write_status;
  if (!read_status.ok()) return read_status;
  const auto sync_start = Clock::now();
  Status status = output->commit();
  report.sync_seconds = seconds_since(sync_start);
  return status;
}

std::string summary_text(const ScreenRequest& request, const ScreenReport& report) {
  const Tally& tally = report.tally;
  const auto share = [&](std::uint64_t count) {
    return tally.declarations == 0 ? 0.0 : 100.0 * static_cast<double>(count) / static_cast<double>(tally.declarations);
  };
  std::string text = fmt::format("{} declarations screened by policy {} and registry seq {} ({} codes)\n",
                                 with_commas(tally.declarations), request.policy, report.registry_seq,
                                 with_commas(report.registry_entries));
  for (int i = 0; i < kOutcomeCount; ++i) {
    const std::uint64_t count = tally.outcome[static_cast<std::size_t>(i)];
    text +=
        fmt::format("  {:<20}{:>14}{:>8.2f} %\n", to_string(static_cast<Outcome>(i)), with_commas(count), share(count));
  }
  for (int i = 0; i < kReasonCount; ++i) {
    const std::uint64_t count = tally.reason[static_cast<std::size_t>(i)];
    if (count == 0) continue;
    text += fmt::format("    {:<18}{:>14}{:>8.2f} %\n", to_string(static_cast<Reason>(i)), with_commas(count),
                        share(count));
  }
  const double seconds = std::max(report.seconds, 1e-9);
  text += fmt::format("{} in {:.2f} s: {} declarations/s, {}/s; registry read in {:.2f} s, output synced in {:.2f} s\n",
                      as_bytes(static_cast<double>(report.bytes)), report.seconds,
                      with_commas(static_cast<std::uint64_t>(static_cast<double>(tally.declarations) / seconds)),
                      as_bytes(static_cast<double>(report.bytes) / seconds), report.load_seconds, report.sync_seconds);
  return text;
}

std::string summary_json(const ScreenRequest& request, const ScreenReport& report) {
  const Tally& tally = report.tally;
  std::string text = fmt::format("{{\"declarations\":{}", tally.declarations);
  for (int i = 0; i < kOutcomeCount; ++i) {
    text += fmt::format(",\"{}\":{}", to_string(static_cast<Outcome>(i)), tally.outcome[static_cast<std::size_t>(i)]);
  }
  text += ",\"reasons\":{";
  const char* separator = "";
  for (int i = 0; i < kReasonCount; ++i) {
    const std::uint64_t count = tally.reason[static_cast<std::size_t>(i)];
    if (count == 0) continue;
    text += fmt::format("{}\"{}\":{}", separator, to_string(static_cast<Reason>(i)), count);
    separator = ",";
  }
  text += fmt::format(
      "}},\"policy\":\"{}\",\"registry_seq\":{},\"registry_entries\":{},\"bytes\":{},\"seconds\":{:.3f},"
      "\"registry_seconds\":{:.3f},\"sync_seconds\":{:.3f}}}\n",
      request.policy, report.registry_seq, report.registry_entries, report.bytes, report.seconds, report.load_seconds,
      report.sync_seconds);
  return text;
}

void add_screen_verb(CLI::App& app, Command& command) {
  auto request = std::make_shared<ScreenRequest>();
  auto fail_on = std::make_shared<std::string>();
  auto* verb = app.add_subcommand("screen", "Screen declarations: files or stdin in, verdicts out in the same order");
  verb->add_option("INPUT", request->inputs, "Declaration files, NDJSON or CSV; none or - is stdin")->type_name("");
  verb->add_option("-r,--registry", request->registry, "Registry image")->required()->type_name("IMAGE");
  verb->add_option("-o,--output", request->output, "Where verdicts go; appears whole or not at all; - is stdout")
      ->type_name("FILE");
  add_format_option(*verb, "--format", request->format,
                    "Format of the input; else by its name, else by its first byte");
  add_format_option(*verb, "--output-format", request->output_format,
                    "Format of the verdicts; else by -o, else ndjson");
  verb->add_option("--columns", request->columns, "Read known fields under other names: code=NAME,zip=NAME")
      ->type_name("LIST");
  add_choice<Emit>(*verb, "--emit", request->emit, {{"all", Emit::kAll}, {"flagged", Emit::kFlagged}},
                   "Which verdicts are written: all, or flagged (whatever is not clear)");
  verb->add_flag("--explain", request->explain,
                 "Add what became of each item, what to mend, the rule and the registry");
  verb->add_option("--policy", request->policy, "Policy: standard")->type_name("NAME");
  verb->add_option("--fail-on", *fail_on,
                   "Exit with 1 when a verdict is as bad or worse: hold, review, error; hold:5% allows 5 %")
      ->type_name("LEVEL");
  verb->add_option("-j,--threads", request->threads, "Threads; else as many processors as may be used")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  add_choice<SummaryForm>(*verb, "--summary", request->summary,
                          {{"text", SummaryForm::kText}, {"json", SummaryForm::kJson}, {"none", SummaryForm::kNone}},
                          "Summary on stderr: text, json or none");
  verb->add_option("--block-bytes", request->block_bytes, "Bytes that go through the pipeline at a time")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1} << 28))
      ->type_name("N");
  verb->footer(
      "Examples:\n"
      "  clearline screen day.ndjson -r registry.img -o verdicts.ndjson\n"
      "  clearline screen day.csv -r registry.img -o verdicts.csv --columns 'code=개인통관고유부호,name=수취인명'\n"
      "  zcat day.ndjson.gz | clearline screen -r registry.img --emit flagged --explain > flagged.ndjson\n"
      "  clearline screen day.ndjson -r registry.img -o out.ndjson --fail-on hold:5% --summary json\n\n"
      "Exit: 0 done, 1 --fail-on is met, 2 wrong use, 3 input, 4 registry, 5 output, 7 interrupted.");
  verb->callback([request, fail_on, &command] {
    if (!fail_on->empty()) {
      request->fail_on = parse_fail_on(*fail_on);
      if (!request->fail_on) {
        throw CLI::ValidationError("--fail-on", "'" + *fail_on + "' is none of hold, review, error, hold:N%");
      }
    }
    command.run = [request, &command]() -> Status {
      ScreenReport report;
      if (Status status = run_screen(*request, report); !status.ok()) return status;
      if (report.pipe_closed) return {};
      if (request->summary == SummaryForm::kText) std::fputs(summary_text(*request, report).c_str(), stderr);
      if (request->summary == SummaryForm::kJson) std::fputs(summary_json(*request, report).c_str(), stderr);
      if (request->fail_on && request->fail_on->met_by(report.tally)) command.exit_code = 1;
      return {};
    };
  });
}

}  // namespace clearline
