// The verb `registry impact`: whose verdicts changes have changed.
#pragma once

#include <CLI/CLI.hpp>

#include "io/cli/command.h"

namespace clearline {

void add_impact_verb(CLI::App& registry, Command& command);

}  // namespace clearline
