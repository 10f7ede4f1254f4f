// CSV after RFC 4180: cutting text into records, records into fields, and declarations out of them.
//
// A record wrong in form (bare quote, a quote still open after kCsvLineEndsMax line ends or the input's end, more bytes
// than the limit, text behind a closing quote, another field count than the header, bad UTF-8) makes its first physical
// line malformed, and reading starts again at the next physical line.
//
//   text --scan_csv--> words: separators, line ends, doubled quotes, doubts          (64 bytes an operation, some KiB at a time)
//        --skim------> records: no doubt in it, and as many separators as columns      (from separator to separator)
//        --read------> the same, and what is wrong where                               (field by field; only records in doubt)
//
// Cutting a text into blocks must agree with that, so it cannot simply look for line ends. What makes it cheap: a
// record that starts on a line with an even number of quotes ends on that line, or is wrong and restarts on the next
// one. Either way the line's end is a boundary. Only of a line with an odd number of quotes the record must be judged, by
// the same marks, or by read() where these are in doubt.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "clearline/status.h"
#include "io/formats/decoded.h"
#include "io/formats/input_format.h"
#include "io/formats/kernels.h"
#include "io/formats/key_names.h"
#include "io/formats/special_bytes.h"

namespace clearline {

inline constexpr int kCsvLineEndsMax = 16;  ///< line ends inside the quotes of one record: so many are one too many

/// One record, or the one physical line that is wrong. Its fields hold until the reader's next record.
struct CsvRecord {
  std::uint64_t line = 0;       ///< its first physical line
  std::string_view raw;         ///< its bytes, with their line end
  LineFault fault;              ///< then it has no fields
  std::size_t field_count = 0;  ///< CsvReader::field gives them
  /// The column at which a field starts, from 1; 0 for one behind a line end.
  std::uint32_t column(std::size_t field) const;

  // Where the fields are: between one separator (comma or line end) and the next.
  std::size_t begin(std::size_t field) const { return separators[field] + std::uint32_t{1}; }
  std::size_t end(std::size_t field) const { return separators[field + 1]; }
  const char* text = nullptr;                 ///< what the places count from
  const std::uint32_t* separators = nullptr;  ///< places; the first one is that before the record, or -1
  bool has_doubled = false;                   ///< some field has doubled quotes
};

/// Cuts text into records, one after the other. Blank lines are skipped and counted.
class CsvReader {
 public:
  /// column_count 0: any.
  /// `bad_byte`: the fault of a record that is not UTF-8.
  CsvReader(std::size_t record_bytes_max, std::size_t column_count, std::string_view bad_byte = kBadUtf8);
  ~CsvReader();

  /// Starts on a text of whole records (see cut), with kBlockPadding zero bytes behind it.
  void start(std::string_view text, std::uint64_t first_line);

  /// The next record; false at the end of the text. Nothing is allocated a record.
  bool next(CsvRecord& record);

  /// A field of the record that was read last, without its quotes: a view into the text, or into the reader until its next
  /// start. Ask once for each: what is undoubled takes memory for the whole text.
  std::string_view field(const CsvRecord& record, std::size_t index);

  /// Where the last whole record of `text` ends, when it starts at a record and more is to come: the cut between this block
  /// and the next. 0 when there is none yet. Ends what was started; wants kBlockPadding readable bytes behind the text.
  std::size_t cut(std::string_view text);

  /// Bytes of the text, and physical lines, that are behind the reader.
  std::size_t position() const { return at_; }
  std::uint64_t line() const { return line_; }

 private:
  struct Window;
  void set_text(std::string_view text, std::uint64_t first_line);
  void scan_records(bool was_upset);
  bool skim(CsvRecord& record, std::size_t& end, std::uint64_t& line_ends);
  bool pass_lines(bool was_upset);
  void pass_even_lines();
  std::size_t next_special(std::size_t from);
  LineFault read(CsvRecord& record, std::size_t& end, std::uint64_t& line_ends);
  bool take(CsvRecord& record, std::size_t& end, std::uint64_t& line_ends);
  std::string_view undoubled(std::string_view quoted);

  std::size_t record_bytes_max_;
  std::size_t column_count_;
  std::string_view bad_byte_;
  std::string_view text_;
  std::size_t at_ = 0;
  std::uint64_t line_ = 1;
  const Kernels* kernel_ = nullptr;
  bool skims_ = false;
  bool text_is_utf8_ = true;  // false: nobody knows
  std::unique_ptr<Window> window_;
  ByteMarks marks_;         // where a field can end, for read()
  std::size_t marked_ = 0;  // words of these, from some record on
  bool runs_out_ = false;   // the record that was read goes on to the text's end
  bool more_is_to_come_ = false;
  std::vector<std::uint32_t> separators_;  // of the record, as read() finds them
  std::vector<char> scratch_;  // fields with doubled quotes, undoubled: never longer than the text they come from
  std::size_t scratch_size_ = 0;
};

/// Reads the header record of declarations (any BOM already dropped) into `format.column` and `column_count`.
/// kInput, with `LINE:COLUMN: error: ...`, when it lacks `id` or a mapped column, has a known one twice, or one that nearly is
/// a known one that is missing.
///   header_end    bytes it took; header_lines  physical lines, blank ones before it included
Status read_csv_header(std::string_view text, InputFormat& format, std::size_t& header_end,
                       std::uint64_t& header_lines);

/// The header record alone, for any kind of file. kInput when there is none or it is wrong in form. The names are views
/// into the text or the reader; the blanks around them are there, as in any field (RFC 4180).
Status read_header_record(std::string_view text, CsvReader& reader, CsvRecord& record, std::size_t& header_end,
                          std::uint64_t& header_lines);

/// Where the columns are that have the names `known`, which are those of `names`; kNoColumn: not there. `record` is the header,
/// as `reader` has just read it. kInput for a known column that is there twice, which `mend_twice` says how to mend, and for one
/// that nearly is a known one that is missing.
Status find_columns(const CsvRecord& record, CsvReader& reader, KeyNames& names,
                    std::span<const std::string_view> known, std::string_view mend_twice,
                    std::span<std::size_t> columns);

/// Declarations from CSV blocks. One a thread.
class CsvDecoder {
 public:
  explicit CsvDecoder(const InputFormat& format);
  /// As CsvReader::start.
  void start(std::string_view text, std::uint64_t first_line) { reader_.start(text, first_line); }
  /// Fills `batch` with the next declarations; an empty batch means the end. Views hold until the next start.
  void next(DecodedBatch& batch);

 private:
  std::array<std::size_t, kFieldCount> column_;
  CsvReader reader_;
  CsvRecord record_;
  FieldValues values_;  // of columns that are not there, empty
};

}  // namespace clearline
