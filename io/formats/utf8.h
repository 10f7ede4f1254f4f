// UTF-8: whether a text is valid, and where it stops being so. The .cc is the only file that knows simdjson.
#pragma once

#include <cstddef>
#include <string_view>

namespace clearline {

/// The first byte of the first sequence that is not UTF-8 (overlong, surrogate, beyond U+10FFFF, cut off); text.size()
/// if none.
std::size_t find_invalid_utf8(std::string_view text);

/// The same question without the place, at gigabytes a second: for whole blocks.
bool is_utf8(std::string_view text);

}  // namespace clearline
