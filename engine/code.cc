#include "clearline/code.h"

#include "engine/digits.h"
#include "engine/text.h"

namespace clearline {

std::optional<Code> parse_code(std::string_view text) {
  text = trim_blanks(text);
  if (text.size() != 13 || (text[0] != 'P' && text[0] != 'p')) return std::nullopt;
  // Digits 1 to 8 and 5 to 12: the second number repeats four of the first.
  const auto first = eight_digits(text, 1);
  const auto last = eight_digits(text, 5);
  if (!first || !last) return std::nullopt;
  return Code{std::uint64_t{*first} * 10'000 + *last % 10'000};
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
