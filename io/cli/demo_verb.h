// demo: the whole story on made-up data, checked against expected verdicts.
#pragma once

#include "io/cli/command.h"
#include "io/cli/verb.h"

namespace clearline {

void add_demo_verb(Verb app, Command& command);

}  // namespace clearline
