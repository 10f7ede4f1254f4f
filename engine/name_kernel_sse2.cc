// Of Isa::kSse2 and kAvx2, with what every machine has that the program runs on: x86-64-v2 has SSSE3 and POPCNT. A name is two
// halves of 16 bytes, and most are one.
//
// Source  moving bytes together by a shuffle for each mask of eight: Lemire, despacing strings, 2017.
#include <immintrin.h>

#include <array>

#include "engine/name_kernel.h"
#include "engine/words.h"

namespace clearline {
namespace {

constexpr std::size_t kHalf = 16;
constexpr unsigned char kZero = 0x80;  // as a shuffle has it

/// For each mask of eight bytes, the numbers of those that are set.
constexpr auto kTogether = [] {
  std::array<std::array<unsigned char, 8>, 256> table{};
  for (unsigned mask = 0; mask < table.size(); ++mask) {
    std::size_t size = 0;
    for (unsigned char i = 0; i < 8; ++i) {
      if ((mask >> i & 1U) != 0) table[mask][size++] = i;
    }
  }
  return table;
}();

/// From byte n of this on: the shuffle that moves the bytes from n on to the front, zeros behind them.
constexpr auto kToFront = [] {
  std::array<unsigned char, 2 * kHalf> table{};
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = i < kHalf ? static_cast<unsigned char>(i) : kZero;
  return table;
}();

__m128i load(const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); }
__m128i is_at_most(__m128i bytes, char last) { return _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(last)), bytes); }
__m128i is_in_range(__m128i bytes, char first, char last) {
  return is_at_most(_mm_sub_epi8(bytes, _mm_set1_epi8(first)), static_cast<char>(last - first));
}
__m128i is(__m128i bytes, char byte) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte)); }
std::uint32_t mask_of(__m128i bytes) { return static_cast<std::uint32_t>(_mm_movemask_epi8(bytes)); }

/// Up to 16 bytes, and zeros behind them.
__m128i load_half(const char* text, std::size_t size) {
  if (size == kHalf) return load(text);
  if (size < 8) return _mm_cvtsi64_si128(static_cast<long long>(load_some(text, size)));
  // Two loads that overlap; what both have goes out of the second.
  const std::uint64_t second = load8(text + size - 8) >> 8 * (15 - size) >> 8;
  return _mm_set_epi64x(static_cast<long long>(second), static_cast<long long>(load8(text)));
}

/// What 16 bytes mean in a name, a bit a byte.
struct Half {
  std::uint32_t beyond;  // ASCII
  std::uint32_t words;
  std::uint32_t dropped;
  std::uint32_t for_loop;
};

/// Reads a half, and moves the letters and digits among its `size` bytes to `out`; returns how many there are.
std::size_t fold_half(__m128i bytes, std::size_t size, char* out, Half& half) {
  const std::uint32_t all = (std::uint32_t{1} << size) - 1;
  const __m128i letters = is_in_range(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 'z');
  // DEL and `?` differ in one bit.
  const __m128i for_loop = _mm_or_si128(is_at_most(bytes, 0x1F), is(_mm_or_si128(bytes, _mm_set1_epi8(0x40)), 0x7F));
  half.beyond = mask_of(bytes);
  half.words = mask_of(_mm_or_si128(letters, is_in_range(bytes, '0', '9')));
  half.dropped = mask_of(_mm_or_si128(is(bytes, '\''), is(bytes, '`')));
  half.for_loop = mask_of(_mm_andnot_si128(is_in_range(bytes, '\t', '\r'), for_loop)) & all;
  const __m128i upper = _mm_andnot_si128(_mm_and_si128(letters, _mm_set1_epi8(0x20)), bytes);
  const auto store = [&](__m128i eight, std::uint32_t mask, char* to) {
    const __m128i together = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(kTogether[mask].data()));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm_shuffle_epi8(eight, together));
  };
  const std::uint32_t low = half.words & 0xFF;
  const auto low_size = static_cast<std::size_t>(__builtin_popcount(low));
  store(upper, low, out);
  store(_mm_unpackhi_epi64(upper, upper), half.words >> 8, out + low_size);
  return static_cast<std::size_t>(__builtin_popcount(half.words));
}

}  // namespace

bool fold_ascii_name_sse2(const char* text, std::size_t size, char* out, AsciiName& name) {
  if (size == 0 || size > 2 * kHalf) return false;  // no text may have no place
  Half first{};
  Half second{};
  if (size <= kHalf) {
    fold_half(load_half(text, size), size, out, first);
  } else {
    const std::size_t rest = size - kHalf;
    const std::size_t written = fold_half(load(text), kHalf, out, first);
    const __m128i last = _mm_shuffle_epi8(load(text + rest), load(kToFront.data() + kHalf - rest));
    fold_half(last, rest, out + written, second);
  }
  if ((first.beyond | second.beyond) != 0) return false;
  const std::uint32_t words = first.words | second.words << kHalf;
  const std::uint32_t dropped = first.dropped | second.dropped << kHalf;
  const std::uint64_t all = (std::uint64_t{1} << size) - 1;
  name.is_for_loop = (first.for_loop | second.for_loop) != 0;
  measure_name(words, all & ~std::uint64_t{words | dropped}, name);
  return true;
}

}  // namespace clearline
