// The way of a declaration on a feed: the thread that reads its bytes screens them and sends the verdict. No hop, one lock a read, nothing
// allocated a line; one system call to read many lines, one to answer them.
//
//   accept thread --descriptor--> FeedKeeper --> ReadyQueue --> FeedWorker 1 .. n     (the drawing and the life of a connection:
//                                                                                  feed_hub.h)
//
// Accepting   is apart, so that one place knows how many there are: in all, and of an address. A connection over either limit is
//             told so and closed. Out of descriptors, nobody is accepted for a while: who connects waits in the system's queue,
//             and some descriptors stay free for changes and the journal.
// Bounds      connections: limits.connections. Memory: a connection some 0.6 KiB and the tail of a line (less than
//             limits.line_bytes); a thread one block (kReadBytes + line_bytes) and one slice's verdicts, which with explain are at
//             most some 1 MiB; held for peers that do not read: limits.unanswered_bytes_total and one slice's verdicts a thread.
//             The system's socket buffers come on top; its own limits (tcp_mem) bound them.
// Fairness    a connection has one read of at most kReadBytes a turn, then it is the last of those that can be read; one that does
//             not take its answers is not read.
// Threads     the accept thread, which is the keeper's, and n workers. What they share: FeedHub, and a connection by its lock.
#include "io/net/feed_server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <deque>
#include <thread>
#include <unordered_map>

#include "io/net/asio_parts.h"
#include "io/net/feed_keeper.h"
#include "io/net/feed_worker.h"
#include "io/net/hello.h"
#include "io/net/listener.h"

namespace clearline {
namespace {

/// Descriptors that feeds leave alone: files of the registry, timers, listeners, and the connections of changes.
constexpr std::size_t kDescriptorsForOthers = 64;
constexpr int kRefusedReadsMax = 16;  // whoever sends without end must not keep others from being accepted

/// How many connections there are, in all and of each address. Of the accept thread.
class AddressBook {
 public:
  explicit AddressBook(const Limits& limits) : limits_(&limits) {}

  /// Takes one more in; or the limit that it would be over.
  std::optional<LimitHit> take(const std::string& address) {
    if (all_ >= limits_->connections) return LimitHit::kConnections;
    std::size_t& of_address = by_address_[address];
    if (of_address >= limits_->connections_per_address) return LimitHit::kConnectionsPerAddress;
    ++of_address;
    ++all_;
    return std::nullopt;
  }
  void give(const std::string& address) {
    --all_;
    const auto found = by_address_.find(address);
    if (--found->second == 0) by_address_.erase(found);
  }
  std::size_t all() const { return all_; }

 private:
  const Limits* limits_;
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

/// The processors that this process may run on, or none if that is not known.
std::vector<int> processors() {
  cpu_set_t set;
  std::vector<int> all;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return all;
  for (int i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(i, &set)) all.push_back(i);
  }
  return all;
}

}  // namespace

struct FeedServer::State {
  State(const ServerConfig& config, const Registry& registry, ServingPtr serving, ServerCounters& counters, Log& log)
      : accept_counters(counters.feeds.emplace_back()),
        book(config.limits),
        hub(config, registry, counters, log, std::move(serving)),
        work(asio::make_work_guard(io)),
        keeper(hub, accept_counters, io, [this](const std::string& address) { book.give(address); }) {}

  void welcome(Stream::socket socket);
  void refuse(Stream::socket& socket, const std::string& address, LimitHit limit);

  FeedCounters& accept_counters;
  AddressBook book;
  FeedHub hub;
  std::size_t descriptors_max = 0;  ///< connections that there are descriptors for
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work;
  FeedKeeper keeper;
  std::deque<Listener> listeners;
  std::vector<std::string> addresses;
  std::deque<FeedWorker> workers;
  std::atomic<bool> has_ended{false};  ///< the accept thread has nothing left to do
  std::jthread thread;
};

FeedServer::FeedServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

// NOLINTNEXTLINE(bugprone-exception-escape): what asio and threads throw here is a machine at its end.
FeedServer::~FeedServer() { stop(std::chrono::steady_clock::now()); }

const std::vector<std::string>& FeedServer::addresses() const { return state_->addresses; }

Result<std::unique_ptr<FeedServer>> FeedServer::open(const ServerConfig& config, const Registry& registry,
                                                     ServingPtr serving, ServerCounters& counters, Log& log) {
  auto state = std::make_unique<State>(config, registry, std::move(serving), counters, log);
  State* const it = state.get();
  const Listener::Parts listening{state->io, state->accept_counters, log,
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
  const std::vector<int> all = processors();
  const bool is_pinned = all.size() == static_cast<std::size_t>(threads);
  for (int i = 0; i < threads; ++i) {
    const auto processor = is_pinned ? std::optional(all[static_cast<std::size_t>(i)]) : std::nullopt;
    state->workers.emplace_back(state->hub, counters.feeds.emplace_back(), i, processor);
  }
  return std::unique_ptr<FeedServer>(new FeedServer(std::move(state)));
}

void FeedServer::start() {
  for (FeedWorker& worker : state_->workers) worker.start();
  state_->thread = std::jthread([it = state_.get()] {
    name_thread("clr-accept");
    for (Listener& listener : it->listeners) listener.start();
    it->keeper.start();
    it->io.run();
    it->has_ended.store(true, std::memory_order_release);  // pairs with the acquire in stop()
  });
}

void FeedServer::use(ServingPtr serving) {
  state_->hub.serving.set(std::move(serving));
  asio::post(state_->io, [it = state_.get()] { it->keeper.apply_serving(); });
}

void FeedServer::stop(std::chrono::steady_clock::time_point deadline) {
  State& state = *state_;
  if (state.thread.joinable()) {
    asio::post(state.io, [&state] {
      for (Listener& listener : state.listeners) listener.stop();
      // One turn later: behind accepts that had succeeded already, and whom they bring.
      asio::post(state.io, [&state] {
        state.keeper.drain();
        state.work.reset();
      });
    });
    while (!state.has_ended.load(std::memory_order_acquire) && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    state.io.stop();
    state.thread.join();
  }
  state.hub.ready.end();
  for (FeedWorker& worker : state.workers) worker.join();
  state.keeper.cut_all();
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
  ::fcntl(descriptor, F_SETFL, O_NONBLOCK);
  const int one = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  keeper.take(descriptor, peer);
}

void FeedServer::State::refuse(Stream::socket& socket, const std::string& address, LimitHit limit) {
  accept_counters.hit(limit);
  hub.log.write(LogLevel::kWarn, "feed_refused", {{"limit", to_string(limit)}, {"address", address}});
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
