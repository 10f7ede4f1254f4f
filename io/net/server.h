// The server: registry, feeds and changes as one life, from reading the registry to the last answer.
//
//   loading    the registry is read on a thread of its own, and the log says so. At the Unix socket a status is answered, and changes are
//              `busy`; nobody else is listened to, so whoever connects is refused
//   ready      feeds and changes are listened to; `listening KIND ADDRESS` a line and `ready` are said on stdout, as soon
//              as that takes them: a pipe that nobody reads delays neither what is served nor the end
//   stopping   SIGTERM or SIGINT: nobody is accepted, what was received is answered, within stop_timeout; exit 0. A second one
//              ends at once
//
// SIGHUP, or an operator's request, reads the configuration again: policy and clients are replaced as one, other keys that
// differ are told and wait for the next start. A file with faults changes nothing.
#pragma once

#include <functional>
#include <string>

#include "clearline/status.h"
#include "io/net/server_config.h"

namespace clearline {

struct ServerRequest {
  ServerConfig config;
  std::string config_path;  ///< is read again by a reload
  int processors = 1;       ///< that may be used
  std::string version;
  std::function<Status(const std::string& line)> tell;  ///< takes a line for stdout
};

/// Serves until a signal ends it. kConfig: an address cannot be listened on; kRegistry: the registry cannot be read.
Status run_server(const ServerRequest& request);

}  // namespace clearline
