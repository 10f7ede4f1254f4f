#include "io/formats/registry_reader.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "engine/text.h"
#include "engine/unicode.h"
#include "io/formats/csv.h"
#include "io/formats/ndjson.h"

namespace clearline {
namespace {

constexpr std::array<std::string_view, kRegistryFieldCount> kFieldWords{
    "code", "name", "name_ko", "phone", "zips", "status", "replaced_by", "issued", "changed", "expires"};
constexpr std::size_t kBlockBytes = std::size_t{1} << 20;

std::optional<std::size_t> field_index(std::string_view word) {
  const auto* found = std::find(kFieldWords.begin(), kFieldWords.end(), word);
  if (found == kFieldWords.end()) return std::nullopt;
  return static_cast<std::size_t>(found - kFieldWords.begin());
}

/// The texts of one record, and where each stands in its line.
struct RawEntry {
  std::array<std::string_view, kRegistryFieldCount> values;
  std::array<std::uint32_t, kRegistryFieldCount> columns{};
  std::vector<std::string_view> zips;

  void clear() {
    values = {};
    columns = {};
    zips.clear();
  }
  std::string_view operator[](RegistryField field) const { return values[static_cast<std::size_t>(field)]; }
};

/// Turns texts into an Entry, reused from record to record.
class EntryMaker {
 public:
  const Entry& entry() const { return entry_; }

  /// Nothing, or what is wrong and in which column.
  LineFault make(const RawEntry& raw) {
    raw_ = &raw;
    const auto code = parse_code(raw[RegistryField::kCode]);
    if (!code) {
      const bool missing = trim_blanks(raw[RegistryField::kCode]).empty();
      return fault(RegistryField::kCode, missing ? "code is missing" : "code is not P and 12 digits");
    }
    entry_.code = *code;
    take_name(RegistryField::kName, entry_.name);
    take_name(RegistryField::kNameKo, entry_.name_ko);
    const std::string_view phone = trim_blanks(raw[RegistryField::kPhone]);
    if (!phone.empty() && phone.find_first_of("0123456789") == std::string_view::npos) {
      return fault(RegistryField::kPhone, "phone has no digit");
    }
    entry_.phone = phone.empty() ? std::string() : canonical_phone(phone);
    if (raw.zips.size() > kZipsMax) return fault(RegistryField::kZips, "more than 20 zips");
    entry_.zips.clear();
    for (const std::string_view text : raw.zips) {
      const std::string_view zip = trim_blanks(text);
      if (zip.size() != 5 || !std::all_of(zip.begin(), zip.end(), is_digit)) {
        return fault(RegistryField::kZips, "zip is not five digits");
      }
      std::uint32_t number = 0;
      for (const char c : zip) number = number * 10 + static_cast<std::uint32_t>(c - '0');
      entry_.zips.push_back(number);
    }
    entry_.status = CodeStatus::kActive;
    if (!is_missing(RegistryField::kStatus)) {
      const auto status = parse_code_status(raw[RegistryField::kStatus]);
      if (!status) return fault(RegistryField::kStatus, "status is none of active, suspended, cancelled, replaced");
      entry_.status = *status;
    }
    entry_.replaced_by.reset();
    if (!is_missing(RegistryField::kReplacedBy)) {
      entry_.replaced_by = parse_code(raw[RegistryField::kReplacedBy]);
      if (!entry_.replaced_by) return fault(RegistryField::kReplacedBy, "replaced_by is not P and 12 digits");
    }
    if (!take_date(RegistryField::kIssued, entry_.issued))
      return fault(RegistryField::kIssued, "issued is no real date");
    if (!take_date(RegistryField::kChanged, entry_.changed))
      return fault(RegistryField::kChanged, "changed is no real date");
    if (!take_date(RegistryField::kExpires, entry_.expires))
      return fault(RegistryField::kExpires, "expires is no real date");
    if (!entry_.changed) entry_.changed = entry_.issued;
    if (const auto words = entry_fault(entry_)) {
      // The words start with the field they are about.
      const auto field = field_index(words->substr(0, words->find(' ')));
      return fault(field ? static_cast<RegistryField>(*field) : RegistryField::kCode, *words);
    }
    return {};
  }

 private:
  LineFault fault(RegistryField field, std::string_view what) const {
    return {what, raw_->columns[static_cast<std::size_t>(field)]};
  }
  bool is_missing(RegistryField field) const { return trim_blanks((*raw_)[field]).empty(); }

  void take_name(RegistryField field, std::string& name) const {
    const std::string_view text = (*raw_)[field];
    name = is_blank_name(text) ? std::string_view{} : text;
  }
  bool take_date(RegistryField field, std::optional<Date>& date) const {
    date.reset();
    if (is_missing(field)) return true;
    date = parse_date((*raw_)[field]);
    return date.has_value();
  }

  const RawEntry* raw_ = nullptr;
  Entry entry_;
};

/// Takes records of either format to the builder.
class RecordTaker {
 public:
  RecordTaker(RegistryBuilder& builder, RegistryRead& read, const std::function<Status(std::string_view)>& on_reject)
      : builder_(builder), read_(read), on_reject_(on_reject) {}

  RawEntry raw;  ///< filled before take()

  Status take(std::uint64_t line, std::string_view bytes, LineFault fault) {
    ++read_.records;
    if (!fault) fault = maker_.make(raw);
    if (!fault) {
      builder_.add(maker_.entry(), line);
      return {};
    }
    read_.bad.add({line, fault.column, fault.what});
    return on_reject_ ? on_reject_(bytes) : Status();
  }

 private:
  RegistryBuilder& builder_;
  RegistryRead& read_;
  const std::function<Status(std::string_view)>& on_reject_;
  EntryMaker maker_;
};

using Columns = std::array<std::size_t, kRegistryFieldCount>;

/// Reads the header record; a known column twice or none for the code is refused.
Status read_registry_header(std::string_view text, InputFormat& format, std::size_t& header_end,
                            std::uint64_t& header_lines, Columns& columns) {
  CsvRecord record;
  CsvReader reader(format.line_bytes_max, 0);
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

Status take_csv(CsvReader& reader, CsvRecord& record, const Columns& columns, const Block& block, RecordTaker& taker) {
  reader.start(block.text(), block.first_line);
  while (reader.next(record)) {
    RawEntry& raw = taker.raw;
    raw.clear();
    if (!record.fault) {
      for (std::size_t field = 0; field < kRegistryFieldCount; ++field) {
        if (columns[field] == InputFormat::kNoColumn) continue;
        raw.values[field] = record.fields[columns[field]];
        raw.columns[field] = record.column(columns[field]);
      }
      std::string_view zips = trim_blanks(raw[RegistryField::kZips]);
      while (!zips.empty()) {
        const std::size_t semicolon = zips.find(';');
        raw.zips.push_back(zips.substr(0, semicolon));
        if (semicolon == std::string_view::npos) break;
        zips.remove_prefix(semicolon + 1);
        if (zips.empty()) raw.zips.push_back(zips);
      }
    }
    if (Status status = taker.take(record.line, record.raw, record.fault); !status.ok()) return status;
  }
  return {};
}

LineFault take_members(const JsonObject& object, RawEntry& raw) {
  std::array<bool, kRegistryFieldCount> seen{};
  for (const JsonObject::Member& member : object.members()) {
    const auto field = field_index(member.key);
    if (!field) continue;
    if (seen[*field]) return {"a known key is there twice", member.column};
    seen[*field] = true;
    raw.columns[*field] = member.column;
    const bool is_zips = *field == static_cast<std::size_t>(RegistryField::kZips);
    switch (member.kind) {
      case JsonObject::Kind::kNull:
        break;
      case JsonObject::Kind::kString:
        if (is_zips && !trim_blanks(member.text).empty()) return {"zips is no array of strings", member.column};
        raw.values[*field] = member.text;
        break;
      case JsonObject::Kind::kStrings:
        if (!is_zips) return {"a known key has no text", member.column};
        raw.zips.assign(member.texts.begin(), member.texts.end());
        break;
      case JsonObject::Kind::kOther:
        return {is_zips ? std::string_view("zips is no array of strings") : "a known key has no text", member.column};
    }
  }
  return {};
}

Status take_ndjson(JsonObject& object, const Block& block, RecordTaker& taker) {
  std::string_view text = block.text();
  std::uint64_t line_number = block.first_line;
  for (; !text.empty(); ++line_number) {
    const std::size_t line_end = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view bytes = text.substr(0, line_end);
    text.remove_prefix(line_end);
    std::string_view line = bytes;
    if (line.ends_with('\n')) line.remove_suffix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    taker.raw.clear();
    LineFault fault =
        line.size() > block.format->line_bytes_max ? LineFault{"line is longer than the limit", 0} : object.parse(line);
    if (!fault) fault = take_members(object, taker.raw);
    if (Status status = taker.take(line_number, bytes, fault); !status.ok()) return status;
  }
  return {};
}

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
                     const std::function<Status(std::uint64_t)>& on_progress) {
  Columns columns{};
  std::string header;
  InputOptions options;
  options.format = format;
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
  RecordTaker taker(builder, read, on_reject);
  const InputFormat& input = (*reader)->format();
  CsvReader csv(input.line_bytes_max, input.column_count);
  CsvRecord record;
  JsonObject object;
  Block block(kBlockBytes);
  for (;;) {
    const auto more = (*reader)->next(block);
    if (!more.ok()) return more.status();
    if (!*more) break;
    Status status =
        input.format == Format::kCsv ? take_csv(csv, record, columns, block, taker) : take_ndjson(object, block, taker);
    if (!status.ok()) return status;
    if (on_progress) {
      if (status = on_progress((*reader)->bytes_read()); !status.ok()) return status;
    }
  }
  read.bytes = (*reader)->bytes_read();
  return {};
}

}  // namespace clearline
