#include "io/formats/input_format.h"

#include <algorithm>

#include "engine/text.h"
#include "engine/unicode.h"

namespace clearline {
namespace {

constexpr std::array<std::string_view, kFieldCount> kFieldWords{"id", "code", "name", "zip", "phone", "declared_at"};

constexpr std::array<std::string_view, kFieldCount> kNearKey{
    "a key that nearly is that of id, which is missing; did you mean id?",
    "a key that nearly is that of code, which is missing; did you mean code?",
    "a key that nearly is that of name, which is missing; did you mean name?",
    "a key that nearly is that of zip, which is missing; did you mean zip?",
    "a key that nearly is that of phone, which is missing; did you mean phone?",
    "a key that nearly is that of declared_at, which is missing; did you mean declared_at?"};

constexpr std::array<std::string_view, kOffsetFaultCount> kWrongDeclaredAt{
    "declared_at is no real date", "declared_at without an offset; write Z or +09:00 after the time",
    "declared_at with an offset without its colon; write +09:00"};

std::optional<std::size_t> field_index(std::string_view word) {
  const auto* found = std::find(kFieldWords.begin(), kFieldWords.end(), word);
  if (found == kFieldWords.end()) return std::nullopt;
  return static_cast<std::size_t>(found - kFieldWords.begin());
}

}  // namespace

std::string_view near_key_fault(Field field) { return kNearKey[static_cast<std::size_t>(field)]; }

std::string_view to_string(Field field) { return kFieldWords[static_cast<std::size_t>(field)]; }

FieldNames own_field_names() {
  FieldNames names;
  std::copy(kFieldWords.begin(), kFieldWords.end(), names.begin());
  return names;
}

Result<FieldNames> parse_columns(std::string_view text) {
  const auto wrong = [](std::string what) { return Status(StatusKind::kUsage, "--columns: " + std::move(what)); };
  FieldNames names = own_field_names();
  for (bool more = !text.empty(); more;) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view pair = text.substr(0, comma);
    more = comma != text.size();  // a comma at the end leaves a pair out
    text.remove_prefix(std::min(comma + 1, text.size()));
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || equals + 1 == pair.size()) {
      return wrong("a pair is not FIELD=NAME; write code=NAME,zip=NAME");
    }
    const auto index = field_index(pair.substr(0, equals));
    if (!index) {
      return wrong("unknown field; the fields are id, code, name, zip, phone, declared_at");
    }
    if (names.is_mapped[*index]) {
      return wrong("field '" + std::string(kFieldWords[*index]) + "' is there twice; give it once");
    }
    names.is_mapped[*index] = true;
    names[*index] = normal_name(pair.substr(equals + 1));
    if (names[*index].empty()) return wrong("a name is blank; write code=NAME,zip=NAME");
  }
  for (std::size_t a = 0; a < kFieldCount; ++a) {
    for (std::size_t b = a + 1; b < kFieldCount; ++b) {
      if (names[a] == names[b]) {
        return wrong("one name would be both " + std::string(kFieldWords[a]) + " and " + std::string(kFieldWords[b]) +
                     "; give each its own");
      }
    }
  }
  return names;
}

bool has_ending(std::string_view path, std::string_view ending) {
  if (path.size() < ending.size()) return false;
  return std::equal(ending.begin(), ending.end(), path.end() - static_cast<std::ptrdiff_t>(ending.size()),
                    [](char wanted, char c) { return wanted == (c >= 'A' && c <= 'Z' ? c + 0x20 : c); });
}

Compression compression_of_name(std::string_view path) {
  if (has_ending(path, ".gz")) return Compression::kGzip;
  return has_ending(path, ".zst") ? Compression::kZstd : Compression::kNone;
}

std::string_view without_compression(std::string_view path) {
  for (const std::string_view ending : {".gz", ".zst"}) {
    if (has_ending(path, ending)) return path.substr(0, path.size() - ending.size());
  }
  return path;
}

std::optional<Format> format_of_name(std::string_view path) {
  path = without_compression(path);
  if (has_ending(path, ".csv") || has_ending(path, ".tsv")) return Format::kCsv;
  if (has_ending(path, ".ndjson") || has_ending(path, ".jsonl") || has_ending(path, ".json")) return Format::kNdjson;
  return std::nullopt;
}

std::optional<Format> output_format_of_name(std::string_view path) {
  if (has_ending(without_compression(path), ".tsv")) return std::nullopt;
  return format_of_name(path);
}

Format format_of_content(std::string_view start) {
  const std::size_t first = start.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && start[first] == '{' ? Format::kNdjson : Format::kCsv;
}

namespace {

/// Whether a name is not blank; the call is for few.
bool is_name_given(std::string_view name) {
  const auto first = static_cast<unsigned char>(name.empty() ? ' ' : name.front());
  return (first > ' ' && first < 0x7F) || (first >= 0xEA && first <= 0xED) || !is_blank_name(name);
}

bool is_given(std::string_view text) {
  return !text.empty() && (!is_blank(text.front()) || !trim_blanks(text).empty());
}

}  // namespace

void take_fields(const FieldValues& values, bool id_is_wrong, Declaration& declaration, DecodedLine& line) {
  const auto value = [&](Field field) { return values[static_cast<std::size_t>(field)]; };
  line.id = value(Field::kId);
  line.has_id = !id_is_wrong && line.id.size() <= kIdBytesMax && !trim_blanks(line.id).empty();
  declaration.code = value(Field::kCode);
  declaration.name = value(Field::kName);
  declaration.zip = value(Field::kZip);
  declaration.phone = value(Field::kPhone);
  const auto given = [](Field field, bool is_there) {
    return static_cast<unsigned>(is_there) << static_cast<unsigned>(field);
  };
  const unsigned texts = given(Field::kId, line.has_id) | given(Field::kCode, is_given(declaration.code)) |
                         given(Field::kName, is_name_given(declaration.name)) |
                         given(Field::kZip, is_given(declaration.zip)) |
                         given(Field::kPhone, is_given(declaration.phone));
  line.given = static_cast<unsigned char>(texts);
  declaration.declared_at.reset();
  const std::string_view declared_at = trim_blanks(value(Field::kDeclaredAt));
  if (declared_at.empty()) return;
  if (const auto moment = parse_moment(declared_at)) {
    // Member by member, as they were just stored: loads of more than one store wait until both are in the cache (5 ns a line).
    declaration.declared_at.emplace(Moment{moment->day, moment->unix_us, moment->is_day});
    line.given = static_cast<unsigned char>(texts | given(Field::kDeclaredAt, true));
    return;
  }
  if (line.fault) return;
  line.fault = {kWrongDeclaredAt[static_cast<std::size_t>(offset_fault(declared_at))], 0};
}

}  // namespace clearline
