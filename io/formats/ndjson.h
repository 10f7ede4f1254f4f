// NDJSON: declarations out of lines. The whole line must be one valid JSON object (RFC 8259, UTF-8), also where it is
// ignored.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "io/formats/decoded.h"
#include "io/formats/input_format.h"

namespace clearline {

/// Declarations from NDJSON blocks. One a thread.
class NdjsonDecoder {
 public:
  explicit NdjsonDecoder(const InputFormat& format);
  ~NdjsonDecoder();
  NdjsonDecoder(NdjsonDecoder&&) noexcept;
  NdjsonDecoder& operator=(NdjsonDecoder&&) noexcept;

  /// `text`: whole lines, with kBlockPadding zero bytes behind them (io/formats/block.h).
  void start(std::string_view text, std::uint64_t first_line);
  /// Fills `batch` with the next declarations; an empty batch means the end. Views hold until the next call.
  void next(DecodedBatch& batch);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace clearline
