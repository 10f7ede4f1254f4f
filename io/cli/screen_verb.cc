#include "io/cli/screen_verb.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "clearline/date.h"
#include "io/cli/options.h"
#include "io/cli/progress.h"
#include "io/cli/words.h"

namespace clearline {

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

std::string summary_text(const ScreenRequest& request, const ScreenReport& report) {
  const Tally& tally = report.tally;
  const auto share = [&](std::uint64_t count) {
    return tally.declarations == 0 ? 0.0 : 100.0 * static_cast<double>(count) / static_cast<double>(tally.declarations);
  };
  const bool is_each = request.as_of && request.as_of->kind == AsOf::Kind::kDeclared;
  std::string text = fmt::format("{} declarations screened by policy {} and {} seq {} ({} codes), on {} unless dated\n",
                                 with_commas(tally.declarations), request.policy,
                                 is_each ? "the registry of each one's moment, up to" : "registry", report.registry_seq,
                                 with_commas(report.registry_entries), format_date(report.today));
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
  text += "  given in";
  for (std::size_t i = 0; i < kFieldCount; ++i) {
    text += fmt::format("{} {} {}", i == 0 ? "" : ",", to_string(static_cast<Field>(i)), with_commas(tally.given[i]));
  }
  text += "\n";
  text += encoding_words(report.encodings);
  if (report.resumed != 0) text += fmt::format("  {} of them by the run before\n", with_commas(report.resumed));
  const double seconds = std::max(report.seconds, 1e-9);
  const std::uint64_t screened = tally.declarations - report.resumed;
  text += fmt::format("{} in {:.2f} s: {} declarations/s, {}/s; registry read in {:.2f} s, output synced in {:.2f} s\n",
                      as_bytes(static_cast<double>(report.bytes)), report.seconds,
                      with_commas(static_cast<std::uint64_t>(static_cast<double>(screened) / seconds)),
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
  text += "},\"fields\":{";
  for (std::size_t i = 0; i < kFieldCount; ++i) {
    text += fmt::format("{}\"{}\":{}", i == 0 ? "" : ",", to_string(static_cast<Field>(i)), tally.given[i]);
  }
  text += fmt::format(
      "}},\"policy\":\"{}\",\"registry_seq\":{},\"day\":\"{}\",\"registry_entries\":{},\"resumed\":{},\"bytes\":{},"
      "\"seconds\":{:.3f},"
      "\"registry_seconds\":{:.3f},\"sync_seconds\":{:.3f}{}}}\n",
      request.policy, report.registry_seq, format_date(report.today), report.registry_entries, report.resumed,
      report.bytes, report.seconds, report.load_seconds, report.sync_seconds, encoding_json(report.encodings));
  return text;
}

void add_screen_verb(Verb app, Command& command) {
  auto request = std::make_shared<ScreenRequest>();
  auto fail_on = std::make_shared<std::string>();
  const Verb verb = app.add_verb("screen", "Screen declarations: files or stdin in, verdicts out in the same order");
  add_inputs_option(verb, request->inputs);
  verb.add_option("-r,--registry", request->registry, "Registry: an image or a directory").required().type("REGISTRY");
  verb.add_option("-o,--output", request->output,
                  "Where verdicts go; appears whole or not at all; compressed if it ends in .gz or .zst; - is stdout; "
                  "with {name} each "
                  "input has its own")
      .not_empty()
      .type("FILE");
  add_format_option(verb, "--format", request->format, "Format of the input; else by its name, else by its first byte");
  add_format_option(verb, "--output-format", request->output_format, "Format of the verdicts; else by -o, else ndjson");
  add_encoding_option(verb, request->encoding);
  add_columns_option(verb, request->columns);
  add_ignore_option(verb, request->ignored);
  add_choice<Emit>(verb, "--emit", request->emit, {{"all", Emit::kAll}, {"flagged", Emit::kFlagged}},
                   "Which verdicts are written: all, or flagged (whatever is not clear)");
  verb.add_flag("--explain", request->explain, "Add what became of each item, what to mend, the rule and the registry");
  verb.add_option("--policy", request->policy, "Policy: standard").not_empty().type("NAME");
  add_as_of_option(verb, request->as_of);
  verb.add_option("--fail-on", *fail_on,
                  "Exit with 1 when a verdict is as bad or worse: hold, review, error; hold:5% allows 5 %")
      .not_empty()
      .type("LEVEL");
  add_threads_option(verb, request->threads);
  add_summary_option(verb, request->summary);
  verb.add_flag("--resume", request->resume,
                "Leave a checkpoint beside the output now and then, and go on from one of an interrupted run");
  add_number(verb, "--checkpoint-seconds", request->checkpoint_seconds, 0, 3600, "Time between two checkpoints");
  add_number(verb, "--block-bytes", request->block_bytes, 1, std::size_t{1} << 28,
             "Bytes that go through the pipeline at a time");
  verb.footer(
      "Examples:\n"
      "  clearline screen day.ndjson -r registry.img -o verdicts.ndjson\n"
      "  clearline screen day.csv -r registry.img -o verdicts.csv --columns 'code=개인통관고유부호,name=수취인명'\n"
      "  clearline screen days/ -r registry.img -o 'verdicts/{name}.csv.gz'\n"
      "  clearline screen year.ndjson.zst -r registry.img -o year.csv --resume    # the same again after an "
      "interruption\n"
      "  cat day.ndjson | clearline screen -r registry.img --emit flagged --explain > flagged.ndjson\n"
      "  clearline screen day.ndjson -r registry.img -o out.ndjson --fail-on hold:5% --summary json\n"
      "  clearline screen day.ndjson -r live -o then.ndjson --as-of 2025-11-30    # as the registry was that evening\n"
      "  clearline screen day.ndjson -r live -o fair.ndjson --as-of declared      # each at its own declared_at\n\n"
      "Exit: 0 done, 1 --fail-on is met, 2 wrong use, 3 input, 4 registry, 5 output, 7 interrupted.");
  verb.when_chosen([request, fail_on, &command] {
    if (!fail_on->empty()) {
      request->fail_on = parse_fail_on(*fail_on);
      if (!request->fail_on) {
        wrong_use("--fail-on", "is none of hold, review, error, hold:N%");
      }
    }
    command.run = [request, &command]() -> Status {
      ScreenReport report;
      if (Status status = run_screen(*request, report); !status.ok()) return status;
      if (request->fail_on && request->fail_on->met_by(report.tally)) command.exit_code = 1;
      if (report.pipe_closed) return {};  // quietly: what is judged so far decides about --fail-on
      if (request->summary == SummaryForm::kText) say(summary_text(*request, report));
      if (request->summary == SummaryForm::kJson) say(summary_json(*request, report));
      return {};
    };
  });
}

}  // namespace clearline
