#include "io/net/peer_address.h"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace clearline {
namespace {

/// The IPv4 address that an IPv6 one stands for (`::ffff:127.0.0.1`); any other as it is.
Address unmapped(const Address& address) {
  constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (!address.is_v6 || !std::equal(kMapped.begin(), kMapped.end(), address.bytes.begin())) return address;
  Address v4;
  v4.port = address.port;
  std::copy(address.bytes.begin() + kMapped.size(), address.bytes.end(), v4.bytes.begin());
  return v4;
}

}  // namespace

Result<PeerAddress> parse_peer_address(const std::string& text) {
  const auto wrong = [](const char* words) { return Status(StatusKind::kUsage, words); };
  if (text.starts_with("tls://")) return wrong("asks for TLS, which is not in this version; write 127.0.0.1:7400");
  const std::size_t colon = text.rfind(':');
  const auto port = colon == std::string::npos ? std::nullopt : parse_address("127.0.0.1" + text.substr(colon));
  const std::string host = text.substr(0, port ? colon : 0);
  const bool is_host = !host.empty() && (host.starts_with('[') || host.find(':') == std::string::npos) &&
                       host.find_first_of(" \t/") == std::string::npos;
  if (!is_host || port->port == 0) return wrong("is no HOST:PORT; write 127.0.0.1:7400 or [::1]:7400");
  const auto parsed = parse_address(text);
  const auto address = parsed ? std::optional(unmapped(*parsed)) : std::nullopt;
  if (!address || !address->is_loopback()) {
    return wrong(
        "is not of this machine, and without TLS, which is not in this version, a token and persons would go there in "
        "clear; write 127.0.0.1, [::1] or localhost, the end of a tunnel say");
  }
  PeerAddress to{{*address}, text};
  if (host == "localhost") to.addresses.push_back(*parse_address("[::1]" + text.substr(colon)));
  return to;
}

SocketAddress socket_address(const Address& address) {
  SocketAddress made;
  if (address.is_v6) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(address.port);
    std::memcpy(&v6.sin6_addr, address.bytes.data(), sizeof v6.sin6_addr);
    std::memcpy(&made.storage, &v6, sizeof v6);
    made.size = sizeof v6;
  } else {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    std::memcpy(&v4.sin_addr, address.bytes.data(), sizeof v4.sin_addr);
    std::memcpy(&made.storage, &v4, sizeof v4);
    made.size = sizeof v4;
  }
  return made;
}

}  // namespace clearline
