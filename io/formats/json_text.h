// JSON strings: what stands between the quotes, and what its escapes mean.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace clearline {

/// A text between its quotes.
struct RawString {
  const char* begin = nullptr;
  const char* end = nullptr;
  bool has_escapes = false;
  std::string_view view() const { return {begin, static_cast<std::size_t>(end - begin)}; }
};

inline constexpr std::array<std::int8_t, 256> kHexDigit = [] {
  std::array<std::int8_t, 256> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < 10; ++i) table['0' + i] = static_cast<std::int8_t>(i);
  for (std::size_t i = 0; i < 6; ++i) {
    table['a' + i] = static_cast<std::int8_t>(10 + i);
    table['A' + i] = static_cast<std::int8_t>(10 + i);
  }
  return table;
}();

/// The number in the four hexadecimal digits at `at`; negative if they are none. Reads four bytes: the padding behind
/// a text lets it.
inline int hex4(const char* at) {
  const auto digit = [&](int i) { return static_cast<int>(kHexDigit[static_cast<unsigned char>(at[i])]); };
  // A digit that is none is -1, all ones: it makes the sum negative wherever it stands.
  return digit(0) * 4096 | digit(1) * 256 | digit(2) * 16 | digit(3);
}

/// Unescapes a checked string to `out`, where as many bytes fit as it has: it never becomes longer. The end of what was
/// written.
char* unescape(const RawString& raw, char* out);
std::string unescaped(const RawString& raw);

}  // namespace clearline
