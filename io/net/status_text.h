// What `clearline status` shows: counters and state of a server as one JSON object, and that object as a table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "clearline/registry.h"
#include "clearline/status.h"
#include "io/net/server_counters.h"
#include "io/store/registry_store.h"

namespace clearline {

struct ServerState {
  std::string version;
  std::string state =
      "ready";  ///< of the server: loading, ready, stopping; while it loads, nothing of a registry is known
  std::uint64_t uptime_seconds = 0;
  RegistryIdentity identity;
  std::uint64_t seq = 0;
  std::optional<std::uint64_t> last_change_age_seconds;  ///< of its `effective`; nothing: there was none
  bool is_read_only = false;                             ///< the registry is an image, or its journal has failed
  std::string store_state;                               ///< ready, no_space, moved, failed, image
  std::string policy;
  std::uint64_t reloads = 0;
  std::uint64_t failed_reloads = 0;
};

/// One JSON object without a line end.
std::string status_json(const ServerState& state, const ServerCounters& counters, const CommitTimes* commits);

}  // namespace clearline
