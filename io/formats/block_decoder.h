// BlockDecoder: the decoder for the format of what is decoded, kept as long as the format stays the same one.
#pragma once

#include <variant>

#include "io/formats/csv.h"
#include "io/formats/input_format.h"
#include "io/formats/ndjson.h"

namespace clearline {

class BlockDecoder {
 public:
  /// `format` outlives its use here. True: it is another one than before, by its address.
  bool prepare(const InputFormat& format) {
    if (&format == format_) return false;
    if (format.format == Format::kNdjson) {
      decoder_.emplace<NdjsonDecoder>(format);
    } else {
      decoder_.emplace<CsvDecoder>(format);
    }
    format_ = &format;
    return true;
  }
  /// Behind prepare(): calls `use` with the NdjsonDecoder or CsvDecoder.
  template <typename Use>
  void with(const Use& use) {
    if (auto* ndjson = std::get_if<NdjsonDecoder>(&decoder_)) {
      use(*ndjson);
    } else {
      use(std::get<CsvDecoder>(decoder_));
    }
  }

 private:
  const InputFormat* format_ = nullptr;
  std::variant<std::monostate, NdjsonDecoder, CsvDecoder> decoder_;
};

}  // namespace clearline
