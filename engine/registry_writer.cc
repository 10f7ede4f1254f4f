#include "engine/registry_writer.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <string>
#include <utility>

#include "engine/entry_text.h"
#include "engine/rows.h"

namespace clearline {
namespace {

/// A segment that is as full as this moves. Between kLoad and this a look-up touches up to 1.3 lines instead of 1.18.
constexpr double kLoadMax = 0.85;
/// It gets room for so many entries more: a segment moves about once in a registry's growth by an eighth.
constexpr std::uint64_t kRoomDivisor = 8;

/// The most entries that so many buckets take. Always leaves an empty row.
constexpr std::uint64_t entries_max(std::uint64_t buckets) {
  const std::uint64_t rows = buckets * kBucketRows;
  return std::min(rows - 1, static_cast<std::uint64_t>(static_cast<double>(rows) * kLoadMax));
}
static_assert(entries_max(1) == 3);

/// That what is published is the next change, in release too: readers would be misled in silence.
void require(bool is_next_change) {
  if (is_next_change) return;
  std::fputs("clearline: error: a bug: what is published is not the next change\n", stderr);
  std::abort();
}

}  // namespace

void put_row(HotBucket* buckets, SideRow* side, SegmentPlace place, const HotRow& hot, const SideRow& side_row) {
  for (ProbeSequence probe(hot.tail(), place);; probe.next()) {
    auto& rows = buckets[probe.bucket()].rows;
    for (std::size_t i = 0; i < kBucketRows; ++i) {
      if (!rows[i].empty()) continue;
      rows[i] = hot;
      side[probe.bucket() * kBucketRows + i] = side_row;
      return;
    }
  }
}

void BucketPieces::give(std::size_t first, std::size_t count) {
  auto next = pieces_.lower_bound(first);
  if (next != pieces_.end() && next->first == first + count) {
    count += next->second;
    next = pieces_.erase(next);
  }
  if (next != pieces_.begin()) {
    const auto previous = std::prev(next);
    if (previous->first + previous->second == first) {
      previous->second += count;
      return;
    }
  }
  pieces_.emplace(first, count);
}

std::optional<std::size_t> BucketPieces::take(std::size_t count) {
  const auto piece = std::find_if(pieces_.begin(), pieces_.end(), [&](const auto& it) { return it.second >= count; });
  if (piece == pieces_.end()) return std::nullopt;
  const auto [first, size] = *piece;
  pieces_.erase(piece);
  if (size > count) pieces_.emplace(first + count, size - count);
  return first;
}

void UndoLog::add(const RowsBefore& rows) {
  const std::scoped_lock lock(mutex_);
  auto& of_segment = by_segment_[rows.mixed >> kTailBits];
  // The first change of a code tells what it was; later ones tell what the first one made of it.
  if (std::any_of(of_segment.begin(), of_segment.end(), [&](const auto& it) { return it.mixed == rows.mixed; })) return;
  of_segment.push_back(rows);
}

std::vector<RowsBefore> UndoLog::of_segment(std::size_t segment) const {
  const std::scoped_lock lock(mutex_);
  return by_segment_[segment];
}

RegistryWriter::RegistryWriter(RegistryTable& table)
    : table_(&table),
      maker_(NamePrinter(table.key()), table.expiry_base_days()),
      text_end_(table.texts().size()),
      live_text_bytes_(to_text_unit(text_end_)),
      bucket_end_(table.bucket_bytes().size() / sizeof(HotBucket)) {
  if (!table.window_.has_ring()) table.window_.make_ring();
}

void RegistryWriter::rollback(const Mark& mark) {
  assert(mark.text_end <= text_end_);
  text_end_ = mark.text_end;
  settle();
}

void RegistryWriter::settle() {
  for (const std::size_t segment : pending_segments_) segments_[segment].pending = 0;
  pending_segments_.clear();
}

Result<PreparedEntry> RegistryWriter::prepare(const Entry& entry) {
  const auto no_memory = [] {
    return Status(StatusKind::kOutput, "not enough memory for another entry; use a larger machine");
  };
  if (const auto fault = maker_.held_fault(entry)) return Status(StatusKind::kInput, std::string(*fault));
  const std::uint64_t offset = to_text_unit(text_end_);
  const std::uint64_t end_max = offset + entry_text_bytes_max(entry);
  if (end_max > kTextBytesMax) {
    return Status(StatusKind::kOutput, "the texts of all entries would be longer than 16 GiB; split the registry");
  }
  Pages& texts = table_->texts_;
  constexpr std::uint64_t kStep = Pages::kHugeBytes;
  if (end_max > texts.bytes().size() && !texts.extend((end_max / kStep + 1) * kStep)) return no_memory();

  PreparedEntry prepared;
  prepared.mixed = mix_code(entry.code);
  // A code that is there changes in its place, also where there is no room for another.
  std::size_t row = 0;
  find_rows(prepared.mixed, row);
  if (row == CodeIndex::kAbsent && !make_room(prepared.mixed >> kTailBits)) return no_memory();
  auto* const start = reinterpret_cast<char*>(texts.bytes().data());
  const RowMaker::Made made = maker_.make(entry, start + offset, offset);
  text_end_ = static_cast<std::uint64_t>(made.text_end - start);
  prepared.hot = made.hot;
  prepared.side = made.side;
  return prepared;
}

bool RegistryWriter::make_room(std::size_t segment) {
  SegmentRows& rows = segments_[segment];
  const SegmentPlace old_place = table_->segment(segment);
  if (!rows.is_counted) {
    for (std::size_t bucket = old_place.first(); bucket < old_place.first() + old_place.count(); ++bucket) {
      for (const HotRow& row : buckets()[bucket].rows) rows.entries += static_cast<std::uint32_t>(!row.empty());
    }
    rows.is_counted = true;
  }
  const std::uint64_t wanted = std::uint64_t{rows.entries} + rows.pending + 1;
  if (wanted > entries_max(old_place.count())) {
    const auto place = take_buckets(segment_buckets(wanted + wanted / kRoomDivisor));
    if (!place) return false;
    for (std::size_t bucket = old_place.first(); bucket < old_place.first() + old_place.count(); ++bucket) {
      for (std::size_t i = 0; i < kBucketRows; ++i) {
        const HotRow& row = buckets()[bucket].rows[i];
        if (!row.empty()) put_row(buckets(), side(), *place, row, side()[bucket * kBucketRows + i]);
      }
    }
    // seq_cst: see CodeIndex::segment(). Readers find the rows complete.
    __atomic_store_n(&table_->directory_[segment], place->packed, __ATOMIC_SEQ_CST);
    retired_.push_back({table_->slots().advance(), old_place});
  }
  if (rows.pending++ == 0) pending_segments_.push_back(segment);
  return true;
}

/// `count` empty buckets.
std::optional<SegmentPlace> RegistryWriter::take_buckets(std::size_t count) {
  if (!retired_.empty()) {
    const std::uint64_t oldest = table_->slots().oldest();
    std::erase_if(retired_, [&](const Retired& retired) {
      if (retired.epoch > oldest) return false;
      pieces_.give(retired.place.first(), retired.place.count());
      return true;
    });
  }
  auto first = pieces_.take(count);
  if (!first) {
    const std::size_t end = bucket_end_ + count;
    if (end > UINT32_MAX) return std::nullopt;
    if (!table_->buckets_.extend(end * sizeof(HotBucket)) ||
        !table_->side_.extend(end * kBucketRows * sizeof(SideRow))) {
      return std::nullopt;
    }
    first = std::exchange(bucket_end_, end);
  }
  // Also touches the memory, before a reader waits for it.
  std::memset(&buckets()[*first], 0, count * sizeof(HotBucket));
  std::memset(&side()[*first * kBucketRows], 0, count * kBucketRows * sizeof(SideRow));
  return SegmentPlace::of(*first, count);
}

/// The rows of a code now, and where they are: `row` is CodeIndex::kAbsent when they are not.
RowsBefore RegistryWriter::find_rows(std::uint64_t mixed, std::size_t& row) const {
  RowsBefore rows{mixed, {}, {}};
  row = table_->index().find(mixed, table_->index().segment(mixed), rows.hot);
  if (row == CodeIndex::kAbsent) {
    rows.hot = {};
  } else {
    rows.side = table_->side()[row];
  }
  return rows;
}

std::optional<Entry> RegistryWriter::find(Code code) const {
  std::size_t row = 0;
  const RowsBefore rows = find_rows(mix_code(code), row);
  return rows.hot.empty() ? std::nullopt : read_entry(code, rows.hot, rows.side, table_->texts());
}

std::uint64_t RegistryWriter::text_bytes_of(const SideRow& side) const {
  const auto text = read_entry_text(text_of(side, table_->texts()));
  return text ? to_text_unit(text->bytes) : 0;
}

void RegistryWriter::publish(std::uint64_t seq, std::span<const PreparedEntry> entries) {
  require(seq == table_->seq() + 1 && entries.size() <= ChangeWindow::kCodesMax);
  // release: pairs with the acquire in texts(); whoever is led to a text by a row also sees that it is there.
  table_->text_end_.store(text_end_, std::memory_order_release);
  std::array<RowsBefore, ChangeWindow::kCodesMax> before;
  std::array<std::size_t, ChangeWindow::kCodesMax> rows{};
  for (std::size_t i = 0; i < entries.size(); ++i) {
    before[i] = find_rows(entries[i].mixed, rows[i]);
    if (undo_ != nullptr) undo_->add(before[i]);
  }
  table_->window_.begin(seq, std::span(before).first(entries.size()));
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const PreparedEntry& entry = entries[i];
    live_text_bytes_ += text_bytes_of(entry.side);
    if (rows[i] == CodeIndex::kAbsent) {
      insert(entry);
      SegmentRows& segment = segments_[entry.mixed >> kTailBits];
      ++segment.entries;
      if (segment.pending != 0) --segment.pending;
      table_->set_entry_count(table_->entry_count() + 1);
      continue;
    }
    live_text_bytes_ -= std::min(live_text_bytes_, text_bytes_of(before[i].side));
    SideRow& side_row = side()[rows[i]];
    store_word(side_row.contact, entry.side.contact);
    store_word(side_row.place, entry.side.place);
    HotRow& hot = buckets()[rows[i] / kBucketRows].rows[rows[i] % kBucketRows];
    store_word(hot.head, entry.hot.head);
    store_word(hot.name_print, entry.hot.name_print);
  }
  table_->window_.publish(seq);
}

void RegistryWriter::insert(const PreparedEntry& entry) {
  for (ProbeSequence probe(entry.hot.tail(), table_->index().segment(entry.mixed));; probe.next()) {
    auto& rows = buckets()[probe.bucket()].rows;
    for (std::size_t i = 0; i < kBucketRows; ++i) {
      if (!rows[i].empty()) continue;
      SideRow& side_row = side()[probe.bucket() * kBucketRows + i];
      store_word(side_row.contact, entry.side.contact);
      store_word(side_row.place, entry.side.place);
      // The head before the print, which makes the row one: CodeIndex::find_in.
      store_word(rows[i].head, entry.hot.head);
      store_word(rows[i].name_print, entry.hot.name_print);
      return;
    }
  }
}

}  // namespace clearline
