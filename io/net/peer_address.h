// PeerAddress: where a client of ours connects to. A token and persons go there in clear as long as there is no TLS, so it is
// on this machine, and a name is never asked for: whoever answers for names would choose who gets them.
#pragma once

#include <sys/socket.h>

#include <string>
#include <vector>

#include "clearline/status.h"
#include "io/net/config_values.h"

namespace clearline {

struct PeerAddress {
  std::vector<Address> addresses;  ///< tried in this order: `localhost` is 127.0.0.1, and then ::1
  std::string text;                ///< for errors
};
/// Reads `127.0.0.1:7400`, `[::1]:7400`, `localhost:7400`. kUsage: it is none of this machine's; the words follow the name of
/// an option, and repeat nothing of the text.
Result<PeerAddress> parse_peer_address(const std::string& text);

/// An address as the system takes it.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};
SocketAddress socket_address(const Address& address);

}  // namespace clearline
