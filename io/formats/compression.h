// Compression: gzip and zstd, in and out. The .cc is the only file that knows ISA-L and libzstd.
//
// In    recognised by content. Members and frames follow one another as their tools allow; the end of the input inside one
//       is an error with the place, and so is damage: every checksum that is there is checked.
// Out   every append is a member or frame of its own, with a checksum. So pieces can be compressed on many threads, and a
//       file can be cut behind any piece.
// Bound zstd windows up to 128 MiB, as its own tool; inflating streams through 256 KiB.
#pragma once

#include <memory>
#include <string_view>

#include "io/formats/byte_source.h"
#include "io/formats/input_format.h"
#include "io/formats/out_buffer.h"

namespace clearline {

/// The bytes that a source holds compressed, or the source as it is. Reads the first bytes of it.
Result<std::unique_ptr<ByteSource>> decompress(std::unique_ptr<ByteSource> source);

/// One a thread; its memory is reused.
class Compressor {
 public:
  explicit Compressor(Compression compression);
  ~Compressor();
  Compressor(Compressor&&) noexcept;
  Compressor& operator=(Compressor&&) noexcept;

  /// Appends `text` compressed; also an empty text makes a member or frame. Plain for kNone.
  void append(std::string_view text, OutBuffer& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace clearline
