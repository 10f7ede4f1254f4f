#include "io/net/asio_parts.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <cerrno>
#include <cstring>

#include "io/net/config_values.h"

namespace clearline {
namespace {

Status wrong_address(std::string_view address, std::string_view what, const char* why) {
  return {StatusKind::kConfig, std::string(what) + " " + std::string(address) + ": error: " + why};
}

}  // namespace

Result<Tcp::endpoint> loopback_endpoint(std::string_view address, std::string_view what) {
  const auto parsed = parse_address(address);
  if (!parsed) {
    return wrong_address(address, what, "is no address; write 127.0.0.1:7400, [::1]:7400 or localhost:7400");
  }
  if (!parsed->is_loopback()) {
    return wrong_address(address, what,
                         "is not of this machine alone, and there is no TLS yet; listen on 127.0.0.1 or [::1]");
  }
  if (parsed->is_v6) return Tcp::endpoint(asio::ip::address_v6(parsed->bytes), parsed->port);
  asio::ip::address_v4::bytes_type bytes;
  std::copy_n(parsed->bytes.begin(), bytes.size(), bytes.begin());
  return Tcp::endpoint(asio::ip::address_v4(bytes), parsed->port);
}

Result<StreamAcceptor> listen_on(asio::io_context& io, const Tcp::endpoint& endpoint, std::string_view what) {
  StreamAcceptor acceptor(io);
  error_code error;
  const auto failed = [&](const char* tried) {
    return Status(StatusKind::kConfig, std::string(what) + " " + to_text(endpoint) + ": error: " + tried + ": " +
                                           error.message() + "; is another program there?");
  };
  acceptor.open(Stream(endpoint.protocol()), error);
  if (error) return failed("cannot open a socket");
  acceptor.set_option(StreamAcceptor::reuse_address(true), error);
  if (!error) acceptor.bind(Stream::endpoint(endpoint), error);
  if (error) return failed("cannot listen");
  acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return failed("cannot listen");
  return acceptor;
}

Tcp::endpoint tcp_endpoint(const Stream::endpoint& endpoint) {
  Tcp::endpoint tcp;
  const std::size_t size = std::min(endpoint.size(), tcp.capacity());
  std::memcpy(tcp.data(), endpoint.data(), size);
  tcp.resize(size);
  return tcp;
}

std::string to_text(const Tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", host, endpoint.port())
                                    : fmt::format("{}:{}", host, endpoint.port());
}

bool is_exhausted(const error_code& error) {
  return error == asio::error::no_descriptors || error == asio::error::no_memory ||
         error == asio::error::no_buffer_space || error.value() == ENFILE;
}

std::size_t received_bytes(int descriptor) {
  int bytes = 0;
  return ioctl(descriptor, FIONREAD, &bytes) == 0 ? static_cast<std::size_t>(std::max(bytes, 0)) : 0;
}

std::size_t unsent_bytes(int descriptor) {
  int bytes = 0;
  return ioctl(descriptor, TIOCOUTQ, &bytes) == 0 ? static_cast<std::size_t>(std::max(bytes, 0)) : 0;
}

bool has_ended_sending(int descriptor) {
  char next = 0;
  return recv(descriptor, &next, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

std::chrono::milliseconds sweep_period(const Limits& limits) {
  const auto shortest = std::min({limits.handshake_timeout, limits.idle_timeout, limits.write_stall_timeout});
  return std::clamp<std::chrono::milliseconds>(shortest / 4, std::chrono::milliseconds(5),
                                               std::chrono::milliseconds(500));
}

}  // namespace clearline
