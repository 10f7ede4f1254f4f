// screen: the verb: its options, and the words about what a run did.
#pragma once

#include <optional>
#include <string>

#include "io/cli/command.h"
#include "io/cli/screen_run.h"
#include "io/cli/verb.h"

namespace clearline {

/// Reads `hold`, `review:5%`; nothing if it is neither.
std::optional<FailOn> parse_fail_on(const std::string& text);

std::string summary_text(const ScreenRequest& request, const ScreenReport& report);
std::string summary_json(const ScreenRequest& request, const ScreenReport& report);

void add_screen_verb(Verb app, Command& command);

}  // namespace clearline
