#include "io/net/operator_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>

#include "io/formats/json_object.h"
#include "io/net/hello.h"
#include "io/net/peer_connection.h"

namespace clearline {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kAnswerBytesMax = std::size_t{1} << 20;  // a status has some 4 KiB; a reload tells all faults

/// Whether a line is `{"NAME":{...}}`, strictly.
bool is_answer(const std::string& line, std::string_view name) {
  const std::string start = "{\"" + std::string(name) + "\":{";
  JsonObject object;
  return line.starts_with(start) && line.ends_with("}}") && !object.parse(line) && object.members().size() == 1;
}

/// One connection, one question.
class Question {
 public:
  Question(const AskedServer& server, milliseconds patience) : server_(server), patience_(patience) {}

  /// `is_there` is asked each time that patience has ended without an answer; an ok status: it is waited for again.
  Result<std::string> ask(std::string_view request, const std::function<Status()>& is_there);

 private:
  Status failed(const std::string& what) const {
    return {StatusKind::kPeer, (server_.address ? server_.address->text : server_.socket_path) + ": error: " + what};
  }
  Result<std::string> read_line(const std::function<Status()>& is_there);
  Result<std::string> read_answer(std::string_view name, const std::function<Status()>& is_there);

  const AskedServer& server_;
  milliseconds patience_;
  PeerConnection connection_;
  std::string_view unsent_;
  std::string came_;
};

Result<std::string> Question::ask(std::string_view request, const std::function<Status()>& is_there) {
  const std::string why =
      server_.address ? connection_.connect(*server_.address) : connection_.connect(server_.socket_path);
  if (!why.empty())
    return failed("no server answers: " + why + "; is it running, and is this its listener of changes ([changes])?");
  OutBuffer words;
  if (server_.token) append_hello(server_.token, words);
  words.append_fixed("{\"request\":\"");
  words.append(request);
  words.append_fixed("\"}\n");
  unsent_ = words.text();
  if (server_.token) {
    auto hello = read_answer("hello", is_there);
    if (!hello.ok()) return hello.status();
  }
  return read_answer(request, is_there);
}

Result<std::string> Question::read_answer(std::string_view name, const std::function<Status()>& is_there) {
  auto line = read_line(is_there);
  if (!line.ok()) return line.status();
  const bool is_refusal = is_answer(*line, "closing") || is_answer(*line, "hello") || is_answer(*line, name);
  if (is_answer(*line, "closing") || (is_refusal && line->find("\"ok\":false") != std::string::npos))
    return failed("refused: " + *line);
  if (!is_answer(*line, name)) return failed("what answers there is no clearline, or another version of it");
  return line;
}

Result<std::string> Question::read_line(const std::function<Status()>& is_there) {
  auto until = Clock::now() + patience_;
  for (;;) {
    if (!unsent_.empty()) unsent_.remove_prefix(connection_.send(unsent_));
    if (const std::size_t end = came_.find('\n'); end != std::string::npos) {
      std::string line = came_.substr(0, end);
      came_.erase(0, end + 1);
      return line;
    }
    if (came_.size() > kAnswerBytesMax) return failed("what answers there is no clearline, or another version of it");
    std::array<char, 4'096> bytes;
    const std::size_t got = connection_.receive(bytes.data(), bytes.size());
    came_.append(bytes.data(), got);
    if (got != 0) continue;
    if (!connection_.lost().empty()) return failed("the server ended before it answered");
    if (Clock::now() >= until) {
      if (!is_there)
        return failed(
            fmt::format("no answer came within {}; the server hangs, or is stopped", duration_text(patience_.count())));
      if (Status status = is_there(); !status.ok()) return status;
      until = Clock::now() + patience_;
    }
    const int events = POLLIN | (!unsent_.empty() && connection_.can_send() ? POLLOUT : 0);
    wait_for({{connection_.fd(), static_cast<short>(events), 0}}, until - Clock::now());
  }
}

}  // namespace

Result<std::string> ask_server(const AskedServer& server, std::string_view request, milliseconds patience) {
  auto status = Question(server, patience).ask("status", nullptr);
  if (request == "status" || !status.ok()) return status;
  return Question(server, patience).ask(request, [&]() -> Status {
    return Question(server, patience).ask("status", nullptr).status();
  });
}

}  // namespace clearline
