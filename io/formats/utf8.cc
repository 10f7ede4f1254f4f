#include "io/formats/utf8.h"

#include <simdjson.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "engine/isa.h"

namespace clearline {
namespace {

constexpr std::uint64_t kHighBits = 0x8080808080808080;

/// Bytes of the sequence that starts at `at`, or 0. Source: Unicode 15, table 3-7.
std::size_t sequence_size(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U; };
  const auto continues = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return continues(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const unsigned low = first == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = first == 0xED ? 0x9F : 0xBF;
    return continues(1, low, high) && continues(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const unsigned low = first == 0xF0 ? 0x90 : 0x80;
    const unsigned high = first == 0xF4 ? 0x8F : 0xBF;
    return continues(1, low, high) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

/// simdjson's validator for the Isa in use.
const simdjson::implementation& validator() {
  static const auto validators = [] {
    std::array<const simdjson::implementation*, kIsaCount> found{};
    const auto name = [](Isa isa) {
      switch (isa) {
        case Isa::kScalar:
          return "fallback";
        case Isa::kSse2:
          return "westmere";
        case Isa::kAvx2:
          return "haswell";
        case Isa::kAvx512:
          return "icelake";
      }
      std::abort();
    };
    for (std::size_t i = 0; i < kIsaCount; ++i) {
      found[i] = simdjson::get_available_implementations()[name(static_cast<Isa>(i))];
      // A machine or a build of simdjson without it: what simdjson takes by itself.
      if (found[i] == nullptr || !found[i]->supported_by_runtime_system()) {
        found[i] = simdjson::get_available_implementations().detect_best_supported();
      }
    }
    return found;
  }();
  return *validators[static_cast<std::size_t>(isa_in_use())];
}

}  // namespace

std::size_t find_invalid_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    if (text.size() - at >= 16) {
      std::uint64_t words[2];  // NOLINT(modernize-avoid-c-arrays)
      std::memcpy(words, text.data() + at, sizeof words);
      if (((words[0] | words[1]) & kHighBits) == 0) {
        at += 16;
        continue;
      }
    }
    const std::size_t size = sequence_size(text, at);
    if (size == 0) return at;
    at += size;
  }
  return at;
}

bool is_utf8(std::string_view text) { return validator().validate_utf8(text.data(), text.size()); }

}  // namespace clearline
