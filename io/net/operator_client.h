// What asks a running server: one line over its Unix socket, one line back.
#pragma once

#include <string>
#include <string_view>

#include "clearline/status.h"

namespace clearline {

/// Asks `status`, `checkpoint` or `reload` of the server behind a socket; the whole answer, one JSON object without its line end.
/// kPeer: nobody is there, it refused, or it ended before it answered.
Result<std::string> ask_server(const std::string& socket_path, std::string_view request);

}  // namespace clearline
