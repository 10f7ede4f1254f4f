// registry stats: changes by day, and the days that stand out.
#pragma once

#include <CLI/CLI.hpp>

#include "io/cli/command.h"

namespace clearline {

/// Adds it to `registry`.
void add_stats_verb(CLI::App& registry, Command& command);

}  // namespace clearline
