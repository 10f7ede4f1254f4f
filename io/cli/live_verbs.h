// registry init, apply, checkpoint: a registry that changes.
#pragma once

#include <cstdint>
#include <string>

#include "clearline/status.h"
#include "io/cli/command.h"
#include "io/cli/verb.h"

namespace clearline {

struct ApplyRequest {
  std::string directory;
  std::string input;
  std::string answers = "-";
};
struct ApplyReport {
  bool has_run = false;  ///< the registry was opened, and what follows tells what became of it
  std::uint64_t done = 0;
  std::uint64_t repeated = 0;
  std::uint64_t refused = 0;
  std::uint64_t registry_seq = 0;
  double seconds = 0;
};
/// Applies changes.
Status run_apply(const ApplyRequest& request, ApplyReport& report);
/// A line about it.
std::string apply_words(const ApplyRequest& request, const ApplyReport& report);

/// Adds them to `registry`.
void add_live_verbs(Verb registry, Command& command);

}  // namespace clearline
