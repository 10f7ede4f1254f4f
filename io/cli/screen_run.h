// A screening run: files or stdin in, verdicts out, in order, whole or not at all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "clearline/date.h"
#include "clearline/status.h"
#include "io/cli/inputs.h"
#include "io/cli/words.h"
#include "io/formats/encoding.h"
#include "io/formats/input_format.h"
#include "io/formats/screen_block.h"
#include "io/store/as_of.h"

namespace clearline {

/// A condition on the verdicts that makes the exit code 1.
struct FailOn {
  Outcome at_least = Outcome::kHold;
  double share_percent = 0;  ///< met when more than this share is as bad or worse

  bool met_by(const Tally& tally) const;
};

struct ScreenRequest {
  std::vector<std::string> inputs;  ///< none: stdin
  std::string registry;
  std::string output = "-";  ///< with `{name}`: one for each input
  std::optional<Format> format;
  std::optional<Format> output_format;
  std::string columns;
  IgnoredNames ignored;
  Encoding encoding = Encoding::kAuto;
  Emit emit = Emit::kAll;
  bool explain = false;
  std::string policy = "standard";
  std::optional<AsOf> as_of;
  std::optional<FailOn> fail_on;
  int threads = 0;  ///< 0: as many as may be used
  SummaryForm summary = SummaryForm::kText;
  std::size_t block_bytes = kRunBlockBytes;
  bool resume = false;            ///< leave checkpoints, and go on from one
  double checkpoint_seconds = 5;  ///< time between two
};

/// What a run did. Every declaration is in exactly one of the outcomes.
struct ScreenReport {
  Tally tally;
  std::uint64_t resumed = 0;  ///< of its declarations, those of the run that was interrupted
  std::uint64_t bytes = 0;    ///< of the inputs as they are stored: compressed, in their encoding
  double seconds = 0;         ///< from the first byte read to the last byte delivered
  double load_seconds = 0;    ///< reading and checking the registry
  double sync_seconds = 0;    ///< the final fsync and rename
  EncodingTally encodings;
  std::uint64_t registry_seq = 0;
  Date today;  ///< that stood for a missing `declared_at`
  std::uint64_t registry_entries = 0;
  bool pipe_closed = false;  ///< the reader of the output went away: the run ended early and quietly
};

/// Runs it. The words of the summary are the caller's.
Status run_screen(const ScreenRequest& request, ScreenReport& report);

}  // namespace clearline
