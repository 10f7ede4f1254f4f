// Cutting at any place, with limits that are reached, gives the records that reading the whole gives.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "io/formats/block.h"
#include "io/formats/csv.h"

namespace {

struct Row {
  std::uint64_t line;
  bool wrong;
  std::vector<std::string> fields;
  bool operator==(const Row&) const = default;
};

void read(std::string_view text, std::size_t bytes_max, std::size_t columns, std::uint64_t first_line,
          std::vector<Row>& rows) {
  std::string padded(text);
  padded.append(clearline::kBlockPadding, '\0');
  clearline::CsvReader reader(bytes_max, columns);
  reader.start({padded.data(), text.size()}, first_line);
  clearline::CsvRecord record;
  while (reader.next(record)) {
    Row& row = rows.emplace_back(Row{record.line, !!record.fault, {}});
    for (std::size_t i = 0; i < record.field_count; ++i) row.fields.emplace_back(reader.field(record, i));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size < 3) return 0;
  const std::size_t bytes_max = 1 + data[0];
  const std::size_t columns = data[1] % 5;
  const std::size_t step = 1 + data[2];
  const std::string_view text(reinterpret_cast<const char*>(data) + 3, size - 3);
  std::vector<Row> whole;
  read(text, bytes_max, columns, 1, whole);
  std::vector<Row> pieces;
  std::uint64_t line = 1;
  std::size_t end = 0;
  for (std::size_t at = 0; at < text.size();) {
    end = std::min(text.size(), end + step);
    const std::string_view block = text.substr(at, end - at);
    const std::size_t cut = end == text.size() ? block.size() : clearline::csv_cut(block, bytes_max, columns);
    if (cut > block.size()) std::abort();
    read(block.substr(0, cut), bytes_max, columns, line, pieces);
    line +=
        static_cast<std::uint64_t>(std::count(block.begin(), block.begin() + static_cast<std::ptrdiff_t>(cut), '\n'));
    at += cut;
  }
  if (pieces != whole) std::abort();
  return 0;
}
