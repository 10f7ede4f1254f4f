// Digits eight at a time: codes, dates, zips and phones are fixed runs of them.
//   Source  the multiplications: Lemire, Quickly parsing eight digits, 2018 (after Johnny Lee)
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/words.h"

namespace clearline {

/// Whether all eight bytes are '0' .. '9'.
constexpr bool are_digits(std::uint64_t bytes) {
  constexpr std::uint64_t kUpper = 0xF0F0F0F0F0F0F0F0;
  return ((bytes & kUpper) | ((bytes + 0x0606060606060606) & kUpper) >> 4) == 0x3333333333333333;
}

/// The four numbers of two digits each in eight digits; the first in the lowest 16 bits.
constexpr std::uint64_t digit_pairs(std::uint64_t digits) {
  const std::uint64_t values = digits & 0x0F0F0F0F0F0F0F0F;
  return (values * 10 + (values >> 8)) & 0x00FF00FF00FF00FF;
}

/// The number that eight digits spell.
constexpr std::uint64_t digits_value(std::uint64_t digits) {
  constexpr std::uint64_t kMask = 0x000000FF000000FF;
  const std::uint64_t pairs = digit_pairs(digits);
  return ((pairs & kMask) * 0x000F424000000064 + (pairs >> 16 & kMask) * 0x0000271000000001) >> 32;
}
static_assert(digits_value(0x3837363534333231) == 12'345'678);

/// The number that the eight bytes from `at` on spell; nothing if one of them is no digit.
inline std::optional<std::uint32_t> eight_digits(std::string_view text, std::size_t at = 0) {
  assert(at + 8 <= text.size());
  const std::uint64_t bytes = load8(text.data() + at);
  if (!are_digits(bytes)) return std::nullopt;
  return static_cast<std::uint32_t>(digits_value(bytes));
}

}  // namespace clearline
