// FeedServer: declarations in over TCP, verdicts out. (The idea, bounds and threads: see the head of feed_server.cc.)
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "clearline/registry.h"
#include "clearline/status.h"
#include "io/net/log.h"
#include "io/net/server_config.h"
#include "io/net/server_counters.h"
#include "io/net/serving.h"

namespace clearline {

class FeedServer {
 public:
  /// Binds and listens; nobody is accepted before start(). kConfig for an address that is wrong, not loopback, or in use.
  /// All outlive it; `counters.feeds` gets an element a thread.
  static Result<std::unique_ptr<FeedServer>> open(const ServerConfig& config, const Registry& registry,
                                                  ServingPtr serving, ServerCounters& counters, Log& log);
  ~FeedServer();

  /// The addresses it really has, as `127.0.0.1:40123`, in the order of the configuration.
  const std::vector<std::string>& addresses() const;
  void start();
  /// From any thread: what to serve with from now on. Connections of clients that are gone are closed behind the answers to
  /// what they have sent.
  void use(ServingPtr serving);
  /// Accepts nobody any more, answers what was received, flushes, closes; returns when that is done or the time is over.
  void stop(std::chrono::steady_clock::time_point deadline);

 private:
  struct State;
  explicit FeedServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace clearline
