// What asks a running server: one line over its listener of changes, one line back.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "clearline/status.h"
#include "io/net/peer_address.h"

namespace clearline {

/// Which server is asked, and what proves who asks.
struct AskedServer {
  std::string socket_path;             ///< its Unix socket, unless there is an address
  std::optional<PeerAddress> address;  ///< its TCP listener of changes
  std::optional<std::string> token;    ///< UTF-8; sent in a hello
};

/// Asks `status`, `checkpoint` or `reload`; the whole answer, `{"status":{...}}` say, one valid JSON object without its line
/// end. kPeer: nobody is there, it refused, it ended before it answered, what answers is no clearline, or it is silent: no
/// status comes within `patience`. A checkpoint and a reload take as long as they do; meanwhile a status is asked for every
/// `patience`, so that a server that hangs is noticed.
Result<std::string> ask_server(const AskedServer& server, std::string_view request,
                               std::chrono::milliseconds patience = std::chrono::seconds(10));

}  // namespace clearline
