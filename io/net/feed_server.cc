// The way of a declaration on a feed: the thread that reads its bytes screens them and sends the verdict. No hop, no lock, nothing
// allocated a line; one system call to read many lines, one to answer them.
//
//   accept thread --descriptor--> FeedWorker 1 .. n, the one with the fewest connections
//
// Balance     some feeds send much more than others: a worker that has much to do, beside one that idles, gives it a connection at a
//             moment when nothing of it is held and nothing is waited for (FeedWorker::balance). That is a matter of half
//             seconds, and costs nothing a read.
// Accepting   is apart, so that one place knows how many there are: in all, and of an address. A connection over either limit is
//             told so and closed. Out of descriptors, nobody is accepted for a while: who connects waits in the system's queue,
//             and some descriptors stay free for changes and the journal.
// Bounds      connections: limits.connections. Memory: a connection some 1.1 KiB and the tail of a line (less than
//             limits.line_bytes); a thread one block (kReadBytes + line_bytes) and one slice's verdicts, which with explain are at
//             most some 1 MiB; held for peers that do not read: limits.unanswered_bytes_total and one slice's verdicts a thread.
//             The system's socket buffers come on top; its own limits (tcp_mem) bound them.
// Fairness    a connection has one read of at most kReadBytes a turn; one that does not take its answers is not read.
// Threads     the accept thread, n workers; what they share: the counts of connections by address (a lock, twice a connection's
//             life), each worker's load, the sum of unanswered bytes, and a lock when a connection changes its worker.
#include "io/net/feed_server.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "io/net/asio_parts.h"
#include "io/net/feed_worker.h"
#include "io/net/hello.h"
#include "io/net/listener.h"

namespace clearline {
namespace {

/// Descriptors that feeds leave alone: files of the registry, timers, listeners, and the connections of changes.
constexpr std::size_t kDescriptorsForOthers = 64;
constexpr int kRefusedReadsMax = 16;  // whoever sends without end must not keep others from being accepted

/// How many connections there are, in all and of each address.
class AddressBook {
 public:
  explicit AddressBook(const Limits& limits) : limits_(&limits) {}

  /// Takes one more in; or the limit that it would be over.
  std::optional<LimitHit> take(const std::string& address) {
    const std::scoped_lock lock(mutex_);
    if (all_ >= limits_->connections) return LimitHit::kConnections;
    std::size_t& of_address = by_address_[address];
    if (of_address >= limits_->connections_per_address) return LimitHit::kConnectionsPerAddress;
    ++of_address;
    ++all_;
    return std::nullopt;
  }
  void give(const std::string& address) {
    const std::scoped_lock lock(mutex_);
    --all_;
    const auto found = by_address_.find(address);
    if (--found->second == 0) by_address_.erase(found);
  }
  std::size_t all() const {
    const std::scoped_lock lock(mutex_);
    return all_;
  }

 private:
  const Limits* limits_;
  mutable std::mutex mutex_;
  std::size_t all_ = 0;
  std::unordered_map<std::string, std::size_t> by_address_;
};

/// As many descriptors as this process may have; how many that are.
std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1'024;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace

struct FeedServer::State {
  State(const ServerConfig& server_config, ServerCounters& server_counters, Log& server_log)
      : config(server_config),
        counters(server_counters),
        log(server_log),
        book(server_config.limits),
        work(asio::make_work_guard(io)) {}

  void welcome(Stream::socket socket);
  FeedWorker& idlest() {
    return *std::min_element(workers.begin(), workers.end(),
                             [](const FeedWorker& a, const FeedWorker& b) { return a.busy() < b.busy(); });
  }
  void unless_stopping(const std::function<void()>& hand_over) {
    const std::scoped_lock lock(stopping);
    if (!is_stopping) hand_over();
  }
  void refuse(Stream::socket& socket, const std::string& address, LimitHit limit);

  const ServerConfig& config;
  ServerCounters& counters;
  Log& log;
  AddressBook book;
  std::size_t descriptors_max = 0;  ///< connections that there are descriptors for
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work;
  std::deque<Listener> listeners;
  std::vector<std::string> addresses;
  FeedCounters* accept_counters = nullptr;
  std::mutex stopping;
  bool is_stopping = false;
  std::deque<FeedWorker> workers;
  std::jthread thread;
};

FeedServer::FeedServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

// NOLINTNEXTLINE(bugprone-exception-escape): what asio and threads throw here is a machine at its end.
FeedServer::~FeedServer() { stop(std::chrono::steady_clock::now()); }

const std::vector<std::string>& FeedServer::addresses() const { return state_->addresses; }

Result<std::unique_ptr<FeedServer>> FeedServer::open(const ServerConfig& config, const Registry& registry,
                                                     ServingPtr serving, ServerCounters& counters, Log& log) {
  auto state = std::make_unique<State>(config, counters, log);
  State* const it = state.get();
  state->accept_counters = &counters.feeds.emplace_back();
  const Listener::Parts listening{state->io, *state->accept_counters, log,
                                  [it] { return it->book.all() < it->descriptors_max; },
                                  [it](Stream::socket socket) { it->welcome(std::move(socket)); }};
  for (const std::string& address : config.feed_listen) {
    const auto endpoint = loopback_endpoint(address, "feed");
    if (!endpoint.ok()) return endpoint.status();
    auto acceptor = listen_on(state->io, *endpoint, "feed");
    if (!acceptor.ok()) return acceptor.status();
    state->addresses.push_back(to_text(tcp_endpoint(acceptor->local_endpoint())));
    state->listeners.emplace_back(listening, std::move(*acceptor));
  }
  const std::size_t descriptors = raise_descriptor_limit();
  const std::size_t others = std::min(kDescriptorsForOthers + config.limits.change_connections, descriptors / 2);
  state->descriptors_max = descriptors - others;
  if (state->descriptors_max < config.limits.connections) {
    log.write(LogLevel::kWarn, "few_descriptors",
              {{"connections_possible", state->descriptors_max}, {"connections", config.limits.connections}});
  }
  const int threads = std::max(config.feed_threads, 1);
  for (int i = 0; i < threads; ++i) {
    const FeedWorker::Parts parts{config,
                                  registry,
                                  counters,
                                  counters.feeds.emplace_back(),
                                  log,
                                  [it](const std::string& address) { it->book.give(address); },
                                  [it]() -> FeedWorker& { return it->idlest(); },
                                  [it](const std::function<void()>& hand_over) { it->unless_stopping(hand_over); }};
    state->workers.emplace_back(parts, serving, i);
  }
  return std::unique_ptr<FeedServer>(new FeedServer(std::move(state)));
}

void FeedServer::start() {
  for (FeedWorker& worker : state_->workers) worker.start();
  state_->thread = std::jthread([it = state_.get()] {
    name_thread("clr-accept");
    for (Listener& listener : it->listeners) listener.start();
    it->io.run();
  });
}

void FeedServer::use(ServingPtr serving) {
  for (FeedWorker& worker : state_->workers) worker.use(serving);
}

void FeedServer::stop(std::chrono::steady_clock::time_point deadline) {
  State& state = *state_;
  if (state.thread.joinable()) {
    asio::post(state.io, [&state] {
      for (Listener& listener : state.listeners) listener.stop();
      state.work.reset();
    });
    state.thread.join();  // nobody is handed to a worker from here on
  }
  {
    const std::scoped_lock lock(state.stopping);
    state.is_stopping = true;
  }
  for (FeedWorker& worker : state.workers) worker.drain();
  for (FeedWorker& worker : state.workers) worker.join(deadline);
}

void FeedServer::State::welcome(Stream::socket socket) {
  error_code error;
  const Tcp::endpoint peer = tcp_endpoint(socket.remote_endpoint(error));
  if (error) return;  // gone already
  const std::string address = peer.address().to_string();
  if (const auto limit = book.take(address)) {
    refuse(socket, address, *limit);
    return;
  }
  const int descriptor = socket.release(error);
  if (error) {
    book.give(address);
    return;
  }
  const auto least = std::min_element(workers.begin(), workers.end(),
                                      [](const FeedWorker& a, const FeedWorker& b) { return a.load() < b.load(); });
  least->adopt(descriptor, peer);
}

void FeedServer::State::refuse(Stream::socket& socket, const std::string& address, LimitHit limit) {
  accept_counters->hit(limit);
  log.write(LogLevel::kWarn, "feed_refused", {{"limit", to_string(limit)}, {"address", address}});
  OutBuffer words;
  append_closing(to_string(limit),
                 limit == LimitHit::kConnections ? "there are as many feeds as may be; try again later"
                                                 : "there are as many feeds from this address as may be",
                 words);
  // A socket that nothing was sent over takes these few bytes without waiting. What the peer has sent already is read, so that
  // the system does not answer it with a reset, which could overtake the words.
  ::send(socket.native_handle(), words.text().data(), words.text().size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::shutdown(socket.native_handle(), SHUT_WR);
  std::array<char, 4'096> unread;
  for (int reads = 0; reads < kRefusedReadsMax; ++reads) {
    if (recv(socket.native_handle(), unread.data(), unread.size(), MSG_DONTWAIT) <= 0) break;
  }
}

}  // namespace clearline
