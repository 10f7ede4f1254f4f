// Command: the verb that the command line chose.
#pragma once

#include <functional>
#include <optional>

#include "clearline/status.h"

namespace clearline {

struct Command {
  std::function<Status()> run;   ///< set by the chosen verb
  std::optional<int> exit_code;  ///< instead of the status' own: 1 for a met --fail-on, say
};

}  // namespace clearline
