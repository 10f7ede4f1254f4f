#include "engine/registry_table.h"

#include <algorithm>
#include <cassert>
#include <limits>

#include "engine/code_index.h"
#include "engine/rows.h"

namespace clearline {

std::unique_ptr<RegistryTable> RegistryTable::create(const RegistryShape& shape, std::optional<Pages> texts) {
  if (shape.bucket_count > std::numeric_limits<std::uint32_t>::max()) return nullptr;
  std::unique_ptr<RegistryTable> table(new RegistryTable);
  table->shape_ = shape;
  const auto make = [](Pages& pages, std::size_t size) {
    auto created = Pages::create(size);
    if (!created) return false;
    pages = std::move(*created);
    return true;
  };
  if (!make(table->buckets_, shape.bucket_count * sizeof(HotBucket)) ||
      !make(table->side_, shape.bucket_count * kBucketRows * sizeof(SideRow)) ||
      !make(table->segments_, (kSegmentCount + 1) * sizeof(std::uint32_t))) {
    return nullptr;
  }
  if (!texts) texts = Pages::create(shape.text_bytes);
  if (!texts) return nullptr;
  assert(texts->bytes().size() == shape.text_bytes);
  table->texts_ = std::move(*texts);
  return table;
}

bool RegistryTable::segments_valid() const {
  const std::uint32_t* first = segments();
  if (first[0] != 0 || first[kSegmentCount] != shape_.bucket_count) return false;
  for (std::size_t segment = 0; segment < kSegmentCount; ++segment) {
    if (first[segment] >= first[segment + 1]) return false;
  }
  return true;
}

std::optional<std::string_view> RegistryTable::content_fault() const {
  if (!segments_valid()) return "segments out of order";
  const CodeIndex index(buckets(), segments());
  const NamePrinter printer(shape_.key);
  NameFolder folder;
  NameLetters letters;
  std::uint64_t count = 0;
  for (std::size_t segment = 0; segment < kSegmentCount; ++segment) {
    const std::size_t first_row = segments()[segment] * kBucketRows;
    const std::size_t end_row = segments()[segment + 1] * kBucketRows;
    std::uint64_t in_segment = 0;
    for (std::size_t row = first_row; row < end_row; ++row) {
      const HotRow& hot = index.row(row);
      if (hot.empty()) {
        if (hot.head != 0) return "an empty row holds data";
        continue;
      }
      ++in_segment;
      const std::uint64_t mixed = segment << kTailBits | hot.tail();
      const Code code = unmix_code(mixed);
      if (code.digits >= kCodeEnd) return "a row holds no code";
      if (index.find(mixed, index.home(mixed)) != row) return "a row is not found by its code";
      const auto entry = read_entry(code, hot, side()[row], texts_.bytes());
      if (!entry) return "a text cannot be read";
      if (entry_fault(*entry, folder, letters)) return "an entry is not well formed";
      const HotRow hot_again = make_hot_row(*entry, letters, printer, shape_.expiry_base_days);
      const SideRow side_again = make_side_row(*entry, side()[row].text_offset());
      if (hot_again.head != hot.head) return "a row does not agree with its text";
      if (hot_again.name_print != hot.name_print) return "a name does not have its fingerprint";
      if (side_again.contact != side()[row].contact || side_again.place != side()[row].place) {
        return "a side row does not agree with its text";
      }
    }
    if (in_segment >= end_row - first_row) return "a segment is full";
    count += in_segment;
  }
  if (count != shape_.entry_count) return "the number of entries is wrong";
  return std::nullopt;
}

std::optional<Entry> RegistryTable::find(Code code) const {
  const CodeIndex index(buckets(), segments());
  const std::uint64_t mixed = mix_code(code);
  const std::size_t row = index.find(mixed, index.home(mixed));
  if (row == CodeIndex::kAbsent) return std::nullopt;
  return read_entry(code, index.row(row), side()[row], texts_.bytes());
}

std::vector<Code> RegistryTable::codes_sorted() const {
  std::vector<Code> codes;
  codes.reserve(shape_.entry_count);
  const CodeIndex index(buckets(), segments());
  for (std::size_t segment = 0; segment < kSegmentCount; ++segment) {
    for (std::size_t row = segments()[segment] * kBucketRows; row < segments()[segment + 1] * kBucketRows; ++row) {
      if (!index.row(row).empty()) codes.push_back(unmix_code(segment << kTailBits | index.row(row).tail()));
    }
  }
  std::sort(codes.begin(), codes.end());
  return codes;
}

}  // namespace clearline
