// Compiled for AVX2, BMI and PCLMULQDQ (io/CMakeLists.txt): see kernels.h for what may be used here.
#include <immintrin.h>

#include <cstring>

#include "io/formats/kernel_loops.h"

namespace clearline {
namespace {

class Bytes {
 public:
  static Bytes load(const char* text) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(text)),
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text + 32))};
  }
  static Bytes load_some(const char* text, std::size_t size) {
    char copy[64] = {};                            // NOLINT(modernize-avoid-c-arrays): kernels.h
    if (size != 0) std::memcpy(copy, text, size);  // no text may have no place
    return load(copy);
  }
  std::uint64_t equal(char byte) const {
    return mask([wanted = _mm256_set1_epi8(byte)](__m256i part) { return _mm256_cmpeq_epi8(part, wanted); });
  }
  std::uint64_t equal_folded(char byte) const {
    return mask([wanted = _mm256_set1_epi8(byte)](__m256i part) { return _mm256_cmpeq_epi8(folded(part), wanted); });
  }
  std::uint64_t at_most(char last) const {
    return mask([last](__m256i part) { return is_at_most(part, last); });
  }
  std::uint64_t in_range(char first, char last) const {
    return mask([first, last](__m256i part) {
      return is_at_most(_mm256_sub_epi8(part, _mm256_set1_epi8(first)), static_cast<char>(last - first));
    });
  }
  std::uint64_t in_range_folded(char first, char last) const {
    return mask([first, last](__m256i part) {
      return is_at_most(_mm256_sub_epi8(folded(part), _mm256_set1_epi8(first)), static_cast<char>(last - first));
    });
  }
  static std::uint64_t prefix_xor(std::uint64_t bits) {
    const __m128i ones = _mm_set1_epi8(-1);
    const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<long long>(bits)), ones, 0);
    return static_cast<std::uint64_t>(_mm_cvtsi128_si64(product));
  }

 private:
  Bytes(__m256i low, __m256i high) : low_(low), high_(high) {}

  static __m256i folded(__m256i part) { return _mm256_or_si256(part, _mm256_set1_epi8(0x20)); }
  static __m256i is_at_most(__m256i part, char last) {
    return _mm256_cmpeq_epi8(_mm256_min_epu8(part, _mm256_set1_epi8(last)), part);
  }

  template <typename Test>
  std::uint64_t mask(Test test) const {
    const auto bits = [](__m256i part) {
      return static_cast<std::uint64_t>(static_cast<unsigned>(_mm256_movemask_epi8(part)));
    };
    return bits(test(low_)) | bits(test(high_)) << 32;
  }

  __m256i low_;
  __m256i high_;
};

}  // namespace

void scan_json_words_avx2(const char* text, std::size_t at, std::size_t words, JsonCarry& carry, JsonMarks& marks) {
  scan_json_words<Bytes>(text, at, words, carry, marks);
}

constexpr Kernels kAvx2Kernels = kKernelsOf<Bytes>;

}  // namespace clearline
