// Foreign inputs: what is no declarations, entries or changes at all is refused before its first line is read.
//
// A sheet, an archive or a JSON array read as lines gives an error for each of them, and a CSV with other line ends is one long
// header and no record. Neither tells what is wrong, and the second one looks like a good run.
//
// Each function here looks at the start of an input, and returns kInput with the words that come right after its name:
// " error: ..." or "LINE:COLUMN: error: ...".
#pragma once

#include <cstddef>
#include <string_view>

#include "clearline/status.h"
#include "io/formats/input_format.h"

namespace clearline {

/// So much of an input shows its kind.
inline constexpr std::size_t kKindBytes = std::size_t{64} << 10;

/// By the first bytes, once decompressed: sheets, archives, PDF, and the like.
Status check_kind(std::string_view start);

/// HTML and XML, and JSON that is one document in place of an object a line. `text` is UTF-8. Of a JSON document the first line
/// is `{` alone or begins with `[`, and among the 16 first lines is no other that is a whole object, or one that only goes on
/// with what stood before: `]`, `}`, `,` or a quote at its front. A first line that is damaged is none.
///   is_whole   no more comes after the text. A first line alone does not tell when more may come
Status check_document(std::string_view text, Format format, bool is_whole);

/// A CSV whose header row does not end in LF, or holds a NUL or what other programs take for a line end.
///   is_whole   as above
Status check_header_row(std::string_view text, bool is_whole);

/// For a header without the columns that are needed: whether others than commas separate it. Ok when they do not.
Status check_separator(std::string_view text);

}  // namespace clearline
