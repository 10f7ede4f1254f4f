// serve: feeds and changes over sockets.
#pragma once

#include "io/cli/command.h"
#include "io/cli/verb.h"

namespace clearline {

void add_serve_verb(Verb app, Command& command);

}  // namespace clearline
