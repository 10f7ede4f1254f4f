// ReaderSlots: when memory that readers may still be looking at can be used again.
//
// Idea        epochs. A reader writes the epoch of now into its slot before it looks at the directory and clears it after
//             its group. A writer that has taken a piece of memory out of the directory starts a new epoch; when no slot
//             holds an older one, nobody looks at the piece any more. The writer never waits: it asks again when it needs
//             memory next.
// Invariants  (1) a slot is written, sequentially consistent, before the directory is read (CodeIndex::segment, too); the
//             writer changes the directory before it reads the slots: either the writer sees the slot, or the reader
//             sees the new directory.
// Threads     entering and leaving are wait-free. Taking a slot and giving it back take a lock, once a reader's life.
// Source      Fraser, Practical lock-freedom, 2004, chapter 5 (epoch-based reclamation).
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

namespace clearline {

class ReaderSlots {
  struct alignas(64) Slot {
    std::atomic<std::uint64_t> epoch{0};  // 0: its reader looks at nothing
  };

 public:
  /// A reader's place. Used by one thread at a time; gone before the ReaderSlots are.
  class Reader {
   public:
    explicit Reader(ReaderSlots& slots) : slots_(&slots), slot_(slots.take()) {}
    Reader(Reader&& other) noexcept : slots_(other.slots_), slot_(std::exchange(other.slot_, nullptr)) {}
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    Reader& operator=(Reader&&) = delete;
    ~Reader() {
      if (slot_ != nullptr) slots_->give(slot_);
    }

    void enter() {
      // seq_cst exchange: invariant 1. acquire: who sees an epoch sees the directory it began with.
      slot_->epoch.exchange(slots_->epoch_.load(std::memory_order_acquire), std::memory_order_seq_cst);
    }
    void leave() { slot_->epoch.store(0, std::memory_order_release); }  // pairs with the load in oldest()

   private:
    ReaderSlots* slots_;
    Slot* slot_;
  };

  /// The writer: a new epoch; what was taken out before is unused once oldest() has reached it.
  std::uint64_t advance() { return epoch_.fetch_add(1, std::memory_order_seq_cst) + 1; }
  /// The oldest epoch in which a reader still looks; the present one when none does.
  std::uint64_t oldest() {
    const std::scoped_lock lock(mutex_);
    std::uint64_t oldest = epoch_.load(std::memory_order_seq_cst);
    for (const Slot& slot : slots_) {
      const std::uint64_t epoch = slot.epoch.load(std::memory_order_seq_cst);
      if (epoch != 0) oldest = std::min(oldest, epoch);
    }
    return oldest;
  }

 private:
  Slot* take() {
    const std::scoped_lock lock(mutex_);
    if (free_.empty()) return &slots_.emplace_back();
    Slot* slot = free_.back();
    free_.pop_back();
    return slot;
  }
  void give(Slot* slot) {
    slot->epoch.store(0, std::memory_order_release);
    const std::scoped_lock lock(mutex_);
    free_.push_back(slot);
  }

  std::atomic<std::uint64_t> epoch_{1};
  std::mutex mutex_;  // guards slots_ and free_, not the epochs in the slots
  std::deque<Slot> slots_;
  std::vector<Slot*> free_;
};

}  // namespace clearline
