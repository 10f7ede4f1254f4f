#include "io/store/change_queue.h"

#include <utility>

namespace clearline {

ChangeQueue::ChangeQueue(RegistryStore& store) : store_(&store), writer_([this] { write(); }) {}

ChangeQueue::~ChangeQueue() {
  {
    const std::scoped_lock lock(mutex_);
    is_ending_ = true;
  }
  filled_.notify_one();
  writer_.join();
}

void ChangeQueue::submit(std::vector<ChangeRequest> parcel, Done done) {
  {
    std::unique_lock lock(mutex_);
    emptied_.wait(lock, [&] { return queued_ < kQueuedMax; });
    queued_ += parcel.size();
    parcels_.push_back({std::move(parcel), std::move(done)});
  }
  filled_.notify_one();
}

bool ChangeQueue::try_submit(std::vector<ChangeRequest>& parcel, const Done& done) {
  {
    const std::scoped_lock lock(mutex_);
    if (queued_ >= kQueuedMax) return false;
    queued_ += parcel.size();
    parcels_.push_back({std::move(parcel), done});
  }
  filled_.notify_one();
  return true;
}

void ChangeQueue::write() {
  std::vector<Parcel> taken;
  std::vector<ChangeRequest*> group;
  for (;;) {
    taken.clear();
    group.clear();
    {
      std::unique_lock lock(mutex_);
      filled_.wait(lock, [&] { return !parcels_.empty() || is_ending_; });
      if (parcels_.empty()) return;
      while (!parcels_.empty() && (group.empty() || group.size() + parcels_.front().requests.size() <= kGroupMax)) {
        Parcel& parcel = taken.emplace_back(std::move(parcels_.front()));
        parcels_.pop_front();
        queued_ -= parcel.requests.size();
        for (ChangeRequest& request : parcel.requests) group.push_back(&request);
      }
    }
    emptied_.notify_all();
    store_->apply(group);
    for (Parcel& parcel : taken) parcel.done(parcel.requests);
  }
}

}  // namespace clearline
