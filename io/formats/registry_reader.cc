#include "io/formats/registry_reader.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <deque>

#include "engine/pipeline.h"
#include "engine/text.h"
#include "io/formats/csv.h"
#include "io/formats/entry_fields.h"
#include "io/formats/json_object.h"

namespace clearline {
namespace {

/// Some 3,000 records: with their rows they stay in a core's second cache from the decoder to the builder.
constexpr std::size_t kBlockBytes = std::size_t{256} << 10;

/// The records of one block, on their way from the decoding thread to the builder. Its memory is reused.
struct DecodedRecords {
  DecodedRecords(std::size_t block_bytes, RegistryBuilder::Batch&& empty_batch)
      : block(block_bytes), batch(std::move(empty_batch)) {}

  struct Bad {
    BadRecord record;
    std::string_view bytes;  // in the block
  };
  Block block;
  std::uint64_t bytes_taken = 0;  // of the file, up to this block
  RegistryBuilder::Batch batch;
  std::vector<Bad> bad;

  void clear() {
    batch.clear();
    bad.clear();
  }
  void refuse(std::uint64_t line, std::uint32_t column, std::string_view what, std::string_view bytes) {
    bad.push_back({{line, column, what}, bytes});
  }
};

using Columns = std::array<std::size_t, kEntryFieldCount>;

/// Reads the header record; a known column twice, one that nearly is a known one, or none for the code is refused.
Status read_registry_header(std::string_view text, InputFormat& format, std::size_t& header_end,
                            std::uint64_t& header_lines, Columns& columns) {
  CsvRecord record;
  CsvReader reader(format.line_bytes_max, 0, format.bad_byte);
  if (Status status = read_header_record(text, reader, record, header_end, header_lines); !status.ok()) return status;
  KeyNames names = entry_key_names(format.ignored);
  if (Status status = find_columns(record, reader, names, entry_field_words(), "remove one", columns); !status.ok()) {
    return status;
  }
  if (columns[0] == InputFormat::kNoColumn) {
    return {StatusKind::kInput, std::to_string(record.line) +
                                    ":1: error: the CSV header has no column 'code'; name the column of the codes so"};
  }
  format.column_count = record.field_count;
  return {};
}

/// Splits `zips` of CSV at its semicolons.
void split_zips(std::string_view text, std::vector<std::string_view>& zips) {
  text = trim_blanks(text);
  while (!text.empty()) {
    const std::size_t semicolon = text.find(';');
    zips.push_back(text.substr(0, semicolon));
    if (semicolon == std::string_view::npos) return;
    text.remove_prefix(semicolon + 1);
    if (text.empty()) zips.push_back(text);
  }
}

/// Decodes blocks of either format. One a thread.
class RecordDecoder {
 public:
  /// `columns` is for CSV; both outlive the decoder.
  RecordDecoder(const InputFormat& format, const Columns& columns)
      : format_(&format),
        columns_(&columns),
        names_(entry_key_names(format.ignored)),
        csv_(format.line_bytes_max, format.column_count, format.bad_byte),
        object_(format.bad_byte) {}

  void decode(DecodedRecords& out) {
    out.clear();
    if (format_->format == Format::kCsv) {
      decode_csv(out);
    } else {
      decode_ndjson(out);
    }
  }

 private:
  void decode_csv(DecodedRecords& out) {
    csv_.start(out.block.text(), out.block.first_line);
    while (csv_.next(record_)) {
      if (record_.fault) {
        out.refuse(record_.line, record_.fault.column, record_.fault.what, record_.raw);
        continue;
      }
      raw_.clear();
      for (std::size_t field = 0; field < kEntryFieldCount; ++field) {
        const std::size_t column = (*columns_)[field];
        if (column != InputFormat::kNoColumn) raw_.values[field] = csv_.field(record_, column);
      }
      split_zips(raw_[EntryField::kZips], raw_.zips);
      const EntryFault fault = take_entry(record_.line, out);
      if (!fault) continue;
      const std::size_t column = (*columns_)[static_cast<std::size_t>(fault.field)];
      out.refuse(record_.line, column == InputFormat::kNoColumn ? 0 : record_.column(column), fault.what, record_.raw);
    }
  }

  void decode_ndjson(DecodedRecords& out) {
    std::string_view text = out.block.text();
    std::uint64_t line_number = out.block.first_line;
    for (; !text.empty(); ++line_number) {
      const std::size_t line_end = std::min(text.find('\n'), text.size() - 1) + 1;
      const std::string_view bytes = text.substr(0, line_end);
      text.remove_prefix(line_end);
      std::string_view line = bytes;
      if (line.ends_with('\n')) line.remove_suffix(1);
      if (is_blank_line(line)) continue;
      if (line.ends_with('\r')) line.remove_suffix(1);
      const LineFault fault = decode_line(line, line_number, out);
      if (fault) out.refuse(line_number, fault.column, fault.what, bytes);
    }
  }

  LineFault decode_line(std::string_view line, std::uint64_t line_number, DecodedRecords& out) {
    if (line.size() > format_->line_bytes_max) return {kLineTooLong, 0};
    if (const LineFault fault = object_.parse(line)) return fault;
    raw_.clear();
    member_columns_.fill(0);
    if (const LineFault fault = take_members()) return fault;
    const EntryFault fault = take_entry(line_number, out);
    return {fault.what, member_columns_[static_cast<std::size_t>(fault.field)]};
  }

  /// Makes an entry of the texts of a record and takes it, unless there is a fault.
  EntryFault take_entry(std::uint64_t line, DecodedRecords& out) {
    const EntryFault fault = make_entry(raw_, entry_);
    if (fault) return fault;
    const auto words = out.batch.add(entry_, line);
    return words ? to_entry_fault(*words) : EntryFault{};
  }

  LineFault take_members() {
    std::array<bool, kEntryFieldCount> seen{};
    near_columns_.fill(0);
    std::uint32_t near = 0;
    for (const JsonObject::Member& member : object_.members()) {
      const KeyNames::Match match = names_.match(member.key);
      if (match.known == KeyNames::kNone) {
        for (std::uint32_t bits = match.near; bits != 0; bits &= bits - 1) {
          near_columns_[static_cast<std::size_t>(std::countr_zero(bits))] = member.column;
        }
        near |= match.near;
        continue;
      }
      const auto field = static_cast<EntryField>(match.known);
      if (seen[match.known]) return {kKeyTwice, member.column};
      seen[match.known] = true;
      member_columns_[match.known] = member.column;
      if (const std::string_view fault = raw_.take(field, member); !fault.empty()) return {fault, member.column};
    }
    for (; near != 0; near &= near - 1) {
      const auto meant = static_cast<std::size_t>(std::countr_zero(near));
      const auto field = static_cast<EntryField>(meant);
      if (!raw_.has(field)) return {near_key_fault(field), near_columns_[meant]};
    }
    return {};
  }

  const InputFormat* format_;
  const Columns* columns_;
  KeyNames names_;
  CsvReader csv_;
  CsvRecord record_;
  JsonObject object_;
  EntryTexts raw_;
  Entry entry_;  // its memory is reused
  std::array<std::uint32_t, kEntryFieldCount> member_columns_{};
  std::array<std::uint32_t, kEntryFieldCount> near_columns_{};  // of the last key that nearly is a field's
};

}  // namespace

void BadRecords::add(const BadRecord& record) {
  ++count_;
  auto kind =
      std::find_if(kinds_.begin(), kinds_.end(), [&](const Kind& k) { return k.listed[0].what == record.what; });
  if (kind == kinds_.end()) kind = kinds_.emplace(kinds_.end());
  ++kind->count;
  if (kind->listed.size() < kListedMax) kind->listed.push_back(record);
}

Status read_registry(std::unique_ptr<ByteSource> source, std::optional<Format> format, RegistryBuilder& builder,
                     RegistryRead& read, const std::function<Status(std::string_view)>& on_reject,
                     const std::function<Status(std::uint64_t)>& on_progress, int threads, Encoding encoding,
                     IgnoredNames ignored) {
  Columns columns{};
  std::string header;
  InputOptions options;
  options.format = format;
  options.encoding = encoding;
  options.ignored = std::move(ignored);
  options.read_header = [&](std::string_view text, InputFormat& input, std::size_t& header_end,
                            std::uint64_t& header_lines) {
    Status status = read_registry_header(text, input, header_end, header_lines, columns);
    if (status.ok()) header = text.substr(0, header_end);
    return status;
  };
  auto reader = BlockReader::open(std::move(source), options, kBlockBytes);
  if (!reader.ok()) return reader.status();
  if (on_reject && !header.empty()) {
    if (Status status = on_reject(header); !status.ok()) return status;
  }
  std::deque<RecordDecoder> decoders;  // they do not move
  for (int i = 0; i < threads; ++i) decoders.emplace_back((*reader)->format(), columns);
  std::vector<DecodedRecords> tokens;
  tokens.reserve(static_cast<std::size_t>(pipeline_tokens(threads)));
  for (int i = 0; i < pipeline_tokens(threads); ++i) tokens.emplace_back(kBlockBytes, builder.make_batch());

  Status read_status;     // of the reading stage
  Status deliver_status;  // of the delivering stage
  std::atomic<bool> stop{false};
  PipelineStages stages;
  stages.read = [&](int token) {
    // relaxed: a late stop costs some blocks of reading and nothing else.
    if (stop.load(std::memory_order_relaxed)) return false;
    const auto more = (*reader)->next(tokens[static_cast<std::size_t>(token)].block);
    tokens[static_cast<std::size_t>(token)].bytes_taken = (*reader)->source().bytes_taken();
    if (!more.ok()) read_status = more.status();
    return more.ok() && *more;
  };
  stages.work = [&](int token, int worker) {
    decoders[static_cast<std::size_t>(worker)].decode(tokens[static_cast<std::size_t>(token)]);
  };
  const auto deliver = [&](const DecodedRecords& records) -> Status {
    read.records += records.batch.size() + records.bad.size();
    read.bytes += records.block.size;
    builder.add(records.batch);
    for (const DecodedRecords::Bad& bad : records.bad) {
      read.bad.add(bad.record);
      if (bad.record.what == kBadUtf8 && is_cp949_alone(bad.bytes)) ++read.cp949_lines;
      if (!on_reject) continue;
      if (Status status = on_reject(bad.bytes); !status.ok()) return status;
    }
    return on_progress ? on_progress(records.bytes_taken) : Status();
  };
  stages.deliver = [&](int token) {
    if (!deliver_status.ok()) return;
    deliver_status = deliver(tokens[static_cast<std::size_t>(token)]);
    if (!deliver_status.ok()) stop.store(true, std::memory_order_relaxed);
  };
  run_pipeline(threads, stages);
  read.bytes = (*reader)->bytes_read();
  read.encoding = (*reader)->encoding();
  read.utf8_lines = (*reader)->utf8_lines();
  return deliver_status.ok() ? read_status : deliver_status;
}

}  // namespace clearline
