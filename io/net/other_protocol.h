// What somebody sends who took this port for another: a browser, a TLS client, a proxy that announces its peers.
//
// Its lines would be answered as declarations that are malformed, one by one, or waited for for ever: its first bytes are
// recognised instead, in a place where no JSON object can begin.
#pragma once

#include <cstddef>
#include <string_view>

namespace clearline {

/// `HTTP`, `TLS` or `PROXY`, if the first bytes of a connection are of that; empty: they are not, or not yet. Blank lines before
/// are skipped, as they are before lines. However the bytes come, it is recognised before a line of them is whole, but for the
/// second version of PROXY, which begins with blank lines: its third line is recognised.
std::string_view other_protocol(std::string_view first_bytes);

/// So many of the first bytes are looked at, blank lines included.
inline constexpr std::size_t kProtocolBytesMax = 64;

}  // namespace clearline
