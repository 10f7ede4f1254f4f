// registry stats: changes by day, and the days that stand out.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "clearline/status.h"
#include "io/cli/command.h"

namespace clearline {

enum class StatsFormat { kText, kCsv, kJson };

struct StatsRequest {
  std::string directory;
  std::optional<std::string> from;
  std::optional<std::string> to;
  StatsFormat format = StatsFormat::kText;
};
/// Counts, and writes to stdout.
Status run_stats(const StatsRequest& request);

/// Adds it to `registry`.
void add_stats_verb(CLI::App& registry, Command& command);

}  // namespace clearline
