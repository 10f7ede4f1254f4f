// registry history: what changed one code, when and by whom.
#pragma once

#include <CLI/CLI.hpp>

#include "io/cli/command.h"

namespace clearline {

/// Adds it to `registry`.
void add_history_verb(CLI::App& registry, Command& command);

}  // namespace clearline
