// CompressedOutput: an OutputFile whose name says how it is compressed: `.gz`, `.zst`, or not at all.
#pragma once

#include <string>
#include <string_view>

#include "io/formats/compression.h"
#include "io/store/output_file.h"

namespace clearline {

class CompressedOutput {
 public:
  static Result<CompressedOutput> open(const std::string& path, FileMode mode);

  /// Gathers text into pieces, which are compressed.
  Status write(std::string_view text);
  /// What a Compressor of compression() made of a piece of text, on another thread, say. Not between two write()s.
  Status write_compressed(std::string_view bytes);
  Compression compression() const { return compression_; }

  /// Beside the same of OutputFile: what was written so far ends a member or frame.
  static Result<CompressedOutput> open_resumable(const std::string& path, FileMode mode, OutputFile::Part part);
  Status keep(std::uint64_t bytes, std::uint64_t checksum);
  Status sync();
  std::uint64_t bytes_written() const { return file_.bytes_written(); }
  std::uint64_t checksum() const { return file_.checksum(); }

  /// All bytes of the file are written afterwards; commit() does it by itself.
  Status finish();
  Status commit();
  bool pipe_closed() const { return file_.pipe_closed(); }

 private:
  CompressedOutput(OutputFile file, Compression compression);
  Status flush();

  OutputFile file_;
  Compression compression_;
  Compressor compressor_;
  OutBuffer text_;
  OutBuffer packed_;
  bool is_empty_ = true;
};

}  // namespace clearline
