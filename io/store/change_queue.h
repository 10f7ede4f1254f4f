// ChangeQueue: changes from many threads to the one that writes.
//
// Idea        group commit without a timer: the writer takes all that has gathered while it was at the disk. One change
//             that comes alone is written at once; many that come together share two fsyncs.
// Bounds      kQueuedMax changes wait at most (their submitters do, then); kGroupMax go into one commit, so that the first
//             of a long queue is not answered with the last.
// Threads     submit() by any. Answers come on the writer's thread, parcel by parcel, in the order of submitting.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "io/store/registry_store.h"

namespace clearline {

class ChangeQueue {
 public:
  static constexpr std::size_t kQueuedMax = 65'536;
  static constexpr std::size_t kGroupMax = 2'048;

  /// The store outlives it.
  explicit ChangeQueue(RegistryStore& store);
  /// Answers all that was submitted, then ends.
  ~ChangeQueue();

  /// Sees the answers of one parcel, on the writer's thread.
  using Done = std::function<void(std::span<ChangeRequest>)>;

  /// Changes that came together, at least one. Waits while the queue is full.
  void submit(std::vector<ChangeRequest> parcel, Done done);
  /// The same, but false, and nothing is taken, where it would wait.
  bool try_submit(std::vector<ChangeRequest>& parcel, const Done& done);

 private:
  struct Parcel {
    std::vector<ChangeRequest> requests;
    Done done;
  };
  void write();

  RegistryStore* store_;
  std::mutex mutex_;
  std::condition_variable filled_;
  std::condition_variable emptied_;
  std::deque<Parcel> parcels_;
  std::size_t queued_ = 0;
  bool is_ending_ = false;
  std::jthread writer_;
};

}  // namespace clearline
