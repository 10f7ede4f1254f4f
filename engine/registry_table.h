// RegistryTable: the memory of a registry, flat, so that an image is its bytes and a read makes it usable.
//
// Sections
//   buckets    [bucket_count]      64-byte hot buckets, 4 rows each: what every declaration needs (engine/code_index.h)
//   side       [4 * bucket_count]  16-byte side rows, parallel to the hot rows: phone, second zip, `changed`, place
//                                  of the text
//   texts      [text_bytes]        cold records (engine/entry_text.h): names in their spelling, dates, further zips
//   directory  [kSegmentCount]     which buckets a segment owns (SegmentPlace)
//
// The sections hold no pointers. Whoever fills them from outside (an image) gives the directory by set_segments(), which
// checks it.
//
// Growing     a table that is created to grow has addresses behind its sections: segments that have become too full move
//             there, and texts are appended there, while readers go on. RegistryWriter does it.
// Threads     readers, each with a slot, and one writer. What they share: the words of rows and the directory, the window
//             of changes, the slots, three counters.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "clearline/registry.h"
#include "engine/change_window.h"
#include "engine/code_index.h"
#include "engine/pages.h"
#include "engine/reader_slots.h"

namespace clearline {

/// What a table is besides its sections; an image's header holds the same numbers.
struct RegistryShape {
  RegistryIdentity identity;
  RegistryKey key{};
  std::uint64_t seq = 0;
  std::uint64_t entry_count = 0;
  std::uint64_t bucket_count = 0;
  std::uint64_t text_bytes = 0;
  std::int32_t expiry_base_days = 0;  ///< first day that a hot row can hold as an expiry
  /// Of the journal at `seq` (io/store/chain.h); zeros where there is no journal.
  std::array<std::uint8_t, 32> chain{};
  /// When the change at `seq` took effect, Unix time; nothing: not known, or there is none.
  std::optional<std::int64_t> effective_us = std::nullopt;
};

/// Whether a table has room for changes.
enum class Growth { kNone, kInPlace };

class RegistryTable {
 public:
  /// Zeroed sections of the sizes of `shape`, to be filled by the builder or from an image; the builder brings the
  /// texts with it. Nothing when memory lacks.
  static std::unique_ptr<RegistryTable> create(const RegistryShape& shape, std::optional<Pages> texts = std::nullopt,
                                               Growth growth = Growth::kNone);
  /// Gives the segments their buckets: first[s] to first[s + 1] - 1. False when these are not kSegmentCount segments
  /// of at least a bucket that fill the table one behind the other.
  bool set_segments(std::span<const std::uint32_t> first);

  /// The shape at this moment. For the owner of the table: one that does not change, or the writer.
  RegistryShape shape() const;
  const RegistryKey& key() const { return shape_.key; }
  const RegistryIdentity& identity() const { return shape_.identity; }
  std::int32_t expiry_base_days() const { return shape_.expiry_base_days; }
  std::uint64_t entry_count() const { return entry_count_.load(std::memory_order_relaxed); }  // a number for people
  std::uint64_t seq() const { return window_.published(); }

  /// Another registry of the same entries, with a journal that starts here.
  void set_origin(const RegistryIdentity& identity, const std::array<std::uint8_t, 32>& chain) {
    shape_.identity = identity;
    shape_.chain = chain;
  }
  void set_entry_count(std::uint64_t count) { entry_count_.store(count, std::memory_order_relaxed); }

  // The sections as bytes, for reading and writing images. For the owner.
  std::span<std::byte> bucket_bytes() { return buckets_.bytes(); }
  std::span<std::byte> side_bytes() { return side_.bytes(); }
  std::span<std::byte> text_bytes() { return texts_.bytes(); }
  std::span<const std::byte> bucket_bytes() const { return buckets_.bytes(); }
  std::span<const std::byte> side_bytes() const { return side_.bytes(); }

  /// Whether every row is where its code hashes to, has a readable text with an equal fingerprint, and the count is
  /// right. Reads everything; for `registry verify`. The words say what is wrong; nothing: all is well.
  std::optional<std::string_view> content_fault() const;

  /// Makes what the rows of these segments, the last one not included, hold of Latin names again of their texts: for an image
  /// whose writer folded them by former rules. Before the table is used; threads may take segments each.
  void fold_names_again(std::size_t first_segment, std::size_t last_segment);

  /// The entry of a code at one moment, also while it changes.
  std::optional<Entry> find(Code code) const;

  /// The codes of all entries, or of those with a status, ascending. 8 bytes an entry. Not while it changes.
  std::vector<Code> codes_sorted(std::optional<CodeStatus> status = std::nullopt) const;

  CodeIndex index() const { return {buckets(), directory_.get()}; }
  SegmentPlace segment(std::size_t number) const { return index().segment(std::uint64_t{number} << kTailBits); }
  const HotBucket* buckets() const { return bucket_data_; }
  const SideRow* side() const { return side_data_; }
  /// All texts that rows may name.
  std::span<const std::byte> texts() const {
    // acquire: pairs with the release in RegistryWriter::publish; whoever sees the size sees the texts.
    return {text_data_, text_end_.load(std::memory_order_acquire)};
  }
  const ChangeWindow& window() const { return window_; }
  ReaderSlots& slots() const { return slots_; }

 private:
  friend class RegistryWriter;
  explicit RegistryTable(const RegistryShape& shape);

  RegistryShape shape_;  // what does not change of it; the rest as it was at first
  Pages buckets_;
  Pages side_;
  Pages texts_;
  // Where the sections start; they grow in place.
  const HotBucket* bucket_data_ = nullptr;
  const SideRow* side_data_ = nullptr;
  const std::byte* text_data_ = nullptr;
  std::unique_ptr<std::uint64_t[]> directory_;  // NOLINT(modernize-avoid-c-arrays): words for CodeIndex
  std::atomic<std::uint64_t> text_end_;
  std::atomic<std::uint64_t> entry_count_;
  ChangeWindow window_;
  mutable ReaderSlots slots_;
};

}  // namespace clearline
