// RegistrySnapshot: the registry as it was at one seq, read segment by segment while changes go on.
//
// Idea        The writer keeps what it finds before it changes a code for the first time (UndoLog). Reading a segment is:
//             copy its rows as they are, old, new or torn; then put what the log says of its codes in their place. What
//             was not changed was copied as it was; what was changed is in the log, for it was there before the first word
//             of the row was written.
// Layout      segments keep the number of buckets they had, one behind the other, and texts lie in the order of rows,
//             without what changes left behind: so an image is as good as a fresh one.
// Memory      48 bytes a code that changes while the snapshot is read, and one segment.
// Threads     made on the writer's thread, between changes, and ended there; read by one other thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/registry_table.h"
#include "engine/registry_writer.h"

namespace clearline {

class RegistrySnapshot {
 public:
  /// One at a time; the writer outlives it, and end() is called before the next one is made.
  explicit RegistrySnapshot(RegistryWriter& writer);
  RegistrySnapshot(const RegistrySnapshot&) = delete;
  RegistrySnapshot& operator=(const RegistrySnapshot&) = delete;

  /// On the writer's thread, when nobody reads it any more.
  void end() { writer_->undo_ = nullptr; }

  /// `bucket_count` and `text_bytes` are those of the compact image; of the texts it is a bound, the rest are zeros.
  const RegistryShape& shape() const { return shape_; }
  /// First bucket of each segment and one past the end, in the compact layout.
  std::span<const std::uint32_t> segments() const { return first_; }

  /// One segment, with places that count from the first text of the first segment. Its memory is reused.
  struct Segment {
    std::vector<HotBucket> buckets;
    std::vector<SideRow> side;
    std::vector<std::byte> texts;
  };
  /// Segment after segment from 0 on; `text_end` is where the texts of those before ended. False when a text cannot be
  /// read.
  bool read(std::size_t number, std::uint64_t text_end, Segment& out);

 private:
  RegistryWriter* writer_;
  const RegistryTable* table_;
  ReaderSlots::Reader reader_;
  UndoLog undo_;
  RegistryShape shape_;
  std::vector<std::uint32_t> first_{0};
  std::vector<RowsBefore> rows_;  // of the segment that is read
};

}  // namespace clearline
