#include "io/net/config_values.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <system_error>

namespace clearline {
namespace {

struct Unit {
  std::string_view word;
  std::int64_t ms;
};
constexpr std::array<Unit, 5> kUnits{{{"d", kDayMs}, {"h", kHourMs}, {"m", kMinuteMs}, {"s", kSecondMs}, {"ms", 1}}};

}  // namespace

std::optional<std::int64_t> parse_duration_ms(std::string_view text) {
  std::int64_t number = 0;
  if (text.starts_with('-')) return std::nullopt;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (at == text.data()) return std::nullopt;
  const std::string_view word = text.substr(static_cast<std::size_t>(at - text.data()));
  const auto* unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& each) { return each.word == word; });
  if (unit == kUnits.end()) return std::nullopt;
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  return error != std::errc() || number > kMost / unit->ms ? kMost : number * unit->ms;
}

std::string duration_text(std::int64_t ms) {
  if (ms == 0) return "0s";
  const auto* unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& each) { return ms % each.ms == 0; });
  return fmt::format("{}{}", ms / unit->ms, unit->word);
}

bool Address::is_loopback() const {
  if (!is_v6) return bytes[0] == 127;
  constexpr std::array<std::uint8_t, 16> kLoopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return bytes == kLoopback;
}

std::optional<Address> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string host(text.substr(0, colon));
  const std::string_view port = text.substr(colon + 1);
  Address address;
  const auto [at, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || at != port.data() + port.size()) return std::nullopt;
  if (host.find('\0') != std::string::npos) return std::nullopt;
  if (host == "localhost") host = "127.0.0.1";
  address.is_v6 = host.starts_with('[') && host.ends_with(']');
  if (address.is_v6) host = host.substr(1, host.size() - 2);
  if (inet_pton(address.is_v6 ? AF_INET6 : AF_INET, host.c_str(), address.bytes.data()) != 1) return std::nullopt;
  return address;
}

}  // namespace clearline
