// registry stats: changes by day, and the days that stand out.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "clearline/date.h"
#include "clearline/status.h"
#include "io/cli/command.h"

namespace clearline {

enum class StatsFormat { kText, kCsv, kJson };

struct StatsRequest {
  std::string directory;
  Date from = kDateMin;
  Date to = kDateMax;
  StatsFormat format = StatsFormat::kText;
};
/// Counts, and writes to stdout.
Status run_stats(const StatsRequest& request);

/// Adds it to `registry`.
void add_stats_verb(CLI::App& registry, Command& command);

}  // namespace clearline
