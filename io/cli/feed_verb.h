// feed: the verb: a file over a feed of a server, its verdicts back.
#pragma once

#include <CLI/CLI.hpp>

#include "io/cli/command.h"

namespace clearline {

void add_feed_verb(CLI::App& app, Command& command);

}  // namespace clearline
