#include "io/net/feed_out.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "io/net/hello.h"

namespace clearline {

using Clock = FeedConnection::Clock;

bool FeedOut::send(FeedSlot& slot, std::string_view text, std::uint64_t declarations) {
  if (text.empty()) return true;
  FeedConnection& connection = *slot.connection;
  ssize_t sent = 0;
  if (connection.held.empty()) {
    sent = ::send(connection.descriptor, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
      abort(slot);
      return false;
    }
  }
  const auto bytes = static_cast<std::size_t>(std::max<ssize_t>(sent, 0));
  counters_.bytes_out.add(bytes);
  if (bytes == text.size()) {
    count_answered(connection, declarations);
    return true;
  }
  connection.held.append(text.substr(bytes));
  connection.held_declarations += declarations;
  return true;
}

bool FeedOut::send_held(FeedSlot& slot) {
  FeedConnection& connection = *slot.connection;
  const std::string_view left = std::string_view(connection.held).substr(connection.held_sent);
  const ssize_t sent = ::send(connection.descriptor, left.data(), left.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) {
    if (errno != EAGAIN && errno != EINTR) abort(slot);
    return false;
  }
  connection.last_active = Clock::now();
  connection.held_sent += static_cast<std::size_t>(sent);
  counters_.bytes_out.add(static_cast<std::uint64_t>(sent));
  if (connection.held_sent != connection.held.size()) return false;
  connection.drop_held();
  count_answered(connection, std::exchange(connection.held_declarations, 0));
  return true;
}

bool FeedOut::welcome(FeedSlot& slot) {
  counters_.hellos.add();
  words_.clear();
  append_hello_ok(Role::kFeed, words_);
  return send(slot, words_.text(), 0);
}

void FeedOut::count_answered(FeedConnection& connection, std::uint64_t declarations) {
  counters_.lines.add(declarations);
  counters_.latency.add(Clock::now() - connection.read_at, declarations);
}

void FeedOut::refuse(FeedSlot& slot, std::string_view event, std::string_view error, std::string_view detail,
                     bool is_hello) {
  FeedConnection& connection = *slot.connection;
  words_.clear();
  if (is_hello) {
    append_hello_refusal(error, detail, words_);
    counters_.denied.add();
  } else {
    append_closing(error, detail, words_);
  }
  const std::string_view name = connection.client ? std::string_view(connection.client->name) : std::string_view();
  hub_.log.write(LogLevel::kWarn, event, {{"error", error}, {"address", connection.address}, {"client", name}});
  // Behind answers that are not sent yet it would be cut off, and nobody reads them.
  if (connection.held.empty() && !send(slot, words_.text(), 0)) return;
  finish(slot);
}

void FeedOut::refuse_removed(FeedSlot& slot) {
  refuse(slot, "feed_closed", "client_removed", "the client is not in the configuration any more", false);
}

void FeedOut::close_for(FeedSlot& slot, LimitHit limit, std::string_view detail) {
  counters_.hit(limit);
  refuse(slot, "feed_closed", to_string(limit), detail, false);
}

void FeedOut::finish(FeedSlot& slot) { leave(slot, !slot.connection->is_at_end); }

void FeedOut::abort(FeedSlot& slot) {
  counters_.aborted.add();
  leave(slot, false);
}

/// It holds nothing any more, and nobody is told of it.
void FeedOut::leave(FeedSlot& slot, bool lingers) {
  FeedConnection& connection = *slot.connection;
  connection.phase = FeedConnection::Phase::kClosed;
  connection.lines.keep({}, 0);
  connection.drop_held();
  update_held(connection);
  if (lingers) {
    hub_.ready.remove(connection.descriptor);
  } else {
    ::close(std::exchange(connection.descriptor, -1));
  }
  hub_.closed(slot, lingers);
}

void FeedOut::update_held(FeedConnection& connection) {
  const std::uint64_t holds = connection.lines.held_bytes() + connection.held.size();
  if (holds == connection.counted) return;
  // relaxed: a sum that says when to wait; it guards nothing.
  hub_.all.unanswered_bytes.fetch_add(holds - connection.counted, std::memory_order_relaxed);
  connection.counted = holds;
}

}  // namespace clearline
