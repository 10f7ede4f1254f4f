// Encodings: in which one an input is written, and the input as UTF-8.
//
//   --encoding   a word of the user's, or auto: UTF-16 by its BOM, CSV by its lines, all else UTF-8
//   UTF-8        is what all else here reads; limits and columns count it
//   CP949        Korean text as Windows programs write it (io/formats/cp949.h)
//   UTF-16       by its BOM, or little-endian where the user says so (io/formats/utf16.h)
//
// A guess is never silent: the summary of a run names what was taken, and counts the lines that failed in it and would have
// passed in the other one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "clearline/status.h"
#include "io/formats/byte_source.h"
#include "io/formats/input_format.h"

namespace clearline {

enum class Encoding { kAuto, kUtf8, kCp949, kUtf16 };
inline constexpr std::size_t kEncodingCount = 4;

/// "UTF-8", "CP949", "UTF-16".
std::string_view to_string(Encoding encoding);

/// The fault of a line with a byte that is not of the encoding.
std::string_view bad_byte_of(Encoding encoding);

/// What the start of a CSV is, by those of its lines that are not ASCII: CP949 if fewer than half of them are UTF-8 and at least
/// nine in ten are CP949; of a few lines one may be neither. Else UTF-8.
///   is_cut   the text goes on, so its last line may not be whole and does not count
Encoding encoding_of_csv(std::string_view start, bool is_cut);

/// Whether a line is not UTF-8, and would be read as CP949.
bool is_cp949_alone(std::string_view line);

/// An input as UTF-8, without its BOM.
struct DecodedInput {
  std::unique_ptr<ByteSource> source;
  Encoding encoding = Encoding::kUtf8;  ///< that was taken
  /// Lines so far that failed as CP949 and are UTF-8; null of other encodings. Owned by the source.
  const std::uint64_t* utf8_lines = nullptr;
};

/// Takes the encoding that is wanted, or with kAuto the one that the input shows. kInput, with " error: ...", for UTF-16 that is
/// not to be read as such, and for what is to be UTF-16 and is not.
///   format   where it is known; else that of the first byte
Result<DecodedInput> decode_input(std::unique_ptr<PeekedSource> source, Encoding wanted, std::optional<Format> format);

}  // namespace clearline
