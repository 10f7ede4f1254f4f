// serve: feeds and changes over sockets.
#pragma once

#include <CLI/CLI.hpp>

#include "io/cli/command.h"

namespace clearline {

void add_serve_verb(CLI::App& app, Command& command);

}  // namespace clearline
