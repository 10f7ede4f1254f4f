// Compiled with -mavx2 -mpclmul: see kernels.h for what may be used here.
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
    char copy[64] = {};  // NOLINT(modernize-avoid-c-arrays): kernels.h
    std::memcpy(copy, text, size);
    return load(copy);
  }
  std::uint64_t equal(char byte) const {
    return mask([wanted = _mm256_set1_epi8(byte)](__m256i part) { return _mm256_cmpeq_epi8(part, wanted); });
  }
  std::uint64_t json() const {
    return mask([](__m256i part) {
      const __m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(part, _mm256_set1_epi8(0x1F)), part);
      return _mm256_or_si256(control, _mm256_or_si256(_mm256_cmpeq_epi8(part, _mm256_set1_epi8('"')),
                                                      _mm256_cmpeq_epi8(part, _mm256_set1_epi8('\\'))));
    });
  }
  std::uint64_t csv() const {
    return mask([](__m256i part) {
      return _mm256_or_si256(_mm256_cmpeq_epi8(part, _mm256_set1_epi8('\n')),
                             _mm256_or_si256(_mm256_cmpeq_epi8(part, _mm256_set1_epi8('"')),
                                             _mm256_cmpeq_epi8(part, _mm256_set1_epi8(','))));
    });
  }
  static std::uint64_t prefix_xor(std::uint64_t bits) {
    const __m128i ones = _mm_set1_epi8(-1);
    const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<long long>(bits)), ones, 0);
    return static_cast<std::uint64_t>(_mm_cvtsi128_si64(product));
  }

 private:
  Bytes(__m256i low, __m256i high) : low_(low), high_(high) {}

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

constexpr Kernels kAvx2Kernels = kKernelsOf<Bytes>;

}  // namespace clearline
