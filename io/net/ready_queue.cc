#include "io/net/ready_queue.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace clearline {
namespace {

int or_throw(int descriptor, const char* what) {
  if (descriptor < 0) throw std::system_error(errno, std::generic_category(), what);
  return descriptor;
}

}  // namespace

ReadyQueue::ReadyQueue()
    : epoll_(or_throw(epoll_create1(EPOLL_CLOEXEC), "epoll")),
      end_(or_throw(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {
  epoll_event event{};
  event.events = EPOLLIN;  // no ONESHOT: everybody is told
  event.data.ptr = nullptr;
  or_throw(epoll_ctl(epoll_, EPOLL_CTL_ADD, end_, &event), "epoll");
}

ReadyQueue::~ReadyQueue() {
  ::close(end_);
  ::close(epoll_);
}

bool ReadyQueue::add(int descriptor, FeedSlot& slot) const {
  epoll_event event{};
  event.events = EPOLLONESHOT;
  event.data.ptr = &slot;
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void ReadyQueue::ask(int descriptor, FeedSlot& slot, When when) const {
  epoll_event event{};
  event.events = EPOLLONESHOT;
  if (when != When::kWritable) event.events |= EPOLLIN;
  if (when != When::kReadable) event.events |= EPOLLOUT;
  event.data.ptr = &slot;
  epoll_ctl(epoll_, EPOLL_CTL_MOD, descriptor, &event);  // of what was added it cannot fail
}

void ReadyQueue::remove(int descriptor) const { epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr); }

FeedSlot* ReadyQueue::wait() const {
  constexpr int kForEver = -1;
  epoll_event event{};
  // One at a time: the others are for whoever is free.
  while (!has_ended_.load(std::memory_order_relaxed)) {
    if (epoll_wait(epoll_, &event, 1, kForEver) == 1) break;
  }
  // Connections that could be served still stand before the event of the end.
  if (has_ended_.load(std::memory_order_relaxed)) return nullptr;
  return static_cast<FeedSlot*>(event.data.ptr);
}

void ReadyQueue::end() {
  has_ended_.store(true, std::memory_order_relaxed);  // it guards nothing
  eventfd_write(end_, 1);
}

}  // namespace clearline
