#include "engine/code_index.h"

namespace clearline {

std::size_t CodeIndex::find(std::uint64_t mixed, SegmentPlace segment, HotRow& hot) const {
  const std::size_t row = find_in(home(mixed, segment), mixed, hot);
  return row == kElsewhere ? find_further(mixed, segment, hot) : row;
}

std::size_t CodeIndex::find_further(std::uint64_t mixed, SegmentPlace segment, HotRow& hot) const {
  ProbeSequence probe(mixed & kTailMask, segment);
  for (std::size_t probed = 1; probed < probe.size(); ++probed) {
    probe.next();
    if (const std::size_t row = find_in(probe.bucket(), mixed, hot); row != kElsewhere) return row;
  }
  return kAbsent;
}

}  // namespace clearline
