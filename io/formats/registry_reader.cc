#include "io/formats/registry_reader.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>

#include "engine/phone.h"
#include "engine/pipeline.h"
#include "engine/text.h"
#include "engine/unicode.h"
#include "io/formats/csv.h"
#include "io/formats/json_object.h"

namespace clearline {
namespace {

constexpr std::array<std::string_view, kRegistryFieldCount> kFieldWords{
    "code", "name", "name_ko", "phone", "zips", "status", "replaced_by", "issued", "changed", "expires"};
/// Some 3,000 records: with their rows they stay in a core's second cache from the decoder to the builder.
constexpr std::size_t kBlockBytes = std::size_t{256} << 10;

std::optional<std::size_t> field_index(std::string_view word) {
  const auto* found = std::find(kFieldWords.begin(), kFieldWords.end(), word);
  if (found == kFieldWords.end()) return std::nullopt;
  return static_cast<std::size_t>(found - kFieldWords.begin());
}

/// The texts of one record.
struct RawEntry {
  std::array<std::string_view, kRegistryFieldCount> values;
  std::vector<std::string_view> zips;

  void clear() {
    values = {};
    zips.clear();
  }
  std::string_view operator[](RegistryField field) const { return values[static_cast<std::size_t>(field)]; }
};

/// What is wrong with an entry, and with which field of it.
struct EntryFault {
  std::string_view what;  ///< empty: nothing
  RegistryField field = RegistryField::kCode;
};

bool is_missing(std::string_view text) { return trim_blanks(text).empty(); }

void take_name(std::string_view text, std::string& name) { name = is_blank_name(text) ? std::string_view{} : text; }

/// False when there is a text that is no real date.
bool take_date(std::string_view text, std::optional<Date>& date) {
  date.reset();
  if (is_missing(text)) return true;
  date = parse_date(text);
  return date.has_value();
}

/// Turns texts into an entry. `entry` is reused from record to record: all of it is set, unless there is a fault.
EntryFault make_entry(const RawEntry& raw, Entry& entry) {
  const auto code = parse_code(raw[RegistryField::kCode]);
  if (!code) {
    const bool missing = is_missing(raw[RegistryField::kCode]);
    return {missing ? "code is missing" : "code is not P and 12 digits", RegistryField::kCode};
  }
  entry.code = *code;
  take_name(raw[RegistryField::kName], entry.name);
  take_name(raw[RegistryField::kNameKo], entry.name_ko);
  const std::string_view phone = trim_blanks(raw[RegistryField::kPhone]);
  if (!phone.empty() && !has_digit(phone)) {
    return {"phone has no digit", RegistryField::kPhone};
  }
  entry.phone.resize(phone.size() + 1);
  entry.phone.resize(fold_phone(phone, entry.phone.data()));
  if (raw.zips.size() > kZipsMax) return {"more than 20 zips", RegistryField::kZips};
  entry.zips.clear();
  for (const std::string_view text : raw.zips) {
    const std::string_view zip = trim_blanks(text);
    if (zip.size() != 5 || !std::all_of(zip.begin(), zip.end(), is_digit)) {
      return {"zip is not five digits", RegistryField::kZips};
    }
    std::uint32_t number = 0;
    for (const char c : zip) number = number * 10 + static_cast<std::uint32_t>(c - '0');
    entry.zips.push_back(number);
  }
  entry.status = CodeStatus::kActive;
  if (!is_missing(raw[RegistryField::kStatus])) {
    const auto status = parse_code_status(raw[RegistryField::kStatus]);
    if (!status) return {"status is none of active, suspended, cancelled, replaced", RegistryField::kStatus};
    entry.status = *status;
  }
  entry.replaced_by.reset();
  if (!is_missing(raw[RegistryField::kReplacedBy])) {
    entry.replaced_by = parse_code(raw[RegistryField::kReplacedBy]);
    if (!entry.replaced_by) return {"replaced_by is not P and 12 digits", RegistryField::kReplacedBy};
  }
  if (!take_date(raw[RegistryField::kIssued], entry.issued)) {
    return {"issued is no real date", RegistryField::kIssued};
  }
  if (!take_date(raw[RegistryField::kChanged], entry.changed)) {
    return {"changed is no real date", RegistryField::kChanged};
  }
  if (!take_date(raw[RegistryField::kExpires], entry.expires)) {
    return {"expires is no real date", RegistryField::kExpires};
  }
  if (!entry.changed) entry.changed = entry.issued;
  return {};
}

/// What a builder says of an entry: the words start with the field they are about.
EntryFault to_entry_fault(std::string_view words) {
  const auto field = field_index(words.substr(0, words.find(' ')));
  return {words, field ? static_cast<RegistryField>(*field) : RegistryField::kCode};
}

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

using Columns = std::array<std::size_t, kRegistryFieldCount>;

/// Reads the header record; a known column twice or none for the code is refused.
Status read_registry_header(std::string_view text, InputFormat& format, std::size_t& header_end,
                            std::uint64_t& header_lines, Columns& columns) {
  CsvRecord record;
  CsvReader reader(format.line_bytes_max, 0, format.bad_byte);
  if (Status status = read_header_record(text, reader, record, header_end, header_lines); !status.ok()) return status;
  columns.fill(InputFormat::kNoColumn);
  for (std::size_t column = 0; column < record.fields.size(); ++column) {
    const auto field = field_index(record.fields[column]);
    if (!field) continue;
    if (columns[*field] != InputFormat::kNoColumn) {
      return {StatusKind::kInput, std::to_string(record.line) + ":" + std::to_string(record.column(column)) +
                                      ": error: the CSV header has column '" + std::string(kFieldWords[*field]) +
                                      "' twice; remove one"};
    }
    columns[*field] = column;
  }
  if (columns[0] == InputFormat::kNoColumn) {
    return {StatusKind::kInput, std::to_string(record.line) +
                                    ":1: error: the CSV header has no column 'code'; name the column of the codes so"};
  }
  format.column_count = record.fields.size();
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
      for (std::size_t field = 0; field < kRegistryFieldCount; ++field) {
        const std::size_t column = (*columns_)[field];
        if (column != InputFormat::kNoColumn) raw_.values[field] = record_.fields[column];
      }
      split_zips(raw_[RegistryField::kZips], raw_.zips);
      const EntryFault fault = take_entry(record_.line, out);
      if (fault.what.empty()) continue;
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
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      const LineFault fault = decode_line(line, line_number, out);
      if (fault) out.refuse(line_number, fault.column, fault.what, bytes);
    }
  }

  LineFault decode_line(std::string_view line, std::uint64_t line_number, DecodedRecords& out) {
    if (line.size() > format_->line_bytes_max) return {"line is longer than the limit", 0};
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
    if (!fault.what.empty()) return fault;
    const auto words = out.batch.add(entry_, line);
    return words ? to_entry_fault(*words) : EntryFault{};
  }

  LineFault take_members() {
    std::array<bool, kRegistryFieldCount> seen{};
    for (const JsonObject::Member& member : object_.members()) {
      const auto field = field_index(member.key);
      if (!field) continue;
      if (seen[*field]) return {"a known key is there twice", member.column};
      seen[*field] = true;
      member_columns_[*field] = member.column;
      const bool is_zips = *field == static_cast<std::size_t>(RegistryField::kZips);
      switch (member.kind) {
        case JsonObject::Kind::kNull:
          break;
        case JsonObject::Kind::kString:
          if (is_zips && !is_missing(member.text)) return {"zips is no array of strings", member.column};
          raw_.values[*field] = member.text;
          break;
        case JsonObject::Kind::kStrings:
          if (!is_zips) return {"a known key has no text", member.column};
          raw_.zips.assign(member.texts.begin(), member.texts.end());
          break;
        case JsonObject::Kind::kOther:
          return {is_zips ? std::string_view("zips is no array of strings") : "a known key has no text", member.column};
      }
    }
    return {};
  }

  const InputFormat* format_;
  const Columns* columns_;
  CsvReader csv_;
  CsvRecord record_;
  JsonObject object_;
  RawEntry raw_;
  Entry entry_;  // its memory is reused
  std::array<std::uint32_t, kRegistryFieldCount> member_columns_{};
};

}  // namespace

std::string_view to_string(RegistryField field) { return kFieldWords[static_cast<std::size_t>(field)]; }

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
                     const std::function<Status(std::uint64_t)>& on_progress, int threads, Encoding encoding) {
  Columns columns{};
  std::string header;
  InputOptions options;
  options.format = format;
  options.encoding = encoding;
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
  return deliver_status.ok() ? read_status : deliver_status;
}

}  // namespace clearline
