// The verb `registry impact`: whose verdicts changes have changed.
#pragma once

#include "io/cli/command.h"
#include "io/cli/verb.h"

namespace clearline {

void add_impact_verb(Verb registry, Command& command);

}  // namespace clearline
