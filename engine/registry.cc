// RegistryBuilder: entries in any order become a table.
//
// Each entry is folded into its rows at once; its text goes into chunks in the order of arrival. Rows wait by segment,
// with their tickets; build() fills one segment after the other and frees what waited, so the peak is about the table,
// one copy of the texts and 40 bytes an entry.
#include "clearline/registry.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <vector>

#include "engine/code_index.h"
#include "engine/entry_text.h"
#include "engine/registry_table.h"
#include "engine/rows.h"

namespace clearline {

Registry::Registry(std::unique_ptr<RegistryTable> table) : table_(std::move(table)) {}
Registry::Registry(Registry&&) noexcept = default;
Registry& Registry::operator=(Registry&&) noexcept = default;
Registry::~Registry() = default;

std::uint64_t Registry::size() const { return table_->shape().entry_count; }
std::uint64_t Registry::seq() const { return table_->shape().seq; }
const RegistryIdentity& Registry::identity() const { return table_->shape().identity; }
std::optional<Entry> Registry::find(Code code) const { return table_->find(code); }

namespace {

struct WaitingRow {
  HotRow hot;
  SideRow side;
  std::uint64_t ticket;
};

/// Texts in the order of arrival, each starting at a multiple of kTextUnitBytes.
class TextChunks {
 public:
  /// The offset of the text in all texts.
  std::uint64_t append(std::string_view text) {
    size_ = (size_ + kTextUnitBytes - 1) / kTextUnitBytes * kTextUnitBytes;
    const std::uint64_t offset = size_;
    while (!text.empty()) {
      const std::size_t at = size_ % kChunkBytes;
      if (at == 0) chunks_.push_back(std::make_unique<Chunk>());
      const std::size_t piece = std::min(text.size(), kChunkBytes - at);
      std::memcpy(chunks_.back()->data() + at, text.data(), piece);
      text.remove_prefix(piece);
      size_ += piece;
    }
    return offset;
  }

  std::uint64_t size() const { return size_; }

  /// Copies all to `out[size()]` and frees each chunk behind its copy.
  void move_to(std::span<std::byte> out) {
    std::size_t at = 0;
    for (auto& chunk : chunks_) {
      const std::size_t piece = std::min(kChunkBytes, out.size() - at);
      std::memcpy(out.data() + at, chunk->data(), piece);
      at += piece;
      chunk.reset();
    }
  }

 private:
  static constexpr std::size_t kChunkBytes = std::size_t{4} << 20;
  static_assert(kChunkBytes % kTextUnitBytes == 0);
  using Chunk = std::array<char, kChunkBytes>;
  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::uint64_t size_ = 0;
};

/// What a side row can name.
constexpr std::uint64_t kTextBytesMax = (std::uint64_t{1} << 32) * kTextUnitBytes;

/// 2022-01-01. A hot row holds expiries of the 4,094 days from here, to 2033-03; others are read from the text, right
/// and slower. Later images may start later: the table carries its base.
constexpr std::int32_t kExpiryBaseDays = 18'993;

/// Puts waiting rows into the buckets of one segment.
class SegmentFiller {
 public:
  SegmentFiller(std::span<HotBucket> buckets, std::span<SideRow> side) : buckets_(buckets), side_(side) {
    tickets_.resize(side.size());
  }

  /// The row that holds the same code already, or none: then it is put.
  std::optional<std::size_t> put(const WaitingRow& row) {
    for (ProbeSequence probe(row.hot.tail(), 0, buckets_.size());; probe.next()) {
      for (std::size_t i = 0; i < kBucketRows; ++i) {
        const HotRow& held = buckets_[probe.bucket()].rows[i];
        const std::size_t at = probe.bucket() * kBucketRows + i;
        if (held.empty()) {
          write(at, row);
          return std::nullopt;
        }
        if (held.tail() == row.hot.tail()) return at;
      }
    }
  }

  void write(std::size_t at, const WaitingRow& row) {
    buckets_[at / kBucketRows].rows[at % kBucketRows] = row.hot;
    side_[at] = row.side;
    tickets_[at] = row.ticket;
  }

  std::uint64_t ticket(std::size_t at) const { return tickets_[at]; }

 private:
  std::span<HotBucket> buckets_;
  std::span<SideRow> side_;
  std::vector<std::uint64_t> tickets_;
};

}  // namespace

struct RegistryBuilder::State {
  State(const RegistryKey& key, const RegistryIdentity& identity) : printer(key) {
    shape.identity = identity;
    shape.key = key;
    shape.expiry_base_days = kExpiryBaseDays;
  }
  RegistryShape shape;
  NamePrinter printer;
  NameFolder folder;
  TextChunks texts;
  std::string text;
  std::array<std::vector<WaitingRow>, kSegmentCount> waiting;
};

RegistryBuilder::RegistryBuilder(const RegistryKey& key, const RegistryIdentity& identity)
    : state_(std::make_unique<State>(key, identity)) {}
RegistryBuilder::~RegistryBuilder() = default;

void RegistryBuilder::add(const Entry& entry, std::uint64_t ticket) {
  State& state = *state_;
  state.text.clear();
  append_entry_text(entry, state.text);
  const std::uint64_t offset = state.texts.append(state.text);
  WaitingRow row{make_hot_row(entry, state.folder, state.printer, state.shape.expiry_base_days),
                 make_side_row(entry, offset), ticket};
  state.waiting[mix_code(entry.code) >> kTailBits].push_back(row);
}

RegistryBuilder::Outcome RegistryBuilder::build(OnDuplicate on_duplicate, std::size_t listed_max) {
  auto fresh = std::make_unique<State>(state_->shape.key, state_->shape.identity);
  const std::unique_ptr<State> state = std::exchange(state_, std::move(fresh));
  Outcome outcome;

  RegistryShape& shape = state->shape;
  std::vector<std::uint32_t> segments{0};
  for (const auto& rows : state->waiting) {
    shape.bucket_count += segment_buckets(rows.size());
    segments.push_back(static_cast<std::uint32_t>(shape.bucket_count));
  }
  shape.text_bytes = state->texts.size();
  auto table = shape.text_bytes <= kTextBytesMax ? RegistryTable::create(shape) : nullptr;
  if (!table) {
    outcome.status =
        Status(StatusKind::kOutput, "build registry: not enough memory for " +
                                        std::to_string(shape.bucket_count * 128 + shape.text_bytes) + " bytes");
    return outcome;
  }
  std::memcpy(table->segment_bytes().data(), segments.data(), table->segment_bytes().size());
  state->texts.move_to(table->text_bytes());

  auto* buckets = reinterpret_cast<HotBucket*>(table->bucket_bytes().data());
  auto* side = reinterpret_cast<SideRow*>(table->side_bytes().data());
  std::uint64_t entry_count = 0;
  for (std::size_t segment = 0; segment < kSegmentCount; ++segment) {
    const std::size_t first = segments[segment];
    const std::size_t count = segments[segment + 1] - first;
    SegmentFiller filler({buckets + first, count}, {side + first * kBucketRows, count * kBucketRows});
    for (const WaitingRow& row : state->waiting[segment]) {
      const auto held = filler.put(row);
      if (!held) {
        ++entry_count;
        continue;
      }
      const Code code = unmix_code(segment << kTailBits | row.hot.tail());
      outcome.duplicates.push_back({code, filler.ticket(*held), row.ticket});
      if (on_duplicate == OnDuplicate::kKeepLast) filler.write(*held, row);
    }
    std::vector<WaitingRow>().swap(state->waiting[segment]);
  }
  outcome.duplicate_count = outcome.duplicates.size();
  std::sort(outcome.duplicates.begin(), outcome.duplicates.end(),
            [](const Duplicate& a, const Duplicate& b) { return a.again < b.again; });
  outcome.duplicates.resize(std::min(outcome.duplicates.size(), listed_max));
  if (outcome.duplicate_count == 0 || on_duplicate == OnDuplicate::kKeepLast) {
    table->set_entry_count(entry_count);
    outcome.registry.emplace(std::move(table));
  }
  return outcome;
}

}  // namespace clearline
