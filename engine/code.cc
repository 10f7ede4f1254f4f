#include "clearline/code.h"

#include "engine/digits.h"
#include "engine/text.h"

namespace clearline {

std::optional<Code> parse_code(std::string_view text) {
  text = trim_blanks(text);
  if (text.size() != 13 || (text[0] != 'P' && text[0] != 'p')) return std::nullopt;
  const std::uint64_t first = load8(text.data() + 1);
  const std::uint64_t last = (load8(text.data() + 5) & 0xFFFFFFFF00000000) | 0x30303030;  // four digits behind zeros
  if (!are_digits(first) || !are_digits(last)) return std::nullopt;
  return Code{digits_value(first) * 10'000 + digits_value(last)};
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
