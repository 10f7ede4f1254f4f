#include "io/formats/cp949.h"

#include <unicode/ucnv.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "io/formats/utf8.h"

namespace clearline {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{64} << 10;
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

bool is_cp949(std::string_view text, bool may_be_cut) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80) {
      ++i;
    } else if (i + 1 == text.size()) {
      return may_be_cut;
    } else if (pair_of(byte, text[i + 1])[3] == 0) {
      return false;
    } else {
      i += 2;
    }
  }
  return true;
}

/// Without the bytes of a character that the end cuts off: at most three.
std::string_view without_cut_character(std::string_view text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0U) == 0x80) continue;
    const std::size_t size = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    if (size > back) text.remove_suffix(back);
    break;
  }
  return text;
}

class Cp949Source : public StackedSource {
 public:
  explicit Cp949Source(std::unique_ptr<ByteSource> below)
      : StackedSource(std::move(below)), piece_(kPieceBytes), text_(Cp949Decoder::bytes_max(kPieceBytes)) {}

  Result<std::size_t> read(std::span<char> out) override {
    while (at_ == size_ && !at_end_) {
      const auto got = below().read(piece_);
      if (!got.ok()) return got.status();
      at_end_ = *got == 0;
      at_ = 0;
      size_ = at_end_ ? decoder_.finish(text_.data()) : decoder_.decode({piece_.data(), *got}, text_.data());
    }
    const std::size_t size = std::min(out.size(), size_ - at_);
    std::copy_n(text_.data() + at_, size, out.data());
    at_ += size;
    return size;
  }

 private:
  Cp949Decoder decoder_;
  std::vector<char> piece_;
  std::vector<char> text_;
  std::size_t at_ = 0;
  std::size_t size_ = 0;
  bool at_end_ = false;
};

}  // namespace

Encoding encoding_of_content(std::string_view start, bool may_be_cut) {
  if (is_utf8(may_be_cut ? without_cut_character(start) : start)) return Encoding::kUtf8;
  return is_cp949(start, may_be_cut) ? Encoding::kCp949 : Encoding::kUtf8;
}

std::size_t Cp949Decoder::decode(std::string_view in, char* out) {
  const char* const begin = out;
  const char* p = in.data();
  const char* const end = p + in.size();
  const auto put_pair = [&](unsigned char lead, char trail) {
    const Packed& packed = pair_of(lead, trail);
    if (packed[3] == 0) {
      *out++ = kBadByte;
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
  return 1;
}

std::unique_ptr<ByteSource> decode_cp949(std::unique_ptr<ByteSource> source) {
  return std::make_unique<Cp949Source>(std::move(source));
}

}  // namespace clearline
