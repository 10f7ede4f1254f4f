// What the fast path decodes, as texts that can be compared.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace clearline::test {

/// A line for each declaration of an NDJSON text: its line number, id, and its items or its fault.
std::vector<std::string> decoded_ndjson(std::string_view text);

}  // namespace clearline::test
