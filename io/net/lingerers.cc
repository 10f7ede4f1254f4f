#include "io/net/lingerers.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace clearline {
namespace {

constexpr std::chrono::seconds kLinger{1};

}  // namespace

void Lingerers::add(Stream::socket socket, std::function<void()> gone) {
  error_code ignored;
  socket.shutdown(Stream::socket::shutdown_send, ignored);
  const auto one = std::make_shared<One>(One{std::move(socket), std::move(gone), Clock::now(), all_.size()});
  all_.push_back(one);
  wait(one);
}

void Lingerers::wait(const OnePtr& one) {
  one->socket.async_wait(Stream::socket::wait_read, [this, one](const error_code& error) {
    if (error || !one->socket.is_open()) return;
    const ssize_t got = recv(one->socket.native_handle(), thrown_away_.data(), thrown_away_.size(), MSG_DONTWAIT);
    if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR))) {
      wait(one);
    } else {
      remove(one);
    }
  });
}

void Lingerers::sweep(Clock::time_point now) {
  for (const OnePtr& one : std::vector(all_)) {
    const auto time = now - one->since;
    if (time < kLinger) continue;
    if (time < unsent_max_ && unsent_bytes(one->socket.native_handle()) > 0) continue;
    remove(one);
  }
}

void Lingerers::cut_all() {
  while (!all_.empty()) remove(OnePtr(all_.back()));
}

void Lingerers::remove(const OnePtr& one) {
  error_code ignored;
  one->socket.close(ignored);
  // The last one takes its place.
  all_[one->place] = all_.back();
  all_[one->place]->place = one->place;
  all_.pop_back();
  one->gone();
}

}  // namespace clearline
