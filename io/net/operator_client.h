// What asks a running server: one line over its Unix socket, one line back.
#pragma once

#include <string>
#include <string_view>

#include "clearline/status.h"

namespace clearline {

/// Asks `status`, `checkpoint` or `reload` of the server behind a socket; the whole answer, `{"status":{...}}` say, one valid
/// JSON object without its line end. kPeer: nobody is there, it refused, it ended before it answered, or what answers is no
/// clearline; a status also when it does not come within 10 s. The others take as long as they do.
Result<std::string> ask_server(const std::string& socket_path, std::string_view request);

}  // namespace clearline
