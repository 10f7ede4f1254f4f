// Small readings of ASCII text that several rooms share.
#pragma once

#include <string_view>

namespace clearline {

/// Blank in codes, zips and phones: space and tab. (In names it is Unicode White_Space: engine/unicode.h.)
constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

constexpr std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Whether a line holds blanks and carriage returns alone, with or without its line end: wherever lines are read, such a one is
/// skipped and counted.
constexpr bool is_blank_line(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace clearline
