#include "io/formats/block_reader.h"

#include <algorithm>
#include <cstring>

#include "engine/text.h"
#include "io/formats/compression.h"
#include "io/formats/foreign_input.h"
#include "io/formats/special_bytes.h"

namespace clearline {
namespace {

/// Reads the header of a CSV. Without the columns that are needed it may be separated by something else.
Status read_header(std::string_view text, bool is_whole, const InputOptions& options, InputFormat& format,
                   std::size_t& header_end, std::uint64_t& header_lines) {
  if (Status status = check_header_row(text, is_whole); !status.ok()) return status;
  Status status = options.read_header(text, format, header_end, header_lines);
  if (status.ok() || options.is_live) return status;  // a feed takes no CSV at all
  Status separated = check_separator(text);
  return separated.ok() ? status : separated;
}

}  // namespace

BlockReader::BlockReader(DecodedInput input, std::size_t block_bytes, const InputOptions& options)
    : source_(std::move(input.source)),
      encoding_(input.encoding),
      utf8_lines_(input.utf8_lines),
      block_bytes_(block_bytes),
      marks_(options.marks),
      is_live_(options.is_live) {}

Result<std::unique_ptr<BlockReader>> BlockReader::open(std::unique_ptr<ByteSource> source, const InputOptions& options,
                                                       std::size_t block_bytes) {
  block_bytes = std::max(block_bytes, block_bytes_min(options.line_bytes_max));
  auto plain = decompress(std::move(source));
  if (!plain.ok()) return plain.status();
  auto peeked = PeekedSource::open(std::move(*plain), kKindBytes, options.is_live);
  if (!peeked.ok()) return peeked.status();
  const std::string name = (*peeked)->name();
  const auto named = [&](const Status& status) { return Status(status.kind(), name + ":" + status.message()); };
  if (Status status = check_kind((*peeked)->start()); !status.ok()) return named(status);
  const auto known_format = options.format ? options.format : format_of_name(name);
  auto decoded = decode_input(std::move(*peeked), options.encoding, known_format);
  if (!decoded.ok()) return named(decoded.status());
  std::unique_ptr<BlockReader> reader(new BlockReader(std::move(*decoded), block_bytes, options));
  InputFormat& format = reader->format_;
  format.names = options.names;
  format.ignored = options.ignored;
  format.line_bytes_max = options.line_bytes_max;
  format.bad_byte = bad_byte_of(reader->encoding_);

  std::vector<char> start(block_bytes + kBlockPadding);
  const auto got = reader->fill(start.data(), block_bytes);
  if (!got.ok()) return got.status();
  std::string_view text(start.data(), *got);
  format.format = known_format.value_or(format_of_content(text));
  // A live input ends when a read says so; until then more may come.
  const bool is_whole = reader->at_end_;
  if (Status status = check_document(text, format.format, is_whole); !status.ok()) return named(status);
  if (format.format == Format::kCsv) {
    std::size_t header_end = 0;
    std::uint64_t header_lines = 0;
    if (Status status = read_header(text, is_whole, options, format, header_end, header_lines); !status.ok()) {
      return named(status);
    }
    text.remove_prefix(header_end);
    reader->next_line_ += header_lines;
    reader->cutter_.emplace(format.line_bytes_max, format.column_count);
  }
  reader->keep_tail(text);
  return reader;
}

/// Reads until `size` bytes are there or the input ends; a live one until there is a line end, and no more comes for now.
Result<std::size_t> BlockReader::fill(char* data, std::size_t size, bool has_line_end) {
  std::size_t filled = 0;
  while (filled < size && !at_end_) {
    if (is_live_ && has_line_end && source_->may_wait()) break;
    const auto got = source_->read({data + filled, size - filled});
    if (!got.ok()) return got.status();
    at_end_ = *got == 0;
    has_line_end = has_line_end || (is_live_ && std::memchr(data + filled, '\n', *got) != nullptr);
    filled += *got;
  }
  bytes_read_ += filled;
  if (marks_) checksum_.add(data, filled);
  return filled;
}

Status BlockReader::skip_to(const ReadMark& mark) {
  Status changed(StatusKind::kInput, source_->name() +
                                         ": error: the input was changed since the run was interrupted; "
                                         "run again without --resume");
  if (mark.taken < bytes_read_ || mark.tail > mark.taken) return changed;
  std::vector<char> piece(block_bytes_);
  while (bytes_read_ < mark.taken) {
    const auto got = fill(piece.data(), std::min<std::uint64_t>(piece.size(), mark.taken - bytes_read_));
    if (!got.ok()) return got.status();
    if (*got == 0) return changed;
    tail_.insert(tail_.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*got));
    const std::size_t dropped = tail_.size() - std::min<std::uint64_t>(tail_.size(), mark.tail);
    tail_.erase(tail_.begin(), tail_.begin() + static_cast<std::ptrdiff_t>(dropped));
  }
  if (checksum_.value() != mark.checksum) return changed;
  tail_.erase(tail_.begin(),
              tail_.end() - static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(tail_.size(), mark.tail)));
  next_line_ = mark.next_line;
  return {};
}

Result<bool> BlockReader::at_end() {
  char next = 0;
  const auto got = tail_.empty() ? fill(&next, 1) : Result<std::size_t>(0);
  if (!got.ok()) return got.status();
  if (*got != 0) tail_.push_back(next);
  return at_end_ && tail_.empty();
}

/// Where the last whole line or record of a text ends; 0 when none does.
std::size_t BlockReader::cut(std::string_view text) {
  if (cutter_) return cutter_->cut(text);
  const std::size_t last = text.rfind('\n');
  return last == std::string_view::npos ? 0 : last + 1;
}

Result<bool> BlockReader::next(Block& block) {
  block.format = &format_;
  block.first_line = next_line_;
  std::copy(tail_.begin(), tail_.end(), block.data.get());
  std::size_t size = tail_.size();
  bool has_line_end = is_live_ && std::find(tail_.begin(), tail_.end(), '\n') != tail_.end();  // behind open()
  tail_.clear();
  std::size_t whole = 0;
  do {
    const auto got = fill(block.data.get() + size, block_bytes_ - size, has_line_end);
    if (!got.ok()) return got.status();
    size += *got;
    if (!at_end_) whole = cut({block.data.get(), size});
    has_line_end = false;  // it was inside of a record, if there was one
  } while (whole == 0 && size < block_bytes_ && !at_end_);
  if (at_end_) {
    block.set_size(size);
  } else {
    if (whole == 0) return cut_long_line(block, size);
    keep_tail({block.data.get() + whole, size - whole});
    block.set_size(whole);
  }
  next_line_ += count_line_ends(block.text());
  return block.size != 0;
}

/// A block without an end of line: the first physical line is too long. Its front stays, its rest is read and dropped.
Result<bool> BlockReader::cut_long_line(Block& block, std::size_t size) {
  char* const data = block.data.get();
  const std::size_t kept = format_.line_bytes_max + 1;
  // The byte beyond the limit tells whether anything but blanks is dropped: a blank line is skipped, any other refused.
  std::size_t dropped = kept - 1;
  char beyond = ' ';
  for (;;) {
    const std::string_view rest(data + dropped, size - dropped);
    const std::size_t line_end = rest.find('\n');
    if (!is_blank_line(rest.substr(0, line_end))) beyond = 'x';
    if (line_end != std::string_view::npos) {
      keep_tail(rest.substr(line_end + 1));
      data[kept] = '\n';
      block.set_size(kept + 1);
      break;
    }
    if (at_end_) {
      block.set_size(kept);
      break;
    }
    dropped = kept;
    const auto got = fill(data + kept, block_bytes_ - kept);
    if (!got.ok()) return got.status();
    size = kept + *got;
  }
  data[kept - 1] = beyond;
  next_line_ += count_line_ends(block.text());
  return true;
}

}  // namespace clearline
