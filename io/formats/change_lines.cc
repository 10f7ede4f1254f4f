#include "io/formats/change_lines.h"

#include <algorithm>
#include <vector>

#include "engine/text.h"
#include "io/formats/block.h"
#include "io/formats/change_reader.h"
#include "io/formats/compression.h"
#include "io/formats/foreign_input.h"
#include "io/formats/utf16.h"

namespace clearline {

void ChangeLines::take(std::string_view bytes, bool is_end, const Use& use) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
    if (end == std::string_view::npos) {
      keep(piece);
    } else if (rest_.empty()) {
      give(piece, use);
    } else {
      keep(piece);
      give(rest_, use);
      rest_.clear();
    }
  }
  if (is_end && !rest_.empty()) give(rest_, use);
}

void ChangeLines::keep(std::string_view piece) {
  constexpr std::size_t kKept = kLineBytesMaxDefault + 5;  // with a BOM, and CR
  const std::size_t room = kKept - std::min(kKept, rest_.size());
  rest_.append(piece.substr(0, room));
  // A line that is blank as far as it is kept is skipped only if all of it is blank.
  if (piece.size() > room && !is_blank_line(piece.substr(room))) rest_.back() = 'x';
}

void ChangeLines::give(std::string_view line, const Use& use) {
  ++count_;
  if (count_ == 1 && line.starts_with(kBom)) line.remove_prefix(kBom.size());
  if (is_blank_line(line)) return;
  if (line.ends_with('\r')) line.remove_suffix(1);
  use(count_, line);
}

Result<std::unique_ptr<ByteSource>> open_changes(std::unique_ptr<ByteSource> file) {
  auto plain = decompress(std::move(file));
  if (!plain.ok()) return plain.status();
  auto peeked = PeekedSource::open(std::move(*plain), kKindBytes, true);
  if (!peeked.ok()) return peeked.status();
  const std::string_view start = (*peeked)->start();
  Status status = check_kind(start);
  if (status.ok() && (utf16_order_of_bom(start) || utf16_order_of_content(start))) {
    status = {StatusKind::kInput, " error: this is UTF-16, and changes are UTF-8; save it as UTF-8"};
  }
  if (status.ok()) status = check_document(start, Format::kNdjson, (*peeked)->is_all());
  if (!status.ok()) return Status(status.kind(), (*peeked)->name() + ":" + status.message());
  return std::unique_ptr<ByteSource>(std::move(*peeked));
}

Status read_changes(std::unique_ptr<ByteSource> file,
                    const std::function<Status(std::uint64_t line, Change& change)>& use) {
  auto source = open_changes(std::move(file));
  if (!source.ok()) return source.status();
  ChangeLines lines;
  ChangeReader reader;
  Status status;
  const auto use_line = [&](std::uint64_t number, std::string_view line) {
    if (!status.ok()) return;
    ChangeReader::Outcome outcome = reader.read(line);
    if (!outcome.fault) {
      status = use(number, outcome.change);
      return;
    }
    status = {StatusKind::kInput, (*source)->name() + ":" + std::to_string(number) + ":" +
                                      std::to_string(std::max(outcome.fault.column, 1U)) +
                                      ": error: " + std::string(outcome.fault.what)};
  };
  std::vector<char> bytes(std::size_t{1} << 18);
  for (bool is_end = false; !is_end && status.ok();) {
    const auto got = (*source)->read(bytes);
    if (!got.ok()) return got.status();
    is_end = *got == 0;
    lines.take({bytes.data(), *got}, is_end, use_line);
  }
  return status;
}

}  // namespace clearline
