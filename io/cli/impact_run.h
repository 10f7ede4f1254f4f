// An impact run: declaration files in, those out whose codes have changed since, with what became of their verdicts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "clearline/status.h"
#include "io/cli/inputs.h"
#include "io/cli/words.h"
#include "io/formats/encoding.h"
#include "io/formats/impact_block.h"
#include "io/formats/input_format.h"
#include "io/store/as_of.h"

namespace clearline {

struct ImpactRequest {
  std::string registry;
  std::optional<AsOf> since;
  std::vector<std::string> inputs;  ///< none: stdin
  std::string output = "-";
  std::optional<Format> format;
  std::optional<Format> output_format;
  std::string columns;
  IgnoredNames ignored;
  Encoding encoding = Encoding::kAuto;
  ImpactEmit emit = ImpactEmit::kTouched;
  int threads = 0;  ///< 0: as many as may be used
  SummaryForm summary = SummaryForm::kText;
};

struct ImpactReport {
  ImpactTally tally;
  std::uint64_t since = 0;  ///< the seq behind which changes count
  std::uint64_t seq = 0;
  Date today;               ///< that stood for a missing `declared_at`
  std::uint64_t codes = 0;  ///< that have changed
  std::uint64_t bytes = 0;  ///< of the inputs as they are stored
  EncodingTally encodings;
  double seconds = 0;
  double load_seconds = 0;
  bool pipe_closed = false;  ///< the reader of the output went away: the run ended early and quietly
};

/// Runs it. The words of the summary are the caller's.
Status run_impact(const ImpactRequest& request, ImpactReport& report);

}  // namespace clearline
