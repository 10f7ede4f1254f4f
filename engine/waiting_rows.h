// WaitingRows: the rows of a registry that is being gathered, until its shape is known.
//
// A row can be put into the table only when it is known how many rows each segment has. Until then it waits with those
// of 64 neighbouring segments, its partition, in the order of arrival:
//
//   partition 0   [ 64 rows ] [ 512 rows ] ... [ 2 MiB of rows ] [ 2 MiB of rows ] ...
//   partition 1   ...
//
// Why partitions  the table's part of one is some 20 MB at 26 million entries: filling it stays near the cache, and each
//                 partition is filled by one thread. 64 streams of writing are few enough for a core; and they waste a
//                 huge page each at most.
// Why huge pages  the memory of a partition goes back when it is filled, and the table's next part is made of the same
//                 pages.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/code_index.h"
#include "engine/pages.h"

namespace clearline {

struct WaitingRow {
  HotRow hot;
  SideRow side;
  std::uint64_t ticket;
  // The segment waits in the bits of `place` that a side row does not use.
  static constexpr int kSegmentShift = 48;

  void set_segment(std::size_t segment) { side.place |= std::uint64_t{segment} << kSegmentShift; }
  std::size_t segment() const { return side.place >> kSegmentShift; }
  SideRow side_alone() const { return {side.contact, side.place & ((std::uint64_t{1} << kSegmentShift) - 1)}; }
};
static_assert(kSegmentBits <= 64 - WaitingRow::kSegmentShift && sizeof(WaitingRow) == 40);

class WaitingRows {
 public:
  static constexpr int kPartitionBits = 6;
  static constexpr std::size_t kPartitionCount = std::size_t{1} << kPartitionBits;
  static constexpr std::size_t kPartitionSegments = kSegmentCount / kPartitionCount;

  /// False when memory lacks.
  bool add(const WaitingRow& row) {
    const std::size_t segment = row.segment();
    Partition& partition = partitions_[segment / kPartitionSegments];
    if (partition.next == partition.end && !grow(partition)) return false;
    *partition.next++ = row;
    ++segment_rows_[segment];
    return true;
  }

  std::uint64_t segment_rows(std::size_t segment) const { return segment_rows_[segment]; }

  /// The rows of a partition in the order of arrival, piece by piece.
  std::vector<std::span<const WaitingRow>> pieces(std::size_t partition) const;

  /// Gives the memory of a partition back.
  void drop(std::size_t partition) { partitions_[partition] = {}; }

 private:
  struct Partition {
    WaitingRow* next = nullptr;  // in the last chunk
    WaitingRow* end = nullptr;
    std::vector<Pages> chunks;
  };
  static bool grow(Partition& partition);

  std::array<Partition, kPartitionCount> partitions_;
  std::array<std::uint64_t, kSegmentCount> segment_rows_{};
};

}  // namespace clearline
