// What values of the configuration may be: limits with their ranges, durations, addresses. Reading, the sample and what is
// shown go through these.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "io/net/server_config.h"

namespace clearline {

inline constexpr std::int64_t kSecondMs = 1'000;
inline constexpr std::int64_t kMinuteMs = 60 * kSecondMs;
inline constexpr std::int64_t kHourMs = 60 * kMinuteMs;
inline constexpr std::int64_t kDayMs = 24 * kHourMs;

/// One key of [limits]: a number or a time.
struct Limit {
  std::string_view key;
  std::size_t Limits::* count;  ///< one of the two
  std::chrono::milliseconds Limits::* time;
  std::int64_t min;
  std::int64_t max;
  std::string_view about;
};

// Counts begin at 1: with none nobody is served. They end where a machine certainly has; times where a mistyped unit is
// likelier than the wish. A line of less than 64 bytes holds no declaration, and one beyond 1 MiB no buffer should wait for.
inline constexpr std::int64_t kConnectionsMax = 1'000'000;
inline constexpr std::int64_t kUnansweredLinesMax = std::int64_t{1} << 24;
inline constexpr std::int64_t kUnansweredBytesMax = std::int64_t{1} << 30;
inline constexpr std::int64_t kUnansweredBytesTotalMax = std::int64_t{1} << 40;
inline constexpr std::int64_t kUnansweredChangesMax = std::int64_t{1} << 16;
inline constexpr std::int64_t kLineEndBytes =
    4;  // a line must fit with its end, CRLF, and then some: bytes of the next
inline constexpr std::array<Limit, 12> kLimits{{
    {"line_bytes", &Limits::line_bytes, nullptr, 64, std::int64_t{1} << 20,
     "without the line end; longer is malformed"},
    {"connections", &Limits::connections, nullptr, 1, kConnectionsMax, "of feeds, in all; more are refused"},
    {"connections_per_address", &Limits::connections_per_address, nullptr, 1, kConnectionsMax,
     "of feeds; more are refused"},
    {"change_connections", &Limits::change_connections, nullptr, 1, kConnectionsMax, "more are refused"},
    {"handshake_timeout", nullptr, &Limits::handshake_timeout, 100, 10 * kMinuteMs,
     "until the hello, where a token is needed"},
    {"idle_timeout", nullptr, &Limits::idle_timeout, kSecondMs, 30 * kDayMs, "no byte in either direction"},
    {"write_stall_timeout", nullptr, &Limits::write_stall_timeout, 100, kHourMs, "answers wait and nobody takes them"},
    {"unanswered_lines", &Limits::unanswered_lines, nullptr, 1, kUnansweredLinesMax,
     "of a connection; then it is not read"},
    {"unanswered_bytes", &Limits::unanswered_bytes, nullptr, 1, kUnansweredBytesMax,
     "of a connection; then it is not read"},
    {"unanswered_bytes_total", &Limits::unanswered_bytes_total, nullptr, 1, kUnansweredBytesTotalMax,
     "of all feeds; then none is read"},
    {"unanswered_changes", &Limits::unanswered_changes, nullptr, 1, kUnansweredChangesMax,
     "of a connection; then it is not read"},
    {"stop_timeout", nullptr, &Limits::stop_timeout, 100, kHourMs, "from SIGTERM to the end"},
}};

/// `500ms`, `5s`, `10m`, `1h`, `7d`; the largest number there is for what is larger.
std::optional<std::int64_t> parse_duration_ms(std::string_view text);
/// In its largest unit that divides it.
std::string duration_text(std::int64_t ms);

/// Where a listener listens.
struct Address {
  bool is_v6 = false;
  std::array<std::uint8_t, 16> bytes{};  ///< in network order; the first four if it is not v6
  std::uint16_t port = 0;
  bool is_loopback() const;
  friend bool operator==(const Address&, const Address&) = default;
};

/// `127.0.0.1:7400`, `[::1]:7400`, `localhost:7400`.
std::optional<Address> parse_address(std::string_view text);

}  // namespace clearline
