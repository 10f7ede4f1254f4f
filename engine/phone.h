// Phones: the canonical form, and its packed form for the usual 11 digits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "engine/digits.h"
#include "engine/text.h"

namespace clearline {

inline bool has_digit(std::string_view text) {
  for (const char c : text) {
    if (is_digit(c)) return true;
  }
  return false;
}

/// Writes the canonical form of `text` (see canonical_phone) to `out[text.size() + 1]`; returns its size.
inline std::size_t fold_phone(std::string_view text, char* out) {
  std::size_t size = 0;
  for (const char c : text) {  // no branch: where marks stand in a number is anybody's guess
    out[size] = c;
    size += static_cast<std::size_t>(is_digit(c)) |
            (static_cast<std::size_t>(c == '+') & static_cast<std::size_t>(size == 0));
  }
  // +82 and 0082 are the same country as a leading 0.
  std::size_t prefix = 0;
  if (size >= 3 && std::memcmp(out, "+82", 3) == 0) prefix = 3;
  if (size >= 4 && std::memcmp(out, "0082", 4) == 0) prefix = 4;
  if (prefix == 0) return size;
  if (prefix < size && out[prefix] == '0') ++prefix;
  out[0] = '0';
  std::memmove(out + 1, out + prefix, size - prefix);
  return 1 + size - prefix;
}

inline constexpr std::size_t kPackedPhoneDigits = 11;

/// A canonical phone of exactly 11 digits as a number below 10^11; nothing for any other.
inline std::optional<std::uint64_t> pack_phone(std::string_view canonical) {
  if (canonical.size() != kPackedPhoneDigits) return std::nullopt;
  // Digits 1 to 8 and 4 to 11: the second number repeats five of the first.
  const auto first = eight_digits(canonical);
  const auto last = eight_digits(canonical, 3);
  if (!first || !last) return std::nullopt;
  return std::uint64_t{*first} * 1'000 + *last % 1'000;
}

}  // namespace clearline
