// lookup: one code, and whether given items agree with it. Shows no registered value.
#pragma once

#include <CLI/CLI.hpp>

#include "io/cli/command.h"

namespace clearline {

void add_lookup_verb(CLI::App& app, Command& command);

}  // namespace clearline
