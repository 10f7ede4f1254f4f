#include "io/net/read_ahead.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace clearline {

struct ReadAhead::Shared {
  struct Ready {
    std::unique_ptr<Block> block;
    std::uint64_t bytes_taken = 0;
  };

  ~Shared() {
    if (wake_fd >= 0) close(wake_fd);
  }
  void wake() const {
    const std::uint64_t one = 1;
    (void)!write(wake_fd, &one, sizeof one);  // it can only fail when it is readable already
  }

  std::unique_ptr<BlockReader> reader;  // of the thread
  int wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::unique_ptr<Block>> free;
  std::deque<Ready> ready;
  Status status;  // of the input, behind all that is ready
  bool has_ended = false;
  bool is_reading = false;  // the thread is where it may wait for ever
  bool must_stop = false;
  std::thread thread;
};

ReadAhead::ReadAhead(std::unique_ptr<BlockReader> reader, std::size_t block_bytes, std::size_t blocks)
    : shared_(std::make_shared<Shared>()) {
  shared_->reader = std::move(reader);
  // A byte more than the reader fills: a last line may have to get its end.
  while (shared_->free.size() < blocks) shared_->free.push_back(std::make_unique<Block>(block_bytes + 1));
  shared_->thread = std::thread([shared = shared_] { read(shared); });
}

ReadAhead::~ReadAhead() {
  std::thread thread;
  bool is_reading = false;
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->must_stop = true;
    is_reading = shared_->is_reading;
    thread = std::move(shared_->thread);
  }
  shared_->changed.notify_one();
  if (is_reading) {
    thread.detach();
  } else {
    thread.join();
  }
}

void ReadAhead::read(const std::shared_ptr<Shared>& shared) {
  for (;;) {
    std::unique_ptr<Block> block;
    {
      std::unique_lock lock(shared->mutex);
      shared->changed.wait(lock, [&] { return shared->must_stop || !shared->free.empty(); });
      if (shared->must_stop) return;
      block = std::move(shared->free.front());
      shared->free.pop_front();
      shared->is_reading = true;
    }
    const auto more = shared->reader->next(*block);
    if (more.ok() && *more && block->text().back() != '\n') {
      block->data[block->size] = '\n';
      block->set_size(block->size + 1);
    }
    const bool has_ended = !more.ok() || !*more;
    {
      const std::lock_guard lock(shared->mutex);
      shared->is_reading = false;
      shared->has_ended = has_ended;
      if (!more.ok()) shared->status = more.status();
      if (!has_ended) shared->ready.push_back({std::move(block), shared->reader->source().bytes_taken()});
    }
    shared->wake();
    if (has_ended) return;
  }
}

Result<std::unique_ptr<Block>> ReadAhead::next() {
  const std::lock_guard lock(shared_->mutex);
  if (shared_->ready.empty()) {
    if (shared_->has_ended && !shared_->status.ok()) return shared_->status;
    is_at_end_ = shared_->has_ended;
    return std::unique_ptr<Block>();
  }
  auto [block, bytes_taken] = std::move(shared_->ready.front());
  shared_->ready.pop_front();
  bytes_taken_ = bytes_taken;
  return std::move(block);
}

void ReadAhead::give_back(std::unique_ptr<Block> block) {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->free.push_back(std::move(block));
  }
  shared_->changed.notify_one();
}

int ReadAhead::wake_fd() const { return shared_->wake_fd; }

void ReadAhead::clear_wake() {
  std::uint64_t count = 0;
  (void)!::read(shared_->wake_fd, &count, sizeof count);  // it can only fail when it is unreadable already
}

}  // namespace clearline
