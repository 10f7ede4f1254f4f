#include "io/formats/foreign_input.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "io/formats/json_object.h"

namespace clearline {
namespace {

constexpr std::string_view kSaveAsCsv = "save it as CSV (UTF-8)";
constexpr std::string_view kUnpack = "unpack it first, or compress it with gzip or zstd";
constexpr int kDocumentLines = 16;

/// A kind of file that is known by bytes at its very start.
struct Kind {
  std::string_view magic;
  std::string_view name;
  std::string_view mend;
};

using namespace std::string_view_literals;

constexpr std::array kKinds{
    Kind{"\xFD"
         "7zXZ\0"sv,
         "an xz archive", kUnpack},
    Kind{"\x04\x22\x4D\x18"sv, "an lz4 archive", kUnpack},
    Kind{"\x02\x21\x4C\x18"sv, "an lz4 archive", kUnpack},
    Kind{"7z\xBC\xAF\x27\x1C"sv, "a 7z archive", kUnpack},
    Kind{"Rar!\x1A\x07"sv, "a rar archive", kUnpack},
    Kind{"LZIP\x01"sv, "an lzip archive", kUnpack},
    Kind{"\x1F\x9D"sv, "an archive of compress (.Z)", kUnpack},
    // The input has been decompressed, so these are a second layer.
    Kind{"\x1F\x8B\x08"sv, "compressed twice (gzip inside)", "decompress it once"},
    Kind{"\x28\xB5\x2F\xFD"sv, "compressed twice (zstd inside)", "decompress it once"},
    Kind{"SQLite format 3\0"sv, "an SQLite database", "export its table as CSV"},
    Kind{"ARROW1\0\0"sv, "an Arrow (feather) file", "export it as CSV or NDJSON"},
    Kind{"Obj\x01"sv, "an Avro file", "export it as CSV or NDJSON"},
    Kind{"CLRIMAGE"sv, "a registry image", "name it with -r, and the declarations as the input"},
};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 0x20) : c; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20; }

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

Status refused(std::string_view name, std::string_view mend) {
  return {StatusKind::kInput,
          " error: this is " + std::string(name) + ", and NDJSON or CSV is wanted; " + std::string(mend)};
}

Status refused_at(std::uint64_t line, std::size_t column, std::string_view what) {
  return {StatusKind::kInput, std::to_string(line) + ":" + std::to_string(column) + ": error: " + std::string(what)};
}

/// OLE compound files name their streams in UTF-16.
bool has_utf16(std::string_view text, std::string_view ascii) {
  std::string units;
  for (const char c : ascii) units.append({c, '\0'});
  return text.find(units) != std::string_view::npos;
}

Status check_office(std::string_view start) {
  if (start.starts_with("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")) {
    if (has_utf16(start, "EncryptedPackage")) {
      return refused("a password-protected sheet (xlsx)", "save it without a password, as CSV (UTF-8)");
    }
    return refused("a sheet in an old format (xls)", kSaveAsCsv);
  }
  const bool is_zip =
      start.starts_with("PK\x03\x04"sv) || start.starts_with("PK\x05\x06"sv) || start.starts_with("PK\x07\x08"sv);
  if (!is_zip) return {};
  const auto holds = [&](std::string_view name) { return start.find(name) != std::string_view::npos; };
  if (holds("[Content_Types].xml") || holds("xl/workbook")) return refused("a sheet (xlsx)", kSaveAsCsv);
  if (holds("opendocument.spreadsheet")) return refused("a sheet (ods)", kSaveAsCsv);
  return refused("a zip archive", kUnpack);
}

/// Kinds whose first letters might also begin a CSV header: something after these makes them certain.
Status check_letters(std::string_view start) {
  const auto byte = [&](std::size_t i) { return i < start.size() ? start[i] : ' '; };
  if (start.starts_with("BZh") && is_digit(byte(3)) &&
      (start.substr(4).starts_with("1AY&SY") || start.substr(4).starts_with("\x17\x72\x45\x38\x50\x90"))) {
    return refused("a bzip2 archive", kUnpack);
  }
  const bool is_parquet = start.starts_with("PAR1") && is_control(byte(4)) &&
                          std::string_view("\t\r\n").find(byte(4)) == std::string_view::npos;
  if (is_parquet) return refused("a Parquet file", "export it as CSV or NDJSON");
  if (start.starts_with("%PDF-") && is_digit(byte(5)) && byte(6) == '.') {
    return refused("a PDF", "export its table as CSV");
  }
  constexpr std::size_t kTarMagic = 257;
  if (start.size() > kTarMagic && start.substr(kTarMagic).starts_with("ustar") &&
      start.substr(0, kTarMagic).find('\0') != std::string_view::npos) {
    return refused("a tar archive", "unpack it, and name the files in it");
  }
  return {};
}

/// HTML as shops export it under the name of a sheet: a page, or a table alone.
bool is_html(std::string_view text) {
  constexpr std::array<std::string_view, 9> kTags{"!doctype", "html", "head",  "meta",  "body",
                                                  "table",    "div",  "style", "script"};
  if (text.starts_with("<!--")) return true;
  for (const std::string_view tag : kTags) {
    if (text.size() < tag.size() + 2 || text[0] != '<') continue;
    const bool is_same =
        std::equal(tag.begin(), tag.end(), text.begin() + 1, [](char wanted, char c) { return wanted == lower(c); });
    if (is_same && std::string_view(" \t\r\n>/").find(text[tag.size() + 1]) != std::string_view::npos) return true;
  }
  return false;
}

enum class LineIs { kOther, kObject, kContinuation };

LineIs kind_of_line(std::string_view line, JsonObject& object) {
  if (std::string_view("]},\"").find(line.front()) != std::string_view::npos) return LineIs::kContinuation;
  if (line.front() == '{' && line.back() == '}' && !object.parse(line)) return LineIs::kObject;
  return LineIs::kOther;
}

/// Whether the lines after the first one say that it begins a document.
bool goes_on_as_document(std::string_view rest, bool is_whole) {
  JsonObject object;
  bool has_line = false;
  bool has_object = false;
  for (int i = 1; i < kDocumentLines && !rest.empty(); ++i) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos && !is_whole) break;
    const std::string_view line = trimmed(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.empty()) continue;
    has_line = true;
    const LineIs kind = kind_of_line(line, object);
    if (kind == LineIs::kContinuation) return true;
    has_object = has_object || kind == LineIs::kObject;
  }
  return has_line ? !has_object : is_whole;
}

/// What another program takes for a line end, by its bytes.
struct OtherEnd {
  std::string_view bytes;
  std::string_view name;
};
constexpr std::array kOtherEnds{
    OtherEnd{"\r", "a CR without LF"},      OtherEnd{"\x0C", "a form feed"},      OtherEnd{"\x0B", "a vertical tab"},
    OtherEnd{"\xC2\x85", "a NEL (U+0085)"}, OtherEnd{"\xE2\x80\xA8", "a U+2028"}, OtherEnd{"\xE2\x80\xA9", "a U+2029"},
};

/// The first line that is not blank.
struct FirstLine {
  std::size_t at = 0;
  std::uint64_t number = 1;
};

FirstLine first_line(std::string_view text) {
  FirstLine line;
  for (;;) {
    const std::size_t end = text.find('\n', line.at);
    if (end == std::string_view::npos || !trimmed(text.substr(line.at, end - line.at)).empty()) return line;
    line.at = end + 1;
    ++line.number;
  }
}

std::optional<OtherEnd> other_end_at(std::string_view rest) {
  if (rest.starts_with("\r\n")) return std::nullopt;
  for (const OtherEnd& end : kOtherEnds) {
    if (rest.starts_with(end.bytes)) return end;
  }
  return std::nullopt;
}

}  // namespace

Status check_kind(std::string_view start) {
  for (const Kind& kind : kKinds) {
    if (start.starts_with(kind.magic)) return refused(kind.name, kind.mend);
  }
  if (Status status = check_office(start); !status.ok()) return status;
  return check_letters(start);
}

Status check_document(std::string_view text, Format format, bool is_whole) {
  const FirstLine first = first_line(text);
  const std::string_view rest = text.substr(first.at);
  const std::string_view content = trimmed(rest);
  if (is_html(content)) {
    return refused("HTML", "open it in a spreadsheet program and save it as CSV (UTF-8)");
  }
  if (content.starts_with("<?xml")) return refused("XML", kSaveAsCsv);
  if (content.empty() || (content.front() != '{' && content.front() != '[')) return {};
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = trimmed(rest.substr(0, end));
  const bool is_array = line.front() == '[';
  if (!is_array && line != "{") return {};
  // A name in a CSV header may begin with a bracket; an array of objects goes on with one of these.
  if (format == Format::kCsv && is_array) {
    const std::string_view behind = trimmed(content.substr(1));
    if (behind.empty() || (behind.front() != '{' && behind.front() != ']')) return {};
  }
  if (!goes_on_as_document(rest.substr(std::min(end + 1, rest.size())), is_whole)) return {};
  return refused(is_array ? "a JSON array" : "JSON over several lines (pretty-printed)",
                 is_array ? "make it an object a line: jq -c '.[]'" : "make it an object a line: jq -c .");
}

Status check_header_row(std::string_view text, bool is_whole) {
  const FirstLine first = first_line(text);
  if (trimmed(text.substr(first.at)).empty()) return {};
  bool in_quotes = false;
  std::uint64_t line = first.number;
  std::size_t line_begin = first.at;
  for (std::size_t at = first.at; at < text.size(); ++at) {
    const char c = text[at];
    const std::size_t column = at - line_begin + 1;
    if (c == '"') in_quotes = !in_quotes;
    if (c == '\0') {
      return refused_at(line, column,
                        "there is a NUL byte in the CSV header; save the file as text, in UTF-8, once more");
    }
    if (c == '\n') {
      if (!in_quotes) return {};
      ++line;
      line_begin = at + 1;
    }
    if (in_quotes || (c == '\r' && at + 1 == text.size() && !is_whole)) continue;
    if (const auto other = other_end_at(text.substr(at))) {
      return refused_at(line, column,
                        "there is " + std::string(other->name) +
                            " in the CSV header, and a line ends in LF or CRLF; if it is to end the line, convert "
                            "the line ends of the file, else remove it");
    }
  }
  if (!is_whole) return {};  // longer than any header may be, which the reader reports
  return refused_at(first.number, 1, "the CSV header does not end in LF; end each line in LF or CRLF");
}

Status check_separator(std::string_view text) {
  const FirstLine first = first_line(text);
  const std::string_view rest = text.substr(first.at);
  const std::string_view header = trimmed(rest.substr(0, rest.find('\n')));
  if (header.find(',') != std::string_view::npos) return {};
  for (const auto& [separator, name] : {std::pair('\t', "tabs"), std::pair(';', "semicolons")}) {
    if (header.find(separator) == std::string_view::npos) continue;
    return refused_at(first.number, 1,
                      "the columns of the CSV header are separated by " + std::string(name) +
                          ", and commas are wanted; save it as CSV with commas");
  }
  return {};
}

}  // namespace clearline
