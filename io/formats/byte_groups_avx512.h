// Eight words of 64 bytes at a time: one vector lane a word, 512 bytes of text an operation. What the scans of JSON and CSV
// share; only for kernels_avx512.cc.
//
// Classes    A table look-up turns each byte into 8 bits, one a class. A transposition of bits (8 by 8 within the lanes: an
//            affine map of the unit vectors), of bytes and of lanes makes vectors of words out of them.
// Carries    What a word leaves to the next is taken from the lane before: each vector is kept for the next group.
// UTF-8      Classes of the bytes above ASCII: each lead byte has as many continuation bytes behind it as it wants, and no
//            other byte is one. Groups of ASCII alone are passed over.
//
// The compiler's vector types are used for arithmetic, intrinsics for the rest.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace clearline {
namespace {  // NOLINT(cert-dcl59-cpp): for one file; kernels.h says why

/// For each byte of ASCII, a bit a class.
struct Table {
  alignas(64) unsigned char bytes[128];  // NOLINT(modernize-avoid-c-arrays): kernels.h
};

struct ByteGroups {
  static constexpr std::size_t kWords = 8;
  using V = unsigned long long __attribute__((vector_size(64)));
  using Word = std::uint64_t;

  static void store(void* at, V v) { _mm512_storeu_si512(at, reinterpret_cast<__m512i>(v)); }
  /// A bit for each lane that is not zero.
  static unsigned lanes_of(V v) {
    return _mm512_test_epi64_mask(reinterpret_cast<__m512i>(v), reinterpret_cast<__m512i>(v));
  }
  static bool any(V v) { return lanes_of(v) != 0; }
  static V first_lane(Word word) { return V{word, 0, 0, 0, 0, 0, 0, 0}; }
  static V last_lane(Word word) { return V{0, 0, 0, 0, 0, 0, 0, word}; }

  /// Each lane's neighbour before; `before`'s last lane comes first.
  static V lane_before(V v, V before) {
    return reinterpret_cast<V>(_mm512_alignr_epi64(reinterpret_cast<__m512i>(v), reinterpret_cast<__m512i>(before), 7));
  }
  template <int kBits>
  static V shifted(V v, V before) {
    return reinterpret_cast<V>(
        _mm512_shldi_epi64(reinterpret_cast<__m512i>(v), reinterpret_cast<__m512i>(lane_before(v, before)), kBits));
  }
  /// The bits behind those of `v`, which is left to the next group.
  static V behind(V v, V was, V& left) {
    left = v;
    return shifted<1>(v, was);
  }

  /// From each quote that opens up to the byte before the one that closes. `is_inside`: 0 or 1, before the group and behind it.
  static V inside_of(V quotes, Word& is_inside) {
    V inside = quotes;
    inside ^= inside << 1;
    inside ^= inside << 2;
    inside ^= inside << 4;
    inside ^= inside << 8;
    inside ^= inside << 16;
    inside ^= inside << 32;
    Word odd = _mm512_cmplt_epi64_mask(reinterpret_cast<__m512i>(inside), _mm512_setzero_si512());
    odd ^= odd << 1;
    odd ^= odd << 2;
    odd ^= odd << 4;
    const Word starts_inside = (odd << 1 ^ (0 - is_inside)) & 0xFF;  // a bit a word
    is_inside ^= odd >> 7 & 1;
    return inside ^ reinterpret_cast<V>(_mm512_maskz_set1_epi64(static_cast<__mmask8>(starts_inside), -1));
  }

  /// 512 bytes, those of each lane in reverse, which the affine map wants.
  struct Text {
    __m512i bytes[kWords];  // NOLINT(modernize-avoid-c-arrays): kernels.h
  };
  static Text load(const char* text) {
    const __m512i reversed = _mm512_load_si512(kReversed.bytes);
    Text loaded;
    for (std::size_t w = 0; w < kWords; ++w) {
      loaded.bytes[w] = _mm512_shuffle_epi8(_mm512_loadu_si512(text + 64 * w), reversed);
    }
    return loaded;
  }

  /// The same with bytes above ASCII as 0x7F, which is in no class.
  static Text ascii(const char* text) {
    Text loaded = load(text);
    for (__m512i& bytes : loaded.bytes) bytes = _mm512_min_epu8(bytes, _mm512_set1_epi8(0x7F));
    return loaded;
  }

  static __mmask64 every(__m512i) { return ~__mmask64{0}; }
  static __mmask64 beyond_ascii(__m512i bytes) { return _mm512_movepi8_mask(bytes); }

  /// The words of the classes of a table, eight or the first four: out[k] has class k of each byte that `mask` takes. Bit 7
  /// of the bytes is not looked at.
  template <int kClasses, typename Mask>
  static void classify(const Text& text, const Table& table, V* out, Mask mask) {
    const __m512i low = _mm512_load_si512(table.bytes);
    const __m512i high = _mm512_load_si512(table.bytes + 64);
    const __m512i units = _mm512_set1_epi64(static_cast<long long>(0x8040201008040201));
    __m512i bits[kWords];  // NOLINT(modernize-avoid-c-arrays): kernels.h
    for (std::size_t w = 0; w < kWords; ++w) {
      const __m512i bytes = text.bytes[w];
      const __m512i classes = _mm512_maskz_permutex2var_epi8(mask(bytes), low, bytes, high);
      bits[w] = _mm512_gf2p8affine_epi64_epi8(units, classes, 0);
    }
    four_classes<0>(bits, out);
    if constexpr (kClasses > 4) four_classes<4>(bits, out + 4);
  }

 private:
  /// Of two vectors whose byte 8 g + k has class k of their eight bytes g: the words of four classes, from kFrom on, of the
  /// first vector and of the second in turn.
  template <int kFrom>
  static constexpr Table kPairs = [] {
    Table table{};
    for (int i = 0; i < 64; ++i) {
      const int g = i % 8;
      const int second = i / 8 % 2;
      table.bytes[i] = static_cast<unsigned char>(64 * second + 8 * g + kFrom + i / 16);
    }
    return table;
  }();
  static constexpr Table kReversed = [] {
    Table table{};
    for (int i = 0; i < 64; ++i) table.bytes[i] = static_cast<unsigned char>(i / 8 * 8 + 7 - i % 8);
    return table;
  }();

  template <int kFrom>
  static void four_classes(const __m512i* bits, V* out) {
    const __m512i pairs = _mm512_load_si512(kPairs<kFrom>.bytes);
    __m512i two[4];  // NOLINT(modernize-avoid-c-arrays): for words 2 i and 2 i + 1, four classes
    for (std::size_t i = 0; i < 4; ++i) two[i] = _mm512_permutex2var_epi8(bits[2 * i], pairs, bits[2 * i + 1]);
    for (int k = 0; k < 4; k += 2) {
      const auto four = [&](std::size_t i) {  // for words 4 i to 4 i + 3, two classes
        return k == 0 ? _mm512_shuffle_i64x2(two[2 * i], two[2 * i + 1], 0x44)
                      : _mm512_shuffle_i64x2(two[2 * i], two[2 * i + 1], 0xEE);
      };
      out[k] = reinterpret_cast<V>(_mm512_shuffle_i64x2(four(0), four(1), 0x88));
      out[k + 1] = reinterpret_cast<V>(_mm512_shuffle_i64x2(four(0), four(1), 0xDD));
    }
  }
};

/// Tells what is no UTF-8 in groups that follow each other.
class Utf8Groups : ByteGroups {
 public:
  /// A mark in each sequence that is wrong, of the 512 bytes at `text` or left by the group before. One that is cut off is
  /// marked at the byte behind it, and what would go on with it behind other bytes at its first byte: so what a line lacks is
  /// marked up to its line end, and the next line vouched for by nothing in it.
  V check(const char* text) {
    __m512i all = _mm512_setzero_si512();
    for (std::size_t w = 0; w < kWords; ++w) all = _mm512_or_si512(all, _mm512_loadu_si512(text + 64 * w));
    const bool is_beyond = _mm512_movepi8_mask(all) != 0;
    if (!is_beyond && !was_beyond_) return V{};
    was_beyond_ = is_beyond;
    V c[8];  // NOLINT(modernize-avoid-c-arrays): kernels.h
    classify<8>(load(text), kClasses, c, beyond_ascii);
    const V wanted =
        shifted<1>(c[kLead2], leads_[0]) | shifted<2>(c[kLead3], leads_[1]) | shifted<3>(c[kLead4], leads_[2]);
    const V is_four = shifted<1>(c[kLead4], leads_[2]);
    const V narrow = shifted<1>(c[kNarrow], leads_[3]);
    const V wants_upper = shifted<1>(c[kWantsUpper], leads_[4]);
    const V is_lower = c[kBelow90] | (c[kBelowA0] & ~is_four);
    const V behind_beyond = behind(c[kContinues] | c[kLead2], beyond_, beyond_);
    leads_[0] = c[kLead2];
    leads_[1] = c[kLead3];
    leads_[2] = c[kLead4];
    leads_[3] = c[kNarrow];
    leads_[4] = c[kWantsUpper];
    return (wanted ^ c[kContinues]) | (c[kContinues] & ~behind_beyond) | (narrow & ~(wants_upper ^ is_lower)) |
           (c[kLead4] & ~c[kLead2]);
  }

 private:
  /// Of the bytes above ASCII. What starts three or four bytes is kLead2 too, what starts four is kLead3 too; what is never in
  /// UTF-8 is kLead4 alone.
  enum Class { kContinues, kBelow90, kBelowA0, kLead2, kLead3, kLead4, kNarrow, kWantsUpper };
  static constexpr Table kClasses = [] {
    Table table{};
    for (unsigned i = 0; i < 128; ++i) {
      const unsigned c = 0x80 + i;
      const bool is_lead = c >= 0xC2 && c <= 0xF4;
      const bool never = c >= 0xC0 && !is_lead;
      // Behind these not every continuation byte will do: only upper ones behind the first two, lower ones behind the others.
      const bool wants_upper = c == 0xE0 || c == 0xF0;
      const bool is_narrow = wants_upper || c == 0xED || c == 0xF4;
      table.bytes[i] = static_cast<unsigned char>(
          (c < 0xC0) << kContinues | (c < 0x90) << kBelow90 | (c < 0xA0) << kBelowA0 | is_lead << kLead2 |
          (is_lead && c >= 0xE0) << kLead3 | (never || (is_lead && c >= 0xF0)) << kLead4 | is_narrow << kNarrow |
          wants_upper << kWantsUpper);
    }
    return table;
  }();

  bool was_beyond_ = false;  // whether the last group was not ASCII
  V leads_[5] = {};          // NOLINT(modernize-avoid-c-arrays): of the last such group, kLead2 to kWantsUpper
  V beyond_ = {};            // of that group, what is above ASCII and may have more behind it
};

}  // namespace
}  // namespace clearline
