#include "tests/support/decoding.h"

#include <algorithm>
#include <memory>

#include "io/formats/block.h"
#include "io/formats/csv.h"
#include "io/formats/ndjson.h"

namespace clearline::test {
namespace {

/// A copy of just that size, its padding filled with `padding`: AddressSanitizer sees a read behind it.
Block block_of(std::string_view text, char padding) {
  Block block(text.size());
  text.copy(block.data.get(), text.size());
  block.set_size(text.size());
  std::fill_n(block.data.get() + text.size(), kBlockPadding, padding);
  return block;
}

void add_records(std::string_view text, std::uint64_t first_line, CsvReader& reader, std::vector<std::string>& rows) {
  const Block block = block_of(text, '\0');
  reader.start(block.text(), first_line);
  for (CsvRecord record; reader.next(record);) {
    std::string row = std::to_string(record.line) + ":";
    if (record.fault) row += "!" + std::to_string(record.fault.column) + " " + std::string(record.fault.what);
    for (std::size_t i = 0; i < record.field_count; ++i) row += std::string(reader.field(record, i)) + "|";
    rows.push_back(row);
  }
}

}  // namespace

std::vector<std::string> decoded_ndjson(std::string_view text, const InputFormat& format) {
  NdjsonDecoder decoder(format);
  const Block block = block_of(text, '\0');
  decoder.start(block.text(), 1);
  auto batch = std::make_unique<DecodedBatch>();
  std::vector<std::string> lines;
  for (decoder.next(*batch); batch->size != 0; decoder.next(*batch)) {
    for (std::size_t i = 0; i < batch->size; ++i) {
      const DecodedLine& line = batch->lines[i];
      const Declaration& d = batch->declarations[i];
      std::string words = std::to_string(line.line) + "|" + (line.has_id ? std::string(line.id) : "-") + "|";
      if (line.fault) {
        words += std::string(line.fault.what) + " at " + std::to_string(line.fault.column);
      } else {
        for (const std::string_view item : {d.code, d.name, d.zip, d.phone}) words += std::string(item) + "|";
        words += d.declared_at ? std::to_string(d.declared_at->unix_us) : "-";
      }
      lines.push_back(words);
    }
  }
  return lines;
}

std::vector<std::string> csv_records(std::string_view text, std::size_t record_bytes_max, std::size_t column_count,
                                     std::uint64_t first_line) {
  CsvReader reader(record_bytes_max, column_count);
  std::vector<std::string> rows;
  add_records(text, first_line, reader, rows);
  return rows;
}

std::vector<std::string> csv_records_in_blocks(std::string_view text, std::size_t record_bytes_max,
                                               std::size_t column_count, const std::vector<std::size_t>& steps) {
  CsvReader cutter(record_bytes_max, column_count);
  CsvReader reader(record_bytes_max, column_count);
  std::vector<std::string> rows;
  std::uint64_t line = 1;
  std::size_t at = 0;
  std::size_t end = 0;
  for (std::size_t i = 0; at < text.size(); ++i) {
    end = std::min(text.size(), std::max(end, at) + steps[i % steps.size()]);
    std::string_view block = text.substr(at, end - at);
    // What is behind a text must not matter.
    if (end != text.size()) block = block.substr(0, cutter.cut(block_of(block, ",\"\n"[i % 3]).text()));
    add_records(block, line, reader, rows);
    line += static_cast<std::uint64_t>(std::count(block.begin(), block.end(), '\n'));
    at += block.size();
  }
  return rows;
}

}  // namespace clearline::test
