#include "io/cli/impact_verb.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>

#include "clearline/date.h"
#include "io/cli/impact_run.h"
#include "io/cli/options.h"
#include "io/cli/progress.h"
#include "io/cli/words.h"

namespace clearline {
namespace {

std::string summary_text(const ImpactReport& report) {
  const ImpactTally& tally = report.tally;
  std::string text =
      fmt::format("{} lines held against {} changes behind seq {}, to {} codes; both verdicts on {} unless dated\n",
                  with_commas(tally.lines), with_commas(report.seq - report.since), report.since,
                  with_commas(report.codes), format_date(report.today));
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
  text += encoding_words(report.encodings);
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
      "{{\"lines\":{},\"since_seq\":{},\"registry_seq\":{},\"day\":\"{}\",\"changes\":{},\"codes\":{},\"touched\":{},"
      "\"verdict_"
      "changed\":{},"
      "\"verdicts\":[",
      tally.lines, report.since, report.seq, format_date(report.today), report.seq - report.since, report.codes,
      tally.touched, tally.changed);
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
  return text + fmt::format("}},\"bytes\":{},\"seconds\":{:.3f},\"registry_seconds\":{:.3f}{}}}\n", report.bytes,
                            report.seconds, report.load_seconds, encoding_json(report.encodings));
}

}  // namespace

void add_impact_verb(Verb registry, Command& command) {
  auto request = std::make_shared<ImpactRequest>();
  const Verb verb = registry.add_verb(
      "impact", "Find the declarations whose codes have changed since, and what became of their verdicts");
  verb.add_option("DIR", request->registry, "Registry directory").required().type("");
  add_inputs_option(verb, request->inputs);
  add_since_option(verb, request->since).required();
  verb.add_option("-o,--output", request->output, "Where they go; compressed if it ends in .gz or .zst; - is stdout")
      .not_empty()
      .type("FILE");
  add_format_option(verb, "--format", request->format, "Format of the input; else by its name, else by its first byte");
  add_format_option(verb, "--output-format", request->output_format, "Format of the output; else by -o, else ndjson");
  add_encoding_option(verb, request->encoding);
  add_columns_option(verb, request->columns);
  add_ignore_option(verb, request->ignored);
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
