#include "io/net/operator_client.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <chrono>

#include "io/formats/json_object.h"
#include "io/net/asio_parts.h"

namespace clearline {
namespace {

constexpr std::size_t kAnswerBytesMax = std::size_t{1} << 20;  // a status has some 4 KiB; a reload tells all faults
constexpr std::chrono::seconds kStatusPatience{10};

/// Whether a line is `{"NAME":{...}}`, strictly.
bool is_answer(const std::string& line, std::string_view name) {
  const std::string start = "{\"" + std::string(name) + "\":{";
  JsonObject object;
  return line.starts_with(start) && line.ends_with("}}") && !object.parse(line) && object.members().size() == 1;
}

}  // namespace

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
  bool has_ended = static_cast<bool>(error);
  if (!has_ended) {
    asio::async_read_until(socket, asio::dynamic_buffer(answer, kAnswerBytesMax), '\n',
                           [&](const error_code& read_error, std::size_t) {
                             error = read_error;
                             has_ended = true;
                           });
    if (request == "status") {
      io.run_for(kStatusPatience);
    } else {
      io.run();
    }
  }
  if (!has_ended) return failed("no answer came within 10 s; the server hangs, or is stopped");
  if (error && answer.size() < kAnswerBytesMax) return failed("the server ended before it answered");
  answer.resize(std::min(answer.find('\n'), answer.size()));
  if (is_answer(answer, "closing")) return failed("refused: " + answer);
  if (!is_answer(answer, request)) return failed("what answers there is no clearline, or another version of it");
  if (answer.find("\"ok\":false") != std::string::npos) return failed("refused: " + answer);
  return answer;
}

}  // namespace clearline
