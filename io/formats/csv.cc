#include "io/formats/csv.h"

#include <algorithm>
#include <cassert>

#include "engine/text.h"
#include "engine/words.h"
#include "io/formats/block.h"
#include "io/formats/kernels.h"
#include "io/formats/utf8.h"

namespace clearline {
namespace {

// The words for a quote that stays open, and for whatever goes wrong behind the first line of a record: see read().
constexpr std::string_view kOpenQuote = "a quote is not closed on its line, and the record is wrong";
constexpr LineFault kTooLong{"record is longer than the limit", 0};

/// The record without its line end.
std::string_view without_line_end(std::string_view raw) {
  if (raw.ends_with('\n')) raw.remove_suffix(1);
  if (raw.ends_with('\r')) raw.remove_suffix(1);
  return raw;
}

bool is_blank_line(std::string_view line) { return line.find_first_not_of(" \t\r") == std::string_view::npos; }

}  // namespace

std::uint32_t CsvRecord::column(std::size_t field) const {
  const auto offset = static_cast<std::size_t>(text + begin(field) - raw.data());
  return raw.substr(0, offset).find('\n') == std::string_view::npos ? static_cast<std::uint32_t>(offset) + 1 : 0;
}

void CsvReader::start(std::string_view text, std::uint64_t first_line) {
  text_ = text;
  at_ = 0;
  line_ = first_line;
  text_is_utf8_ = is_utf8(text);
  mark_csv_bytes(text, marks_);
  if (scratch_.size() < text.size()) scratch_.resize(text.size());
  scratch_size_ = 0;
}

std::string_view CsvReader::field(const CsvRecord& record, std::size_t index) {
  const char* begin = record.text + record.begin(index);
  const char* end = record.text + record.end(index);
  if (index + 1 == record.field_count && end != begin && end[-1] == '\r') --end;
  const bool is_quoted = begin != end && *begin == '"';
  // No branch: whether a field has quotes is anybody's guess.
  begin += static_cast<int>(is_quoted);
  end -= static_cast<int>(is_quoted);
  const std::string_view text(begin, static_cast<std::size_t>(end - begin));
  return record.has_doubled && is_quoted && text.find('"') != std::string_view::npos ? undoubled(text) : text;
}

std::string_view CsvReader::undoubled(std::string_view quoted) {
  char* const out = scratch_.data() + scratch_size_;
  char* p = out;
  for (std::size_t i = 0; i < quoted.size(); ++i) {
    *p++ = quoted[i];
    if (quoted[i] == '"') ++i;
  }
  const auto size = static_cast<std::size_t>(p - out);
  scratch_size_ += size;
  assert(scratch_size_ <= scratch_.size());
  return {out, size};
}

/// Reads the record at at_. On success `end` is behind it (and its line end), and `line_ends` counts what it spans.
///
/// A fault must not depend on where a block ends, and a cut may stand behind the first line of a wrong record. So what
/// goes wrong further down is told as the quote that this line leaves open.
LineFault CsvReader::read(CsvRecord& record, std::size_t& end, std::uint64_t& line_ends) {
  separators_.assign(1, std::uint32_t{0} - 1);
  record.has_doubled = false;
  const std::size_t begin = at_;
  LineFault left_open;  // the quote that the first line leaves open
  line_ends = 0;
  const auto told = [&](const LineFault& found) { return line_ends == 0 ? found : left_open; };
  const auto fault = [&](std::string_view what, std::size_t place) {
    return told({what, static_cast<std::uint32_t>(place - begin) + 1});
  };
  std::size_t p = begin;
  for (;;) {
    if (p < text_.size() && text_[p] == '"') {
      const LineFault open_fault = fault(kOpenQuote, p);
      ++p;
      for (;; ++p) {
        p = next_mark(marks_.data(), p);
        if (p >= text_.size() || p - begin >= record_bytes_max_) return open_fault;
        if (text_[p] == '\n') {
          left_open = open_fault;
          if (++line_ends == kCsvLineEndsMax) return open_fault;
        }
        if (text_[p] != '"') continue;
        if (p + 1 >= text_.size() || text_[p + 1] != '"') break;
        record.has_doubled = true;
        ++p;
      }
      ++p;
      if (p < text_.size() && text_[p] == '\r' && (p + 1 == text_.size() || text_[p + 1] == '\n')) ++p;
      if (p < text_.size() && text_[p] != ',' && text_[p] != '\n') return fault("text behind a closing quote", p);
    } else {
      p = next_mark(marks_.data(), p);
      if (p < text_.size() && text_[p] == '"') return fault("a quote inside a field without quotes", p);
    }
    separators_.push_back(static_cast<std::uint32_t>(p - begin));
    if (p >= text_.size() || text_[p] == '\n') break;
    ++p;  // the comma
  }
  end = std::min(p + 1, text_.size());
  const std::string_view whole = without_line_end(text_.substr(begin, end - begin));
  if (whole.size() > record_bytes_max_) return told(kTooLong);
  record.field_count = separators_.size() - 1;
  if (column_count_ != 0 && record.field_count != column_count_) {
    return told(
        {record.field_count < column_count_ ? "fewer fields than the header" : "more fields than the header", 0});
  }
  if (!text_is_utf8_) {
    if (const std::size_t bad = find_invalid_utf8(whole); bad != whole.size()) {
      return fault(bad_byte_, begin + bad);
    }
  }
  line_ends += static_cast<std::uint64_t>(p < text_.size());
  record.text = text_.data() + begin;
  record.separators = separators_.data();
  return {};
}

bool CsvReader::next(CsvRecord& record) {
  while (at_ < text_.size()) {
    const char first = text_[at_];
    if (is_blank(first) || first == '\r' || first == '\n') {
      const std::size_t line_end = std::min(text_.find('\n', at_), text_.size());
      if (is_blank_line(text_.substr(at_, line_end - at_))) {
        at_ = std::min(line_end + 1, text_.size());
        ++line_;
        continue;
      }
    }
    std::size_t end = 0;
    std::uint64_t line_ends = 0;
    record.line = line_;
    record.fault = read(record, end, line_ends);
    if (record.fault) {
      end = std::min(text_.find('\n', at_), text_.size() - 1) + 1;
      line_ends = 1;
      record.field_count = 0;
      // Of a line longer than a block only the front is here, so nothing else may be told of any line that is too long.
      if (without_line_end(text_.substr(at_, end - at_)).size() > record_bytes_max_) record.fault = kTooLong;
    }
    record.raw = text_.substr(at_, end - at_);
    at_ = end;
    line_ += line_ends;
    return true;
  }
  return false;
}

namespace {

enum class Reach { kWhole, kWrong, kUnfinished };

/// Whether the record that starts `text` is whole within it, when more is to come; `end` is then behind it. The twin of
/// CsvReader::read for one record, byte by byte: it runs only where a quoted line end is suspected.
Reach reach_of_record(std::string_view text, std::size_t record_bytes_max, std::size_t column_count, std::size_t& end) {
  enum class At { kFieldStart, kUnquoted, kQuoted, kQuoteInQuoted, kCrBehindQuote };
  auto at = At::kFieldStart;
  std::size_t fields = 1;
  int line_ends = 0;
  const auto finish = [&](std::size_t i) {
    end = i + 1;
    const std::string_view whole = without_line_end(text.substr(0, end));
    const bool right = whole.size() <= record_bytes_max && (column_count == 0 || fields == column_count) &&
                       (is_utf8(whole) || find_invalid_utf8(whole) == whole.size());
    return right ? Reach::kWhole : Reach::kWrong;
  };
  // Most bytes change nothing while inside a field.
  const auto skip_plain = [&](std::size_t i, auto is_special) {
    while (i + 8 <= text.size() && is_special(load8(text.data() + i)) == 0) i += 8;
    return i;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (at == At::kQuoted) {
      i = skip_plain(i, [](std::uint64_t bytes) { return equal_bytes(bytes, '"') | equal_bytes(bytes, '\n'); });
    } else if (at == At::kUnquoted) {
      i = skip_plain(i, [](std::uint64_t bytes) {
        return equal_bytes(bytes, '"') | equal_bytes(bytes, '\n') | equal_bytes(bytes, ',');
      });
    }
    if (i == text.size()) break;
    const char c = text[i];
    switch (at) {
      case At::kQuoted:
        if (i >= record_bytes_max) return Reach::kWrong;
        if (c == '"') at = At::kQuoteInQuoted;
        if (c == '\n' && ++line_ends == kCsvLineEndsMax) return Reach::kWrong;
        break;
      case At::kQuoteInQuoted:
        if (c == '"') {
          at = At::kQuoted;
        } else if (c == ',') {
          at = At::kFieldStart;
          ++fields;
        } else if (c == '\n') {
          return finish(i);
        } else if (c == '\r') {
          at = At::kCrBehindQuote;
        } else {
          return Reach::kWrong;
        }
        break;
      case At::kCrBehindQuote:
        return c == '\n' ? finish(i) : Reach::kWrong;
      case At::kFieldStart:
      case At::kUnquoted:
        if (c == '"') {
          if (at == At::kUnquoted) return Reach::kWrong;
          at = At::kQuoted;
        } else if (c == ',') {
          at = At::kFieldStart;
          ++fields;
        } else if (c == '\n') {
          return finish(i);
        } else {
          at = At::kUnquoted;
        }
        break;
    }
  }
  return text.size() > record_bytes_max + 2 ? Reach::kWrong : Reach::kUnfinished;
}

}  // namespace

std::size_t csv_cut(std::string_view text, std::size_t record_bytes_max, std::size_t column_count) {
  const Kernels& kernel = kernels();
  std::size_t boundary = 0;  // all before it is whole records
  while (boundary < text.size()) {
    const LineScan scan = kernel.scan_lines(text.data() + boundary, text.size() - boundary);
    if (scan.odd == text.size() - boundary) return boundary + scan.even_end;
    // The line behind the last even end has an odd count of quotes: only reading its record tells where that ends.
    const std::size_t line_end = boundary + scan.odd + 1;
    boundary += scan.even_end;
    std::size_t record_bytes = 0;
    switch (reach_of_record(text.substr(boundary), record_bytes_max, column_count, record_bytes)) {
      case Reach::kUnfinished:
        return boundary;
      case Reach::kWhole:
        boundary += record_bytes;
        break;
      case Reach::kWrong:
        boundary = line_end;
        break;
    }
  }
  return boundary;
}

Status read_header_record(std::string_view text, CsvReader& reader, CsvRecord& record, std::size_t& header_end,
                          std::uint64_t& header_lines) {
  reader.start(text, 1);
  if (!reader.next(record)) {
    return Status(StatusKind::kInput, "1:1: error: the CSV header is missing; name the columns in the first line");
  }
  if (record.fault) {
    return Status(StatusKind::kInput,
                  std::to_string(record.line) + ":" + std::to_string(std::max(record.fault.column, 1U)) +
                      ": error: the CSV header is wrong: " + std::string(record.fault.what) + "; mend the line");
  }
  header_end = reader.position();
  header_lines = reader.line() - 1;
  return {};
}

Status read_csv_header(std::string_view text, InputFormat& format, std::size_t& header_end,
                       std::uint64_t& header_lines) {
  CsvRecord record;
  // The reader owns the fields with doubled quotes, so it lives as long as they are compared.
  CsvReader reader(format.line_bytes_max, 0, format.bad_byte);
  if (Status status = read_header_record(text, reader, record, header_end, header_lines); !status.ok()) return status;
  const auto place = [&](std::size_t column) {
    return std::to_string(record.line) + ":" + std::to_string(column) + ": error: ";
  };
  std::vector<std::string_view> columns(record.field_count);
  for (std::size_t i = 0; i < columns.size(); ++i) columns[i] = reader.field(record, i);
  format.column_count = columns.size();
  const FieldNames own = own_field_names();
  for (std::size_t field = 0; field < kFieldCount; ++field) {
    const std::string& name = format.names[field];
    const auto first = std::find(columns.begin(), columns.end(), name);
    if (first == columns.end()) {
      const bool mapped = name != own[field];
      if (field != static_cast<std::size_t>(Field::kId) && !mapped) continue;
      return Status(StatusKind::kInput, place(1) + "the CSV header has no column '" + name + "'; " +
                                            (mapped ? "mend --columns" : "name it with --columns id=COLUMN"));
    }
    const auto again = std::find(first + 1, columns.end(), name);
    if (again != columns.end()) {
      return Status(StatusKind::kInput, place(record.column(static_cast<std::size_t>(again - columns.begin()))) +
                                            "the CSV header has column '" + name +
                                            "' twice; rename one, or name another with --columns");
    }
    format.column[field] = static_cast<std::size_t>(first - columns.begin());
  }
  return {};
}

CsvDecoder::CsvDecoder(const InputFormat& format)
    : column_(format.column), reader_(format.line_bytes_max, format.column_count, format.bad_byte) {}

void CsvDecoder::next(DecodedBatch& batch) {
  batch.size = 0;
  while (batch.size < DecodedBatch::kLinesMax && reader_.next(record_)) {
    DecodedLine& line = batch.lines[batch.size];
    Declaration& declaration = batch.declarations[batch.size];
    ++batch.size;
    line.line = record_.line;
    line.fault = record_.fault;
    line.has_id = false;
    line.id = {};
    if (line.fault) continue;
    FieldValues values;
    for (std::size_t field = 0; field < kFieldCount; ++field) {
      if (column_[field] != InputFormat::kNoColumn) values[field] = reader_.field(record_, column_[field]);
    }
    take_fields(values, false, declaration, line);
    if (line.fault && column_[static_cast<std::size_t>(Field::kDeclaredAt)] != InputFormat::kNoColumn) {
      line.fault.column = record_.column(column_[static_cast<std::size_t>(Field::kDeclaredAt)]);
    }
  }
}

}  // namespace clearline
