#include "io/cli/stats_verb.h"

#include <fmt/format.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/change_days.h"
#include "io/cli/inputs.h"
#include "io/cli/options.h"
#include "io/cli/progress.h"
#include "io/cli/table.h"
#include "io/cli/words.h"
#include "io/store/registry_directory.h"

namespace clearline {
namespace {

/// In the order of reports.
constexpr std::array<ChangeOp, ChangeDays::kOps> kReportedOps{ChangeOp::kIssue,  ChangeOp::kReissue, ChangeOp::kSuspend,
                                                              ChangeOp::kResume, ChangeOp::kCancel,  ChangeOp::kRenew,
                                                              ChangeOp::kAmend};

/// Nothing on the first day: there is none before.
std::optional<double> mean_before(const ChangeDays::Day& day, ChangeOp op) {
  if (day.days_before == 0) return std::nullopt;
  return static_cast<double>(day.of(op).sum_before) / static_cast<double>(day.days_before);
}

/// How many times the mean a count is; nothing when the mean is 0.
std::optional<double> times_mean(const ChangeDays::Day& day, ChangeOp op) {
  const double mean = mean_before(day, op).value_or(0);
  if (mean == 0) return std::nullopt;
  return static_cast<double>(day.of(op).count) / mean;
}

/// A number as short as it reads back the same, or `otherwise`.
std::string number_or(std::optional<double> value, const char* otherwise) {
  return value ? fmt::format("{}", *value) : otherwise;
}

std::string days_as_text(const std::vector<ChangeDays::Day>& days) {
  if (days.empty()) return "no changes\n";
  std::vector<Table::Column> columns{{"day"}};
  // A column is wider by the place of the mark, which the titles leave free, too.
  for (const ChangeOp op : kReportedOps) columns.push_back({std::string(to_string(op)) + " ", Table::Align::kRight});
  Table counts(columns);
  Table surges({{"day"},
                {"op"},
                {"count", Table::Align::kRight},
                {"mean before", Table::Align::kRight},
                {"largest before", Table::Align::kRight},
                {"times", Table::Align::kRight}});
  std::size_t surge_count = 0;
  for (const ChangeDays::Day& day : days) {
    std::vector<std::string> cells{format_date(day.date)};
    for (const ChangeOp op : kReportedOps) {
      const ChangeDays::Count& it = day.of(op);
      cells.push_back(with_commas(it.count) + (day.is_surge(op) ? "*" : " "));
      if (!day.is_surge(op)) continue;
      ++surge_count;
      const auto times = times_mean(day, op);
      surges.add({cells.front(), std::string(to_string(op)), with_commas(it.count),
                  fmt::format("{:.2f}", mean_before(day, op).value_or(0)), with_commas(it.largest_before),
                  times ? fmt::format("{:.1f}", *times) : "-"});
    }
    counts.add(std::move(cells));
  }
  return fmt::format("{}\n{}", counts.text(), surge_count == 0 ? "no surges\n" : "* surges\n" + surges.text());
}

std::string days_as_csv(const std::vector<ChangeDays::Day>& days) {
  std::string text = "day,op,count,days_before,mean_before,largest_before,surge\n";
  for (const ChangeDays::Day& day : days) {
    for (const ChangeOp op : kReportedOps) {
      const ChangeDays::Count& it = day.of(op);
      text += fmt::format("{},{},{},{},{},{},{}\n", format_date(day.date), to_string(op), it.count, day.days_before,
                          number_or(mean_before(day, op), ""),
                          day.days_before == 0 ? "" : std::to_string(it.largest_before), day.is_surge(op));
    }
  }
  return text;
}

std::string days_as_json(const std::vector<ChangeDays::Day>& days) {
  std::string text;
  std::string surges;
  for (const ChangeDays::Day& day : days) {
    const std::string date = format_date(day.date);
    std::string ops;
    for (const ChangeOp op : kReportedOps) {
      const ChangeDays::Count& it = day.of(op);
      const std::string largest = day.days_before == 0 ? "null" : std::to_string(it.largest_before);
      const std::string beside = fmt::format(R"("count":{},"mean_before":{},"largest_before":{})", it.count,
                                             number_or(mean_before(day, op), "null"), largest);
      ops +=
          fmt::format(R"({}"{}":{{{},"surge":{}}})", ops.empty() ? "" : ",", to_string(op), beside, day.is_surge(op));
      if (!day.is_surge(op)) continue;
      surges += fmt::format(R"({}{{"day":"{}","op":"{}",{},"times":{}}})", surges.empty() ? "\n" : ",\n", date,
                            to_string(op), beside, number_or(times_mean(day, op), "null"));
    }
    text += fmt::format(R"({}{{"day":"{}","days_before":{},"ops":{{{}}}}})", text.empty() ? "\n" : ",\n", date,
                        day.days_before, ops);
  }
  return fmt::format("{{\"days\":[{}],\n\"surges\":[{}]}}\n", text, surges);
}

}  // namespace

Status run_stats(const StatsRequest& request) {
  if (request.to < request.from) {
    return {StatusKind::kUsage, "--to: lies before --from; give the first day, then the last one"};
  }
  if (Status status = check_has_journal(request.directory); !status.ok()) return status;
  if (Status status = check_stdout(request.directory); !status.ok()) return status;

  ChangeDays counted;
  Status status = RegistryDirectory(request.directory).read_brief([&](const JournalBrief& row) {
    counted.add(row.op, korean_date_us(row.at_us));
    return Status();
  });
  if (!status.ok()) return status;
  std::vector<ChangeDays::Day> days;
  counted.for_each_day([&](const ChangeDays::Day& day) {
    if (request.from <= day.date && day.date <= request.to) days.push_back(day);
  });
  switch (request.format) {
    case StatsFormat::kCsv:
      return tell(days_as_csv(days));
    case StatsFormat::kJson:
      return tell(days_as_json(days));
    case StatsFormat::kText:
      break;
  }
  return tell(days_as_text(days));
}

void add_stats_verb(Verb registry, Command& command) {
  auto request = std::make_shared<StatsRequest>();
  const Verb stats = registry.add_verb("stats", "Count changes by day, and find the days that stand out");
  stats.add_option("DIR", request->directory, "Registry directory").required().type("");
  stats.add_flag("--by-day", request->by_day, "By Korean calendar day of `at`, and by op").required();
  add_date(stats, "--from", request->from, "First day that is shown");
  add_date(stats, "--to", request->to, "Last day that is shown");
  add_choice<StatsFormat>(stats, "--format", request->format,
                          {{"text", StatsFormat::kText}, {"csv", StatsFormat::kCsv}, {"json", StatsFormat::kJson}},
                          "text: tables (default)");
  stats.footer(
      "Every day from the first that has a change to the last; one without changes counts as 0. A change that\n"
      "came late counts to the day of its `at`. Each count stands beside the mean and the largest count of its\n"
      "op on all days before, those that --from leaves out included. A surge (* in the text) is a count of at\n"
      "least 3 times that mean and at least 10 more than it, on a day with 7 days before it or more.\n"
      "\n"
      "csv, a line a day and op:\n"
      "  day,op,count,days_before,mean_before,largest_before,surge\n"
      "  2025-12-01,reissue,40,30,2.5,7,true\n"
      "json, one object (here broken into more lines):\n"
      "  {\"days\":[\n"
      "  {\"day\":\"2025-12-01\",\"days_before\":30,\"ops\":{\"issue\":{...},\n"
      "    \"reissue\":{\"count\":40,\"mean_before\":2.5,\"largest_before\":7,\"surge\":true},...}},\n"
      "  ...],\n"
      "  \"surges\":[\n"
      "  {\"day\":\"2025-12-01\",\"op\":\"reissue\",\"count\":40,\"mean_before\":2.5,\"largest_before\":7,\n"
      "    \"times\":16},\n"
      "  ...]}\n"
      "On the first day mean_before and largest_before are empty, in json null; so is `times` where the mean is\n"
      "0. The ops are issue, reissue, suspend, resume, cancel, renew, amend.\n"
      "\n"
      "Examples:\n"
      "  clearline registry stats live --by-day\n"
      "  clearline registry stats live --by-day --from 2025-11-01 --to 2025-11-30 --format csv > november.csv\n"
      "\n"
      "Exit: 0 done, 2 wrong use, 4 registry missing or damaged.");
  stats.when_chosen([request, &command] { command.run = [request] { return run_stats(*request); }; });
}

}  // namespace clearline
