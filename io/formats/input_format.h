// InputFormat: how the bytes of one input become declarations. Chosen once an input, shared by all its blocks.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clearline/status.h"
#include "io/formats/decoded.h"
#include "io/formats/key_names.h"

namespace clearline {

enum class Field : unsigned char { kId, kCode, kName, kZip, kPhone, kDeclaredAt };
inline constexpr std::size_t kFieldCount = 6;

/// The own name of a field: "id", "declared_at".
std::string_view to_string(Field field);

/// The key or column each known field is read from, as normal_name() gives it; its own name unless `--columns` gives another.
struct FieldNames : std::array<std::string, kFieldCount> {
  std::array<bool, kFieldCount>
      is_mapped{};  ///< named by `--columns`, maybe by its own name: a CSV header must have it
};

/// The fields under their own names.
FieldNames own_field_names();

/// Reads `--columns`: `code=개인통관고유부호,name=수취인명`. kUsage for an unknown field, a field twice or a name
/// twice.
Result<FieldNames> parse_columns(std::string_view text);

/// The fault of a key that nearly is the name of a field, where that field is missing.
std::string_view near_key_fault(Field field);

/// Whether a path ends so, in letters of either case; `ending` in lower case.
bool has_ending(std::string_view path, std::string_view ending);

enum class Compression { kNone, kGzip, kZstd };

/// By name: `.gz`, `.zst`.
Compression compression_of_name(std::string_view path);
/// The name without `.gz` or `.zst`.
std::string_view without_compression(std::string_view path);

enum class Format { kNdjson, kCsv };

/// By name (`.csv .tsv .ndjson .jsonl .json`, before `.gz` or `.zst`); nothing if the name does not tell.
std::optional<Format> format_of_name(std::string_view path);
/// Of an output, by its name: CSV for `.csv` alone (before `.gz` or `.zst`). Commas in a file named `.tsv` would be read as one
/// column by whoever believes the name.
std::optional<Format> output_format_of_name(std::string_view path);

/// By content: NDJSON if the first byte that is no blank is `{`, else CSV.
Format format_of_content(std::string_view start);

inline constexpr std::string_view kBadUtf8 = "a byte that is not UTF-8";

struct InputFormat {
  Format format = Format::kNdjson;
  FieldNames names = own_field_names();
  IgnoredNames ignored;  ///< keys and columns that are not taken for a slip of one of `names`
  std::size_t line_bytes_max = kLineBytesMaxDefault;  ///< without the line end; also the most a CSV record may have

  std::string_view bad_byte = kBadUtf8;  ///< the fault of a line that holds one

  std::string file;  ///< named beside a line's number, since other inputs have such a line, too; empty: the only input

  // CSV only, from the header:
  static constexpr std::size_t kNoColumn = static_cast<std::size_t>(-1);
  std::size_t column_count = 0;
  std::array<std::size_t, kFieldCount> column{kNoColumn, kNoColumn, kNoColumn, kNoColumn, kNoColumn, kNoColumn};
};

using FieldValues = std::array<std::string_view, kFieldCount>;

/// What both decoders do with the texts of the known fields (unescaped, missing ones empty): sets `line.id`, and the
/// fault of a `declared_at` that is no real date unless there is one already. `id_is_wrong`: there twice, or not a
/// text.
void take_fields(const FieldValues& values, bool id_is_wrong, Declaration& declaration, DecodedLine& line);

}  // namespace clearline
