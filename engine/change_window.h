// ChangeWindow: how readers see a registry at one seq while one writer changes it, and nobody waits for anybody.
//
// Idea        A reader that looks at many rows takes the seq before (`published`). Afterwards it asks which changes have
//             begun since. Usually none. Otherwise each of them tells what its rows held before: for the few codes among
//             the reader's own, that is put in the place of what was read, which may be old, new, or half of each. So all
//             of a group is judged at the seq taken before, and a change on the way is neither waited for nor met twice.
//
// Writer      for change s:  ring[s] = rows before;  begun = s;  rows are written;  published = s
// Reader      s0 = published;  rows are read;  for each s in s0 + 1 .. begun: use ring[s]
//
// Invariants  (1) who has seen any word that change s wrote into a row sees begun >= s: rows are written by releasing
//             stores behind `begun`, and read by acquiring loads in front of it. (2) ring[s] is complete before begun = s.
//             (3) ring[s] is overwritten by change s + kChanges, which starts when begun = s + kChanges - 1: a reader that
//             finds begun there or further afterwards has been overrun and begins anew.
// Progress    the writer never waits. A reader begins anew only when kChanges changes were made during its group of some
//             50 microseconds: when it was not running. At 100,000 changes a second that takes 40 ms off the processor.
// Cost        two loads a group of 128 declarations; a reader that meets n changes compares n codes with its group.
// Threads     one writer; any number of readers. Every word is an atomic.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "engine/code_index.h"

namespace clearline {

/// What the rows of a code held. An empty hot row: the code was not there.
struct RowsBefore {
  std::uint64_t mixed = 0;
  HotRow hot{};
  SideRow side{};
};

class ChangeWindow {
 public:
  static constexpr std::size_t kChanges = 4096;
  static constexpr std::size_t kCodesMax = 2;  ///< of one change

  explicit ChangeWindow(std::uint64_t seq) : begun_(seq), published_(seq) {}

  /// The seq of the last change that readers see.
  std::uint64_t published() const { return published_.load(std::memory_order_acquire); }

  // The writer. Before the first begin, and before any reader is there to see it: make_ring().
  void make_ring() { ring_ = std::make_unique<std::array<Entry, kChanges>>(); }
  bool has_ring() const { return ring_ != nullptr; }

  /// Tells readers what is about to change; at most kCodesMax codes. Rows are written by store_word() afterwards.
  void begin(std::uint64_t seq, std::span<const RowsBefore> before) {
    Entry& entry = (*ring_)[seq % kChanges];
    for (std::size_t i = 0; i < kCodesMax; ++i) {
      const RowsBefore rows = i < before.size() ? before[i] : RowsBefore{kNoCode, {}, {}};
      const std::array<std::uint64_t, kWords> words{rows.mixed, rows.hot.head, rows.hot.name_print, rows.side.contact,
                                                    rows.side.place};
      for (std::size_t w = 0; w < kWords; ++w) {
        // release: a reader that sees any of it sees the begun of the change before (invariant 3).
        entry[i * kWords + w].store(words[w], std::memory_order_release);
      }
    }
    begun_.store(seq, std::memory_order_release);  // pairs with the acquire in for_each_since()
  }
  void publish(std::uint64_t seq) { published_.store(seq, std::memory_order_release); }

  /// Shows what the changes behind `seen` found, oldest first, as far as they have begun: use(const RowsBefore&). False:
  /// there were too many, what was shown may be wrong; begin anew with a seq taken now.
  template <typename Use>
  bool for_each_since(std::uint64_t seen, const Use& use) const {
    const std::uint64_t begun = begun_.load(std::memory_order_acquire);
    if (begun == seen) return true;
    if (begun - seen >= kChanges) return false;
    for (std::uint64_t seq = seen + 1; seq <= begun; ++seq) {
      const Entry& entry = (*ring_)[seq % kChanges];
      for (std::size_t i = 0; i < kCodesMax; ++i) {
        const auto word = [&](std::size_t w) { return entry[i * kWords + w].load(std::memory_order_acquire); };
        if (word(0) == kNoCode) continue;
        use(RowsBefore{word(0), {word(1), word(2)}, {word(3), word(4)}});
      }
    }
    return begun_.load(std::memory_order_acquire) + 1 < seen + 1 + kChanges;
  }

 private:
  static constexpr std::size_t kWords = 5;
  static constexpr std::uint64_t kNoCode = ~std::uint64_t{0};
  using Entry = std::array<std::atomic<std::uint64_t>, kCodesMax * kWords>;

  alignas(64) std::atomic<std::uint64_t> begun_;
  std::atomic<std::uint64_t> published_;
  std::unique_ptr<std::array<Entry, kChanges>> ring_;
};

}  // namespace clearline
