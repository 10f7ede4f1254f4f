#include "engine/code_index.h"

namespace clearline {

std::size_t CodeIndex::find_further(std::uint64_t mixed, std::size_t home_bucket) const {
  const std::uint64_t segment = mixed >> kTailBits;
  const std::uint64_t tail = mixed & kTailMask;
  const std::size_t first = segments_[segment];
  const std::size_t end = segments_[segment + 1];
  std::size_t bucket = home_bucket;
  for (std::size_t probed = 1; probed < end - first; ++probed) {
    bucket = bucket + 1 == end ? first : bucket + 1;
    const HotRow* rows = buckets_[bucket].rows.data();
    for (std::size_t i = 0; i < kBucketRows; ++i) {
      if (rows[i].tail() == tail && !rows[i].empty()) return bucket * kBucketRows + i;
    }
    if (rows[kBucketRows - 1].empty()) return kAbsent;
  }
  return kAbsent;
}

}  // namespace clearline
