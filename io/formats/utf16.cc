#include "io/formats/utf16.h"

#include <algorithm>

namespace clearline {
namespace {

constexpr char kBadByte = '\xFF';

bool is_high_surrogate(unsigned unit) { return (unit & 0xFC00U) == 0xD800; }
bool is_low_surrogate(unsigned unit) { return (unit & 0xFC00U) == 0xDC00; }

char* put_point(unsigned point, char* out) {
  const auto put = [&](unsigned byte) { *out++ = static_cast<char>(byte); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | point >> 6);
    put(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    put(0xE0 | point >> 12);
    put(0x80 | (point >> 6 & 0x3F));
    put(0x80 | (point & 0x3F));
  } else {
    put(0xF0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3F));
    put(0x80 | (point >> 6 & 0x3F));
    put(0x80 | (point & 0x3F));
  }
  return out;
}

bool is_text_ascii(char c) { return (c >= ' ' && c <= '~') || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

std::optional<Utf16Order> utf16_order_of_bom(std::string_view start) {
  if (start.starts_with("\xFF\xFE")) return Utf16Order::kLittle;
  if (start.starts_with("\xFE\xFF")) return Utf16Order::kBig;
  return std::nullopt;
}

std::optional<Utf16Order> utf16_order_of_content(std::string_view start) {
  std::size_t little = 0;
  std::size_t big = 0;
  std::size_t neither = 0;
  for (std::size_t i = 0; i + 1 < start.size(); i += 2) {
    little += static_cast<std::size_t>(start[i + 1] == '\0' && is_text_ascii(start[i]));
    neither += static_cast<std::size_t>(is_text_ascii(start[i]) && is_text_ascii(start[i + 1]));
    big += static_cast<std::size_t>(start[i] == '\0' && is_text_ascii(start[i + 1]));
  }
  const std::size_t least = std::max((start.size() / 2 + 7) / 8, neither);
  if (start.size() < 2 || (little < least && big < least)) return std::nullopt;
  return little >= big ? Utf16Order::kLittle : Utf16Order::kBig;
}

char* Utf16Decoder::put_unit(unsigned unit, char* out) {
  if (lead_ != 0) {
    const unsigned lead = lead_;
    lead_ = 0;
    if (is_low_surrogate(unit)) return put_point(0x10000 + ((lead & 0x3FFU) << 10) + (unit & 0x3FFU), out);
    *out++ = kBadByte;
  }
  if (is_high_surrogate(unit)) {
    lead_ = unit;
    return out;
  }
  if (is_low_surrogate(unit)) {
    *out++ = kBadByte;
    return out;
  }
  return put_point(unit, out);
}

std::size_t Utf16Decoder::decode(std::string_view in, char* out) {
  const char* const begin = out;
  const auto unit_of = [this](char first, char second) {
    const auto a = static_cast<unsigned char>(first);
    const auto b = static_cast<unsigned char>(second);
    return high_ == 1 ? unsigned{a} | unsigned{b} << 8 : unsigned{a} << 8 | unsigned{b};
  };
  std::size_t at = 0;
  if (half_unit_ && !in.empty()) {
    out = put_unit(unit_of(*half_unit_, in[0]), out);
    half_unit_.reset();
    at = 1;
  }
  for (; at + 1 < in.size(); at += 2) {
    const unsigned unit = unit_of(in[at], in[at + 1]);
    if (unit < 0x80 && lead_ == 0) {
      *out++ = static_cast<char>(unit);
    } else {
      out = put_unit(unit, out);
    }
  }
  if (at < in.size()) half_unit_ = in[at];
  return static_cast<std::size_t>(out - begin);
}

std::size_t Utf16Decoder::finish(char* out) {
  if (!half_unit_ && lead_ == 0) return 0;
  half_unit_.reset();
  lead_ = 0;
  *out = kBadByte;
  return 1;
}

}  // namespace clearline
