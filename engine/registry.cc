// RegistryBuilder: entries in any order become a table.
//
//   Entry --Batch::add--> rows and texts --add--> [ texts of the table, in the order of arrival ]
//    any thread, most of the work        one thread \-> rows wait by partition --build--> [ buckets, side rows ]
//                                                      (engine/waiting_rows.h)     all threads
//
// Memory      the texts lie where they stay; 40 bytes an entry wait, and go back partition by partition while the table
//             fills: the peak is about the table, and touching memory for the first time is what costs most here.
// Order       batches are added in the order of the input, and a partition keeps its order of arrival. So the table
//             depends on the entries and the key alone, not on the threads.
#include "clearline/registry.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <span>
#include <tuple>
#include <vector>

#include "engine/code_index.h"
#include "engine/entry.h"
#include "engine/entry_text.h"
#include "engine/pipeline.h"
#include "engine/registry_table.h"
#include "engine/rows.h"
#include "engine/waiting_rows.h"

namespace clearline {

Registry::Registry(std::unique_ptr<RegistryTable> table) : table_(std::move(table)) {}
Registry::Registry(Registry&&) noexcept = default;
Registry& Registry::operator=(Registry&&) noexcept = default;
Registry::~Registry() = default;

std::uint64_t Registry::size() const { return table_->entry_count(); }
std::uint64_t Registry::seq() const { return table_->seq(); }
const RegistryIdentity& Registry::identity() const { return table_->identity(); }
std::optional<Entry> Registry::find(Code code) const { return table_->find(code); }

namespace {

/// 2022-01-01. A hot row holds expiries of the 4,094 days from here, to 2033-03; others are read from the text, right
/// and slower. Later images may start later: the table carries its base.
constexpr std::int32_t kExpiryBaseDays = 18'993;

/// What became of the rows of one partition.
struct FilledPartition {
  std::uint64_t entry_count = 0;
  std::vector<RegistryBuilder::Duplicate> duplicates;
};

/// Puts the waiting rows of partitions into their segments. Partitions share nothing, so threads may take one each.
class PartitionFiller {
 public:
  PartitionFiller(RegistryTable& table, const WaitingRows& waiting, RegistryBuilder::OnDuplicate on_duplicate)
      : buckets_(reinterpret_cast<HotBucket*>(table.bucket_bytes().data())),
        side_(reinterpret_cast<SideRow*>(table.side_bytes().data())),
        table_(&table),
        waiting_(&waiting),
        on_duplicate_(on_duplicate) {}

  void fill(std::size_t partition, FilledPartition& filled) const {
    const auto pieces = waiting_->pieces(partition);
    for (const std::span<const WaitingRow> rows : pieces) {
      for (std::size_t i = 0; i < rows.size(); ++i) {
        if (i + kLookahead < rows.size()) {
          // Not in a function of its own: GCC 12 takes one that only prefetches for one that does nothing.
          const std::size_t home = home_of(rows[i + kLookahead]);
          __builtin_prefetch(&buckets_[home]);
          __builtin_prefetch(&side_[home * kBucketRows]);
        }
        const auto held = put(rows[i]);
        if (!held) {
          ++filled.entry_count;
          continue;
        }
        const Code code = unmix_code(rows[i].segment() << kTailBits | rows[i].hot.tail());
        filled.duplicates.push_back({code, ticket_of(side_[*held], pieces), rows[i].ticket});
        if (on_duplicate_ == RegistryBuilder::OnDuplicate::kKeepLast) write(*held, rows[i]);
      }
    }
  }

 private:
  static constexpr std::size_t kLookahead = 16;

  std::size_t home_of(const WaitingRow& row) const {
    return CodeIndex::home(row.hot.tail(), table_->segment(row.segment()));
  }

  /// The row that holds the same code already, or none: then it is put.
  std::optional<std::size_t> put(const WaitingRow& row) const {
    for (ProbeSequence probe(row.hot.tail(), table_->segment(row.segment()));; probe.next()) {
      // All four are looked at before a branch: how many are taken is anybody's guess.
      const HotRow* rows = buckets_[probe.bucket()].rows.data();
      unsigned taken = 0;
      unsigned matches = 0;
      for (unsigned i = 0; i < kBucketRows; ++i) {
        const auto holds = static_cast<unsigned>(!rows[i].empty());
        taken += holds;
        matches |= (holds & static_cast<unsigned>(rows[i].tail() == row.hot.tail())) << i;
      }
      const std::size_t first = probe.bucket() * kBucketRows;
      if (matches != 0) return first + static_cast<std::size_t>(std::countr_zero(matches));
      if (taken == kBucketRows) continue;
      write(first + taken, row);
      return std::nullopt;
    }
  }

  void write(std::size_t at, const WaitingRow& row) const {
    buckets_[at / kBucketRows].rows[at % kBucketRows] = row.hot;
    side_[at] = row.side_alone();
  }

  /// The ticket with which a row came. No two texts have one place, and places ascend in the order of arrival: so a
  /// table of tickets, 8 bytes an entry, is not needed.
  static std::uint64_t ticket_of(const SideRow& side, std::span<const std::span<const WaitingRow>> pieces) {
    const std::uint64_t place = side.text_offset();
    const auto starts_behind = [&](const auto& piece) { return piece.front().side.text_offset() > place; };
    const auto piece =
        std::find_if(pieces.rbegin(), pieces.rend(), [&](const auto& rows) { return !starts_behind(rows); });
    const auto row =
        std::lower_bound(piece->begin(), piece->end(), place,
                         [](const WaitingRow& waiting, std::uint64_t at) { return waiting.side.text_offset() < at; });
    return row->ticket;
  }

  HotBucket* buckets_;
  SideRow* side_;
  const RegistryTable* table_;
  const WaitingRows* waiting_;
  RegistryBuilder::OnDuplicate on_duplicate_;
};

}  // namespace

/// Rows whose texts start at the batch's own 0.
struct RegistryBuilder::Batch::State {
  State(const NamePrinter& printer, std::int32_t expiry_base_days) : maker(printer, expiry_base_days) {}

  RowMaker maker;
  std::vector<WaitingRow> rows;
  std::vector<char> texts;  // [0, text_bytes) count; the rest keeps its memory
  std::size_t text_bytes = 0;
};

RegistryBuilder::Batch::Batch(std::unique_ptr<State> state) : state_(std::move(state)) {}
RegistryBuilder::Batch::Batch(Batch&&) noexcept = default;
RegistryBuilder::Batch& RegistryBuilder::Batch::operator=(Batch&&) noexcept = default;
RegistryBuilder::Batch::~Batch() = default;

std::size_t RegistryBuilder::Batch::size() const { return state_->rows.size(); }

void RegistryBuilder::Batch::clear() {
  state_->rows.clear();
  state_->text_bytes = 0;
}

std::optional<std::string_view> RegistryBuilder::Batch::add(const Entry& entry, std::uint64_t ticket) {
  State& state = *state_;
  if (const auto fault = state.maker.fault(entry)) return fault;
  const std::size_t offset = to_text_unit(state.text_bytes);
  const std::size_t needed = offset + entry_text_bytes_max(entry);
  if (state.texts.size() < needed) state.texts.resize(std::max(needed, 2 * state.texts.size()));
  char* const texts = state.texts.data();
  std::fill(texts + state.text_bytes, texts + offset, '\0');
  const RowMaker::Made made = state.maker.make(entry, texts + offset, offset);
  state.text_bytes = static_cast<std::size_t>(made.text_end - texts);
  WaitingRow& row = state.rows.emplace_back();
  row.hot = made.hot;
  row.side = made.side;
  row.ticket = ticket;
  row.set_segment(mix_code(entry.code) >> kTailBits);
  return std::nullopt;
}

struct RegistryBuilder::State {
  State(const RegistryKey& key, const RegistryIdentity& identity) : printer(key) {
    shape.identity = identity;
    shape.key = key;
    shape.expiry_base_days = kExpiryBaseDays;
  }
  RegistryShape shape;
  NamePrinter printer;
  WaitingRows waiting;
  Pages texts;
  bool lacks_memory = false;
};

RegistryBuilder::RegistryBuilder(const RegistryKey& key, const RegistryIdentity& identity)
    : state_(std::make_unique<State>(key, identity)), single_(make_batch()) {}
RegistryBuilder::~RegistryBuilder() = default;

RegistryBuilder::Batch RegistryBuilder::make_batch() const {
  return Batch(std::make_unique<Batch::State>(state_->printer, state_->shape.expiry_base_days));
}

void RegistryBuilder::add(const Entry& entry, std::uint64_t ticket) {
  single_.clear();
  [[maybe_unused]] const auto fault = single_.add(entry, ticket);
  assert(!fault);
  add(single_);
}

void RegistryBuilder::add(const Batch& batch) {
  State& state = *state_;
  const Batch::State& from = *batch.state_;
  const std::size_t base = to_text_unit(state.texts.bytes().size());
  // Without texts there are no rows, and an end of all texts off a unit must not be moved.
  if (from.rows.empty() || state.lacks_memory) return;
  if (!state.texts.resize(base + from.text_bytes)) {
    state.lacks_memory = true;
    return;
  }
  std::memcpy(state.texts.bytes().data() + base, from.texts.data(), from.text_bytes);
  for (WaitingRow row : from.rows) {
    row.side.move_text(base);
    if (!state.waiting.add(row)) state.lacks_memory = true;
  }
}

RegistryBuilder::Outcome RegistryBuilder::build(OnDuplicate on_duplicate, std::size_t listed_max, int threads) {
  auto fresh = std::make_unique<State>(state_->shape.key, state_->shape.identity);
  const std::unique_ptr<State> state = std::exchange(state_, std::move(fresh));
  Outcome outcome;

  RegistryShape& shape = state->shape;
  std::vector<std::uint32_t> segments{0};
  for (std::size_t segment = 0; segment < kSegmentCount; ++segment) {
    shape.bucket_count += segment_buckets(state->waiting.segment_rows(segment));
    segments.push_back(static_cast<std::uint32_t>(shape.bucket_count));
  }
  shape.text_bytes = state->texts.bytes().size();
  state->texts.trim();
  if (!state->lacks_memory && shape.text_bytes > kTextBytesMax) {
    outcome.status = Status(StatusKind::kOutput,
                            "build registry: the texts of all entries are longer than 16 GiB; split the registry");
    return outcome;
  }
  auto table = !state->lacks_memory ? RegistryTable::create(shape, std::move(state->texts)) : nullptr;
  if (!table) {
    outcome.status =
        Status(StatusKind::kOutput, "build registry: not enough memory for " +
                                        std::to_string(shape.bucket_count * 128 + shape.text_bytes) + " bytes");
    return outcome;
  }
  [[maybe_unused]] const bool are_segments = table->set_segments(segments);
  assert(are_segments);

  std::uint64_t entry_count = 0;
  const PartitionFiller filler(*table, state->waiting, on_duplicate);
  struct Token {
    std::size_t partition = 0;
    FilledPartition filled;
  };
  std::vector<Token> tokens(static_cast<std::size_t>(pipeline_tokens(threads)));
  std::size_t next = 0;
  PipelineStages stages;
  stages.read = [&](int token) {
    if (next == WaitingRows::kPartitionCount) return false;
    tokens[static_cast<std::size_t>(token)] = {next++, {}};
    return true;
  };
  stages.work = [&](int token, int) {
    Token& it = tokens[static_cast<std::size_t>(token)];
    filler.fill(it.partition, it.filled);
    state->waiting.drop(it.partition);
  };
  stages.deliver = [&](int token) {
    const FilledPartition& filled = tokens[static_cast<std::size_t>(token)].filled;
    entry_count += filled.entry_count;
    outcome.duplicates.insert(outcome.duplicates.end(), filled.duplicates.begin(), filled.duplicates.end());
  };
  run_pipeline(threads, stages);

  outcome.duplicate_count = outcome.duplicates.size();
  std::sort(outcome.duplicates.begin(), outcome.duplicates.end(), [](const Duplicate& a, const Duplicate& b) {
    return std::tie(a.again, a.first, a.code) < std::tie(b.again, b.first, b.code);
  });
  outcome.duplicates.resize(std::min(outcome.duplicates.size(), listed_max));
  if (outcome.duplicate_count == 0 || on_duplicate == OnDuplicate::kKeepLast) {
    table->set_entry_count(entry_count);
    outcome.registry.emplace(std::move(table));
  }
  return outcome;
}

}  // namespace clearline
