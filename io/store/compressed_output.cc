#include "io/store/compressed_output.h"

namespace clearline {
namespace {

/// A piece of text that compresses about as well as the whole.
constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

}  // namespace

CompressedOutput::CompressedOutput(OutputFile file, Compression compression)
    : file_(std::move(file)), compression_(compression), compressor_(compression) {}

Result<CompressedOutput> CompressedOutput::open(const std::string& path, FileMode mode) {
  auto file = OutputFile::open(path, mode);
  if (!file.ok()) return file.status();
  return CompressedOutput(std::move(*file), compression_of_name(path));
}

Result<CompressedOutput> CompressedOutput::open_resumable(const std::string& path, FileMode mode,
                                                          OutputFile::Part part) {
  auto file = OutputFile::open_resumable(path, mode, part);
  if (!file.ok()) return file.status();
  return CompressedOutput(std::move(*file), compression_of_name(path));
}

Status CompressedOutput::keep(std::uint64_t bytes, std::uint64_t checksum) {
  is_empty_ = bytes == 0;
  return file_.keep(bytes, checksum);
}

Status CompressedOutput::sync() {
  Status status = flush();
  return status.ok() ? file_.sync() : status;
}

Status CompressedOutput::write(std::string_view text) {
  if (compression_ == Compression::kNone) return file_.write(text);
  text_.append(text);
  return text_.text().size() < kPieceBytes ? Status() : flush();
}

Status CompressedOutput::write_compressed(std::string_view bytes) {
  if (Status status = flush(); !status.ok()) return status;
  is_empty_ = is_empty_ && bytes.empty();
  return file_.write(bytes);
}

Status CompressedOutput::flush() {
  if (text_.text().empty()) return {};
  packed_.clear();
  compressor_.append(text_.text(), packed_);
  text_.clear();
  is_empty_ = false;
  return file_.write(packed_.text());
}

Status CompressedOutput::finish() {
  if (Status status = flush(); !status.ok()) return status;
  if (is_empty_ && compression_ != Compression::kNone) {
    // No bytes at all would be no archive: an empty text is an empty member.
    packed_.clear();
    compressor_.append({}, packed_);
    is_empty_ = false;
    return file_.write(packed_.text());
  }
  return {};
}

Status CompressedOutput::commit() {
  Status status = finish();
  return status.ok() ? file_.commit() : status;
}

}  // namespace clearline
