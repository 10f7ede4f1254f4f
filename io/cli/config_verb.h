// clearline config: the configuration of the server: a sample, whether a file is good, and what counts in it.
#pragma once

#include "io/cli/command.h"
#include "io/cli/verb.h"

namespace clearline {

void add_config_verb(Verb app, Command& command);

}  // namespace clearline
