// Entry text: the cold record of an entry, everything that rows do not hold or hold only in part.
//
//   flags u8 | name_ko: size, bytes | name: size, bytes | [issued] [changed] [expires] [replaced_by]
//            | [phone: size, bytes] | [further zips: count, numbers]
//
// Numbers, sizes and dates as in engine/pieces.h. The Hangul name stands first because screening reads it; the rest is
// read for mismatches, look-ups and exports only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "clearline/registry.h"

namespace clearline {

/// Zips of an entry that stand in its rows; further ones are in the text.
inline constexpr std::size_t kRowZips = 2;

/// Bytes that the record of an entry takes at most.
std::size_t entry_text_bytes_max(const Entry& entry);

/// Writes the record of an entry to `out`, entry_text_bytes_max(entry) bytes; returns its end.
char* write_entry_text(const Entry& entry, char* out);

/// The zips that do not stand in the rows. No vector: reading a text allocates nothing.
class FurtherZips {
 public:
  void add(std::uint32_t zip) { zips_[size_++] = zip; }  // at most kZipsMax - kRowZips
  const std::uint32_t* begin() const { return zips_.data(); }
  const std::uint32_t* end() const { return zips_.data() + size_; }

 private:
  std::array<std::uint32_t, kZipsMax - kRowZips> zips_{};
  std::size_t size_ = 0;
};

/// A record, read back. Views into the text.
struct EntryText {
  std::string_view name_ko;
  std::string_view name;
  std::optional<Date> issued;
  std::optional<Date> changed;
  std::optional<Date> expires;
  std::optional<Code> replaced_by;
  std::string_view phone;  ///< only when it does not fit the packed form
  FurtherZips further_zips;
  std::size_t bytes = 0;  ///< of the record
};

/// Reads a record that starts with `text`; nothing if it is none, ends behind the text, or holds a date, zip or code that
/// there is not. Whether its texts are UTF-8 is not looked at: read_entry() does, and the comparison takes any bytes.
std::optional<EntryText> read_entry_text(std::span<const std::byte> text);

/// Its first field alone, for screening. Empty when there is none.
std::string_view read_hangul_name(std::span<const std::byte> text);

}  // namespace clearline
