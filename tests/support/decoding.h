// What the fast path decodes, as texts that can be compared.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "io/formats/input_format.h"

namespace clearline::test {

/// A line for each declaration of an NDJSON text: its line number, id, and its items or its fault.
std::vector<std::string> decoded_ndjson(std::string_view text, const InputFormat& format = {});

/// The records of a CSV text: `line:field|field|`, or `line:!column fault`.
std::vector<std::string> csv_records(std::string_view text, std::size_t record_bytes_max, std::size_t column_count,
                                     std::uint64_t first_line = 1);
/// The same of a text that comes in blocks: each ends where the text may be cut at or before some place, by turns of `steps`.
std::vector<std::string> csv_records_in_blocks(std::string_view text, std::size_t record_bytes_max,
                                               std::size_t column_count, const std::vector<std::size_t>& steps);

}  // namespace clearline::test
