#include "engine/code_index.h"

namespace clearline {

std::size_t CodeIndex::find_further(std::uint64_t mixed) const {
  const std::uint64_t segment = mixed >> kTailBits;
  const std::size_t first = segments_[segment];
  ProbeSequence probe(mixed & kTailMask, first, segments_[segment + 1] - first);
  for (std::size_t probed = 1; probed < probe.size(); ++probed) {
    probe.next();
    if (const std::size_t row = find_in(probe.bucket(), mixed); row != kElsewhere) return row;
  }
  return kAbsent;
}

}  // namespace clearline
