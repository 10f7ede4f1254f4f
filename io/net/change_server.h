// ChangeServer: changes in over a Unix socket or TCP, answers out; and what operators ask for. (The idea, bounds and threads:
// see the head of change_server.cc.)
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "clearline/status.h"
#include "io/net/log.h"
#include "io/net/operator_actions.h"
#include "io/net/server_config.h"
#include "io/net/server_counters.h"
#include "io/net/serving.h"
#include "io/store/registry_store.h"

namespace clearline {

class ChangeServer {
 public:
  /// Binds and listens; nobody is accepted before start(). `store`: nothing where the registry is an image, every change is
  /// answered `read_only` then. All outlive it.
  static Result<std::unique_ptr<ChangeServer>> open(const ServerConfig& config, RegistryStore* store,
                                                    ServingPtr serving, OperatorActions actions,
                                                    ServerCounters& counters, Log& log);
  /// The same for a server that still reads its registry: the Unix socket alone is listened to, a status is answered, changes
  /// are `busy`. listen_on_all() and serve() end that. kConfig also where there is no such socket.
  static Result<std::unique_ptr<ChangeServer>> open_loading(const ServerConfig& config, ServingPtr serving,
                                                            OperatorActions actions, ServerCounters& counters,
                                                            Log& log);
  ~ChangeServer();

  /// The Unix socket's path first, if there is one, then the TCP addresses it really has.
  const std::vector<std::string>& addresses() const;
  void start();
  /// Binds the TCP addresses as well.
  Status listen_on_all();
  /// Takes changes from now on, over all listeners. `store` as of open().
  void serve(RegistryStore* store);
  /// From any thread: what to serve with from now on. Connections of clients that are gone are closed behind their answers.
  void use(ServingPtr serving);
  /// For a process that ends without stop(), on whichever thread.
  void remove_socket();
  /// Accepts nobody any more, answers what was received, flushes, closes; returns when that is done or the time is over.
  /// Removes the Unix socket.
  void stop(std::chrono::steady_clock::time_point deadline);

 private:
  struct State;
  explicit ChangeServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace clearline
