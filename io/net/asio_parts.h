// What the files with sockets share of Boost.Asio. Included by io/net/*.cc alone.
#pragma once

#include <pthread.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "clearline/status.h"
#include "io/net/server_config.h"

namespace clearline {

namespace asio = boost::asio;
using boost::system::error_code;
using Tcp = asio::ip::tcp;
using Stream = asio::generic::stream_protocol;  ///< of TCP and of Unix sockets
using StreamAcceptor = asio::basic_socket_acceptor<Stream>;

/// `127.0.0.1:7400`, `[::1]:7400` or `localhost:7400`, of this machine alone: without TLS nobody else is served. `what` names the
/// listener in errors (kConfig).
Result<Tcp::endpoint> loopback_endpoint(std::string_view address, std::string_view what);

/// Binds and listens.
Result<StreamAcceptor> listen_on(asio::io_context& io, const Tcp::endpoint& endpoint, std::string_view what);

/// What an endpoint of a TCP socket is.
Tcp::endpoint tcp_endpoint(const Stream::endpoint& endpoint);

/// `127.0.0.1:40123`, `[::1]:40123`.
std::string to_text(const Tcp::endpoint& endpoint);

/// What the system has received for a socket, and nobody has read.
std::size_t received_bytes(int descriptor);
/// What the system has taken to send, and the peer has not confirmed.
std::size_t unsent_bytes(int descriptor);
/// Whether all is read that the peer will ever send.
bool has_ended_sending(int descriptor);

/// How often to look for connections that were quiet for too long: a few times in the shortest of the timeouts.
std::chrono::milliseconds sweep_period(const Limits& limits);

/// Whether accept() failed for want of descriptors or memory: it may succeed later.
bool is_exhausted(const error_code& error);

/// Names the calling thread; 15 bytes at most.
inline void name_thread(const char* name) { pthread_setname_np(pthread_self(), name); }

}  // namespace clearline
