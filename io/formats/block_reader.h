// BlockReader: bytes of one input become blocks of whole lines (or CSV records).
//
//   source --read--> [ tail of the last block | new bytes ......... ]   a block of the caller's
//                                             cut ^ behind the last whole line: what is behind moves once,
//                                                 to the next block
//
// Bound       one block's capacity of tail, whatever the input's size. A line longer than a block is cut to one byte
//             more than the limit while it streams by: enough to be refused, and the next line starts where it should.
// Refused     what is no input of lines at all (io/formats/foreign_input.h), at open().
// Format      found at open(): by option, by name, by content; a BOM is dropped, and a CSV header read, once.
// Beneath     compressed inputs are inflated, and CP949 and UTF-16 become UTF-8, by sources that open() stacks on the caller's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clearline/status.h"
#include "engine/hash.h"
#include "io/formats/block.h"
#include "io/formats/byte_source.h"
#include "io/formats/csv.h"
#include "io/formats/encoding.h"
#include "io/formats/input_format.h"

namespace clearline {

/// What the user said about an input.
struct InputOptions {
  std::optional<Format> format;
  FieldNames names = own_field_names();
  IgnoredNames ignored;  ///< as of InputFormat
  std::size_t line_bytes_max = kLineBytesMaxDefault;
  /// What reads a CSV header; a registry has other columns than a declaration.
  std::function<Status(std::string_view text, InputFormat& format, std::size_t& header_end,
                       std::uint64_t& header_lines)>
      read_header = read_csv_header;
  Encoding encoding = Encoding::kAuto;
  bool marks = false;  ///< mark() and skip_to() are wanted
  /// Whole lines are handed on when no more comes for now; the encoding is that of what came first. Otherwise blocks are full.
  bool is_live = false;
};

/// Where a reader stands: enough to go on from there, and to know the input again.
struct ReadMark {
  std::uint64_t taken = 0;      ///< plain bytes read
  std::uint64_t tail = 0;       ///< of these, the last ones that were in no block yet
  std::uint64_t next_line = 1;  ///< of the next block
  std::uint64_t checksum = 0;   ///< of the bytes read (XXH3-64)
  friend bool operator==(const ReadMark&, const ReadMark&) = default;
};

/// Block sizes below this could not tell a long line from one that is too long.
constexpr std::size_t block_bytes_min(std::size_t line_bytes_max) { return line_bytes_max + 4; }

class BlockReader {
 public:
  /// Reads the start of the source: kInput when it cannot be read, or lacks what a CSV header needs.
  static Result<std::unique_ptr<BlockReader>> open(std::unique_ptr<ByteSource> source, const InputOptions& options,
                                                   std::size_t block_bytes);

  const InputFormat& format() const { return format_; }
  const ByteSource& source() const { return *source_; }

  /// Fills a block of at least `block_bytes` capacity. False at the end; then nothing is in the block.
  Result<bool> next(Block& block);

  /// Where the blocks so far end.
  ReadMark mark() const { return {bytes_read_, tail_.size(), next_line_, checksum_.value()}; }
  /// Reads on to a mark of an earlier reader of the same input with the same options and block size, before the first
  /// block. kInput when the input has other bytes now.
  Status skip_to(const ReadMark& mark);
  /// Whether all of the input is in blocks. May have to read on to know.
  Result<bool> at_end();

  /// Plain bytes read so far (inflated, as UTF-8).
  std::uint64_t bytes_read() const { return bytes_read_; }

  /// The encoding that was taken.
  Encoding encoding() const { return encoding_; }
  /// Lines so far that failed as CP949, and are UTF-8.
  std::uint64_t utf8_lines() const { return utf8_lines_ == nullptr ? 0 : *utf8_lines_; }

 private:
  BlockReader(DecodedInput input, std::size_t block_bytes, const InputOptions& options);
  Result<std::size_t> fill(char* data, std::size_t size, bool has_line_end = false);
  std::size_t cut(std::string_view text);
  Result<bool> cut_long_line(Block& block, std::size_t size);
  void keep_tail(std::string_view tail) { tail_.assign(tail.begin(), tail.end()); }

  std::unique_ptr<ByteSource> source_;
  Encoding encoding_;
  const std::uint64_t* utf8_lines_;  // of the source; null unless it is CP949
  InputFormat format_;
  std::optional<CsvReader> cutter_;  // of CSV
  std::size_t block_bytes_;
  std::vector<char> tail_;
  std::uint64_t next_line_ = 1;
  std::uint64_t bytes_read_ = 0;
  bool at_end_ = false;
  bool marks_;
  bool is_live_;
  ChecksumStream checksum_;
};

}  // namespace clearline
