// The kernels of each instruction set against the scalar ones, which have the exact pass alone: the same declarations and
// the same faults of any text, as NDJSON and as CSV of as many columns as its first line has. A first line that begins with `=`
// is what --columns would have, and one behind it that begins with `-` what --ignore would.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "engine/isa.h"
#include "io/formats/decoded.h"
#include "tests/support/decoding.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace clearline;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  InputFormat format;
  const auto take_line = [&](char first) -> std::string_view {
    if (text.empty() || text[0] != first) return {};
    const std::string_view line = text.substr(1, text.find('\n') - 1);
    text.remove_prefix(std::min(line.size() + 2, text.size()));
    return line;
  };
  if (auto names = parse_columns(take_line('=')); names.ok()) format.names = *names;
  if (auto names = parse_ignore(take_line('-')); names.ok()) format.ignored = *names;
  const std::string_view first = text.substr(0, text.find('\n'));
  const auto columns = 1 + static_cast<std::size_t>(std::count(first.begin(), first.end(), ','));
  use_isa(Isa::kScalar);
  const auto expected = test::decoded_ndjson(text, format);
  const auto expected_csv = test::csv_records(text, kLineBytesMaxDefault, columns);
  for (const Isa isa : {Isa::kSse2, Isa::kAvx2, Isa::kAvx512}) {
    if (!machine_has(isa)) continue;
    use_isa(isa);
    if (test::decoded_ndjson(text, format) == expected &&
        test::csv_records(text, kLineBytesMaxDefault, columns) == expected_csv) {
      continue;
    }
    std::fprintf(stderr, "%s decodes something else\n", std::string(to_string(isa)).c_str());
    std::abort();
  }
  return 0;
}
