// Compiled for AVX-512 (io/CMakeLists.txt): see kernels.h for what may be used here.
#include <immintrin.h>

#include "io/formats/kernel_loops.h"

namespace clearline {
namespace {

class Bytes {
 public:
  static Bytes load(const char* text) { return Bytes(_mm512_loadu_si512(text)); }
  static Bytes load_some(const char* text, std::size_t size) {
    const __mmask64 wanted = size >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << size) - 1;
    return Bytes(_mm512_maskz_loadu_epi8(wanted, text));
  }
  std::uint64_t equal(char byte) const { return _mm512_cmpeq_epi8_mask(bytes_, _mm512_set1_epi8(byte)); }
  std::uint64_t json() const {
    return _mm512_cmplt_epu8_mask(bytes_, _mm512_set1_epi8(' ')) | equal('"') | equal('\\');
  }
  std::uint64_t csv() const { return equal('\n') | equal('"') | equal(','); }
  static std::uint64_t prefix_xor(std::uint64_t bits) {
    const __m128i ones = _mm_set1_epi8(-1);
    const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<long long>(bits)), ones, 0);
    return static_cast<std::uint64_t>(_mm_cvtsi128_si64(product));
  }

 private:
  explicit Bytes(__m512i bytes) : bytes_(bytes) {}

  __m512i bytes_;
};

}  // namespace

constexpr Kernels kAvx512Kernels = kKernelsOf<Bytes>;

}  // namespace clearline
