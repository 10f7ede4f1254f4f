#include "io/formats/cp949.h"

#include <unicode/ucnv.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace clearline {
namespace {

constexpr char kBadByte = '\xFF';

/// The UTF-8 of a pair of bytes: three bytes at most, and their count in the fourth; 0: no character.
using Packed = std::array<unsigned char, 4>;

/// For each pair lead << 8 | trail. Source  ICU's table windows-949-2000, asked once.
const std::vector<Packed>& pairs() {
  static const std::vector<Packed> table = [] {
    std::vector<Packed> all(0x10000);
    UErrorCode error = U_ZERO_ERROR;
    UConverter* const converter = ucnv_open("windows-949-2000", &error);
    if (U_SUCCESS(error)) {
      ucnv_setToUCallBack(converter, UCNV_TO_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &error);
    }
    if (U_FAILURE(error)) {
      (void)std::fprintf(stderr, "clearline: fatal: no table of CP949: %s\n", u_errorName(error));
      std::abort();
    }
    for (unsigned pair = 0x8000; pair < 0x10000; ++pair) {
      const std::array<char, 2> bytes{static_cast<char>(pair >> 8), static_cast<char>(pair)};
      std::array<UChar, 4> out{};
      error = U_ZERO_ERROR;
      ucnv_reset(converter);
      const auto size = ucnv_toUChars(converter, out.data(), out.size(), bytes.data(), bytes.size(), &error);
      // Two code units are two single bytes, not a pair.
      if (U_FAILURE(error) || size != 1 || out[0] < 0x80) continue;
      const unsigned point = out[0];
      Packed& packed = all[pair];
      if (point < 0x800) {
        packed = {static_cast<unsigned char>(0xC0 | point >> 6), static_cast<unsigned char>(0x80 | (point & 0x3F)), 0,
                  2};
      } else {
        packed = {static_cast<unsigned char>(0xE0 | point >> 12),
                  static_cast<unsigned char>(0x80 | (point >> 6 & 0x3F)),
                  static_cast<unsigned char>(0x80 | (point & 0x3F)), 3};
      }
    }
    ucnv_close(converter);
    return all;
  }();
  return table;
}

const Packed& pair_of(unsigned char lead, char trail) {
  return pairs()[static_cast<std::size_t>(lead) << 8 | static_cast<unsigned char>(trail)];
}

bool is_ascii8(const char* at) {
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, at, sizeof bytes);
  return (bytes & 0x8080808080808080) == 0;
}

}  // namespace

bool is_cp949(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80) {
      ++i;
      continue;
    }
    if (i + 1 == text.size() || pair_of(byte, text[i + 1])[3] == 0) return false;
    i += 2;
  }
  return true;
}

std::size_t Cp949Decoder::decode(std::string_view in, char* out) {
  const char* const begin = out;
  const char* p = in.data();
  const char* const end = p + in.size();
  const auto put_pair = [&](unsigned char lead, char trail) {
    const Packed& packed = pair_of(lead, trail);
    if (packed[3] == 0) {
      *out++ = kBadByte;
      ++bad_bytes_;
      return false;
    }
    std::memcpy(out, packed.data(), 3);
    out += packed[3];
    return true;
  };
  if (lead_ != 0 && p != end) {
    if (put_pair(lead_, *p)) ++p;
    lead_ = 0;
  }
  while (p != end) {
    while (end - p >= 8 && is_ascii8(p)) {
      std::memcpy(out, p, 8);
      p += 8;
      out += 8;
    }
    if (p == end) break;
    const auto byte = static_cast<unsigned char>(*p);
    if (byte < 0x80) {
      *out++ = *p++;
      continue;
    }
    ++p;
    if (p == end) {
      lead_ = byte;
    } else if (put_pair(byte, *p)) {
      ++p;
    }
  }
  return static_cast<std::size_t>(out - begin);
}

std::size_t Cp949Decoder::finish(char* out) {
  if (lead_ == 0) return 0;
  lead_ = 0;
  *out = kBadByte;
  ++bad_bytes_;
  return 1;
}

}  // namespace clearline
