// status, control: what operators ask of a running server.
#pragma once

#include <CLI/CLI.hpp>

#include "io/cli/command.h"

namespace clearline {

void add_operator_verbs(CLI::App& app, Command& command);

}  // namespace clearline
