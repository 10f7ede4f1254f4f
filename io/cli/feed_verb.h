// feed: the verb: a file over a feed of a server, its verdicts back.
#pragma once

#include "io/cli/command.h"
#include "io/cli/verb.h"

namespace clearline {

void add_feed_verb(Verb app, Command& command);

}  // namespace clearline
