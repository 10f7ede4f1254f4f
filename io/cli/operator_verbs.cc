#include "io/cli/operator_verbs.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "io/cli/options.h"
#include "io/cli/words.h"
#include "io/net/config_file.h"
#include "io/net/operator_client.h"
#include "io/net/peer_address.h"
#include "io/net/server_config.h"
#include "io/net/token_file.h"

namespace clearline {
namespace {

/// Which server is meant.
struct ServerPlace {
  std::string socket;
  std::string config;
  std::optional<PeerAddress> address;
  std::string token_file;
};

void add_place_options(Verb verb, ServerPlace& place) {
  const Option socket =
      verb.add_option("--socket", place.socket, "Its Unix socket; else " + ServerConfig().changes_socket)
          .not_empty()
          .type("PATH");
  const Option config = verb.add_option("--config", place.config, "Its configuration, which names the socket")
                            .not_empty()
                            .type("FILE")
                            .excludes(socket);
  const auto read_address = [&place](const std::string& text) {
    auto address = parse_peer_address(text);
    if (address.ok()) place.address = std::move(*address);
    return address.status().message();
  };
  verb.add_read_option("--to", read_address, "Instead of the socket: its TCP listener of changes, on this machine")
      .type("HOST:PORT")
      .excludes(socket)
      .excludes(config);
  verb.add_option("--token-file", place.token_file, "File with the token of a client with the role operator")
      .not_empty()
      .type("FILE");
}

Result<std::string> ask(const ServerPlace& place, std::string_view request) {
  AskedServer server;
  server.address = place.address;
  server.socket_path = place.socket;
  if (!place.config.empty()) {
    const auto config = read_config(place.config);
    if (!config.ok()) return config.status();
    server.socket_path = config->changes_socket;
    if (server.socket_path.empty())
      return Status(StatusKind::kUsage, place.config + ": error: [changes] has no socket; name its listener with --to");
  }
  if (server.socket_path.empty()) server.socket_path = ServerConfig().changes_socket;
  if (!place.token_file.empty()) {
    TokenFile file = read_token_file(place.token_file);
    if (!file.fault.empty()) return Status(StatusKind::kInput, place.token_file + ": error: " + file.fault);
    server.token = std::move(file.token);
  }
  return ask_server(server, request);
}

/// The end of the value that starts at `at`: a text with its quotes, a number or word, or an array with all that is in it.
std::size_t end_of_value(std::string_view json, std::size_t at) {
  bool is_text = false;
  int depth = 0;
  for (; at < json.size(); ++at) {
    const char c = json[at];
    if (is_text && c == '\\') {
      ++at;
    } else if (c == '"') {
      is_text = !is_text;
    } else if (!is_text && (c == '[' || c == '{')) {
      ++depth;
    } else if (!is_text && depth == 0 && (c == ',' || c == ':' || c == '}')) {
      return at;
    } else if (!is_text && (c == ']' || c == '}')) {
      --depth;
    }
  }
  return json.size();
}

/// A valid JSON object without blanks between its parts as lines `path.of.member  value`. Texts stay escaped: a terminal gets
/// no control character.
std::string as_lines(std::string_view json) {
  std::string text;
  std::string path;
  std::vector<std::size_t> starts;
  std::string_view name;
  const auto without_quotes = [](std::string_view value) {
    return value.starts_with('"') ? value.substr(1, value.size() - 2) : value;
  };
  for (std::size_t at = 0; at < json.size();) {
    const char c = json[at];
    if (c == '{') {
      starts.push_back(path.size());
      if (!name.empty()) path.append(name).append(".");
      name = {};
      ++at;
    } else if (c == '}') {
      path.resize(starts.back());
      starts.pop_back();
      ++at;
    } else if (c == ',' || c == ':') {
      ++at;
    } else {
      const std::size_t end = end_of_value(json, at);
      const std::string_view value = without_quotes(json.substr(at, end - at));
      at = end;
      if (json.substr(at).starts_with(':')) {
        name = value;
      } else {
        text += fmt::format("{:<44}{}\n", path + std::string(name), value);
        name = {};
      }
    }
  }
  return text;
}

enum class StatusForm { kText, kJson };

}  // namespace

void add_operator_verbs(Verb app, Command& command) {
  struct Request {
    ServerPlace place;
    StatusForm form = StatusForm::kText;
  };
  auto request = std::make_shared<Request>();
  const Verb status = app.add_verb("status", "Show what a running server has counted");
  add_place_options(status, request->place);
  add_choice<StatusForm>(status, "--format", request->form, {{"text", StatusForm::kText}, {"json", StatusForm::kJson}},
                         "A line each, or one JSON object");
  status.footer(
      "Times are in microseconds; connections, lines and bytes are counted since its start.\n\n"
      "Examples:\n"
      "  clearline status --config server.toml\n"
      "  clearline status --format json | jq .feeds.verdicts\n"
      "  clearline status --to 127.0.0.1:7401 --token-file operator.token\n\n"
      "Exit: 0 shown, 2 wrong use, 3 the token file, 6 no server there, it is silent for 10 s, or it refused.");
  status.when_chosen([request, &command] {
    command.run = [request]() -> Status {
      auto answer = ask(request->place, "status");
      if (!answer.ok()) return answer.status();
      constexpr std::string_view kBefore = "{\"status\":";
      const std::string json = answer->substr(kBefore.size(), answer->size() - kBefore.size() - 1);
      return tell(request->form == StatusForm::kJson ? json + "\n" : as_lines(json));
    };
  });

  const Verb control = app.add_verb("control", "Ask a running server for something");
  control.needs_verb();
  const auto add_request = [&](const std::string& name, const std::string& help, const std::string& footer) {
    auto place = std::make_shared<ServerPlace>();
    const Verb verb = control.add_verb(name, help);
    add_place_options(verb, *place);
    verb.footer(footer);
    verb.when_chosen([place, name, &command] {
      command.run = [place, name]() -> Status {
        auto answer = ask(*place, name);
        return answer.ok() ? tell(*answer + "\n") : answer.status();
      };
    });
  };
  add_request("checkpoint", "Write an image of the registry as it is now",
              "It serves on meanwhile. A start reads the newest image and the changes behind it.\n\n"
              "Example:\n  clearline control checkpoint --config server.toml");
  add_request(
      "reload", "Read the configuration again",
      "Policy and clients are replaced, as by SIGHUP; a configuration with faults changes nothing, and its faults are\n"
      "told.\n\nExample:\n  clearline control reload --config server.toml");
}

}  // namespace clearline
