// Pieces: the numbers, texts and dates of which records of entries are made, as bytes.
//
// Numbers and sizes are LEB128; dates are zigzag days from 2020-01-01, so that those of our time take two bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include "clearline/date.h"

namespace clearline {

inline constexpr std::size_t kNumberBytesMax = 10;  // 64 bits, 7 a byte

inline char* put_number(char* out, std::uint64_t value) {
  while (value >= 0x80) {
    *out++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *out++ = static_cast<char>(value);
  return out;
}

inline char* put_text(char* out, std::string_view text) {
  out = put_number(out, text.size());
  if (text.empty()) return out;  // memcpy may not see the null of an empty view
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

inline char* put_signed(char* out, std::int64_t value) {
  return put_number(out, static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63));
}

inline constexpr std::int32_t kPieceDateBaseDays = 18'262;  // 2020-01-01

inline char* put_date(char* out, Date date) {
  return put_signed(out, static_cast<std::int64_t>(date.days) - kPieceDateBaseDays);
}

/// Reads the pieces of a record; after a piece that is none, `ok` is false and everything else is empty.
class PieceReader {
 public:
  explicit PieceReader(std::span<const std::byte> text) : text_(text) {}

  bool ok() const { return ok_; }
  /// Bytes read so far.
  std::size_t at() const { return at_; }
  /// Whether all of the text was read, and each number in it took as few bytes as it can: two texts of which this is
  /// true differ in a piece if they differ.
  bool is_exact() const { return ok_ && is_minimal_ && at_ == text_.size(); }

  /// Below 2^63.
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 63; shift += 7) {
      if (at_ >= text_.size()) break;
      const auto byte = std::to_integer<std::uint64_t>(text_[at_++]);
      value |= (byte & 0x7F) << shift;
      if (byte >= 0x80) continue;
      is_minimal_ &= byte != 0 || shift == 0;
      return value;
    }
    ok_ = false;
    return 0;
  }

  std::string_view text() {
    const std::uint64_t size = number();
    if (!ok_ || size > text_.size() - at_) {
      ok_ = false;
      return {};
    }
    const std::string_view piece(reinterpret_cast<const char*>(text_.data()) + at_, size);
    at_ += size;
    return piece;
  }

  /// A date; nothing if it is none that can be written.
  std::optional<Date> calendar_date() {
    const std::int64_t found = days();
    if (found < kDateMin.days || found > kDateMax.days) return std::nullopt;
    return Date{static_cast<std::int32_t>(found)};
  }

 private:
  std::int64_t days() {
    const std::uint64_t zigzag = number();
    return (static_cast<std::int64_t>(zigzag >> 1) ^ -static_cast<std::int64_t>(zigzag & 1)) + kPieceDateBaseDays;
  }

  std::span<const std::byte> text_;
  std::size_t at_ = 0;
  bool ok_ = true;
  bool is_minimal_ = true;
};

}  // namespace clearline
