#include "engine/registry_snapshot.h"

#include <algorithm>
#include <cstring>

#include "engine/entry_text.h"
#include "engine/rows.h"

namespace clearline {

RegistrySnapshot::RegistrySnapshot(RegistryWriter& writer)
    : writer_(&writer), table_(&writer.table()), reader_(table_->slots()), shape_(table_->shape()) {
  std::uint64_t buckets = 0;
  for (std::size_t number = 0; number < kSegmentCount; ++number) {
    buckets += table_->segment(number).count();
    first_.push_back(static_cast<std::uint32_t>(buckets));
  }
  shape_.bucket_count = buckets;
  shape_.text_bytes = writer.live_text_bytes();
  writer.undo_ = &undo_;
}

bool RegistrySnapshot::read(std::size_t number, std::uint64_t text_end, Segment& out) {
  rows_.clear();
  reader_.enter();
  const SegmentPlace now = table_->segment(number);
  for (std::size_t bucket = now.first(); bucket < now.first() + now.count(); ++bucket) {
    for (std::size_t i = 0; i < kBucketRows; ++i) {
      const HotRow& row = table_->buckets()[bucket].rows[i];
      HotRow hot{};
      hot.name_print = load_word(row.name_print);  // before the head: a row that is being taken has its head first
      hot.head = load_word(row.head);
      if (hot.empty()) break;
      rows_.push_back(
          {std::uint64_t{number} << kTailBits | hot.tail(), hot, load_row(table_->side()[bucket * kBucketRows + i])});
    }
  }
  reader_.leave();

  auto undo = undo_.of_segment(number);
  if (!undo.empty()) {
    std::sort(undo.begin(), undo.end(), [](const auto& a, const auto& b) { return a.mixed < b.mixed; });
    for (RowsBefore& row : rows_) {
      const auto before = std::lower_bound(undo.begin(), undo.end(), row.mixed,
                                           [](const auto& it, std::uint64_t mixed) { return it.mixed < mixed; });
      if (before != undo.end() && before->mixed == row.mixed) row = *before;
    }
    std::erase_if(rows_, [](const RowsBefore& row) { return row.hot.empty(); });
  }

  const std::size_t count = first_[number + 1] - first_[number];
  out.buckets.assign(count, HotBucket{});
  out.side.assign(count * kBucketRows, SideRow{});
  out.texts.clear();
  const std::span<const std::byte> texts = table_->texts();
  for (const RowsBefore& row : rows_) {
    put_row(out.buckets.data(), out.side.data(), SegmentPlace::of(0, count), row.hot, row.side);
  }
  // Texts in the order of rows: the next snapshot of the image reads them from front to back. This one may find them
  // anywhere; so they are fetched in tight loops ahead, as in the screener.
  constexpr std::size_t kGroup = 64;
  constexpr std::size_t kUsualTextBytes = 32;
  for (std::size_t from = 0; from < out.side.size(); from += kGroup) {
    const std::size_t to = std::min(from + kGroup, out.side.size());
    for (std::size_t i = from; i < to; ++i) {
      const std::byte* const text = text_of(out.side[i], texts).data();
      __builtin_prefetch(text);
      __builtin_prefetch(text + kUsualTextBytes);  // nearly half of them go on in the next line
    }
    for (std::size_t i = from; i < to; ++i) {
      if (out.buckets[i / kBucketRows].rows[i % kBucketRows].empty()) continue;
      const std::span<const std::byte> bytes = text_of(out.side[i], texts);
      const auto text = read_entry_text(bytes);
      if (!text) return false;
      const std::size_t at = out.texts.size();
      out.texts.resize(to_text_unit(at + text->bytes));
      std::memcpy(out.texts.data() + at, bytes.data(), text->bytes);
      out.side[i].set_text_offset(text_end + at);
    }
  }
  return true;
}

}  // namespace clearline
