#include "io/net/listener.h"

#include <chrono>
#include <utility>

namespace clearline {
namespace {

constexpr std::chrono::milliseconds kPause{100};
constexpr int kWaitingMax = 4'096;  // as many as the system lets wait

}  // namespace

Listener::Listener(const Parts& parts, StreamAcceptor acceptor)
    : parts_(parts), acceptor_(std::move(acceptor)), pause_(parts.io) {}

void Listener::start() {
  if (is_stopped_) return;
  if (!parts_.has_room()) {
    pause();
    return;
  }
  acceptor_.async_accept([this](const error_code& error, Stream::socket socket) {
    if (!error) parts_.welcome(std::move(socket));
    if (error && is_exhausted(error)) {
      pause();
    } else {
      start();
    }
  });
}

void Listener::stop() {
  is_stopped_ = true;
  error_code error;
  acceptor_.cancel(error);
  acceptor_.non_blocking(true, error);
  for (int i = 0; !error && i < kWaitingMax && parts_.has_room(); ++i) {
    Stream::socket socket = acceptor_.accept(error);
    if (!error) parts_.welcome(std::move(socket));
  }
  acceptor_.close(error);
  pause_.cancel();
}

void Listener::pause() {
  parts_.counters.hit(LimitHit::kDescriptors);
  parts_.log.write(LogLevel::kWarn, "accept_paused", {{"limit", to_string(LimitHit::kDescriptors)}});
  pause_.expires_after(kPause);
  pause_.async_wait([this](const error_code&) { start(); });
}

}  // namespace clearline
