// What an entry must be to be one at all, wherever it comes from: an image, a journal, a registry file, a change. Checksums do
// not vouch for it: they are right for whoever makes them, and say nothing about what is in between.
//
// Rules of names come on top of this for new entries (entry_fault). What is held already may break those, but never these.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "clearline/registry.h"

namespace clearline {

/// Whether a text is UTF-8: no byte too many, no surrogate, nothing longer than needed or beyond U+10FFFF.
inline bool is_valid_utf8(std::string_view text) {
  std::size_t at = 0;
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto goes_on = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80; };
  // Most texts are ASCII: eight bytes at once.
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  for (std::uint64_t word = 0; at + sizeof word <= text.size(); at += sizeof word) {
    std::memcpy(&word, text.data() + at, sizeof word);
    if ((word & kHighBits) != 0) break;
  }
  while (at < text.size()) {
    const unsigned first = byte(at);
    const unsigned second = byte(at + 1);
    if (first < 0x80) {
      at += 1;
    } else if (first >= 0xC2 && first <= 0xDF && goes_on(at + 1)) {
      at += 2;
    } else if (first >= 0xE0 && first <= 0xEF && goes_on(at + 1) && goes_on(at + 2) &&
               (first != 0xE0 || second >= 0xA0) && (first != 0xED || second < 0xA0)) {
      at += 3;
    } else if (first >= 0xF0 && first <= 0xF4 && goes_on(at + 1) && goes_on(at + 2) && goes_on(at + 3) &&
               (first != 0xF0 || second >= 0x90) && (first != 0xF4 || second < 0x90)) {
      at += 4;
    } else {
      return false;
    }
  }
  return true;
}

/// Why there can be no such entry, as words for a person; nothing when there can.
inline std::optional<std::string_view> impossible_entry(const Entry& entry) {
  const auto is_day = [](const std::optional<Date>& date) { return !date || (*date >= kDateMin && *date <= kDateMax); };
  if (entry.code.digits >= kCodeEnd) return "code is not P and 12 digits";
  if (!is_valid_utf8(entry.name)) return "name is not UTF-8";
  if (!is_valid_utf8(entry.name_ko)) return "name_ko is not UTF-8";
  if (!is_valid_utf8(entry.phone)) return "phone is not UTF-8";
  if (entry.zips.size() > kZipsMax) return "more than 20 zips";
  for (const std::uint32_t zip : entry.zips) {
    if (zip > 99'999) return "zip is not five digits";
  }
  if (entry.status > CodeStatus::kReplaced) return "status is unknown";
  if (entry.replaced_by && entry.status != CodeStatus::kReplaced) return "replaced_by without status replaced";
  if (entry.replaced_by && entry.replaced_by->digits >= kCodeEnd) return "replaced_by is not P and 12 digits";
  if (!is_day(entry.issued)) return "issued is no real date";
  if (!is_day(entry.changed)) return "changed is no real date";
  if (!is_day(entry.expires)) return "expires is no real date";
  return std::nullopt;
}

}  // namespace clearline
