#include "io/net/other_protocol.h"

#include <algorithm>
#include <array>

namespace clearline {
namespace {

using namespace std::string_view_literals;

struct Front {
  std::string_view bytes;
  std::string_view protocol;
};
constexpr std::array<Front, 13> kFronts{{
    {"GET "sv, "HTTP"},
    {"POST "sv, "HTTP"},
    {"PUT "sv, "HTTP"},
    {"HEAD "sv, "HTTP"},
    {"DELETE "sv, "HTTP"},
    {"OPTIONS "sv, "HTTP"},
    {"PATCH "sv, "HTTP"},
    {"CONNECT "sv, "HTTP"},
    {"TRACE "sv, "HTTP"},
    {"PRI "sv, "HTTP"},     // version 2
    {"\x16\x03"sv, "TLS"},  // a handshake record
    {"PROXY "sv, "PROXY"},  // version 1
    {"\0\r\n"sv, "PROXY"},  // version 2, after two blank lines; QUIT follows
}};

}  // namespace

std::string_view other_protocol(std::string_view first_bytes) {
  first_bytes = first_bytes.substr(0, kProtocolBytesMax);
  const std::size_t first = std::min(first_bytes.find_first_not_of(" \t\r\n"), first_bytes.size());
  const std::size_t line = first == 0 ? 0 : first_bytes.rfind('\n', first - 1) + 1;
  first_bytes.remove_prefix(line);
  const auto* found = std::find_if(kFronts.begin(), kFronts.end(),
                                   [&](const Front& front) { return first_bytes.starts_with(front.bytes); });
  return found == kFronts.end() ? std::string_view() : found->protocol;
}

}  // namespace clearline
