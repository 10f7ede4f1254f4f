#include "io/net/change_connections.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

#include "io/formats/verdict_writer.h"
#include "io/net/hello.h"
#include "io/net/other_protocol.h"

namespace clearline {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kReadBytes = std::size_t{64} << 10;
constexpr std::size_t kLineBytesMin = 2;  // something and a line end
constexpr std::size_t kStrangersMin = 8;  // connections without rights, or without a hello yet, that may always be
constexpr std::chrono::milliseconds kQueueRetry{2};
constexpr std::array<std::string_view, 4> kAskWords{"status", "checkpoint", "reload", "request"};  // by Ask

constexpr std::string_view kLoading = "the server reads its registry; try again when it is ready";

std::string refused_ask(std::string_view word, std::string_view error) {
  OutBuffer out;
  out.append_fixed("{\"");
  out.append(word);
  out.append_fixed("\":{\"ok\":false,\"error\":\"");
  append_json_text(error, out);
  out.append_fixed("\"}}\n");
  return std::string(out.text());
}

}  // namespace

enum class ChangeConnections::Ask : std::uint8_t { kStatus, kCheckpoint, kReload, kUnknown };

struct ChangeConnections::Slot {
  std::string text;         ///< the answers, once `is_ready`
  std::uint64_t lines = 0;  ///< that it answers: changes, or one request
  std::size_t bytes = 0;    ///< of the lines of changes
  bool is_ready = false;
  std::optional<Ask> ask;  ///< starts when it is the first
  bool is_asked = false;
  Clock::time_point read_at;
};

struct ChangeConnections::Connection {
  explicit Connection(Stream::socket connected) : socket(std::move(connected)) {}
  bool is_stranger() const { return !may_change && !may_operate; }
  bool is_served() const { return phase != Phase::kClosed; }

  Stream::socket socket;
  bool is_local = false;
  std::string peer;  ///< for the log: an address, or `uid:1000`
  enum class Phase : std::uint8_t { kHello, kOpen, kClosed } phase = Phase::kHello;
  std::string front;  // the first bytes, as long as no line has come
  ChangeLines lines;
  ChangeParcel parcel;  // of the read that is cut
  std::deque<std::shared_ptr<Slot>> slots;
  std::deque<std::pair<std::shared_ptr<Slot>, ChangeParcel>> unqueued;  // that the queue has no room for yet
  std::size_t parcel_bytes = 0;
  std::size_t unanswered_bytes = 0;  // of the lines of changes in slots
  std::uint64_t unanswered = 0;      // lines of slots, and of `out`
  std::uint64_t out_lines = 0;
  std::string out;
  std::size_t out_sent = 0;
  bool is_owner = false;  // the server's own user, or root: may do all, whatever a hello says
  bool may_change = false;
  bool may_operate = false;
  bool is_denial_logged = false;
  std::string actor;
  std::optional<ClientConfig> client;
  bool is_at_end = false;
  bool is_reading = false;  // waits for something to read
  bool is_sending = false;  // waits for room to send
  bool is_paused = false;
  bool is_closing = false;  // answers what it has, and ends
  std::size_t left_to_drain = 0;
  Clock::time_point hello_start;
  Clock::time_point last_active;
  Clock::time_point last_taken;  // of answers, by the peer; or since when they wait for it
};

ChangeConnections::ChangeConnections(Parts parts, ServingPtr serving)
    : parts_(std::move(parts)),
      limits_(parts_.limits),
      serving_(std::move(serving)),
      sweeper_(parts_.io),
      retry_(parts_.io),
      lingerers_(limits_.write_stall_timeout),
      bytes_(kReadBytes) {}

ChangeConnections::~ChangeConnections() = default;

void ChangeConnections::start() {
  chores_.emplace();
  sweep();
}

void ChangeConnections::use(ServingPtr serving) {
  serving_ = std::move(serving);
  for (const ConnectionPtr& connection : std::vector(connections_)) {
    if (!connection->client || serving_->clients.has(*connection->client)) continue;
    parts_.log.write(LogLevel::kWarn, "changes_closed",
                     {{"error", "client_removed"}, {"client", connection->client->name}});
    connection->is_closing = true;
    go_on(connection);
  }
}

void ChangeConnections::drain() {
  is_draining_ = true;
  for (const ConnectionPtr& connection : std::vector(connections_)) {
    connection->left_to_drain = received_bytes(connection->socket.native_handle());
    go_on(connection);
  }
  end_if_drained();
}

void ChangeConnections::cut_all() {
  for (const ConnectionPtr& connection : std::vector(connections_)) remove(*connection, true);
  lingerers_.cut_all();
}

void ChangeConnections::welcome(Stream::socket socket) {
  const auto connection = std::make_shared<Connection>(std::move(socket));
  Connection& one = *connection;
  error_code ignored;
  one.socket.non_blocking(true, ignored);
  one.hello_start = one.last_active = Clock::now();
  one.is_local = one.socket.local_endpoint(ignored).protocol().family() == AF_UNIX;
  if (!one.is_local) {
    error_code gone;
    one.peer = tcp_endpoint(one.socket.remote_endpoint(gone)).address().to_string();
    if (gone) return;
    one.socket.set_option(Tcp::no_delay(true), ignored);
  } else {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (getsockopt(one.socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return;
    one.peer = one.actor = "uid:" + std::to_string(peer.uid);
    if (peer.uid == geteuid() || peer.uid == 0) {
      one.is_owner = one.may_change = one.may_operate = true;
    } else if (const ClientConfig* client = serving_->clients.of_user(peer.uid)) {
      give_rights(one, *client);
    }
  }
  connections_.push_back(connection);
  parts_.counters.opened.add();
  parts_.log.write(LogLevel::kDebug, "changes_opened", {{"peer", one.peer}});
  const auto strangers = static_cast<std::size_t>(std::count_if(
      connections_.begin(), connections_.end(), [](const ConnectionPtr& other) { return other->is_stranger(); }));
  // Nobody without rights keeps those out who have them.
  const std::size_t strangers_max = std::max(kStrangersMin, limits_.change_connections / 4);
  if (connections_.size() > limits_.change_connections || (one.is_stranger() && strangers > strangers_max)) {
    // Those that are refused linger, to hear it; not more of them than are served.
    const bool may_linger = lingerers_.size() < limits_.change_connections;
    close_for(one, LimitHit::kChangeConnections, "there are as many connections for changes as may be", may_linger);
    return;
  }
  if (is_draining_) one.left_to_drain = received_bytes(one.socket.native_handle());  // accepted in the last moment
  go_on(connection);
}

void ChangeConnections::give_rights(Connection& one, const ClientConfig& client) {
  one.client = client;
  one.actor = "client:" + client.name;
  // Of one client alone: when that one is gone, nothing is left of it.
  one.may_change = one.is_owner || client.role == Role::kRegistrar;
  one.may_operate = one.is_owner || client.role == Role::kOperator;
}

/// How much of a connection may be read, so that no more changes are unanswered than may be.
std::size_t ChangeConnections::room(const Connection& one) const {
  if (one.unanswered >= limits_.unanswered_changes || !one.unqueued.empty()) return 0;
  if (one.unanswered_bytes >= limits_.unanswered_bytes) return 0;
  return std::min(kReadBytes, kLineBytesMin * static_cast<std::size_t>(limits_.unanswered_changes - one.unanswered));
}

void ChangeConnections::wait_readable(const ConnectionPtr& connection) {
  if (connection->is_reading) return;
  connection->is_reading = true;
  connection->socket.async_wait(Stream::socket::wait_read, [this, connection](const error_code& error) {
    connection->is_reading = false;
    if (!error && connection->is_served()) read(connection);
  });
}

void ChangeConnections::read(const ConnectionPtr& connection) {
  Connection& one = *connection;
  if (one.is_closing) return;  // what it has is answered; what it sends now is nobody's
  std::size_t wanted = room(one);
  if (is_draining_) wanted = std::min(wanted, one.left_to_drain);
  if (wanted == 0) {
    go_on(connection);
    return;
  }
  const ssize_t got = recv(one.socket.native_handle(), bytes_.data(), wanted, MSG_DONTWAIT);
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) {
      wait_readable(connection);
    } else {
      remove(one, true);
    }
    return;
  }
  one.last_active = Clock::now();
  one.is_at_end = got == 0;
  const auto size = static_cast<std::size_t>(got);
  one.left_to_drain -= std::min(one.left_to_drain, size);
  parts_.counters.bytes_in.add(size);
  if (one.phase == Connection::Phase::kHello && is_refused_protocol(one, {bytes_.data(), size})) return;
  one.lines.take({bytes_.data(), size}, one.is_at_end,
                 [&](std::uint64_t number, std::string_view line) { take_line(connection, number, line); });
  if (!one.is_served()) return;
  end_parcel(connection);
  go_on(connection);
}

void ChangeConnections::take_line(const ConnectionPtr& connection, std::uint64_t number, std::string_view line) {
  Connection& one = *connection;
  if (!one.is_served()) return;
  if (one.phase == Connection::Phase::kHello && take_hello(one, line)) return;
  if (!one.is_served()) return;
  if (const auto ask = read_ask(line)) {
    end_parcel(connection);
    const auto slot = add_slot(one, 1);
    if (is_loading_ && one.may_operate && (*ask == Ask::kCheckpoint || *ask == Ask::kReload)) {
      slot->is_ready = true;
      slot->text = refused_ask(kAskWords[static_cast<std::size_t>(*ask)], kLoading);
    } else if (*ask != Ask::kUnknown && one.may_operate) {
      slot->ask = ask;
    } else {
      slot->is_ready = true;
      slot->text = refused_ask(kAskWords[static_cast<std::size_t>(*ask)], *ask == Ask::kUnknown ? "unknown" : "denied");
      parts_.counters.denied.add(static_cast<std::uint64_t>(*ask != Ask::kUnknown));
      parts_.log.write(LogLevel::kWarn, "request_refused",
                       {{"request", kAskWords[static_cast<std::size_t>(*ask)]}, {"peer", one.peer}});
    }
    return;
  }
  one.parcel.add(number, reader_.read(line), one.actor);
  one.parcel_bytes += line.size();
  ChangeRequest& request = one.parcel.requests.back();
  if (!one.may_change) {
    request.is_answered = true;
    request.answer = {};
    request.answer.error = ChangeError::kDenied;
    request.answer.detail = "this client may not change the registry; that needs the role registrar";
    parts_.counters.denied.add();
    if (!std::exchange(one.is_denial_logged, true)) {
      parts_.log.write(LogLevel::kWarn, "changes_denied", {{"peer", one.peer}});
    }
  } else if (is_loading_ && !request.is_answered) {
    request.is_answered = true;
    request.answer = {};
    request.answer.error = ChangeError::kBusy;
    request.answer.detail = kLoading;
  } else if (parts_.queue == nullptr && !request.is_answered) {
    request.is_answered = true;
    request.answer = {};
    request.answer.error = ChangeError::kReadOnly;
    request.answer.detail = "the registry that is served is an image, which does not change";
  }
}

/// Looks at the first bytes. True: somebody took this listener for another one, and is refused.
bool ChangeConnections::is_refused_protocol(Connection& one, std::string_view bytes) {
  one.front.append(bytes.substr(0, kProtocolBytesMax - std::min(kProtocolBytesMax, one.front.size())));
  const std::string_view protocol = other_protocol(one.front);
  if (protocol.empty()) return false;
  parts_.counters.other_protocol.add();
  refuse(one, "not_changes",
         std::string(protocol) + " came, and here clearline takes changes of its registry: one a line (NDJSON)", false);
  return true;
}

/// Looks at the first line. True: it is a hello, or the connection is refused.
bool ChangeConnections::take_hello(Connection& one, std::string_view line) {
  const Hello hello = read_hello(line);
  if (!hello.is_hello && one.is_local) {
    one.phase = Connection::Phase::kOpen;
    return false;
  }
  if (!hello.is_hello) {
    refuse(one, "token_needed", "the first line must be a hello with a token", true);
    return true;
  }
  if (!hello.fault.empty()) {
    refuse(one, "malformed", hello.fault, true);
    return true;
  }
  const ClientConfig* client = hello.token ? serving_->clients.of_token(*hello.token) : nullptr;
  if (hello.token ? client == nullptr : !one.is_local) {
    refuse(one, hello.token ? "denied" : "token_needed",
           hello.token ? "the token is nobody's" : "the hello must hold a token", true);
    return true;
  }
  if (client != nullptr) give_rights(one, *client);
  one.phase = Connection::Phase::kOpen;
  parts_.counters.hellos.add();
  const auto slot = add_slot(one, 1);
  slot->is_ready = true;
  OutBuffer words;
  append_hello_ok(client != nullptr ? client->role
                  : one.may_change  ? Role::kRegistrar
                  : one.client      ? one.client->role
                                    : Role::kFeed,
                  words);
  slot->text = words.text();
  return true;
}

/// What an operator asks for: a line with the key `request`. A change that has such a key is a change.
std::optional<ChangeConnections::Ask> ChangeConnections::read_ask(std::string_view line) {
  if (line.find("\"request\"") == std::string_view::npos || object_.parse(line)) return std::nullopt;
  const auto& members = object_.members();
  const auto find = [&](std::string_view key) {
    return std::find_if(members.begin(), members.end(), [key](const auto& member) { return member.key == key; });
  };
  const auto request = find("request");
  if (request == members.end() || find("op") != members.end()) return std::nullopt;
  return static_cast<Ask>(std::find(kAskWords.begin(), kAskWords.end() - 1, request->text) - kAskWords.begin());
}

std::shared_ptr<ChangeConnections::Slot> ChangeConnections::add_slot(Connection& one, std::uint64_t lines) {
  const auto& slot = one.slots.emplace_back(std::make_shared<Slot>());
  slot->lines = lines;
  slot->read_at = one.last_active;
  one.unanswered += lines;
  return slot;
}

/// Sends the changes that were read on their way.
void ChangeConnections::end_parcel(const ConnectionPtr& connection) {
  Connection& one = *connection;
  if (one.parcel.empty()) return;
  ChangeParcel parcel = std::exchange(one.parcel, {});
  const auto slot = add_slot(one, parcel.requests.size());
  slot->bytes = std::exchange(one.parcel_bytes, 0);
  one.unanswered_bytes += slot->bytes;
  const bool is_answered = std::all_of(parcel.requests.begin(), parcel.requests.end(),
                                       [](const ChangeRequest& request) { return request.is_answered; });
  if (is_answered) {
    OutBuffer out;
    AnswerTally tally;
    append_answers(parcel.lines, parcel.requests, out, tally);
    answered(*slot, std::string(out.text()), tally);
  } else if (!waiting_.empty() || !submit(connection, slot, parcel)) {
    if (one.unqueued.empty()) waiting_.push_back(connection);
    one.unqueued.emplace_back(slot, std::move(parcel));
    submit_unqueued();
  }
}

/// False: the queue has no room, and the parcel is as it was.
bool ChangeConnections::submit(const ConnectionPtr& connection, const std::shared_ptr<Slot>& slot,
                               ChangeParcel& parcel) {
  auto lines = std::make_shared<std::vector<ChangeParcel::Line>>(parcel.lines);
  return parts_.queue->try_submit(parcel.requests, [this, connection, slot, lines](std::span<ChangeRequest> requests) {
    OutBuffer out;
    AnswerTally tally;
    append_answers(*lines, requests, out, tally);
    asio::post(parts_.io, [this, connection, slot, text = std::string(out.text()), tally]() mutable {
      answered(*slot, std::move(text), tally);
      go_on(connection);
    });
  });
}

void ChangeConnections::answered(Slot& slot, std::string text, const AnswerTally& tally) {
  parts_.counters.ok.add(tally.ok);
  parts_.counters.repeats.add(tally.repeats);
  for (std::size_t i = 0; i < tally.refused.size(); ++i) parts_.counters.refused[i].add(tally.refused[i]);
  parts_.counters.latency.add(Clock::now() - slot.read_at, slot.lines);
  slot.text = std::move(text);
  slot.is_ready = true;
}

/// Tries again what the queue had no room for, each connection's in its order.
void ChangeConnections::submit_unqueued() {
  if (waiting_.empty() || std::exchange(is_retrying_, true)) return;
  retry_.expires_after(kQueueRetry);
  retry_.async_wait([this](const error_code& error) {
    is_retrying_ = false;
    if (error) return;
    while (!waiting_.empty()) {
      const ConnectionPtr connection = waiting_.front();
      auto& unqueued = connection->unqueued;
      if (connection->is_served()) {
        if (!submit(connection, unqueued.front().first, unqueued.front().second)) break;
        unqueued.pop_front();
        if (!unqueued.empty()) waiting_.push_back(connection);
      }
      waiting_.pop_front();
      go_on(connection);
    }
    submit_unqueued();
  });
}

void ChangeConnections::start_ask(const ConnectionPtr& connection, const std::shared_ptr<Slot>& slot) {
  slot->is_asked = true;
  if (*slot->ask == Ask::kStatus) {  // waits for nobody
    slot->text = "{\"status\":" + parts_.actions.status() + "}\n";
    slot->is_ready = true;
    return;
  }
  chores_->add([this, connection, slot] {
    std::string text;
    if (*slot->ask == Ask::kCheckpoint) {
      const auto made = parts_.actions.checkpoint();
      text = made.ok() ? "{\"checkpoint\":{\"ok\":true,\"seq\":" + std::to_string(made->seq) +
                             ",\"written\":" + (made->was_written ? "true" : "false") + "}}\n"
                       : refused_ask("checkpoint", made.status().message());
    } else {
      const Status status = parts_.actions.reload();
      text = status.ok() ? "{\"reload\":{\"ok\":true}}\n" : refused_ask("reload", status.message());
    }
    asio::post(parts_.io, [this, connection, slot, text = std::move(text)]() mutable {
      slot->text = std::move(text);
      slot->is_ready = true;
      go_on(connection);
    });
  });
}

/// Sends what is answered, and does what comes next for a connection.
void ChangeConnections::go_on(const ConnectionPtr& connection) {
  Connection& one = *connection;
  if (!one.is_served()) return;
  while (!one.slots.empty()) {
    const std::shared_ptr<Slot> first = one.slots.front();
    if (first->ask && !first->is_asked) start_ask(connection, first);
    if (!first->is_ready) break;
    one.out += first->text;
    one.out_lines += first->lines;
    one.unanswered_bytes -= first->bytes;
    one.slots.pop_front();
  }
  if (!one.out.empty() && !one.is_sending) send(connection);
  if (!one.is_served()) return;
  if (is_draining_ && one.left_to_drain == 0 && !one.is_at_end && !one.is_closing &&
      has_ended_sending(one.socket.native_handle())) {
    // Its end has been received: a last line without one counts.
    one.is_at_end = true;
    one.lines.take({}, true, [&](std::uint64_t number, std::string_view line) { take_line(connection, number, line); });
    end_parcel(connection);
    go_on(connection);
    return;
  }
  if (one.is_at_end || one.is_closing || (is_draining_ && one.left_to_drain == 0)) {
    if (one.slots.empty() && one.out.empty()) finish(one);
    return;
  }
  if (room(one) != 0) {
    one.is_paused = false;
    wait_readable(connection);
  } else if (!std::exchange(one.is_paused, true)) {
    parts_.counters.hit(one.unanswered_bytes >= limits_.unanswered_bytes ? LimitHit::kUnansweredBytes
                                                                         : LimitHit::kUnansweredChanges);
  }
}

void ChangeConnections::send(const ConnectionPtr& connection) {
  Connection& one = *connection;
  const std::string_view left = std::string_view(one.out).substr(one.out_sent);
  const ssize_t sent = ::send(one.socket.native_handle(), left.data(), left.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) {
    remove(one, true);
    return;
  }
  const auto bytes_sent = static_cast<std::size_t>(std::max<ssize_t>(sent, 0));
  if (bytes_sent != 0 || one.out_sent == 0) one.last_taken = Clock::now();
  if (bytes_sent != 0) one.last_active = one.last_taken;
  parts_.counters.bytes_out.add(bytes_sent);
  one.out_sent += bytes_sent;
  if (one.out_sent == one.out.size()) {
    one.out.clear();
    one.out_sent = 0;
    one.unanswered -= std::exchange(one.out_lines, 0);
    return;
  }
  one.is_sending = true;
  one.socket.async_wait(Stream::socket::wait_write, [this, connection](const error_code& error) {
    connection->is_sending = false;
    if (error || !connection->is_served()) return;
    send(connection);
    go_on(connection);
  });
}

/// Tells a peer why it is not served any more, and closes.
void ChangeConnections::refuse(Connection& one, std::string_view error, std::string_view detail, bool is_hello,
                               bool may_linger) {
  OutBuffer words;
  if (is_hello) {
    append_hello_refusal(error, detail, words);
    parts_.counters.denied.add();
  } else {
    append_closing(error, detail, words);
  }
  parts_.log.write(LogLevel::kWarn, is_hello ? "changes_denied" : "changes_closed",
                   {{"error", error}, {"peer", one.peer}});
  // Behind answers that are not sent yet it would be cut off, and nobody reads them.
  if (one.out.empty()) {
    const std::string_view text = words.text();
    ::send(one.socket.native_handle(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  if (may_linger) {
    finish(one);
  } else {
    remove(one, true);
  }
}

void ChangeConnections::close_for(Connection& one, LimitHit limit, std::string_view detail, bool may_linger) {
  parts_.counters.hit(limit);
  refuse(one, to_string(limit), detail, false, may_linger);
}

/// No more is sent, and the peer is let know.
void ChangeConnections::finish(Connection& one) {
  if (one.is_at_end) {
    remove(one, false);
    return;
  }
  error_code ignored;
  one.socket.cancel(ignored);
  lingerers_.add(std::move(one.socket), [this] { count_gone(); });
  leave(one);
}

void ChangeConnections::remove(Connection& one, bool is_abort) {
  if (!one.is_served()) return;
  error_code ignored;
  one.socket.close(ignored);
  parts_.counters.aborted.add(static_cast<std::uint64_t>(is_abort));
  leave(one);
  count_gone();
}

/// It is nobody's any more.
void ChangeConnections::leave(Connection& one) {
  one.phase = Connection::Phase::kClosed;
  const auto found = std::find_if(connections_.begin(), connections_.end(),
                                  [&](const ConnectionPtr& connection) { return connection.get() == &one; });
  const ConnectionPtr gone = std::exchange(*found, connections_.back());  // keeps it alive to the end
  connections_.pop_back();
}

void ChangeConnections::count_gone() {
  parts_.counters.closed.add();
  end_if_drained();
}

/// Nothing is waited for any more, so that the thread ends.
void ChangeConnections::end_if_drained() {
  if (!is_draining_ || !connections_.empty() || !lingerers_.empty()) return;
  sweeper_.cancel();
  retry_.cancel();
}

/// Closes who has been quiet for too long: bytes that nobody has read yet are no silence. Comes again a few times in the shortest of the timeouts.
void ChangeConnections::sweep() {
  const auto now = Clock::now();
  for (const ConnectionPtr& connection : std::vector(connections_)) {
    Connection& one = *connection;
    const auto quiet = now - one.last_active;
    if (one.phase == Connection::Phase::kHello && !one.is_local && now - one.hello_start >= limits_.handshake_timeout) {
      close_for(one, LimitHit::kHandshakeTimeout, "no hello came in time");
    } else if (one.is_sending) {
      if (now - one.last_taken >= limits_.write_stall_timeout) {
        close_for(one, LimitHit::kWriteStallTimeout, "answers were not taken");
      }
    } else if (one.slots.empty() && quiet >= limits_.idle_timeout && received_bytes(one.socket.native_handle()) == 0) {
      close_for(one, LimitHit::kIdleTimeout, "nothing came for too long");
    }
  }
  lingerers_.sweep(now);
  if (is_draining_ && connections_.empty() && lingerers_.empty()) return;
  sweeper_.expires_after(sweep_period(limits_));
  sweeper_.async_wait([this](const error_code& error) {
    if (!error) sweep();
  });
}

}  // namespace clearline
