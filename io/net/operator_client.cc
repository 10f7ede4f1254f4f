#include "io/net/operator_client.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "io/net/asio_parts.h"

namespace clearline {

Result<std::string> ask_server(const std::string& socket_path, std::string_view request) {
  using Local = asio::local::stream_protocol;
  const auto failed = [&](const std::string& what) {
    return Status(StatusKind::kPeer, socket_path + ": error: " + what);
  };
  if (socket_path.size() >= Local::endpoint().capacity() - 2) return failed("the path is longer than sockets may have");
  asio::io_context io;
  Local::socket socket(io);
  error_code error;
  socket.connect(Local::endpoint(socket_path), error);
  if (error)
    return failed("no server answers: " + error.message() + "; is it running, and is this its [changes] socket?");
  const std::string line = "{\"request\":\"" + std::string(request) + "\"}\n";
  asio::write(socket, asio::buffer(line), error);
  std::string answer;
  if (!error) asio::read_until(socket, asio::dynamic_buffer(answer), '\n', error);
  if (error) return failed("the server ended before it answered");
  answer.resize(answer.find('\n'));
  if (answer.find("\"ok\":false") != std::string::npos || answer.starts_with("{\"closing\"")) {
    return failed("refused: " + answer);
  }
  return answer;
}

}  // namespace clearline
