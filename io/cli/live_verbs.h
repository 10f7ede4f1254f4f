// registry init, apply, checkpoint: a registry that changes.
#pragma once

#include <CLI/CLI.hpp>

#include "io/cli/command.h"

namespace clearline {

/// Adds them to `registry`.
void add_live_verbs(CLI::App& registry, Command& command);

}  // namespace clearline
