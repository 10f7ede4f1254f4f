#include "io/formats/csv.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

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

}  // namespace

std::uint32_t CsvRecord::column(std::size_t field) const {
  const auto offset = static_cast<std::size_t>(text + begin(field) - raw.data());
  return raw.substr(0, offset).find('\n') == std::string_view::npos ? static_cast<std::uint32_t>(offset) + 1 : 0;
}

/// A piece of the text from the start of a record on, as it was scanned: of a size that stays in the first cache. Places count
/// from its start.
struct CsvReader::Window {
  static constexpr std::size_t kWords = 128;
  static constexpr std::size_t kWordsMin = 8;
  using Marks = std::array<std::uint64_t, kWords + 1>;  // with a word behind them in which a search ends

  /// `text` starts at `at`, a record, and may be longer than the window. Behind a wrong record that upset the scan little is
  /// scanned, for others may follow; then twice as much each time.
  void scan(const Kernels& kernel, std::string_view text, std::size_t at, bool was_upset) {
    begin = at;
    words_wanted = was_upset ? kWordsMin : std::min(2 * words_wanted, kWords);
    words = std::min(words_wanted, text.size() / 64 + 1);
    kernel.scan_csv(text.data(), words, {separators.data(), line_ends.data(), doubled.data(), bad.data()});
    if (text.size() < 64 * words) {
      const std::uint64_t in_text = (std::uint64_t{1} << text.size() % 64) - 1;
      separators[words - 1] &= in_text;
      line_ends[words - 1] &= in_text;
    }
    bad[words] = ~std::uint64_t{0};
    next_bad = next_mark(bad.data(), 0);
  }

  bool has_bad(std::size_t first, std::size_t last) {
    if (next_bad < first) next_bad = next_mark(bad.data(), first);
    return next_bad <= last;
  }

  // For the fast pass over records, behind list(): their separators in turn.

  void list(const Kernels& kernel, const char* text) {
    count = kernel.list_ops(text, separators.data(), words, {places.data() + 1, bytes.data()});
    places[0] = std::uint32_t{0} - 1;
    next = 0;
    std::uint32_t sum = 0;
    for (std::size_t w = 0; w < words; ++w) {
      line_ends_before[w] = sum;
      sum += static_cast<std::uint32_t>(std::popcount(line_ends[w]));
    }
    doubled[words] = ~std::uint64_t{0};
    next_doubled = next_mark(doubled.data(), 0);
  }

  /// Goes on to the separator before `at`, a byte of the text; false when there is none.
  bool go_to(std::size_t at) {
    const auto place = static_cast<std::uint32_t>(at - begin);
    while (next < count && places[next] + std::uint32_t{1} < place) ++next;
    return places[next] + std::uint32_t{1} == place;
  }

  /// Whether the first line end that comes is the separator number `fields`. Separators are commas, which have bit 0x20, or
  /// line ends, which have not.
  bool has_line(std::size_t fields) const {
    if (count - next < fields) return false;
    constexpr std::uint64_t kCommas = 0x2020202020202020;
    const char* at = bytes.data() + next;
    std::uint64_t commas = kCommas;
    std::size_t left = fields - 1;
    for (; left >= 8; left -= 8, at += 8) commas &= load8(at);
    commas &= load8(at) | ~std::uint64_t{0} << 8 * left;
    return commas == kCommas && at[left] == '\n';
  }
  bool has_line_end() const { return std::memchr(bytes.data() + next, '\n', count - next) != nullptr; }

  std::uint32_t line_ends_up_to(std::size_t place) const {
    const std::uint64_t before = (std::uint64_t{1} << place % 64) - 1;
    return line_ends_before[place / 64] + static_cast<std::uint32_t>(std::popcount(line_ends[place / 64] & before));
  }

  bool has_doubled(std::size_t first, std::size_t last) {
    if (next_doubled < first) next_doubled = next_mark(doubled.data(), first);
    return next_doubled <= last;
  }

  // For cut(), behind split_line_ends(): line ends outside of quotes and inside.

  void split_line_ends() {
    for (std::size_t w = 0; w < words; ++w) {
      outer_ends[w] = line_ends[w] & separators[w];
      inner_ends[w] = line_ends[w] & ~separators[w];
    }
    outer_ends[words] = inner_ends[words] = ~std::uint64_t{0};
  }

  /// Behind the last outer line end of [from, to), or `from`.
  std::size_t behind_last_end(std::size_t from, std::size_t to) const {
    to = std::min(to, 64 * words);
    if (to <= from) return from;
    std::size_t word = (to - 1) / 64;
    std::uint64_t bits = outer_ends[word] & ~std::uint64_t{0} >> (63 - (to - 1) % 64);
    while (bits == 0 && word > from / 64) bits = outer_ends[--word];
    return std::max(from, 64 * (word + 1) - static_cast<std::size_t>(std::countl_zero(bits)));
  }

  static std::size_t count_marks(const Marks& marks, std::size_t first, std::size_t last) {
    const std::uint64_t from = ~std::uint64_t{0} << first % 64;
    const std::uint64_t up_to = ~std::uint64_t{0} >> (63 - last % 64);
    if (first / 64 == last / 64) return static_cast<std::size_t>(std::popcount(marks[first / 64] & from & up_to));
    int sum = std::popcount(marks[first / 64] & from) + std::popcount(marks[last / 64] & up_to);
    for (std::size_t w = first / 64 + 1; w < last / 64; ++w) sum += std::popcount(marks[w]);
    return static_cast<std::size_t>(sum);
  }

  std::size_t begin = 0;
  std::size_t words = 0;
  std::size_t words_wanted = kWords;
  Marks separators;
  Marks line_ends;
  Marks doubled;
  Marks bad;
  std::size_t next_bad;  // the first one at or behind the record that was read last
  Marks outer_ends;
  Marks inner_ends;
  std::array<std::uint32_t, 1 + 64 * (kWords + 1)> places;  // of the separators; the first one stands before the text
  std::array<char, 64 * (kWords + 1)> bytes;                // of the separators behind that
  std::size_t count;                                        // of these
  std::size_t next;  // the separator before the record that comes, by its number in `places`
  std::array<std::uint32_t, kWords> line_ends_before;  // a word, in all before it
  std::size_t next_doubled;                            // as next_bad
};

CsvReader::CsvReader(std::size_t record_bytes_max, std::size_t column_count, std::string_view bad_byte)
    : record_bytes_max_(record_bytes_max), column_count_(column_count), bad_byte_(bad_byte) {}
CsvReader::~CsvReader() = default;

void CsvReader::start(std::string_view text, std::uint64_t first_line) {
  set_text(text, first_line);
  text_is_utf8_ = !(skims_ && kernel_->scan_csv_tells_utf8) && is_utf8(text);
  if (scratch_.size() < text.size()) scratch_.resize(text.size());
  scratch_size_ = 0;
  if (skims_) scan_records(false);
}

void CsvReader::set_text(std::string_view text, std::uint64_t first_line) {
  text_ = text;
  at_ = 0;
  line_ = first_line;
  more_is_to_come_ = false;
  marked_ = 0;
  kernel_ = &kernels();
  skims_ = kernel_->scan_csv != nullptr && column_count_ != 0;
  if (skims_ && window_ == nullptr) window_ = std::make_unique_for_overwrite<Window>();
}

void CsvReader::scan_records(bool was_upset) {
  window_->scan(*kernel_, text_.substr(at_), at_, was_upset);
  window_->list(*kernel_, text_.data() + at_);
}

/// The fast pass, for the record at at_. False: only read() can tell what it is. On success `end` and `line_ends` are as those
/// of read().
bool CsvReader::skim(CsvRecord& record, std::size_t& end, std::uint64_t& line_ends) {
  Window& window = *window_;
  if (!window.go_to(at_)) scan_records(at_ - window.begin < 64 * window.words);
  while (!window.has_line(column_count_)) {
    // Another count of fields, or a record that goes on behind the window.
    if (window.begin == at_ || window.count - window.next >= column_count_ || window.has_line_end()) return false;
    scan_records(false);
  }
  const std::size_t first = at_ - window.begin;
  const std::size_t last = window.places[window.next + column_count_];
  if (window.has_bad(first, last) || last - first > record_bytes_max_) return false;
  line_ends = window.line_ends_up_to(last) - window.line_ends_up_to(first);
  if (line_ends >= kCsvLineEndsMax) return false;
  if (!kernel_->scan_csv_tells_utf8 && !text_is_utf8_ && !is_utf8(text_.substr(at_, last - first))) return false;
  ++line_ends;
  end = window.begin + last + 1;
  record.field_count = column_count_;
  record.text = text_.data() + window.begin;
  record.separators = window.places.data() + window.next;
  record.has_doubled = window.has_doubled(first, last);
  window.next += column_count_;
  return true;
}

std::string_view CsvReader::field(const CsvRecord& record, std::size_t index) {
  const char* begin = record.text + record.begin(index);
  const char* end = record.text + record.end(index);
  if (index + 1 == record.field_count && end != begin && end[-1] == '\r') --end;
  // No branch: whether a field has quotes is anybody's guess. Behind one that is empty stands no quote.
  const bool is_quoted = *begin == '"';
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

/// The first quote, comma or line end at or behind `from`, or a place at or behind the text's end.
std::size_t CsvReader::next_special(std::size_t from) {
  constexpr std::size_t kWordsAtOnce = 8;
  const std::size_t words = text_.size() / 64 + 1;
  for (;;) {
    if (from / 64 < marked_) {
      const std::size_t found = next_mark(marks_.data(), from);
      if (found < 64 * marked_ || marked_ == words) return found;
    }
    const std::size_t more = std::min(words - marked_, kWordsAtOnce);
    kernel_->mark_csv(text_.data() + 64 * marked_, more, marks_.data() + marked_);
    marked_ += more;
    if (marked_ == words) marks_[words - 1] |= ~std::uint64_t{0} << text_.size() % 64;
    marks_[marked_] = ~std::uint64_t{0};
  }
}

/// The exact pass, for the record at at_. On success `end` is behind it (and its line end), and `line_ends` counts what it spans.
///
/// A fault must not depend on where a block ends, and a cut may stand behind the first line of a wrong record. So what
/// goes wrong further down is told as the quote that this line leaves open.
LineFault CsvReader::read(CsvRecord& record, std::size_t& end, std::uint64_t& line_ends) {
  if (marks_.size() < text_.size() / 64 + 2) marks_.resize(text_.size() / 64 + 2);
  marked_ = std::max(marked_, at_ / 64);  // what lies before was skimmed
  runs_out_ = false;
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
        p = next_special(p);
        runs_out_ = p >= text_.size();
        if (runs_out_ || p - begin >= record_bytes_max_) return open_fault;
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
      p = next_special(p);
      if (p < text_.size() && text_[p] == '"') return fault("a quote inside a field without quotes", p);
    }
    separators_.push_back(static_cast<std::uint32_t>(p - begin));
    if (p >= text_.size() || text_[p] == '\n') break;
    ++p;  // the comma
  }
  runs_out_ = p >= text_.size();
  end = std::min(p + 1, text_.size());
  const std::string_view whole = without_line_end(text_.substr(begin, end - begin));
  if (whole.size() > record_bytes_max_) return told(kTooLong);
  record.field_count = separators_.size() - 1;
  if (column_count_ != 0 && record.field_count != column_count_) {
    return told(
        {record.field_count < column_count_ ? "fewer fields than the header" : "more fields than the header", 0});
  }
  if (!text_is_utf8_ && !is_utf8(whole)) {
    if (const std::size_t bad = find_invalid_utf8(whole); bad != whole.size()) {
      return fault(bad_byte_, begin + bad);
    }
  }
  line_ends += static_cast<std::uint64_t>(p < text_.size());
  record.text = text_.data() + begin;
  record.separators = separators_.data();
  return {};
}

/// read(), and where to go on behind what is wrong. False: what is behind the text may still tell otherwise.
bool CsvReader::take(CsvRecord& record, std::size_t& end, std::uint64_t& line_ends) {
  record.fault = read(record, end, line_ends);
  if (more_is_to_come_ && runs_out_ && text_.size() - at_ <= record_bytes_max_ + 2) return false;
  if (!record.fault) return true;
  const std::size_t line_end = text_.find('\n', at_);
  if (more_is_to_come_ && line_end == std::string_view::npos) return false;
  end = std::min(line_end, text_.size() - 1) + 1;
  line_ends = 1;
  record.field_count = 0;
  // Of a line longer than a block only the front is here, so nothing else may be told of any line that is too long.
  if (without_line_end(text_.substr(at_, end - at_)).size() > record_bytes_max_) record.fault = kTooLong;
  return true;
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
    record.fault = {};
    if (!skims_ || !skim(record, end, line_ends)) take(record, end, line_ends);
    record.raw = text_.substr(at_, end - at_);
    at_ = end;
    line_ += line_ends;
    return true;
  }
  return false;
}

/// The fast pass of cut(): goes on to the first record that only read() can tell about. Returns whether that is wrong by the
/// marks, and so may upset the scan; `was_upset`: by the record before.
///
/// Where no line end is inside of quotes, each one ends a record, or a line that is wrong: no more is asked about these.
bool CsvReader::pass_lines(bool was_upset) {
  Window& window = *window_;
  std::size_t first = 0;
  do {
    window.scan(*kernel_, text_.substr(at_), at_, was_upset);
    was_upset = false;
    window.split_line_ends();
    first = 0;
    for (;;) {
      const std::size_t inner = next_mark(window.inner_ends.data(), first);
      first = window.behind_last_end(first, inner);
      const std::size_t last = inner < 64 * window.words ? next_mark(window.outer_ends.data(), inner) : inner;
      if (last >= 64 * window.words) break;
      const std::string_view record = text_.substr(at_ + first, last - first);
      if (window.has_bad(first, last) || record.size() > record_bytes_max_ ||
          window.count_marks(window.separators, first, last) != column_count_ ||
          window.count_marks(window.line_ends, first, last) > kCsvLineEndsMax ||
          (!kernel_->scan_csv_tells_utf8 && !is_utf8(record))) {
        at_ += first;
        return true;
      }
      first = last + 1;
    }
    at_ += first;
  } while (first != 0);
  return false;
}

/// The same without vectors, up to the first line with an odd number of quotes.
void CsvReader::pass_even_lines() {
  for (;;) {
    const std::size_t line_end = text_.find('\n', at_);
    if (line_end == std::string_view::npos) return;
    const std::string_view line = text_.substr(at_, line_end - at_);
    if (std::count(line.begin(), line.end(), '"') % 2 != 0) return;
    at_ = line_end + 1;
  }
}

std::size_t CsvReader::cut(std::string_view text) {
  set_text(text, 1);
  more_is_to_come_ = true;
  text_is_utf8_ = false;
  CsvRecord record;
  std::uint64_t line_ends = 0;
  bool is_upset = false;
  for (std::size_t end = 0;; at_ = end) {
    if (skims_) {
      is_upset = pass_lines(is_upset);
    } else {
      pass_even_lines();
    }
    if (at_ == text.size() || !take(record, end, line_ends)) return at_;
  }
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

Status find_columns(const CsvRecord& record, CsvReader& reader, KeyNames& names,
                    std::span<const std::string_view> known, std::string_view mend_twice,
                    std::span<std::size_t> columns) {
  const auto wrong = [&](std::size_t column, const std::string& what) {
    return Status(StatusKind::kInput, std::to_string(record.line) + ":" +
                                          std::to_string(std::max(record.column(column), 1U)) +
                                          ": error: the CSV header has " + what);
  };
  std::fill(columns.begin(), columns.end(), InputFormat::kNoColumn);
  struct NearColumn {
    std::size_t column;
    std::uint32_t near;
    std::string name;
  };
  std::vector<NearColumn> near_columns;
  for (std::size_t column = 0; column < record.field_count; ++column) {
    std::string name = normal_name(reader.field(record, column));
    const KeyNames::Match match = names.match(name);
    if (match.near != 0) near_columns.push_back({column, match.near, std::move(name)});
    if (match.known == KeyNames::kNone) continue;
    std::size_t& place = columns[match.known];
    if (place != InputFormat::kNoColumn) {
      return wrong(column, "column '" + std::string(known[match.known]) + "' twice; " + std::string(mend_twice));
    }
    place = column;
  }
  for (const NearColumn& one : near_columns) {
    for (std::uint32_t near = one.near; near != 0; near &= near - 1) {
      const auto meant = static_cast<std::size_t>(std::countr_zero(near));
      if (columns[meant] != InputFormat::kNoColumn) continue;
      return wrong(one.column, "a column '" + visible_name(one.name) + "' and no '" + std::string(known[meant]) +
                                   "'; did you mean '" + std::string(known[meant]) +
                                   "'? Rename it, or pass it over with --ignore NAME");
    }
  }
  return {};
}

Status read_csv_header(std::string_view text, InputFormat& format, std::size_t& header_end,
                       std::uint64_t& header_lines) {
  CsvRecord record;
  CsvReader reader(format.line_bytes_max, 0, format.bad_byte);
  if (Status status = read_header_record(text, reader, record, header_end, header_lines); !status.ok()) return status;
  KeyNames names({format.names.begin(), format.names.end()}, format.ignored);
  const std::vector<std::string_view> known(format.names.begin(), format.names.end());
  if (Status status =
          find_columns(record, reader, names, known, "rename one, or name another with --columns", format.column);
      !status.ok()) {
    return status;
  }
  format.column_count = record.field_count;
  for (std::size_t field = 0; field < kFieldCount; ++field) {
    if (format.column[field] != InputFormat::kNoColumn) continue;
    const bool mapped = format.names.is_mapped[field];
    if (field != static_cast<std::size_t>(Field::kId) && !mapped) continue;
    return {StatusKind::kInput, std::to_string(record.line) + ":1: error: the CSV header has no column '" +
                                    format.names[field] + "'; " +
                                    (mapped ? "mend --columns" : "name it with --columns id=COLUMN")};
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
    line.fault = {};
    if (record_.fault) {
      line.fault = record_.fault;
      line.has_id = false;
      line.id = {};
      continue;
    }
    for (std::size_t field = 0; field < kFieldCount; ++field) {
      if (column_[field] != InputFormat::kNoColumn) values_[field] = reader_.field(record_, column_[field]);
    }
    take_fields(values_, false, declaration, line);
    if (line.fault && column_[static_cast<std::size_t>(Field::kDeclaredAt)] != InputFormat::kNoColumn) {
      line.fault.column = record_.column(column_[static_cast<std::size_t>(Field::kDeclaredAt)]);
    }
  }
}

}  // namespace clearline
