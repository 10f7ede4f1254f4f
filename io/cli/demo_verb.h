// demo: the whole story on made-up data, checked against expected verdicts.
#pragma once

#include <CLI/CLI.hpp>

#include "io/cli/command.h"

namespace clearline {

void add_demo_verb(CLI::App& app, Command& command);

}  // namespace clearline
