// Code: a Korean personal customs clearance code (PCCC), `P` + 12 digits, as a 40-bit integer.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace clearline {

/// The twelve digits as a number. The last digit is a check digit of unpublished algorithm: nothing rejects on it.
struct Code {
  std::uint64_t digits = 0;  ///< below kCodeEnd
  friend constexpr auto operator<=>(Code, Code) = default;
};

inline constexpr std::uint64_t kCodeEnd = 1'000'000'000'000;
static_assert(kCodeEnd <= std::uint64_t{1} << 40);

/// Reads `P` + 12 ASCII digits; surrounding blanks (space, tab) and a lower-case `p` are accepted, nothing else is
/// folded.
std::optional<Code> parse_code(std::string_view text);

/// `P` + 12 digits.
std::string format_code(Code code);

}  // namespace clearline
