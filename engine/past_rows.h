// PastRows: what codes held before changes, so that a registry is read as it was.
//
// Idea        A registry holds what its last change made. To see it as it was at an earlier seq n, a code that has changed
//             behind n is read here: its version is what the first change behind n found, and that stood at n. All other
//             codes are read in the registry. So versions are kept by code and the seq of the change that ended them, and
//                 at n:  the first version of the code whose seq is larger than n, else the registry's row
//             Moments become seqs first: n is the last change whose `effective` is not behind the moment (PastTimes).
//
// Layout      versions [v]      48 bytes each, by (mixed code, seq): the rows of a RegistryTable, texts in an arena beside
//             index    [2^k]    8-byte words, open addressing, at most half full: the upper 24 bits of the mixed code, and
//                               the place of its first version + 1; 0 is an empty word. A code is searched at its lower k
//                               bits and behind
// Bound       a code that has not changed costs one cache line, prefetched beside the one of its row: the index of
//             1,000,000 codes is 16 MiB. One that has changed costs one or two lines more.
// Threads     filled by one, then read by any number. The registry beside it must stand at registry_seq() and stay there.
// Not here    where the changes come from: io/store/as_of.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "clearline/registry.h"
#include "clearline/status.h"
#include "engine/code_index.h"
#include "engine/rows.h"

namespace clearline {

/// Which change was the last one at a moment.
class PastTimes {
 public:
  /// `base_seq`: the first change is the one behind it. A base made at `base_us` says nothing about moments before;
  /// without one, it stands for all the time before the first change.
  PastTimes(std::uint64_t base_seq, std::optional<std::int64_t> base_us) : base_seq_(base_seq), base_us_(base_us) {}

  /// The next change took effect at `effective_us`, which never falls.
  void add(std::int64_t effective_us) { effective_us_.push_back(effective_us); }
  /// No more will come; now it can be asked.
  void finish();

  /// The last change at a moment: the largest seq whose effective_us is not behind it. Nothing: before the history.
  std::optional<std::uint64_t> seq_at(std::int64_t unix_us) const;

 private:
  std::size_t slice_of(std::int64_t unix_us) const {
    return static_cast<std::uint64_t>(unix_us - effective_us_.front()) >> slice_bits_;
  }

  std::uint64_t base_seq_;
  std::optional<std::int64_t> base_us_;
  std::vector<std::int64_t> effective_us_;  // of change base_seq_ + 1 + i
  // Where the changes of each slice of time begin, one slice a change on average: a search then stays among few.
  std::vector<std::size_t> slice_start_;
  unsigned slice_bits_ = 0;
};

class PastRows {
 public:
  /// `table` is read for its key and its expiry days only.
  explicit PastRows(const RegistryTable& table);

  /// What the change at `seq` found of a code: no entry, or one. Seqs never fall. kInput: the entry has a fault, and the
  /// words are those of held_entry_fault(). kOutput: its text has no room.
  Status add(std::uint64_t seq, Code code, const std::optional<Entry>& before);
  /// No more will come. `registry_seq`: where the registry beside it stands. `at`: the seq for which declarations are
  /// judged; all that was added is behind it.
  void finish(std::uint64_t registry_seq, std::uint64_t at);
  /// The same for declarations judged each at its own moment; those without one by the registry itself.
  void finish(std::uint64_t registry_seq, PastTimes times);

  std::uint64_t registry_seq() const { return registry_seq_; }
  std::size_t code_count() const { return code_count_; }
  /// Of them, codes that had no entry before their first change.
  std::size_t new_code_count() const { return new_code_count_; }

  /// The seq at which a declaration is judged. Nothing: it was declared before the history.
  std::optional<std::uint64_t> seq_of(const std::optional<Moment>& declared_at) const {
    if (!times_) return at_;
    return declared_at ? times_->seq_at(declared_at->unix_us) : registry_seq_;
  }

  /// What a code held until a change.
  struct Version {
    std::uint64_t mixed = 0;
    std::uint64_t seq = 0;  ///< of the change that ended it
    HotRow hot{};           ///< empty: there was no entry
    SideRow side{};
  };

  // A look-up in steps, so that the misses of a group overlap.
  void prefetch(std::uint64_t mixed) const { __builtin_prefetch(&index_[home(mixed)]); }
  /// Prefetches the version where a code seems to have one. False: it has none.
  bool prefetch_version(std::uint64_t mixed) const {
    const std::uint64_t word = word_of(mixed, [](const Version&) { return true; });
    if (word != 0) __builtin_prefetch(&version_of(word));
    return word != 0;
  }
  /// The version that stood at a seq, or null: the registry's row did.
  const Version* find(std::uint64_t mixed, std::uint64_t seq) const;

  /// All versions of a code, oldest first.
  std::span<const Version> versions(std::uint64_t mixed) const;

  /// All texts that side rows of versions may name.
  std::span<const std::byte> texts() const { return std::as_bytes(std::span(texts_)).first(text_bytes_); }

 private:
  static constexpr unsigned kPlaceBits = 40;
  static constexpr std::uint64_t kPlaceMask = (std::uint64_t{1} << kPlaceBits) - 1;

  std::size_t home(std::uint64_t mixed) const { return mixed & (index_.size() - 1); }
  static std::uint64_t tag(std::uint64_t mixed) { return mixed >> 16; }
  const Version& version_of(std::uint64_t word) const { return versions_[(word & kPlaceMask) - 1]; }
  /// The word of a code, or 0. Words with its tag are shown to `is_it`.
  template <typename IsIt>
  std::uint64_t word_of(std::uint64_t mixed, const IsIt& is_it) const {
    for (std::size_t slot = home(mixed);; slot = (slot + 1) & (index_.size() - 1)) {
      const std::uint64_t word = index_[slot];
      if (word == 0 || (word >> kPlaceBits == tag(mixed) && is_it(version_of(word)))) return word;
    }
  }
  std::span<const Version> from_first(std::uint64_t mixed) const;
  void make_index();

  RowMaker maker_;
  std::vector<Version> versions_;
  std::vector<char> texts_;  // [0, text_bytes_) count; the rest keeps its memory
  std::uint64_t text_bytes_ = 0;
  std::vector<std::uint64_t> index_;
  std::size_t code_count_ = 0;
  std::size_t new_code_count_ = 0;
  std::uint64_t registry_seq_ = 0;
  std::uint64_t at_ = 0;
  std::optional<PastTimes> times_;
};

}  // namespace clearline
