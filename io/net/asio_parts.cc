#include "io/net/asio_parts.h"

#include <fmt/format.h>

#include <boost/asio/ip/address.hpp>
#include <charconv>

namespace clearline {
namespace {

Status wrong_address(std::string_view address, std::string_view what, const char* why) {
  return {StatusKind::kConfig, std::string(what) + " " + std::string(address) + ": error: " + why};
}

}  // namespace

Result<Tcp::endpoint> loopback_endpoint(std::string_view address, std::string_view what) {
  constexpr const char* kForm = "is no address; write 127.0.0.1:7400, [::1]:7400 or localhost:7400";
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return wrong_address(address, what, kForm);
  const std::string_view port_text = address.substr(colon + 1);
  std::string host(address.substr(0, colon));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  error_code parsed;
  const auto ip = asio::ip::make_address(host, parsed);
  if (error != std::errc() || end != port_text.data() + port_text.size() || parsed) {
    return wrong_address(address, what, kForm);
  }
  if (!ip.is_loopback()) {
    return wrong_address(address, what,
                         "is not of this machine alone, and there is no TLS yet; listen on 127.0.0.1 or [::1]");
  }
  return Tcp::endpoint(ip, port);
}

Result<Tcp::acceptor> listen_on(asio::io_context& io, const Tcp::endpoint& endpoint, std::string_view what) {
  Tcp::acceptor acceptor(io);
  error_code error;
  const auto failed = [&](const char* tried) {
    return Status(StatusKind::kConfig, std::string(what) + " " + to_text(endpoint) + ": error: " + tried + ": " +
                                           error.message() + "; is another program there?");
  };
  acceptor.open(endpoint.protocol(), error);
  if (error) return failed("cannot open a socket");
  acceptor.set_option(Tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (error) return failed("cannot listen");
  acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return failed("cannot listen");
  return acceptor;
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

}  // namespace clearline
