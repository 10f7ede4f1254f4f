// What the files with sockets share of Boost.Asio. Included by io/net/*.cc alone.
#pragma once

#include <pthread.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "clearline/status.h"

namespace clearline {

namespace asio = boost::asio;
using boost::system::error_code;
using Tcp = asio::ip::tcp;

/// `127.0.0.1:7400`, `[::1]:7400` or `localhost:7400`, of this machine alone: without TLS nobody else is served. `what` names the
/// listener in errors (kConfig).
Result<Tcp::endpoint> loopback_endpoint(std::string_view address, std::string_view what);

/// Binds and listens.
Result<Tcp::acceptor> listen_on(asio::io_context& io, const Tcp::endpoint& endpoint, std::string_view what);

/// `127.0.0.1:40123`, `[::1]:40123`.
std::string to_text(const Tcp::endpoint& endpoint);

/// Whether accept() failed for want of descriptors or memory: it may succeed later.
bool is_exhausted(const error_code& error);

/// Names the calling thread; 15 bytes at most.
inline void name_thread(const char* name) { pthread_setname_np(pthread_self(), name); }

}  // namespace clearline
