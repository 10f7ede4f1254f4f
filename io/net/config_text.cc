// The configuration as text: the sample, and what counts. What reads it is io/net/config_file.cc.
#include <fmt/format.h>

#include <utility>
#include <vector>

#include "io/net/config_file.h"
#include "io/net/config_values.h"

namespace clearline {
namespace {

using std::chrono::milliseconds;

std::string toml_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string toml_list(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + toml_text(text);
  return "[" + list + "]";
}

std::string columns_text(const FieldNames& names) {
  std::string text;
  for (std::size_t i = 0; i < kFieldCount; ++i) {
    const std::string_view own = to_string(static_cast<Field>(i));
    if (names.is_mapped[i]) text += fmt::format("{}{}={}", text.empty() ? "" : ",", own, names[i]);
  }
  return text;
}

/// Writes keys as they count, or, of the sample, commented out and with what they are for.
class ConfigWriter {
 public:
  explicit ConfigWriter(bool is_sample) : is_sample_(is_sample) {}

  void words(std::string_view text) {
    if (is_sample_) out_ += fmt::format("# {}\n", text);
  }
  void section(std::string_view name) { out_ += fmt::format("{}{}\n", out_.empty() ? "" : "\n", name); }
  void key(std::string_view name, const std::string& value, std::string_view about) {
    const std::string line = fmt::format("{} = {}", name, value);
    out_ += is_sample_ ? fmt::format("#{:<47} # {}\n", line, about) : line + "\n";
  }
  std::string text() { return std::move(out_); }

 private:
  bool is_sample_;
  std::string out_;
};

void write_checkpoints(const ServerConfig& config, ConfigWriter& out) {
  out.key("checkpoint_changes", std::to_string(config.checkpoint_changes), "an image after so many; 0: when asked for");
}

void write_policy_and_feed(const ServerConfig& config, ConfigWriter& out) {
  out.section("[policy]");
  out.key("use", toml_text(config.policy), "the rules; the only ones of this version");
  out.section("[feed]");
  out.key("listen", toml_list(config.feed_listen), "declarations in, verdicts out; loopback only");
  using std::chrono::duration_cast;
  out.key("declared_at_window",
          toml_text(duration_text(duration_cast<milliseconds>(config.declared_at_window).count())),
          "how far before the receipt; older is malformed");
  out.key("declared_at_ahead", toml_text(duration_text(duration_cast<milliseconds>(config.declared_at_ahead).count())),
          "how far behind it");
  out.key("columns", toml_text(columns_text(config.columns)), "own names of fields: \"code=pccc,name=receiver\"");
  out.key("ignore", toml_list(config.ignored), "keys near a field's that are not refused: [\"Phone\"]");
  out.key("threads", std::to_string(config.feed_threads), "0: as many as processors may be used");
}

void write_changes_to_log(const ServerConfig& config, ConfigWriter& out) {
  out.section("[changes]");
  out.key("socket", toml_text(config.changes_socket), "Unix socket: the peer's uid counts; \"\": none");
  out.key("listen", toml_list(config.changes_listen), "TCP: needs a registrar with a token");
  out.section("[http]");
  out.key("listen", toml_list(config.http_listen), "checked, not served by this version");
  out.section("[log]");
  out.key("level", toml_text(to_string(config.log_level)), "debug, info, warn, error");
}

void write_limits(const Limits& limits, ConfigWriter& out) {
  out.section("[limits]");
  for (const Limit& limit : kLimits) {
    out.key(limit.key,
            limit.count != nullptr ? std::to_string(limits.*limit.count)
                                   : toml_text(duration_text((limits.*limit.time).count())),
            limit.about);
  }
}

}  // namespace

std::string config_sample() {
  const ServerConfig defaults;
  ConfigWriter out(true);
  out.words(
      "Configuration of `clearline serve`. Keys behind a # are at their defaults. Relative paths start at the folder "
      "of");
  out.words(
      "this file. Durations are texts: \"500ms\", \"5s\", \"10m\", \"1h\", \"7d\". Check it: clearline config check "
      "FILE");
  out.section("[registry]");
  out.words("One of the two is needed.");
  out.key("dir", toml_text("/var/lib/clearline"), "a registry directory, which can be changed");
  out.key("image", toml_text("registry.img"), "a file: read-only, changes are refused");
  write_checkpoints(defaults, out);
  write_policy_and_feed(defaults, out);
  write_changes_to_log(defaults, out);
  write_limits(defaults.limits, out);
  return out.text() + R"(
# Who may what. Without any client, feeds need no token. Roles: feed, registrar (changes), auditor, operator.
#   (umask 077; openssl rand -hex 32 > courier-a.token)
#   head -1 courier-a.token | tr -d "\n" | sha256sum     # for token_hash, where the token itself stays with the client
#[[client]]
#name = "courier-a"                                # 1 to 64 letters, digits and ._-
#role = "feed"
#token_file = "courier-a.token"                    # its first line; or token_hash = "64 hexadecimal digits"
#explain = false                                   # verdicts with checks, fix, rule, registry_seq
#columns = ""                                      # instead of those of [feed]
#ignore = []                                       # the same
#[[client]]
#name = "customs"
#role = "registrar"
#uid = 1000                                        # a user of this machine, on the socket of [changes]
)";
}

std::string config_text(const ServerConfig& config) {
  ConfigWriter out(false);
  out.section("[registry]");
  if (!config.registry_dir.empty()) out.key("dir", toml_text(config.registry_dir), {});
  if (!config.registry_image.empty()) out.key("image", toml_text(config.registry_image), {});
  write_checkpoints(config, out);
  write_policy_and_feed(config, out);
  write_changes_to_log(config, out);
  write_limits(config.limits, out);
  for (const ClientConfig& client : config.clients) {
    out.section("[[client]]");
    out.key("name", toml_text(client.name), {});
    out.key("role", toml_text(to_string(client.role)), {});
    if (client.token) out.key("token_hash", toml_text("(set)"), {});
    if (client.uid) out.key("uid", std::to_string(*client.uid), {});
    if (client.role == Role::kFeed) out.key("explain", client.explain ? "true" : "false", {});
    if (client.columns) out.key("columns", toml_text(columns_text(*client.columns)), {});
    if (client.ignored) out.key("ignore", toml_list(*client.ignored), {});
  }
  return out.text();
}

}  // namespace clearline
