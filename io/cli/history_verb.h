// registry history: what changed one code, when and by whom.
#pragma once

#include "io/cli/command.h"
#include "io/cli/verb.h"

namespace clearline {

/// Adds it to `registry`.
void add_history_verb(Verb registry, Command& command);

}  // namespace clearline
