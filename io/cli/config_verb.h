// clearline config: the configuration of the server: a sample, whether a file is good, and what counts in it.
#pragma once

#include <CLI/CLI.hpp>

#include "io/cli/command.h"

namespace clearline {

void add_config_verb(CLI::App& app, Command& command);

}  // namespace clearline
