#include "tests/support/decoding.h"

#include <memory>

#include "io/formats/block.h"
#include "io/formats/ndjson.h"

namespace clearline::test {

std::vector<std::string> decoded_ndjson(std::string_view text) {
  InputFormat format;
  NdjsonDecoder decoder(format);
  Block block(text.size());
  text.copy(block.data.get(), text.size());
  block.set_size(text.size());
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

}  // namespace clearline::test
