#include "engine/registry_table.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

#include "engine/code_index.h"
#include "engine/entry_text.h"
#include "engine/rows.h"

namespace clearline {

namespace {

/// Addresses, not memory: for four times the buckets, at least 2^26 of them (200 million entries: a registry that began
/// empty may be replayed to any size), and for as many texts as a side row can name.
constexpr std::uint64_t kBucketsGrowth = 4;
constexpr std::uint64_t kBucketsReservedMin = std::uint64_t{1} << 26;

std::optional<Pages> make_pages(std::size_t size, std::size_t reserved) {
  return reserved == 0 ? Pages::create(size) : Pages::create_extensible(size, std::max(size, reserved));
}

}  // namespace

RegistryTable::RegistryTable(const RegistryShape& shape)
    : shape_(shape), text_end_(shape.text_bytes), entry_count_(shape.entry_count), window_(shape.seq) {}

std::unique_ptr<RegistryTable> RegistryTable::create(const RegistryShape& shape, std::optional<Pages> texts,
                                                     Growth growth) {
  constexpr std::uint64_t kBucketsMax = std::numeric_limits<std::uint32_t>::max();
  if (shape.bucket_count > kBucketsMax || shape.text_bytes > kTextBytesMax) return nullptr;
  std::unique_ptr<RegistryTable> table(new RegistryTable(shape));
  const bool grows = growth == Growth::kInPlace;
  const std::uint64_t buckets_reserved =
      grows ? std::min(kBucketsMax, std::max(kBucketsGrowth * shape.bucket_count, kBucketsReservedMin)) : 0;
  auto buckets = make_pages(shape.bucket_count * sizeof(HotBucket), buckets_reserved * sizeof(HotBucket));
  auto side =
      make_pages(shape.bucket_count * kBucketRows * sizeof(SideRow), buckets_reserved * kBucketRows * sizeof(SideRow));
  if (!texts) texts = make_pages(shape.text_bytes, grows ? kTextBytesMax : 0);
  if (!buckets || !side || !texts) return nullptr;
  assert(texts->bytes().size() == shape.text_bytes);
  table->buckets_ = std::move(*buckets);
  table->side_ = std::move(*side);
  table->texts_ = std::move(*texts);
  table->bucket_data_ = reinterpret_cast<const HotBucket*>(table->buckets_.bytes().data());
  table->side_data_ = reinterpret_cast<const SideRow*>(table->side_.bytes().data());
  table->text_data_ = table->texts_.bytes().data();
  table->directory_ = std::make_unique<std::uint64_t[]>(kSegmentCount);  // NOLINT(modernize-avoid-c-arrays)
  return table;
}

bool RegistryTable::set_segments(std::span<const std::uint32_t> first) {
  if (first.size() != kSegmentCount + 1 || first[0] != 0 || first[kSegmentCount] != shape_.bucket_count) return false;
  for (std::size_t segment = 0; segment < kSegmentCount; ++segment) {
    if (first[segment] >= first[segment + 1]) return false;
    directory_[segment] = SegmentPlace::of(first[segment], first[segment + 1] - first[segment]).packed;
  }
  return true;
}

RegistryShape RegistryTable::shape() const {
  RegistryShape shape = shape_;
  shape.seq = seq();
  shape.entry_count = entry_count();
  shape.text_bytes = text_end_.load(std::memory_order_relaxed);
  return shape;
}

std::optional<std::string_view> RegistryTable::content_fault() const {
  const CodeIndex index = this->index();
  const NamePrinter printer(key());
  NameFolder folder;
  NameLetters letters;
  std::uint64_t count = 0;
  for (std::size_t number = 0; number < kSegmentCount; ++number) {
    const SegmentPlace place = segment(number);
    std::uint64_t in_segment = 0;
    for (std::size_t row = place.first() * kBucketRows; row < (place.first() + place.count()) * kBucketRows; ++row) {
      const HotRow& hot = buckets()[row / kBucketRows].rows[row % kBucketRows];
      if (hot.empty()) {
        if (hot.head != 0) return "an empty row holds data";
        continue;
      }
      ++in_segment;
      const std::uint64_t mixed = number << kTailBits | hot.tail();
      const Code code = unmix_code(mixed);
      if (code.digits >= kCodeEnd) return "a row holds no code";
      HotRow found{};
      if (index.find(mixed, place, found) != row) return "a row is not found by its code";
      const auto entry = read_entry(code, hot, side()[row], texts());
      if (!entry) return "a text cannot be read";
      if (held_entry_fault(*entry, folder, letters)) return "an entry is not well formed";
      const HotRow hot_again = make_hot_row(*entry, letters, printer, shape_.expiry_base_days);
      const SideRow side_again = make_side_row(*entry, side()[row].text_offset());
      if (hot_again.head != hot.head) return "a row does not agree with its text";
      if (hot_again.name_print != hot.name_print) return "a name does not have its fingerprint";
      if (side_again.contact != side()[row].contact || side_again.place != side()[row].place) {
        return "a side row does not agree with its text";
      }
    }
    if (in_segment >= place.count() * kBucketRows) return "a segment is full";
    count += in_segment;
  }
  if (count != entry_count()) return "the number of entries is wrong";
  return std::nullopt;
}

void RegistryTable::fold_names_again(std::size_t first_segment, std::size_t last_segment) {
  constexpr std::uint64_t kFamilyMask = std::uint64_t{0xF} << 28;
  const NamePrinter printer(key());
  NameFolder folder;
  NameLetters letters;
  auto* const rows = reinterpret_cast<HotRow*>(bucket_bytes().data());
  for (std::size_t number = first_segment; number < last_segment; ++number) {
    const SegmentPlace place = segment(number);
    for (std::size_t row = place.first() * kBucketRows; row < (place.first() + place.count()) * kBucketRows; ++row) {
      HotRow& hot = rows[row];
      if (hot.empty() || hot.family() == 0) continue;
      const auto text = read_entry_text(text_of(side()[row], texts()));
      letters.set_unmatched();
      if (text && !text->name.empty()) (void)name_fault(text->name, folder, letters);
      const Code code = unmix_code(number << kTailBits | hot.tail());
      const NameMark name = name_mark(code, letters, printer);
      hot.head = (hot.head & ~kFamilyMask) | name.family << 28;
      hot.name_print = name.print;
    }
  }
}

std::optional<Entry> RegistryTable::find(Code code) const {
  ReaderSlots::Reader reader(slots_);
  const std::uint64_t mixed = mix_code(code);
  for (;;) {
    reader.enter();
    const std::uint64_t seen = window_.published();
    RowsBefore rows{mixed, {}, {}};
    const std::size_t row = index().find(mixed, index().segment(mixed), rows.hot);
    if (row == CodeIndex::kAbsent) {
      rows.hot = {};
    } else {
      rows.side = load_row(side()[row]);
    }
    bool is_first = true;
    const bool is_whole = window_.for_each_since(seen, [&](const RowsBefore& before) {
      if (before.mixed == mixed && std::exchange(is_first, false)) rows = before;
    });
    reader.leave();
    if (!is_whole) continue;
    return rows.hot.empty() ? std::nullopt : read_entry(code, rows.hot, rows.side, texts());
  }
}

std::vector<Code> RegistryTable::codes_sorted(std::optional<CodeStatus> status) const {
  std::vector<Code> codes;
  codes.reserve(status ? 0 : entry_count());
  for (std::size_t number = 0; number < kSegmentCount; ++number) {
    const SegmentPlace place = segment(number);
    for (std::size_t bucket = place.first(); bucket < place.first() + place.count(); ++bucket) {
      for (const HotRow& hot : buckets()[bucket].rows) {
        if (hot.empty() || (status && hot.status() != *status)) continue;
        codes.push_back(unmix_code(number << kTailBits | hot.tail()));
      }
    }
  }
  std::sort(codes.begin(), codes.end());
  return codes;
}

}  // namespace clearline
