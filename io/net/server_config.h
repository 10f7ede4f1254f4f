// ServerConfig: what `clearline serve` is told, as values. io/net/config_file.h reads it from TOML; every key has its
// default here, and no other place has one.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/formats/input_format.h"

namespace clearline {

/// What a client may do. On a listener without any client configured: kFeed, and only from loopback.
enum class Role : std::uint8_t { kFeed, kRegistrar, kAuditor, kOperator };
std::string_view to_string(Role role);
std::optional<Role> parse_role(std::string_view text);

using TokenHash = std::array<std::uint8_t, 32>;  ///< SHA-256 of a bearer token

/// One [[client]]: a name for logs and the journal, a role, and what proves that it is the one.
struct ClientConfig {
  std::string name;
  Role role = Role::kFeed;
  std::optional<TokenHash> token;       ///< from token_file or token_hash
  std::optional<std::uint32_t> uid;     ///< the user of a peer on the Unix socket
  bool explain = false;                 ///< feeds: verdicts with checks, fix, rule, registry_seq
  std::optional<FieldNames> columns;    ///< feeds: instead of those of [feed]
  std::optional<IgnoredNames> ignored;  ///< the same
  friend bool operator==(const ClientConfig&, const ClientConfig&) = default;
};

/// [limits]. Each is enforced by io/net and counted where it is hit (io/net/server_counters.h).
struct Limits {
  std::size_t line_bytes = 65'536;                        ///< without the line end; a longer line is `malformed`
  std::size_t connections = 10'000;                       ///< feeds, in all; more are refused
  std::size_t connections_per_address = 256;              ///< feeds
  std::size_t change_connections = 256;                   ///< on all change listeners; more are refused
  std::chrono::milliseconds handshake_timeout{5'000};     ///< until the hello is whole, where a token is needed
  std::chrono::milliseconds idle_timeout{600'000};        ///< no byte in either direction
  std::chrono::milliseconds write_stall_timeout{30'000};  ///< answers wait and the peer takes none
  std::size_t unanswered_lines = 65'536;                  ///< a connection; then it is not read
  std::size_t unanswered_bytes = 1U << 20;                ///< a connection; then it is not read
  std::size_t unanswered_bytes_total = 256U << 20;        ///< all feeds; then none is read that would add to it
  std::size_t unanswered_changes = 2'048;                 ///< a change connection; then it is not read
  std::chrono::milliseconds stop_timeout{20'000};         ///< from SIGTERM to the end, whatever peers do
};

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError };
std::string_view to_string(LogLevel level);
std::optional<LogLevel> parse_log_level(std::string_view text);

struct ServerConfig {
  // [registry]: one of the two
  std::string registry_dir;
  std::string registry_image;  ///< read-only: changes are answered `read_only`
  /// An image is written when so many changes are behind the newest one; 0: only when somebody asks for it. A start goes through
  /// a million in some 3 s.
  std::uint64_t checkpoint_changes = 1'000'000;
  // [policy]
  std::string policy = "standard";
  // [feed]
  std::vector<std::string> feed_listen{"127.0.0.1:7400"};
  std::chrono::seconds declared_at_window{7 * 24 * 3600};  ///< back from the receipt
  std::chrono::seconds declared_at_ahead{3600};
  FieldNames columns = own_field_names();
  IgnoredNames ignored;  ///< `ignore`
  int feed_threads = 0;  ///< 0: as many as processors may be used
  // [changes]
  std::string changes_socket = "/run/clearline/changes.sock";  ///< "": none
  bool changes_socket_is_default = true;                       ///< not asked for: going without one is a warning
  std::vector<std::string> changes_listen;
  // [http]: read and checked, not served yet
  std::vector<std::string> http_listen{"127.0.0.1:7480"};
  // [log]
  LogLevel log_level = LogLevel::kInfo;
  // [[client]]
  std::vector<ClientConfig> clients;
  Limits limits;
};

}  // namespace clearline
