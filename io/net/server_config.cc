#include "io/net/server_config.h"

#include <algorithm>

namespace clearline {
namespace {

constexpr std::array<std::string_view, 4> kRoles{"feed", "registrar", "auditor", "operator"};
constexpr std::array<std::string_view, 4> kLogLevels{"debug", "info", "warn", "error"};

template <typename Value>
std::optional<Value> find_word(const std::array<std::string_view, 4>& words, std::string_view text) {
  const auto* found = std::find(words.begin(), words.end(), text);
  if (found == words.end()) return std::nullopt;
  return static_cast<Value>(found - words.begin());
}

}  // namespace

std::string_view to_string(Role role) { return kRoles[static_cast<std::size_t>(role)]; }
std::optional<Role> parse_role(std::string_view text) { return find_word<Role>(kRoles, text); }

std::string_view to_string(LogLevel level) { return kLogLevels[static_cast<std::size_t>(level)]; }
std::optional<LogLevel> parse_log_level(std::string_view text) { return find_word<LogLevel>(kLogLevels, text); }

}  // namespace clearline
