#include "io/cli/feed_verb.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "io/cli/inputs.h"
#include "io/cli/machine.h"
#include "io/cli/options.h"
#include "io/cli/progress.h"
#include "io/cli/words.h"
#include "io/formats/byte_source.h"
#include "io/net/feed_client.h"
#include "io/net/peer_address.h"
#include "io/net/token_file.h"
#include "io/store/compressed_output.h"

namespace clearline {
namespace {

using std::chrono::milliseconds;

struct FeedArguments {
  std::string input;
  std::string output = "-";
  std::string token_file;
  std::optional<Format> format;
  Encoding encoding = Encoding::kAuto;
  SummaryForm summary = SummaryForm::kText;
  FeedRequest request;
};

/// Reads `30s`, `500ms`, `2m`.
std::optional<milliseconds> parse_duration(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::uint64_t>, 4> kUnits{
      {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}}};
  constexpr std::uint64_t kMax = 1'000'000;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number > kMax) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const auto& [word, factor] : kUnits) {
    if (unit == word) return milliseconds(number * factor);
  }
  return std::nullopt;
}

Result<std::unique_ptr<BlockReader>> open_input(const FeedArguments& arguments) {
  InputOptions options;
  options.format = arguments.format;
  options.encoding = arguments.encoding;
  options.line_bytes_max = kFeedLineBytesMax;
  options.is_live = true;  // who writes a pipe slowly waits for verdicts
  options.read_header = [](std::string_view text, InputFormat& /*format*/, std::size_t& /*header_end*/,
                           std::uint64_t& /*header_lines*/) {
    if (text.empty()) return Status(StatusKind::kInput, " error: there is nothing in it; check its name");
    return Status(
        StatusKind::kInput,
        " error: this is CSV, and a feed takes NDJSON; use 'clearline screen', or send it with --format ndjson "
        "if it is NDJSON");
  };
  auto source = open_file_source(arguments.input);
  if (!source.ok()) return source.status();
  return BlockReader::open(std::move(*source), options, kFeedBlockBytes);
}

Status run(FeedArguments& arguments, FeedReport& report, bool& pipe_closed) {
  if (Status status = check_outputs({arguments.input, arguments.token_file}, {arguments.output}); !status.ok()) {
    return status;
  }
  if (!arguments.token_file.empty()) {
    TokenFile file = read_token_file(arguments.token_file);
    if (!file.fault.empty()) return {StatusKind::kInput, arguments.token_file + ": error: " + file.fault};
    arguments.request.token = std::move(file.token);
  }
  auto input = open_input(arguments);
  if (!input.ok()) return input.status();
  auto output = CompressedOutput::open(arguments.output, FileMode::kUsual);
  if (!output.ok()) return output.status();
  Progress progress("declarations", bytes_of({arguments.input}),
                    stderr_is_terminal() && arguments.summary != SummaryForm::kNone);
  const Status status = run_feed(
      arguments.request, std::move(*input), [&](std::string_view lines) { return output->write(lines); },
      [&](const FeedReport& so_far) { progress.update(so_far.declarations, so_far.bytes); }, report);
  pipe_closed = output->pipe_closed();
  if (pipe_closed) return {};
  return status.ok() ? output->commit() : status;
}

constexpr std::array<std::pair<const char*, double>, 4> kShares{
    {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}}};

std::uint64_t rate_of(const FeedReport& report) {
  return static_cast<std::uint64_t>(static_cast<double>(report.declarations) / std::max(report.seconds, 1e-9));
}

/// The commonest errors, in the server's words.
std::string details_text(const ErrorDetails& details) {
  constexpr std::size_t kShown = 3;
  std::vector<std::pair<std::string, std::uint64_t>> sorted(details.begin(), details.end());
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return std::tie(b.second, a.first) < std::tie(a.second, b.first); });
  std::string text = sorted.empty() ? "" : "the commonest errors:\n";
  for (std::size_t i = 0; i < std::min(kShown, sorted.size()); ++i) {
    text += fmt::format("{:>14}  {}\n", with_commas(sorted[i].second), sorted[i].first);
  }
  return text;
}

std::string summary_text(const FeedReport& report) {
  const auto percent = [&](std::uint64_t count) {
    return report.declarations == 0 ? 0.0
                                    : 100.0 * static_cast<double>(count) / static_cast<double>(report.declarations);
  };
  std::string text = fmt::format("{} declarations answered\n", with_commas(report.declarations));
  for (int i = 0; i < kOutcomeCount; ++i) {
    const std::uint64_t count = report.outcome[static_cast<std::size_t>(i)];
    text += fmt::format("  {:<20}{:>14}{:>8.2f} %\n", to_string(static_cast<Outcome>(i)), with_commas(count),
                        percent(count));
  }
  for (int i = 0; i < kReasonCount; ++i) {
    const std::uint64_t count = report.reason[static_cast<std::size_t>(i)];
    if (count == 0) continue;
    text += fmt::format("    {:<18}{:>14}{:>8.2f} %\n", to_string(static_cast<Reason>(i)), with_commas(count),
                        percent(count));
  }
  text += details_text(report.details);
  text += fmt::format("{} in {:.2f} s: {} declarations/s; {} reconnects\nlatency ",
                      as_bytes(static_cast<double>(report.bytes)), report.seconds, with_commas(rate_of(report)),
                      report.reconnects);
  const auto in_ms = [](std::chrono::nanoseconds time) { return static_cast<double>(time.count()) / 1e6; };
  for (const auto& [word, share] : kShares) {
    text += fmt::format("{} {:.3f} ms, ", word, in_ms(report.latency.percentile(share)));
  }
  return text + fmt::format("max {:.3f} ms\n", in_ms(report.latency.longest()));
}

std::string summary_json(const FeedReport& report) {
  std::string text = fmt::format("{{\"declarations\":{}", report.declarations);
  for (int i = 0; i < kOutcomeCount; ++i) {
    text += fmt::format(",\"{}\":{}", to_string(static_cast<Outcome>(i)), report.outcome[static_cast<std::size_t>(i)]);
  }
  text += ",\"reasons\":{";
  const char* separator = "";
  for (int i = 0; i < kReasonCount; ++i) {
    const std::uint64_t count = report.reason[static_cast<std::size_t>(i)];
    if (count == 0) continue;
    text += fmt::format("{}\"{}\":{}", separator, to_string(static_cast<Reason>(i)), count);
    separator = ",";
  }
  text += fmt::format("}},\"bytes\":{},\"seconds\":{:.3f},\"rate\":{},\"reconnects\":{},\"latency_us\":{{",
                      report.bytes, report.seconds, rate_of(report), report.reconnects);
  const auto in_us = [](std::chrono::nanoseconds time) { return static_cast<double>(time.count()) / 1e3; };
  for (const auto& [word, share] : kShares) {
    text += fmt::format("\"{}\":{:.1f},", word, in_us(report.latency.percentile(share)));
  }
  return text + fmt::format("\"max\":{:.1f}}}}}\n", in_us(report.latency.longest()));
}

}  // namespace

void add_feed_verb(Verb app, Command& command) {
  auto arguments = std::make_shared<FeedArguments>();
  const Verb verb = app.add_verb("feed", "Send declarations to a server over TCP and write its verdicts");
  verb.add_option("FILE", arguments->input, "Declarations, NDJSON, plain, .gz or .zst; - is stdin")
      .required()
      .not_empty()
      .type("");
  const auto read_address = [arguments](const std::string& text) {
    auto address = parse_peer_address(text);
    if (address.ok()) arguments->request.to = std::move(*address);
    return address.status().message();
  };
  verb.add_read_option("--to", read_address, "Address of the feed, on this machine").required().type("HOST:PORT");
  verb.add_option("-o,--output", arguments->output,
                  "Where verdicts go; appears whole or not at all; compressed if it ends in .gz or .zst; - is stdout")
      .not_empty()
      .type("FILE");
  verb.add_option(
          "--token-file", arguments->token_file,
          "File with the token of a client, where the server wants one. There is no option for the token itself: "
          "all users of a machine see command lines, and shells keep them")
      .not_empty()
      .type("FILE");
  add_number(verb, "--rate", arguments->request.rate, 1, 1'000'000'000,
             "Declarations a second, sent when they are due, however long answers take; latency counts from then. "
             "Without it: as fast as they are answered");
  const auto read_retry = [arguments](const std::string& text) {
    const auto duration = parse_duration(text);
    if (duration) arguments->request.retry_for = *duration;
    return duration ? "" : "is no duration; write 30s, 500ms or 2m";
  };
  verb.add_read_option("--retry-for", read_retry,
                       "How long a lost connection is made again without an answer in between (default 30s)")
      .type("TIME");
  add_choice<Format>(verb, "--format", arguments->format, {{"ndjson", Format::kNdjson}},
                     "Take the input for NDJSON, whatever its name and first byte say");
  add_encoding_option(verb, arguments->encoding);
  add_summary_option(verb, arguments->summary);
  verb.footer(
      "When the connection is lost, or the server stops, another one is made, and sending goes on behind the last "
      "answer:\n"
      "the output has one verdict a declaration, in order, with the lines of FILE. A server that cannot be reached at "
      "the\n"
      "first try, or refuses the token, ends the run at once.\n\n"
      "Examples:\n"
      "  clearline feed day.ndjson --to 127.0.0.1:7400 -o verdicts.ndjson\n"
      "  clearline feed day.ndjson.zst --to localhost:7400 --token-file token -o verdicts.ndjson.zst\n"
      "  clearline feed day.ndjson --to 127.0.0.1:7400 --rate 20000 --summary json > /dev/null    # latency at that "
      "rate\n"
      "  zcat days/*.gz | clearline feed - --to 127.0.0.1:7400 --retry-for 10m | grep '\"hold\"'\n\n"
      "Exit: 0 done, 2 wrong use, 3 input, 5 output, 6 the server cannot be reached or refuses, 7 interrupted.");
  verb.when_chosen([arguments, &command] {
    command.run = [arguments]() -> Status {
      FeedReport report;
      bool pipe_closed = false;
      if (Status status = run(*arguments, report, pipe_closed); !status.ok()) return status;
      if (pipe_closed) return {};
      if (arguments->summary == SummaryForm::kText) say(summary_text(report));
      if (arguments->summary == SummaryForm::kJson) say(summary_json(report));
      return {};
    };
  });
}

}  // namespace clearline
