// RegistryTable: the memory of a registry, flat, so that an image is its bytes and a read makes it usable.
//
// Sections
//   buckets   [bucket_count]       64-byte hot buckets, 4 rows each: what every declaration needs (engine/code_index.h)
//   side      [4 * bucket_count]   16-byte side rows, parallel to the hot rows: phone, second zip, `changed`, place
//                                     of the text
//   texts     [text_bytes]         cold records (engine/entry_text.h): names in their spelling, dates, further zips
//   segments  [kSegmentCount]      first bucket of each segment, and one past the end: kSegmentCount + 1 numbers
//
// The sections hold no pointers. Whoever fills them from outside (an image) checks them first: segments_valid().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "clearline/registry.h"
#include "engine/pages.h"

namespace clearline {

struct HotBucket;
struct SideRow;

/// What a table is besides its sections; an image's header holds the same numbers.
struct RegistryShape {
  RegistryIdentity identity;
  RegistryKey key{};
  std::uint64_t seq = 0;
  std::uint64_t entry_count = 0;
  std::uint64_t bucket_count = 0;
  std::uint64_t text_bytes = 0;
  std::int32_t expiry_base_days = 0;  ///< first day that a hot row can hold as an expiry
};

class RegistryTable {
 public:
  /// Zeroed sections of the sizes of `shape`, to be filled by the builder or from an image; the builder brings the
  /// texts with it. Nothing when memory lacks.
  static std::unique_ptr<RegistryTable> create(const RegistryShape& shape, std::optional<Pages> texts = std::nullopt);

  const RegistryShape& shape() const { return shape_; }

  void set_entry_count(std::uint64_t count) { shape_.entry_count = count; }

  // The sections as bytes, for reading and writing images. Sizes follow from the shape alone.
  std::span<std::byte> bucket_bytes() { return buckets_.bytes(); }
  std::span<std::byte> side_bytes() { return side_.bytes(); }
  std::span<std::byte> text_bytes() { return texts_.bytes(); }
  std::span<std::byte> segment_bytes() { return segments_.bytes(); }
  std::span<const std::byte> bucket_bytes() const { return buckets_.bytes(); }
  std::span<const std::byte> side_bytes() const { return side_.bytes(); }
  std::span<const std::byte> text_bytes() const { return texts_.bytes(); }
  std::span<const std::byte> segment_bytes() const { return segments_.bytes(); }

  /// Whether the segment numbers are ones that look-ups can follow without leaving the sections. Cheap; for every
  /// image.
  bool segments_valid() const;

  /// Whether every row is where its code hashes to, has a readable text with an equal fingerprint, and the count is
  /// right. Reads everything; for `registry verify`. The words say what is wrong; nothing: all is well.
  std::optional<std::string_view> content_fault() const;

  std::optional<Entry> find(Code code) const;

  /// The codes of all entries, ascending, for export. 8 bytes an entry.
  std::vector<Code> codes_sorted() const;

  const HotBucket* buckets() const { return reinterpret_cast<const HotBucket*>(buckets_.bytes().data()); }
  const SideRow* side() const { return reinterpret_cast<const SideRow*>(side_.bytes().data()); }
  const std::uint32_t* segments() const { return reinterpret_cast<const std::uint32_t*>(segments_.bytes().data()); }

 private:
  RegistryTable() = default;
  RegistryShape shape_;
  Pages buckets_;
  Pages side_;
  Pages texts_;
  Pages segments_;
};

}  // namespace clearline
