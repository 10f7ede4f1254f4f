// What a decoder makes of lines: declarations in their order, a bad line as an entry with a fault, in its place.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "clearline/declaration.h"

namespace clearline {

/// Where and why a line or record is wrong. `what` is a fixed text: it never holds a byte of the input.
struct LineFault {
  std::string_view what;     ///< empty: no fault
  std::uint32_t column = 0;  ///< byte in the line, from 1; 0: no place
  explicit operator bool() const { return !what.empty(); }
};

/// The fault of a line or record beyond the limit of its input.
inline constexpr std::string_view kLineTooLong = "line is longer than the limit";

/// One decoded line beside its Declaration.
struct DecodedLine {
  std::string_view id;      ///< unescaped; only with has_id
  bool has_id = false;      ///< otherwise the verdict says `"id":null,"line":N`
  unsigned char given = 0;  ///< a bit for each Field that is not blank, in a line without a fault
  std::uint64_t line = 0;   ///< its first physical line in the input, from 1
  LineFault fault;          ///< set: the line is `malformed`, its declaration is not looked at
};

/// A group of lines, small enough to stay in the first caches from decode to encode.
struct DecodedBatch {
  static constexpr std::size_t kLinesMax = 128;
  std::array<Declaration, kLinesMax> declarations;
  std::array<DecodedLine, kLinesMax> lines;
  std::size_t size = 0;
};

inline constexpr std::size_t kIdBytesMax = 64;
inline constexpr std::size_t kLineBytesMaxDefault = 65'536;
inline constexpr int kJsonDepthMax = 16;

}  // namespace clearline
