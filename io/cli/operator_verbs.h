// status, control: what operators ask of a running server.
#pragma once

#include "io/cli/command.h"
#include "io/cli/verb.h"

namespace clearline {

void add_operator_verbs(Verb app, Command& command);

}  // namespace clearline
