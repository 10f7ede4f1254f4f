// RegistryWriter: changes a registry while readers go on.
//
//   prepare   entry -> its rows, and its text behind the others; room in its segment. May fail, changes nothing visible
//   publish   the rows of one change are written under its seq (engine/change_window.h). Cannot fail
//   rollback  forgets what was prepared since a mark
//
// So a change is prepared, made durable by others, and then published: what is on disk can always be shown.
//
// Growing     A segment that would become too full is put, with more room, behind the last bucket or where readers have
//             left a piece; one word of the directory then leads readers there. At 26 million entries that is 6,347 rows
//             in 0.1 to 0.2 ms, of which readers notice nothing. A piece is used again when no reader's slot is older
//             (engine/reader_slots.h).
// Texts       are appended and never changed, so that a reader's place stays good; what changes leave behind goes when
//             an image is written and opened. 16 GiB of them is all a side row can name: then prepare() fails.
// Snapshots   RegistrySnapshot reads the registry as it was at one seq, segment by segment, while this goes on: the
//             rows before are kept for it (engine/registry_snapshot.h).
// Threads     one, except where a snapshot says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "clearline/registry.h"
#include "clearline/status.h"
#include "engine/registry_table.h"
#include "engine/rows.h"

namespace clearline {

/// Puts rows into buckets that nobody reads yet; `place` has an empty row.
void put_row(HotBucket* buckets, SideRow* side, SegmentPlace place, const HotRow& hot, const SideRow& side_row);

/// Free pieces of the row space, whose neighbours grow together.
class BucketPieces {
 public:
  void give(std::size_t first, std::size_t count);
  /// The first of `count` buckets that were given; nothing when there is no such piece.
  std::optional<std::size_t> take(std::size_t count);

 private:
  std::map<std::size_t, std::size_t> pieces_;  // first -> count
};

/// Rows of codes as a change found them, for a snapshot. Locked by both sides.
class UndoLog {
 public:
  void add(const RowsBefore& rows);
  /// The rows that the codes of a segment had when the log began, in no order, each code once.
  std::vector<RowsBefore> of_segment(std::size_t segment) const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::vector<RowsBefore>> by_segment_ = std::vector<std::vector<RowsBefore>>(kSegmentCount);
};

/// The rows of an entry, ready to be published.
struct PreparedEntry {
  std::uint64_t mixed = 0;
  HotRow hot{};
  SideRow side{};
};

class RegistryWriter {
 public:
  /// The table must have room (Growth::kInPlace) and outlive the writer. One writer a table.
  explicit RegistryWriter(RegistryTable& table);

  const RegistryTable& table() const { return *table_; }

  /// The entry of a code, as published last.
  std::optional<Entry> find(Code code) const;

  /// Where prepared texts end; for rollback().
  struct Mark {
    std::uint64_t text_end = 0;
  };
  Mark mark() const { return {text_end_}; }
  /// Forgets all that was prepared since the mark and not published.
  void rollback(const Mark& mark);

  /// Makes an entry ready. kInput: it has a fault, and the words are those of held_entry_fault(). kOutput: there is no room,
  /// in memory or for texts.
  Result<PreparedEntry> prepare(const Entry& entry);

  /// Publishes one change: `entries` become what readers see, all under `seq`, which is the next one. Any other seq ends
  /// the program: readers look for a change in the place of its seq, and would take an older one for it.
  void publish(std::uint64_t seq, std::span<const PreparedEntry> entries);

  /// All that was prepared is published or given up: no room is kept for it any more.
  void settle();

  /// Bytes that the texts of all entries take, at most, without what changes left behind.
  std::uint64_t live_text_bytes() const { return live_text_bytes_; }

 private:
  friend class RegistrySnapshot;

  struct Retired {
    std::uint64_t epoch;
    SegmentPlace place;
  };
  struct SegmentRows {
    std::uint32_t entries = 0;
    std::uint32_t pending = 0;  // prepared and not published, at most
    bool is_counted = false;
  };

  bool make_room(std::size_t segment);
  std::optional<SegmentPlace> take_buckets(std::size_t count);
  RowsBefore find_rows(std::uint64_t mixed, std::size_t& row) const;
  void insert(const PreparedEntry& entry);
  std::uint64_t text_bytes_of(const SideRow& side) const;

  HotBucket* buckets() { return reinterpret_cast<HotBucket*>(table_->bucket_bytes().data()); }
  SideRow* side() { return reinterpret_cast<SideRow*>(table_->side_bytes().data()); }

  RegistryTable* table_;
  RowMaker maker_;
  std::uint64_t text_end_;
  std::uint64_t live_text_bytes_;
  std::size_t bucket_end_;
  std::vector<SegmentRows> segments_ = std::vector<SegmentRows>(kSegmentCount);
  std::vector<std::size_t> pending_segments_;
  BucketPieces pieces_;
  std::vector<Retired> retired_;
  UndoLog* undo_ = nullptr;  // of the snapshot that is being read
};

}  // namespace clearline
