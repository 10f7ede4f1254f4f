#include "io/net/server.h"

#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "io/net/asio_parts.h"
#include "io/net/change_server.h"
#include "io/net/clients.h"
#include "io/net/config_file.h"
#include "io/net/feed_server.h"
#include "io/net/log.h"
#include "io/net/status_text.h"
#include "io/store/output_file.h"
#include "io/store/registry_store.h"

namespace clearline {
namespace {

using Clock = std::chrono::steady_clock;

/// How often the registry is looked after.
constexpr std::chrono::seconds kLookEvery{2};
/// How often a reload that waits for its turn looks whether there will be none, because the server stops.
constexpr std::chrono::milliseconds kReloadLook{20};
/// How often a server that reads its registry says so in the log.
constexpr std::chrono::seconds kLoadingEvery{5};
/// How often it looks whether a stdout that was full takes a line.
constexpr std::chrono::milliseconds kStdoutLook{100};

/// Whether a line can be written to stdout without waiting: a pipe that can be written takes PIPE_BUF bytes. Also when the write
/// will fail, which says why.
bool stdout_takes_a_line() {
  pollfd room{STDOUT_FILENO, POLLOUT, 0};
  return ::poll(&room, 1, 0) != 0;
}

ServingPtr serving_of(const ServerConfig& config) {
  return std::make_shared<const Serving>(Serving{standard_policy(), Clients(config.clients)});
}

/// Keeps signals from the calling thread, and from those that it starts: they come to the control thread alone, so that they
/// interrupt no file that another one reads or writes.
class SignalsHeldBack {
 public:
  SignalsHeldBack() {
    sigset_t held;
    sigemptyset(&held);
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&held, number);
    pthread_sigmask(SIG_BLOCK, &held, &before_);
  }
  SignalsHeldBack(const SignalsHeldBack&) = delete;
  SignalsHeldBack& operator=(const SignalsHeldBack&) = delete;
  ~SignalsHeldBack() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

std::string_view to_string(RegistryStore::State state) {
  switch (state) {
    case RegistryStore::State::kReady:
      return "ready";
    case RegistryStore::State::kNoSpace:
      return "no_space";
    case RegistryStore::State::kMoved:
      return "moved";
    case RegistryStore::State::kFailed:
      break;
  }
  return "failed";
}

/// The configuration with as many threads as it means.
ServerConfig with_threads(const ServerRequest& request) {
  ServerConfig config = request.config;
  if (config.feed_threads == 0) config.feed_threads = request.processors;
  return config;
}

/// The registry that is served: a directory that changes, or an image.
struct ServedRegistry {
  std::unique_ptr<RegistryStore> store;  // of a directory
  std::optional<Registry> image;
  std::vector<std::string> warnings;
  const Registry& registry() const { return store ? store->registry() : *image; }
};

Result<ServedRegistry> open_registry(const ServerConfig& config) {
  ServedRegistry served;
  if (!config.registry_dir.empty()) {
    auto store = RegistryStore::open(config.registry_dir);
    if (!store.ok()) return store.status();
    served.store = std::move(*store);
    served.warnings = served.store->warnings();
  } else {
    auto image = read_any_registry(config.registry_image, served.warnings);
    if (!image.ok()) return image.status();
    served.image.emplace(std::move(*image));
  }
  return served;
}

class Server {
 public:
  explicit Server(const ServerRequest& request)
      : request_(request),
        config_(with_threads(request)),
        log_(std::in_place, request.config.log_level),
        signals_(io_, SIGTERM, SIGINT, SIGHUP),
        work_(asio::make_work_guard(io_)),
        look_timer_(io_),
        tell_timer_(io_) {}

  Status run();

 private:
  void wait_for_signal();
  void open_early();
  void say_that_it_loads();
  void load();
  OperatorActions actions();
  Status open_listeners();
  Status tell_lines();
  Status reload();
  std::string status();
  void look_after_registry();
  void start_checkpoint();
  void stop();

  const ServerRequest& request_;
  const ServerConfig config_;  // as it is served
  std::optional<Log> log_;
  asio::io_context io_{1};
  asio::signal_set signals_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::steady_timer look_timer_;
  std::deque<std::string> lines_;  // for stdout, not told yet
  asio::steady_timer tell_timer_;
  RegistryStore::State told_state_ = RegistryStore::State::kReady;
  std::atomic<bool> is_writing_image_{false};  // relaxed: guards nothing
  std::jthread checkpointer_;
  const Clock::time_point start_ = Clock::now();
  std::jthread loader_;
  std::optional<ServedRegistry> served_;
  std::atomic<bool> is_loaded_{false};  // served_ and all counters are there: release, and acquire in status()
  ServerCounters counters_;
  std::unique_ptr<FeedServer> feeds_;
  std::unique_ptr<ChangeServer> changes_;
  std::vector<ClientConfig> clients_;     // of the last good configuration
  std::atomic<bool> is_stopping_{false};  // says nothing about others: relaxed
  std::atomic<std::uint64_t> reloads_{0};
  std::atomic<std::uint64_t> failed_reloads_{0};
  Status ended_;
};

Status Server::run() {
  name_thread("clr-control");
  wait_for_signal();
  log_->write(LogLevel::kInfo, "starting", {{"version", request_.version}, {"pid", std::uint64_t(getpid())}});
  say_that_it_loads();
  {
    const SignalsHeldBack held;
    open_early();
    loader_ = std::jthread([this] { load(); });
  }
  io_.run();
  if (loader_.joinable()) loader_.join();
  if (feeds_ || changes_) stop();
  log_->write(LogLevel::kInfo, "stopped", {});
  return ended_;
}

/// Listens at the Unix socket while the registry is read, so that a status can be asked for. Where that does not go, it is tried
/// again when the registry is there, and told then.
void Server::open_early() {
  auto changes = ChangeServer::open_loading(config_, serving_of(request_.config), actions(), counters_, *log_);
  if (!changes.ok()) return;
  changes_ = std::move(*changes);
  changes_->start();
}

/// At once, and again every few seconds.
void Server::say_that_it_loads() {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - start_).count();
  log_->write(LogLevel::kInfo, "loading",
              {{"registry", request_.config.registry_dir.empty() ? "image" : "dir"},
               {"seconds", static_cast<std::uint64_t>(seconds)}});
  look_timer_.expires_after(kLoadingEvery);
  look_timer_.async_wait([this](const error_code& error) {
    if (!error && !served_) say_that_it_loads();
  });
}

void Server::wait_for_signal() {
  signals_.async_wait([this](const error_code& error, int number) {
    if (error) return;
    wait_for_signal();
    if (number == SIGHUP) {
      if (feeds_) (void)reload();
      return;
    }
    if (!feeds_) {
      // Still loading: nothing was promised to anybody.
      if (changes_) changes_->remove_socket();
      log_->write(LogLevel::kInfo, "stopped", {{"while", "loading"}});
      log_.reset();  // writes it; the loader says nothing
      remove_pending_output_files();
      std::_Exit(0);
    }
    work_.reset();
    io_.stop();
  });
}

/// On the loader's thread.
void Server::load() {
  auto served = open_registry(request_.config);
  asio::post(io_, [this, served = std::make_shared<Result<ServedRegistry>>(std::move(served))] {
    if (!served->ok()) {
      ended_ = served->status();
      io_.stop();
      return;
    }
    served_.emplace(std::move(**served));
    for (const std::string& warning : served_->warnings) {
      log_->write(LogLevel::kWarn, "registry", {{"warning", warning}});
    }
    ended_ = open_listeners();
    if (!ended_.ok()) io_.stop();
  });
}

OperatorActions Server::actions() {
  OperatorActions actions;
  actions.status = [this] { return status(); };
  actions.checkpoint = [this]() -> Result<RegistryStore::Checkpoint> {
    if (!served_->store) return Status(StatusKind::kUsage, "an image is served: there is nothing to write");
    return served_->store->checkpoint();
  };
  actions.reload = [this] {
    auto done = std::make_shared<std::promise<Status>>();
    auto is_done = done->get_future();
    asio::post(io_, [this, done] { done->set_value(reload()); });
    while (is_done.wait_for(kReloadLook) != std::future_status::ready) {
      if (is_stopping_.load(std::memory_order_relaxed))
        return Status(StatusKind::kInterrupted, "the server is stopping");
    }
    return is_done.get();
  };
  return actions;
}

Status Server::open_listeners() {
  const SignalsHeldBack held;
  clients_ = request_.config.clients;
  const ServingPtr serving = serving_of(request_.config);
  auto feeds = FeedServer::open(config_, served_->registry(), serving, counters_, *log_);
  if (!feeds.ok()) return feeds.status();
  is_loaded_.store(true, std::memory_order_release);
  const bool is_early = changes_ != nullptr;
  if (is_early) {
    if (Status status = changes_->listen_on_all(); !status.ok()) return status;
    changes_->serve(served_->store.get());  // before anybody reads where it listens
  } else {
    auto changes = ChangeServer::open(config_, served_->store.get(), serving, actions(), counters_, *log_);
    if (!changes.ok()) return changes.status();
    changes_ = std::move(*changes);
  }
  feeds_ = std::move(*feeds);
  for (const std::string& address : feeds_->addresses()) lines_.push_back("listening feed " + address);
  for (const std::string& address : changes_->addresses()) lines_.push_back("listening changes " + address);
  lines_.emplace_back("ready");
  feeds_->start();
  if (!is_early) changes_->start();
  if (config_.http_listen != ServerConfig().http_listen) {
    log_->write(LogLevel::kWarn, "http_not_served",
                {{"because", "this version reads and checks [http], and does not serve it"}});
  }
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start_).count();
  log_->write(LogLevel::kInfo, "ready",
              {{"seq", served_->registry().seq()}, {"milliseconds", static_cast<std::uint64_t>(milliseconds)}});
  look_after_registry();
  return tell_lines();
}

/// Tells what waits for stdout. Where nobody reads that (a pipe that is full), it looks again now and then: this thread takes
/// the signals, and would take none while it waited in a write.
Status Server::tell_lines() {
  while (!lines_.empty()) {
    if (!stdout_takes_a_line()) {
      tell_timer_.expires_after(kStdoutLook);
      tell_timer_.async_wait([this](const error_code& error) {
        if (error) return;
        ended_ = tell_lines();
        if (!ended_.ok()) io_.stop();
      });
      return {};
    }
    if (Status status = request_.tell(lines_.front()); !status.ok()) return status;
    lines_.pop_front();
  }
  return {};
}

/// Comes again every few seconds: tells when the journal fails or works again, and writes an image when one is due.
void Server::look_after_registry() {
  RegistryStore* const store = served_->store.get();
  if (store == nullptr) return;
  store->look_around();
  if (const RegistryStore::State state = store->state(); state != std::exchange(told_state_, state)) {
    const bool is_ready = state == RegistryStore::State::kReady;
    log_->write(is_ready ? LogLevel::kInfo : LogLevel::kError, "registry",
                {{"state", to_string(state)}, {"reason", store->state_reason()}});
  }
  const std::uint64_t wanted = config_.checkpoint_changes;
  if (wanted != 0 && told_state_ != RegistryStore::State::kFailed && told_state_ != RegistryStore::State::kMoved &&
      store->changes_since_image() >= wanted && !is_writing_image_.load(std::memory_order_relaxed)) {
    start_checkpoint();
  }
  look_timer_.expires_after(kLookEvery);
  look_timer_.async_wait([this](const error_code& error) {
    if (!error) look_after_registry();
  });
}

void Server::start_checkpoint() {
  is_writing_image_.store(true, std::memory_order_relaxed);
  const SignalsHeldBack held;
  checkpointer_ = std::jthread([this] {
    name_thread("clr-image");
    const auto start = Clock::now();
    const auto made = served_->store->checkpoint();
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
    if (made.ok()) {
      log_->write(LogLevel::kInfo, "checkpoint",
                  {{"seq", made->seq}, {"milliseconds", static_cast<std::uint64_t>(milliseconds)}});
    } else {
      log_->write(LogLevel::kWarn, "checkpoint_failed", {{"reason", made.status().message()}});
    }
    is_writing_image_.store(false, std::memory_order_relaxed);
  });
}

Status Server::reload() {
  auto config = read_config(request_.config_path);
  if (!config.ok()) {
    failed_reloads_.fetch_add(1, std::memory_order_relaxed);
    log_->write(LogLevel::kError, "reload_refused", {{"error", config.status().message()}});
    return config.status();
  }
  const ServingPtr serving = serving_of(*config);
  feeds_->use(serving);
  changes_->use(serving);
  clients_ = config->clients;
  reloads_.fetch_add(1, std::memory_order_relaxed);
  log_->write(LogLevel::kInfo, "reloaded", {{"clients", std::uint64_t(clients_.size())}});
  ServerConfig as_started = request_.config;
  as_started.clients = config->clients;
  if (config_text(as_started) != config_text(*config)) {
    log_->write(LogLevel::kWarn, "restart_needed", {{"because", "keys other than policy and clients differ"}});
  }
  return {};
}

std::string Server::status() {
  ServerState state;
  state.version = request_.version;
  state.uptime_seconds =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - start_).count());
  if (!is_loaded_.load(std::memory_order_acquire)) {
    state.state = "loading";
    state.policy = "standard";
    return status_json(state, *std::make_unique<ServerCounters>(), nullptr);  // feeds may add theirs just now
  }
  if (is_stopping_.load(std::memory_order_relaxed)) state.state = "stopping";
  const Registry& registry = served_->registry();
  state.identity = registry.identity();
  state.seq = registry.seq();
  const RegistryStore* const store = served_->store.get();
  state.store_state = "image";
  state.is_read_only = true;
  if (store != nullptr) {
    const RegistryStore::State now = store->state();
    state.is_read_only = now == RegistryStore::State::kFailed || now == RegistryStore::State::kMoved;
    state.store_state = to_string(store->state());
    if (const auto last_us = store->last_change_us()) {
      state.last_change_age_seconds =
          static_cast<std::uint64_t>(std::max<std::int64_t>(system_now_us() - *last_us, 0)) / 1'000'000;
    }
  }
  state.policy = "standard";
  state.reloads = reloads_.load(std::memory_order_relaxed);
  state.failed_reloads = failed_reloads_.load(std::memory_order_relaxed);
  return status_json(state, counters_, store != nullptr ? &store->commit_times() : nullptr);
}

void Server::stop() {
  const auto deadline = Clock::now() + request_.config.limits.stop_timeout;
  is_stopping_.store(true, std::memory_order_relaxed);
  // A second signal, or a disk that never answers: the end comes all the same. What was answered is on disk.
  std::signal(SIGTERM, [](int) { std::_Exit(static_cast<int>(StatusKind::kInterrupted)); });
  std::signal(SIGINT, [](int) { std::_Exit(static_cast<int>(StatusKind::kInterrupted)); });
  log_->write(LogLevel::kInfo, "stopping");
  std::promise<void> stopped;
  auto is_stopped = stopped.get_future();
  std::jthread watchdog([&, this] {
    if (is_stopped.wait_until(deadline + std::chrono::milliseconds(500)) == std::future_status::ready) return;
    log_->write(LogLevel::kError, "stop_timeout");
    log_->flush();
    std::_Exit(0);
  });
  {
    std::jthread stop_feeds([&] {
      if (feeds_) feeds_->stop(deadline);
    });
    if (changes_) changes_->stop(deadline);
  }
  feeds_.reset();
  changes_.reset();
  if (checkpointer_.joinable()) checkpointer_.join();
  served_.reset();
  stopped.set_value();
}

}  // namespace

Status run_server(const ServerRequest& request) {
  prepare_hashing();
  std::optional<SignalsHeldBack> held(std::in_place);  // the log's thread starts in here
  Server server(request);
  held.reset();
  return server.run();
}

}  // namespace clearline
