#include <emmintrin.h>

#include <cstring>

#include "io/formats/kernel_loops.h"

namespace clearline {
namespace {

class Bytes {
 public:
  static Bytes load(const char* text) {
    Bytes bytes;
    for (int i = 0; i < 4; ++i) bytes.part_[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + 16 * i));
    return bytes;
  }
  static Bytes load_some(const char* text, std::size_t size) {
    char copy[64] = {};  // NOLINT(modernize-avoid-c-arrays): kernels.h
    std::memcpy(copy, text, size);
    return load(copy);
  }
  std::uint64_t equal(char byte) const {
    return mask([wanted = _mm_set1_epi8(byte)](__m128i part) { return _mm_cmpeq_epi8(part, wanted); });
  }
  std::uint64_t json() const {
    return mask([](__m128i part) {
      const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(part, _mm_set1_epi8(0x1F)), part);
      return _mm_or_si128(
          control, _mm_or_si128(_mm_cmpeq_epi8(part, _mm_set1_epi8('"')), _mm_cmpeq_epi8(part, _mm_set1_epi8('\\'))));
    });
  }
  std::uint64_t csv() const {
    return mask([](__m128i part) {
      return _mm_or_si128(
          _mm_cmpeq_epi8(part, _mm_set1_epi8('\n')),
          _mm_or_si128(_mm_cmpeq_epi8(part, _mm_set1_epi8('"')), _mm_cmpeq_epi8(part, _mm_set1_epi8(','))));
    });
  }
  static std::uint64_t prefix_xor(std::uint64_t bits) {
    for (int shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
    return bits;
  }

 private:
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
