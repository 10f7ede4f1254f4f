// lookup: one code, and whether given items agree with it. Shows no registered value.
#pragma once

#include "io/cli/command.h"
#include "io/cli/verb.h"

namespace clearline {

void add_lookup_verb(Verb app, Command& command);

}  // namespace clearline
