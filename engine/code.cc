#include "clearline/code.h"

#include "engine/text.h"

namespace clearline {

std::optional<Code> parse_code(std::string_view text) {
  text = trim_blanks(text);
  if (text.size() != 13 || (text[0] != 'P' && text[0] != 'p')) return std::nullopt;
  std::uint64_t digits = 0;
  for (std::size_t i = 1; i < 13; ++i) {
    if (!is_digit(text[i])) return std::nullopt;
    digits = digits * 10 + static_cast<std::uint64_t>(text[i] - '0');
  }
  return Code{digits};
}

std::string format_code(Code code) {
  std::string text(13, 'P');
  for (std::size_t i = 12; i >= 1; --i) {
    text[i] = static_cast<char>('0' + code.digits % 10);
    code.digits /= 10;
  }
  return text;
}

}  // namespace clearline
