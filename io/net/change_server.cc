// The way of a change: the connection's thread reads and judges nothing; the queue's thread writes what has gathered, and the
// answers come back in the order of the lines (change_connections.h).
//
// Apart       listeners, connections, thread and queue are those of changes alone, and feeds leave descriptors for them: however
//             many declarations come, a suspend waits for the disk and for a turn of the processor.
// Threads     one that accepts and serves all connections, and never waits; one for checkpoints and reloads, which may; the queue's.
#include "io/net/change_server.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <deque>
#include <future>
#include <optional>
#include <thread>
#include <utility>

#include "io/net/asio_parts.h"
#include "io/net/change_connections.h"
#include "io/net/listener.h"
#include "io/net/local_socket.h"
#include "io/store/change_queue.h"

namespace clearline {

struct ChangeServer::State {
  State(const ServerConfig& of_config, ServingPtr serving, OperatorActions actions, ServerCounters& server_counters,
        Log& to_log)
      : config(of_config),
        log(to_log),
        has_users(serving->clients.has_users()),
        work(asio::make_work_guard(io)),
        connections({io, config.limits, nullptr, std::move(actions), server_counters.changes, log}, std::move(serving)),
        listening{io, server_counters.changes, log, [] { return true; },
                  [this](Stream::socket socket) { connections.welcome(std::move(socket)); }} {}

  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { socket_file.remove(); }  // before the listeners go

  void listen(StreamAcceptor acceptor, std::string address) {
    listeners.emplace_back(listening, std::move(acceptor));
    addresses.push_back(std::move(address));
  }
  /// Accepts at the listeners that were added since the last call.
  void start_listeners() {
    while (started != listeners.size()) listeners[started++].start();
  }
  Status listen_locally();
  Status listen_on_addresses();
  void serve(RegistryStore* store) {
    if (store != nullptr) queue = std::make_unique<ChangeQueue>(*store);
    connections.serve(queue.get());
  }
  void drain() {
    socket_file.remove();
    for (Listener& listener : listeners) listener.stop();
    work.reset();
    connections.drain();
  }

  const ServerConfig& config;
  Log& log;
  bool has_users;
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work;
  std::unique_ptr<ChangeQueue> queue;
  ChangeConnections connections;
  Listener::Parts listening;
  LocalSocket socket_file;
  std::deque<Listener> listeners;
  std::size_t started = 0;  // of them
  std::vector<std::string> addresses;
  std::atomic<bool> has_ended{false};
  std::jthread thread;
};

ChangeServer::ChangeServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

// NOLINTNEXTLINE(bugprone-exception-escape): what asio and threads throw here is a machine at its end.
ChangeServer::~ChangeServer() { stop(std::chrono::steady_clock::now()); }

const std::vector<std::string>& ChangeServer::addresses() const { return state_->addresses; }

Status ChangeServer::State::listen_locally() {
  const std::string& path = config.changes_socket;
  if (path.empty()) return {};
  auto acceptor = socket_file.listen(io, path, config.changes_socket_is_default);
  if (!acceptor.ok()) return acceptor.status();
  socket_file.let_others_in(has_users);
  listen(std::move(*acceptor), path);
  return {};
}

Status ChangeServer::State::listen_on_addresses() {
  for (const std::string& address : config.changes_listen) {
    const auto endpoint = loopback_endpoint(address, "changes");
    if (!endpoint.ok()) return endpoint.status();
    auto acceptor = listen_on(io, *endpoint, "changes");
    if (!acceptor.ok()) return acceptor.status();
    const std::string real = to_text(tcp_endpoint(acceptor->local_endpoint()));
    listen(std::move(*acceptor), real);
  }
  return {};
}

Result<std::unique_ptr<ChangeServer>> ChangeServer::open(const ServerConfig& config, RegistryStore* store,
                                                         ServingPtr serving, OperatorActions actions,
                                                         ServerCounters& counters, Log& log) {
  auto state = std::make_unique<State>(config, std::move(serving), std::move(actions), counters, log);
  if (Status status = state->listen_locally(); !status.ok()) {
    if (!config.changes_socket_is_default) return status;
    log.write(LogLevel::kWarn, "no_changes_socket", {{"reason", status.message()}});
  }
  if (Status status = state->listen_on_addresses(); !status.ok()) return status;
  state->serve(store);
  return std::unique_ptr<ChangeServer>(new ChangeServer(std::move(state)));
}

Result<std::unique_ptr<ChangeServer>> ChangeServer::open_loading(const ServerConfig& config, ServingPtr serving,
                                                                 OperatorActions actions, ServerCounters& counters,
                                                                 Log& log) {
  auto state = std::make_unique<State>(config, std::move(serving), std::move(actions), counters, log);
  if (config.changes_socket.empty()) return Status(StatusKind::kConfig, "[changes] has no socket");
  if (Status status = state->listen_locally(); !status.ok()) return status;
  state->connections.wait_for_registry();
  return std::unique_ptr<ChangeServer>(new ChangeServer(std::move(state)));
}

Status ChangeServer::listen_on_all() {
  // On its thread, which accepts at the socket meanwhile.
  std::promise<Status> done;
  asio::post(state_->io, [&] { done.set_value(state_->listen_on_addresses()); });
  return done.get_future().get();
}

void ChangeServer::serve(RegistryStore* store) {
  asio::post(state_->io, [&state = *state_, store] {
    state.serve(store);
    state.start_listeners();
  });
}

void ChangeServer::start() {
  state_->thread = std::jthread([&state = *state_] {
    name_thread("clr-changes");
    state.start_listeners();
    state.connections.start();
    state.io.run();
    state.has_ended.store(true, std::memory_order_release);  // pairs with the acquire in stop()
  });
}

void ChangeServer::remove_socket() { state_->socket_file.remove(); }

void ChangeServer::use(ServingPtr serving) {
  asio::post(state_->io, [&state = *state_, serving = std::move(serving)]() mutable {
    state.socket_file.let_others_in(serving->clients.has_users());
    state.connections.use(std::move(serving));
  });
}

void ChangeServer::stop(std::chrono::steady_clock::time_point deadline) {
  State& state = *state_;
  if (!state.thread.joinable()) return;
  asio::post(state.io, [&state] { state.drain(); });
  while (!state.has_ended.load(std::memory_order_acquire) && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  state.io.stop();
  state.thread.join();
  state.connections.end_chores();
  state.queue.reset();  // what it has is written; who waits for the answer is gone
  state.connections.cut_all();
}

}  // namespace clearline
