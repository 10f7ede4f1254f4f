// The way of a change: the connection's thread reads and judges nothing; the queue's thread writes what has gathered, and the
// answers come back in the order of the lines.
//
//   lines --read--> parcel --ChangeQueue--> RegistryStore (journal, fsync, head, publish) --post--> slot --send--> peer
//
// Apart       listeners, connections, thread and queue are those of changes alone, and feeds leave descriptors for them: however
//             many declarations come, a suspend waits for the disk and for a turn of the processor.
// Slots       each connection has a queue of them: a parcel that is written, or what an operator asked for. What is answered
//             waits in its slot for those before it. A checkpoint or a reload starts when its slot is the first, so that all the
//             connection sent before is in it.
// Who may     on the Unix socket the peer's user counts: the server's own and root may do all, others what a [[client]] with
//             their uid may; a hello with a token gives them that client's role instead. Over TCP a hello must be the first line. Who may
//             not change gets each change answered `denied`.
// Bounds      connections: limits.change_connections, a quarter of them of peers without rights, and as many that are told that
//             they are refused. Memory: a connection holds limits.unanswered_changes changes and requests or
//             limits.unanswered_bytes of them, a read (kReadBytes) and a line (64 KiB) more at most, and their answers (some 200
//             bytes each, and the change_id; some 4 KiB for a status); it is not read while it has as many. The queue:
//             ChangeQueue::kQueuedMax changes, all of them of connections that hold them.
// Threads     one for all connections, which never waits; one for checkpoints and reloads, which may; the queue's. Answers and
//             what an operator asked for are posted to the first.
#include "io/net/change_server.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "io/formats/change_lines.h"
#include "io/formats/errno_words.h"
#include "io/formats/json_object.h"
#include "io/formats/verdict_writer.h"
#include "io/net/asio_parts.h"
#include "io/net/hello.h"
#include "io/store/change_parcel.h"
#include "io/store/change_queue.h"
#include "io/store/folders.h"

namespace clearline {
namespace {

using Clock = std::chrono::steady_clock;
using Local = asio::local::stream_protocol;
using Socket = asio::generic::stream_protocol::socket;

constexpr std::size_t kReadBytes = std::size_t{64} << 10;
constexpr std::size_t kLineBytesMin = 2;  // something and a line end
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::size_t kStrangersMin =
    8;  // connections without rights, or without a hello yet, that there may always be
constexpr std::chrono::milliseconds kQueueRetry{2};
constexpr std::chrono::seconds kLinger{1};

Status wrong_socket(const std::string& path, const std::string& what) {
  return {StatusKind::kConfig, "changes " + path + ": error: " + what};
}

/// Removes a socket that nobody listens on any more. Refused: one that is in use, and whatever is no socket.
Status clear_path(const std::string& path, const sockaddr_un& address) {
  struct stat found{};
  if (lstat(path.c_str(), &found) != 0) {
    return errno == ENOENT ? Status() : wrong_socket(path, "cannot look at it: " + errno_words(errno));
  }
  if (!S_ISSOCK(found.st_mode))
    return wrong_socket(path, "there is a file of that name; remove it or name another path");
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return wrong_socket(path, "cannot open a socket: " + errno_words(errno));
  const int error = connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
  close(probe);
  // EAGAIN: so many wait to be accepted that there is no room for one more.
  if (error == 0 || error == EAGAIN) return wrong_socket(path, "another program listens on it");
  if (error != ECONNREFUSED)
    return wrong_socket(path, "cannot tell whether another program listens on it: " + errno_words(error));
  if (unlink(path.c_str()) == 0) return {};
  return wrong_socket(path, "cannot remove the old socket: " + errno_words(errno));
}

/// One thread that does what may take long, one after the other.
class Chores {
 public:
  Chores() : thread_([this] { run(); }) {}
  ~Chores() {
    {
      const std::scoped_lock lock(mutex_);
      is_ending_ = true;
    }
    filled_.notify_one();
  }
  void add(std::function<void()> chore) {
    {
      const std::scoped_lock lock(mutex_);
      chores_.push_back(std::move(chore));
    }
    filled_.notify_one();
  }

 private:
  void run() {
    name_thread("clr-chores");
    std::unique_lock lock(mutex_);
    for (;;) {
      filled_.wait(lock, [&] { return !chores_.empty() || is_ending_; });
      if (is_ending_) return;
      const std::function<void()> chore = std::move(chores_.front());
      chores_.pop_front();
      lock.unlock();
      chore();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<std::function<void()>> chores_;
  bool is_ending_ = false;
  std::jthread thread_;  // last: it uses all above
};

enum class Ask : std::uint8_t { kStatus, kCheckpoint, kReload, kUnknown };
constexpr std::array<std::string_view, 4> kAskWords{"status", "checkpoint", "reload", "request"};

std::string refused_ask(Ask ask, std::string_view error) {
  OutBuffer out;
  out.append_fixed("{\"");
  out.append(kAskWords[static_cast<std::size_t>(ask)]);
  out.append_fixed("\":{\"ok\":false,\"error\":\"");
  append_json_text(error, out);
  out.append_fixed("\"}}\n");
  return std::string(out.text());
}

}  // namespace

struct ChangeServer::State {
  State(const ServerConfig& server_config, RegistryStore* server_store, ServingPtr start_serving,
        OperatorActions operator_actions, ServerCounters& server_counters, Log& server_log)
      : config(server_config),
        limits(server_config.limits),
        store(server_store),
        serving(std::move(start_serving)),
        actions(std::move(operator_actions)),
        counters(server_counters.changes),
        log(server_log),
        work(asio::make_work_guard(io)),
        sweeper(io),
        retry(io) {}
  ~State() { remove_socket_file(); }

  struct Slot {
    std::string text;         ///< the answers, once `is_ready`
    std::uint64_t lines = 0;  ///< that it answers: changes, or one request
    std::size_t bytes = 0;    ///< of the lines of changes
    bool is_ready = false;
    std::optional<Ask> ask;  ///< starts when it is the first
    bool is_asked = false;
    Clock::time_point read_at;
  };
  struct Connection {
    explicit Connection(Socket connected) : socket(std::move(connected)) {}
    bool is_stranger() const { return !may_change && !may_operate; }
    bool is_served() const { return phase == Phase::kHello || phase == Phase::kOpen; }

    Socket socket;
    bool is_local = false;
    std::string peer;  ///< for the log: an address, or `uid:1000`
    enum class Phase : std::uint8_t { kHello, kOpen, kLingering, kClosed } phase = Phase::kHello;
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
    Clock::time_point phase_start;
    Clock::time_point last_active;
    Clock::time_point last_taken;  // of answers, by the peer; or since when they wait for it
  };
  using ConnectionPtr = std::shared_ptr<Connection>;

  struct Listener {
    std::optional<Local::acceptor> local;
    std::optional<Tcp::acceptor> tcp;
  };

  Status listen_locally();
  void set_socket_mode() const;
  void remove_socket_file();
  void accept(std::size_t listener);
  void accept_waiting(Listener& listener);
  void pause_accepting(std::size_t listener);
  void welcome(Socket socket, bool is_local, const std::string& address);
  void give_rights(Connection& one, const ClientConfig& client);
  void wait_readable(const ConnectionPtr& connection);
  void read(const ConnectionPtr& connection);
  void take_line(const ConnectionPtr& connection, std::uint64_t number, std::string_view line);
  bool take_hello(Connection& one, std::string_view line);
  std::optional<Ask> read_ask(std::string_view line);
  void end_parcel(const ConnectionPtr& connection);
  std::shared_ptr<Slot> add_slot(Connection& one, std::uint64_t lines);
  bool submit(const ConnectionPtr& connection, const std::shared_ptr<Slot>& slot, ChangeParcel& parcel);
  void submit_unqueued();
  void answered(Slot& slot, std::string text, const AnswerTally& tally);
  void start_ask(const ConnectionPtr& connection, const std::shared_ptr<Slot>& slot);
  void go_on(const ConnectionPtr& connection);
  void send(const ConnectionPtr& connection);
  void refuse(Connection& one, std::string_view error, std::string_view detail, bool is_hello);
  void close_for(Connection& one, LimitHit limit, std::string_view detail);
  void finish(Connection& one);
  void remove(Connection& one, bool is_abort);
  void sweep();
  void use_now(ServingPtr next);
  void drain();
  std::size_t room(const Connection& one) const;
  static bool has_ended_sending(Connection& one) {
    char next = 0;
    return recv(one.socket.native_handle(), &next, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
  }

  const ServerConfig& config;
  const Limits& limits;
  RegistryStore* store;
  ServingPtr serving;
  OperatorActions actions;
  ChangeCounters& counters;
  Log& log;
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work;
  asio::steady_timer sweeper;
  asio::steady_timer retry;
  bool is_retrying = false;
  std::deque<ConnectionPtr> waiting;  // with something unqueued, in the order in which they get room
  std::deque<Listener> listeners;
  std::deque<asio::steady_timer> pauses;  // of each listener
  std::vector<std::string> addresses;
  std::string socket_path;
  std::vector<ConnectionPtr> connections;
  ChangeReader reader;
  JsonObject object;
  std::vector<char> bytes = std::vector<char>(kReadBytes);
  bool is_draining = false;
  std::atomic<bool> has_ended{false};
  std::optional<ChangeQueue> queue;
  std::optional<Chores> chores;
  std::jthread thread;
};

ChangeServer::ChangeServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

// NOLINTNEXTLINE(bugprone-exception-escape): what asio and threads throw here is a machine at its end.
ChangeServer::~ChangeServer() { stop(Clock::now()); }

const std::vector<std::string>& ChangeServer::addresses() const { return state_->addresses; }

Result<std::unique_ptr<ChangeServer>> ChangeServer::open(const ServerConfig& config, RegistryStore* store,
                                                         ServingPtr serving, OperatorActions actions,
                                                         ServerCounters& counters, Log& log) {
  auto state = std::make_unique<State>(config, store, std::move(serving), std::move(actions), counters, log);
  if (!config.changes_socket.empty()) {
    if (Status status = state->listen_locally(); !status.ok()) {
      if (!config.changes_socket_is_default) return status;
      log.write(LogLevel::kWarn, "no_changes_socket", {{"reason", status.message()}});
    }
  }
  for (const std::string& address : config.changes_listen) {
    const auto endpoint = loopback_endpoint(address, "changes");
    if (!endpoint.ok()) return endpoint.status();
    auto acceptor = listen_on(state->io, *endpoint, "changes");
    if (!acceptor.ok()) return acceptor.status();
    state->addresses.push_back(to_text(acceptor->local_endpoint()));
    state->listeners.emplace_back().tcp.emplace(std::move(*acceptor));
  }
  if (store != nullptr) state->queue.emplace(*store);
  return std::unique_ptr<ChangeServer>(new ChangeServer(std::move(state)));
}

Status ChangeServer::State::listen_locally() {
  const std::string& path = config.changes_socket;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return wrong_socket(path, "the path is longer than sockets may have");
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (config.changes_socket_is_default) {
    // Whatever the umask: other users reach the socket, and nobody else can put one there.
    const std::string folder = folder_of(path);
    if (mkdir(folder.c_str(), 0755) == 0) chmod(folder.c_str(), 0755);
  }
  if (Status status = clear_path(path, address); !status.ok()) return status;
  Local::acceptor acceptor(io);
  error_code error;
  acceptor.open(Local(), error);
  // Before it has a name, so that nobody else can connect in between.
  if (!error) fchmod(acceptor.native_handle(), 0600);
  if (!error) acceptor.bind(Local::endpoint(path), error);
  if (error) return wrong_socket(path, "cannot make it: " + error.message());
  socket_path = path;
  set_socket_mode();
  acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return wrong_socket(path, "cannot listen: " + error.message());
  addresses.push_back(path);
  listeners.emplace_back().local.emplace(std::move(acceptor));
  return {};
}

/// Other users may connect when one of them is a client: the peer's uid decides then.
void ChangeServer::State::set_socket_mode() const {
  if (socket_path.empty()) return;
  chmod(socket_path.c_str(), serving->clients.has_users() ? 0666 : 0600);
}

void ChangeServer::start() {
  State& state = *state_;
  state.chores.emplace();
  state.thread = std::jthread([&state] {
    name_thread("clr-changes");
    for (std::size_t i = 0; i < state.listeners.size(); ++i) {
      state.pauses.emplace_back(state.io);
      state.accept(i);
    }
    state.sweep();
    state.io.run();
    state.has_ended.store(true, std::memory_order_release);  // pairs with the acquire in stop()
  });
}

void ChangeServer::use(ServingPtr serving) {
  asio::post(state_->io,
             [state = state_.get(), serving = std::move(serving)]() mutable { state->use_now(std::move(serving)); });
}

void ChangeServer::stop(Clock::time_point deadline) {
  State& state = *state_;
  if (!state.thread.joinable()) return;
  asio::post(state.io, [&state] { state.drain(); });
  while (!state.has_ended.load(std::memory_order_acquire) && Clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  state.io.stop();
  state.thread.join();
  state.chores.reset();
  state.queue.reset();  // what it has is written; who waits for the answer is gone
  for (const State::ConnectionPtr& connection : std::vector(state.connections)) state.remove(*connection, true);
}

void ChangeServer::State::use_now(ServingPtr next) {
  serving = std::move(next);
  set_socket_mode();
  for (const ConnectionPtr& connection : std::vector(connections)) {
    if (!connection->is_served() || !connection->client || serving->clients.has(*connection->client)) continue;
    log.write(LogLevel::kWarn, "changes_closed", {{"error", "client_removed"}, {"client", connection->client->name}});
    connection->is_closing = true;
    go_on(connection);
  }
}

/// Before nobody listens on it any more: then it may be another server's.
void ChangeServer::State::remove_socket_file() {
  if (!socket_path.empty()) unlink(socket_path.c_str());
  socket_path.clear();
}

void ChangeServer::State::drain() {
  is_draining = true;
  remove_socket_file();
  for (Listener& listener : listeners) accept_waiting(listener);
  for (Listener& listener : listeners) {
    error_code ignored;
    if (listener.local) listener.local->close(ignored);
    if (listener.tcp) listener.tcp->close(ignored);
  }
  for (asio::steady_timer& pause : pauses) pause.cancel();
  work.reset();
  for (const ConnectionPtr& connection : std::vector(connections)) {
    if (!connection->is_served()) continue;
    int received = 0;
    if (ioctl(connection->socket.native_handle(), FIONREAD, &received) != 0) received = 0;
    connection->left_to_drain = static_cast<std::size_t>(std::max(received, 0));
    go_on(connection);
  }
  if (connections.empty()) sweeper.cancel();
}

void ChangeServer::State::accept(std::size_t listener) {
  if (is_draining) return;
  const auto next = [this, listener](const error_code& error) {
    if (error && is_exhausted(error)) {
      pause_accepting(listener);
    } else {
      accept(listener);
    }
  };
  if (auto& local = listeners[listener].local) {
    local->async_accept([this, next](const error_code& error, Local::socket socket) {
      if (!error) welcome(Socket(std::move(socket)), true, "");
      next(error);
    });
    return;
  }
  listeners[listener].tcp->async_accept([this, next](const error_code& error, Tcp::socket socket) {
    error_code gone;
    if (!error) socket.set_option(Tcp::no_delay(true), gone);
    const std::string address = error ? "" : socket.remote_endpoint(gone).address().to_string();
    if (!error && !gone) welcome(Socket(std::move(socket)), false, address);
    next(error);
  });
}

/// Whoever has connected before the end is answered, too.
void ChangeServer::State::accept_waiting(Listener& listener) {
  error_code error;
  const auto accept_all = [&](auto& acceptor, const auto& take) {
    acceptor.cancel(error);
    acceptor.non_blocking(true, error);
    for (std::size_t i = 0; !error && i < limits.change_connections; ++i) {
      auto socket = acceptor.accept(error);
      if (!error) take(std::move(socket));
    }
  };
  if (listener.local) {
    accept_all(*listener.local, [&](Local::socket socket) { welcome(Socket(std::move(socket)), true, ""); });
  } else if (listener.tcp) {
    accept_all(*listener.tcp, [&](Tcp::socket socket) {
      error_code gone;
      const std::string address = socket.remote_endpoint(gone).address().to_string();
      if (!gone) welcome(Socket(std::move(socket)), false, address);
    });
  }
}

void ChangeServer::State::pause_accepting(std::size_t listener) {
  counters.hit(LimitHit::kDescriptors);
  log.write(LogLevel::kWarn, "accept_paused", {{"limit", to_string(LimitHit::kDescriptors)}});
  pauses[listener].expires_after(kAcceptPause);
  pauses[listener].async_wait([this, listener](const error_code&) { accept(listener); });
}

void ChangeServer::State::welcome(Socket socket, bool is_local, const std::string& address) {
  const auto connection = std::make_shared<Connection>(std::move(socket));
  Connection& one = *connection;
  one.is_local = is_local;
  one.peer = address;
  one.phase_start = one.last_active = Clock::now();
  error_code ignored;
  one.socket.non_blocking(true, ignored);
  if (is_local) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (getsockopt(one.socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return;
    one.peer = one.actor = "uid:" + std::to_string(peer.uid);
    if (peer.uid == geteuid() || peer.uid == 0) {
      one.is_owner = one.may_change = one.may_operate = true;
    } else if (const ClientConfig* client = serving->clients.of_user(peer.uid)) {
      give_rights(one, *client);
    }
  }
  connections.push_back(connection);
  counters.opened.add();
  log.write(LogLevel::kDebug, "changes_opened", {{"peer", one.peer}});
  const auto served = static_cast<std::size_t>(std::count_if(
      connections.begin(), connections.end(), [](const ConnectionPtr& other) { return other->is_served(); }));
  const auto strangers =
      static_cast<std::size_t>(std::count_if(connections.begin(), connections.end(), [](const ConnectionPtr& other) {
        return other->is_served() && other->is_stranger();
      }));
  // Nobody without rights keeps those out who have them.
  const std::size_t strangers_max = std::max(kStrangersMin, limits.change_connections / 4);
  if (served > limits.change_connections || (one.is_stranger() && strangers > strangers_max)) {
    close_for(one, LimitHit::kChangeConnections, "there are as many connections for changes as may be");
    // Those that are refused linger, to hear it; not more of them than are served.
    if (connections.size() > 2 * limits.change_connections) remove(one, true);
    return;
  }
  wait_readable(connection);
}

void ChangeServer::State::give_rights(Connection& one, const ClientConfig& client) {
  one.client = client;
  one.actor = "client:" + client.name;
  // Of one client alone: when that one is gone, nothing is left of it.
  one.may_change = one.is_owner || client.role == Role::kRegistrar;
  one.may_operate = one.is_owner || client.role == Role::kOperator;
}

/// How much of a connection may be read, so that no more changes are unanswered than may be.
std::size_t ChangeServer::State::room(const Connection& one) const {
  if (one.unanswered >= limits.unanswered_changes || !one.unqueued.empty()) return 0;
  if (one.unanswered_bytes >= limits.unanswered_bytes) return 0;
  return std::min(kReadBytes, kLineBytesMin * static_cast<std::size_t>(limits.unanswered_changes - one.unanswered));
}

void ChangeServer::State::wait_readable(const ConnectionPtr& connection) {
  if (connection->is_reading) return;
  connection->is_reading = true;
  connection->socket.async_wait(Socket::wait_read, [this, connection](const error_code& error) {
    connection->is_reading = false;
    if (error || connection->phase == Connection::Phase::kClosed) return;
    read(connection);
  });
}

void ChangeServer::State::read(const ConnectionPtr& connection) {
  Connection& one = *connection;
  if (one.phase == Connection::Phase::kLingering) {
    const ssize_t got = recv(one.socket.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR))) {
      wait_readable(connection);
    } else {
      remove(one, false);
    }
    return;
  }
  if (one.is_closing) return;  // what it has is answered; what it sends now is nobody's
  std::size_t wanted = room(one);
  if (is_draining) wanted = std::min(wanted, one.left_to_drain);
  if (wanted == 0) {
    go_on(connection);
    return;
  }
  const ssize_t got = recv(one.socket.native_handle(), bytes.data(), wanted, MSG_DONTWAIT);
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
  counters.bytes_in.add(size);
  one.lines.take({bytes.data(), size}, one.is_at_end,
                 [&](std::uint64_t number, std::string_view line) { take_line(connection, number, line); });
  if (one.phase == Connection::Phase::kClosed || one.phase == Connection::Phase::kLingering) return;
  end_parcel(connection);
  go_on(connection);
}

void ChangeServer::State::take_line(const ConnectionPtr& connection, std::uint64_t number, std::string_view line) {
  Connection& one = *connection;
  if (!one.is_served()) return;
  if (one.phase == Connection::Phase::kHello && take_hello(one, line)) return;
  if (!one.is_served()) return;
  if (const auto ask = read_ask(line)) {
    end_parcel(connection);
    const auto slot = add_slot(one, 1);
    if (*ask != Ask::kUnknown && one.may_operate) {
      slot->ask = ask;
    } else {
      slot->is_ready = true;
      slot->text = refused_ask(*ask, *ask == Ask::kUnknown ? "unknown" : "denied");
      counters.denied.add(static_cast<std::uint64_t>(*ask != Ask::kUnknown));
      log.write(LogLevel::kWarn, "request_refused",
                {{"request", kAskWords[static_cast<std::size_t>(*ask)]}, {"peer", one.peer}});
    }
    return;
  }
  one.parcel.add(number, reader.read(line), one.actor);
  one.parcel_bytes += line.size();
  ChangeRequest& request = one.parcel.requests.back();
  if (!one.may_change) {
    request.is_answered = true;
    request.answer = {};
    request.answer.error = ChangeError::kDenied;
    request.answer.detail = "this client may not change the registry; that needs the role registrar";
    counters.denied.add();
    if (!std::exchange(one.is_denial_logged, true)) {
      log.write(LogLevel::kWarn, "changes_denied", {{"peer", one.peer}});
    }
  } else if (store == nullptr && !request.is_answered) {
    request.is_answered = true;
    request.answer = {};
    request.answer.error = ChangeError::kReadOnly;
    request.answer.detail = "the registry that is served is an image, which does not change";
  }
}

/// Looks at the first line. True: it is a hello, or the connection is refused.
bool ChangeServer::State::take_hello(Connection& one, std::string_view line) {
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
  const ClientConfig* client = hello.token ? serving->clients.of_token(*hello.token) : nullptr;
  if (hello.token ? client == nullptr : !one.is_local) {
    refuse(one, hello.token ? "denied" : "token_needed",
           hello.token ? "the token is nobody's" : "the hello must hold a token", true);
    return true;
  }
  if (client != nullptr) give_rights(one, *client);
  one.phase = Connection::Phase::kOpen;
  counters.hellos.add();
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
std::optional<Ask> ChangeServer::State::read_ask(std::string_view line) {
  if (line.find("\"request\"") == std::string_view::npos || object.parse(line)) return std::nullopt;
  const auto& members = object.members();
  const auto find = [&](std::string_view key) {
    return std::find_if(members.begin(), members.end(), [key](const auto& member) { return member.key == key; });
  };
  const auto request = find("request");
  if (request == members.end() || find("op") != members.end()) return std::nullopt;
  return static_cast<Ask>(std::find(kAskWords.begin(), kAskWords.end() - 1, request->text) - kAskWords.begin());
}

std::shared_ptr<ChangeServer::State::Slot> ChangeServer::State::add_slot(Connection& one, std::uint64_t lines) {
  const auto& slot = one.slots.emplace_back(std::make_shared<Slot>());
  slot->lines = lines;
  slot->read_at = one.last_active;
  one.unanswered += lines;
  return slot;
}

/// Sends the changes that were read on their way.
void ChangeServer::State::end_parcel(const ConnectionPtr& connection) {
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
  } else if (!waiting.empty() || !submit(connection, slot, parcel)) {
    if (one.unqueued.empty()) waiting.push_back(connection);
    one.unqueued.emplace_back(slot, std::move(parcel));
    submit_unqueued();
  }
}

/// False: the queue has no room, and the parcel is as it was.
bool ChangeServer::State::submit(const ConnectionPtr& connection, const std::shared_ptr<Slot>& slot,
                                 ChangeParcel& parcel) {
  auto lines = std::make_shared<std::vector<ChangeParcel::Line>>(parcel.lines);
  return queue->try_submit(parcel.requests, [this, connection, slot, lines](std::span<ChangeRequest> requests) {
    OutBuffer out;
    AnswerTally tally;
    append_answers(*lines, requests, out, tally);
    asio::post(io, [this, connection, slot, text = std::string(out.text()), tally]() mutable {
      answered(*slot, std::move(text), tally);
      go_on(connection);
    });
  });
}

void ChangeServer::State::answered(Slot& slot, std::string text, const AnswerTally& tally) {
  counters.ok.add(tally.ok);
  counters.repeats.add(tally.repeats);
  for (std::size_t i = 0; i < tally.refused.size(); ++i) counters.refused[i].add(tally.refused[i]);
  counters.latency.add(Clock::now() - slot.read_at, slot.lines);
  slot.text = std::move(text);
  slot.is_ready = true;
}

/// Tries again what the queue had no room for, each connection's in its order.
void ChangeServer::State::submit_unqueued() {
  if (waiting.empty() || std::exchange(is_retrying, true)) return;
  retry.expires_after(kQueueRetry);
  retry.async_wait([this](const error_code& error) {
    is_retrying = false;
    if (error) return;
    while (!waiting.empty()) {
      const ConnectionPtr connection = waiting.front();
      auto& unqueued = connection->unqueued;
      if (connection->phase != Connection::Phase::kClosed) {
        if (!submit(connection, unqueued.front().first, unqueued.front().second)) break;
        unqueued.pop_front();
        if (!unqueued.empty()) waiting.push_back(connection);
      }
      waiting.pop_front();
      go_on(connection);
    }
    submit_unqueued();
  });
}

void ChangeServer::State::start_ask(const ConnectionPtr& connection, const std::shared_ptr<Slot>& slot) {
  slot->is_asked = true;
  if (*slot->ask == Ask::kStatus) {  // waits for nobody
    slot->text = "{\"status\":" + actions.status() + "}\n";
    slot->is_ready = true;
    return;
  }
  chores->add([this, connection, slot] {
    std::string text;
    if (*slot->ask == Ask::kCheckpoint) {
      const auto made = actions.checkpoint();
      text = made.ok() ? "{\"checkpoint\":{\"ok\":true,\"seq\":" + std::to_string(made->seq) +
                             ",\"written\":" + (made->was_written ? "true" : "false") + "}}\n"
                       : refused_ask(Ask::kCheckpoint, made.status().message());
    } else {
      const Status status = actions.reload();
      text = status.ok() ? "{\"reload\":{\"ok\":true}}\n" : refused_ask(Ask::kReload, status.message());
    }
    asio::post(io, [this, connection, slot, text = std::move(text)]() mutable {
      slot->text = std::move(text);
      slot->is_ready = true;
      go_on(connection);
    });
  });
}

/// Sends what is answered, and does what comes next for a connection.
void ChangeServer::State::go_on(const ConnectionPtr& connection) {
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
  if (is_draining && one.left_to_drain == 0 && !one.is_at_end && !one.is_closing && has_ended_sending(one)) {
    // Its end has been received: a last line without one counts.
    one.is_at_end = true;
    one.lines.take({}, true, [&](std::uint64_t number, std::string_view line) { take_line(connection, number, line); });
    end_parcel(connection);
    go_on(connection);
    return;
  }
  if (one.is_at_end || one.is_closing || (is_draining && one.left_to_drain == 0)) {
    if (one.slots.empty() && one.out.empty()) finish(one);
    return;
  }
  if (room(one) != 0) {
    one.is_paused = false;
    wait_readable(connection);
  } else if (!std::exchange(one.is_paused, true)) {
    counters.hit(one.unanswered_bytes >= limits.unanswered_bytes ? LimitHit::kUnansweredBytes
                                                                 : LimitHit::kUnansweredChanges);
  }
}

void ChangeServer::State::send(const ConnectionPtr& connection) {
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
  counters.bytes_out.add(bytes_sent);
  one.out_sent += bytes_sent;
  if (one.out_sent == one.out.size()) {
    one.out.clear();
    one.out_sent = 0;
    one.unanswered -= std::exchange(one.out_lines, 0);
    return;
  }
  one.is_sending = true;
  one.socket.async_wait(Socket::wait_write, [this, connection](const error_code& error) {
    connection->is_sending = false;
    if (error || !connection->is_served()) return;
    send(connection);
    go_on(connection);
  });
}

/// Tells a peer why it is not served any more, and closes.
void ChangeServer::State::refuse(Connection& one, std::string_view error, std::string_view detail, bool is_hello) {
  OutBuffer words;
  if (is_hello) {
    append_hello_refusal(error, detail, words);
    counters.denied.add();
  } else {
    append_closing(error, detail, words);
  }
  log.write(LogLevel::kWarn, is_hello ? "changes_denied" : "changes_closed", {{"error", error}, {"peer", one.peer}});
  // Behind answers that are not sent yet it would be cut off, and nobody reads them.
  if (one.out.empty()) {
    const std::string_view text = words.text();
    ::send(one.socket.native_handle(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  finish(one);
}

void ChangeServer::State::close_for(Connection& one, LimitHit limit, std::string_view detail) {
  counters.hit(limit);
  refuse(one, to_string(limit), detail, false);
}

/// No more is sent; what still comes is thrown away for a while, so that the system does not answer it with a reset, which could
/// overtake what was sent.
void ChangeServer::State::finish(Connection& one) {
  error_code ignored;
  one.socket.shutdown(Socket::shutdown_send, ignored);
  if (one.is_at_end) {
    remove(one, false);
    return;
  }
  one.phase = Connection::Phase::kLingering;
  one.phase_start = Clock::now();
  const auto found = std::find_if(connections.begin(), connections.end(),
                                  [&](const ConnectionPtr& connection) { return connection.get() == &one; });
  wait_readable(*found);
}

void ChangeServer::State::remove(Connection& one, bool is_abort) {
  if (one.phase == Connection::Phase::kClosed) return;
  one.phase = Connection::Phase::kClosed;
  error_code ignored;
  one.socket.close(ignored);
  counters.closed.add();
  counters.aborted.add(static_cast<std::uint64_t>(is_abort));
  const auto found = std::find_if(connections.begin(), connections.end(),
                                  [&](const ConnectionPtr& connection) { return connection.get() == &one; });
  const ConnectionPtr gone = std::exchange(*found, connections.back());  // keeps it alive to the end
  connections.pop_back();
  if (is_draining && connections.empty()) {
    sweeper.cancel();
    retry.cancel();
  }
}

/// Closes who has been quiet for too long. Comes again a few times in the shortest of the timeouts.
void ChangeServer::State::sweep() {
  const auto now = Clock::now();
  for (const ConnectionPtr& connection : std::vector(connections)) {
    Connection& one = *connection;
    const auto quiet = now - one.last_active;
    if (one.phase == Connection::Phase::kLingering) {
      if (now - one.phase_start >= kLinger) remove(one, false);
    } else if (one.phase == Connection::Phase::kHello && !one.is_local &&
               now - one.phase_start >= limits.handshake_timeout) {
      close_for(one, LimitHit::kHandshakeTimeout, "no hello came in time");
    } else if (one.is_sending) {
      if (now - one.last_taken >= limits.write_stall_timeout) {
        close_for(one, LimitHit::kWriteStallTimeout, "answers were not taken");
      }
    } else if (one.slots.empty() && quiet >= limits.idle_timeout) {
      close_for(one, LimitHit::kIdleTimeout, "nothing came for too long");
    }
  }
  if (is_draining && connections.empty()) return;
  const auto shortest = std::min({limits.handshake_timeout, limits.idle_timeout, limits.write_stall_timeout});
  sweeper.expires_after(std::clamp<std::chrono::milliseconds>(shortest / 4, std::chrono::milliseconds(5),
                                                              std::chrono::milliseconds(500)));
  sweeper.async_wait([this](const error_code& error) {
    if (!error) sweep();
  });
}

}  // namespace clearline
