// registry stats: changes by day, and the days that stand out.
#pragma once

#include <string>

#include "clearline/date.h"
#include "clearline/status.h"
#include "io/cli/command.h"
#include "io/cli/verb.h"

namespace clearline {

enum class StatsFormat { kText, kCsv, kJson };

struct StatsRequest {
  std::string directory;
  bool by_day = false;  ///< always; there is no other way yet
  Date from = kDateMin;
  Date to = kDateMax;
  StatsFormat format = StatsFormat::kText;
};
/// Counts, and writes to stdout.
Status run_stats(const StatsRequest& request);

/// Adds it to `registry`.
void add_stats_verb(Verb registry, Command& command);

}  // namespace clearline
