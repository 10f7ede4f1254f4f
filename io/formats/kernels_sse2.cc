#include <emmintrin.h>

#include <cstring>

#include "io/formats/kernel_loops.h"

namespace clearline {
namespace {

class Bytes {
 public:
  static Bytes load(const char* text) {
    Bytes bytes;
    for (std::size_t i = 0; i < 4; ++i)
      bytes.part_[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + 16 * i));
    return bytes;
  }
  static Bytes load_some(const char* text, std::size_t size) {
    char copy[64] = {};                            // NOLINT(modernize-avoid-c-arrays): kernels.h
    if (size != 0) std::memcpy(copy, text, size);  // no text may have no place
    return load(copy);
  }
  std::uint64_t equal(char byte) const {
    return mask([wanted = _mm_set1_epi8(byte)](__m128i part) { return _mm_cmpeq_epi8(part, wanted); });
  }
  std::uint64_t equal_folded(char byte) const {
    return mask([wanted = _mm_set1_epi8(byte)](__m128i part) { return _mm_cmpeq_epi8(folded(part), wanted); });
  }
  std::uint64_t at_most(char last) const {
    return mask([last](__m128i part) { return is_at_most(part, last); });
  }
  std::uint64_t in_range(char first, char last) const {
    return mask([first, last](__m128i part) {
      return is_at_most(_mm_sub_epi8(part, _mm_set1_epi8(first)), static_cast<char>(last - first));
    });
  }
  std::uint64_t in_range_folded(char first, char last) const {
    return mask([first, last](__m128i part) {
      return is_at_most(_mm_sub_epi8(folded(part), _mm_set1_epi8(first)), static_cast<char>(last - first));
    });
  }
  static std::uint64_t prefix_xor(std::uint64_t bits) {
    for (int shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
    return bits;
  }

 private:
  static __m128i folded(__m128i part) { return _mm_or_si128(part, _mm_set1_epi8(0x20)); }
  static __m128i is_at_most(__m128i part, char last) {
    return _mm_cmpeq_epi8(_mm_min_epu8(part, _mm_set1_epi8(last)), part);
  }

  template <typename Test>
  std::uint64_t mask(Test test) const {
    std::uint64_t bits = 0;
    for (int i = 0; i < 4; ++i) {
      bits |= static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(test(part_[i])))) << (16 * i);
    }
    return bits;
  }

  __m128i part_[4];  // NOLINT(modernize-avoid-c-arrays): kernels.h
};

}  // namespace

constexpr Kernels kSse2Kernels = kKernelsOf<Bytes>;

}  // namespace clearline
