// Compiled for AVX-512 (io/CMakeLists.txt): see kernels.h for what may be used here.
#include <immintrin.h>

#include "io/formats/csv_groups_avx512.h"
#include "io/formats/json_groups_avx512.h"
#include "io/formats/json_lines_avx512.h"
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
  std::uint64_t equal(char byte) const { return word_of(_mm512_cmpeq_epi8_mask(bytes_, _mm512_set1_epi8(byte))); }
  std::uint64_t equal_folded(char byte) const {
    return word_of(_mm512_cmpeq_epi8_mask(folded(), _mm512_set1_epi8(byte)));
  }
  std::uint64_t at_most(char last) const { return word_of(_mm512_cmple_epu8_mask(bytes_, _mm512_set1_epi8(last))); }
  std::uint64_t in_range(char first, char last) const { return in_range_of(bytes_, first, last); }
  std::uint64_t in_range_folded(char first, char last) const { return in_range_of(folded(), first, last); }
  static std::uint64_t prefix_xor(std::uint64_t bits) {
    const __m128i ones = _mm_set1_epi8(-1);
    const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<long long>(bits)), ones, 0);
    return static_cast<std::uint64_t>(_mm_cvtsi128_si64(product));
  }

 private:
  explicit Bytes(__m512i bytes) : bytes_(bytes) {}

  __m512i folded() const { return _mm512_or_si512(bytes_, _mm512_set1_epi8(0x20)); }
  static std::uint64_t in_range_of(__m512i bytes, char first, char last) {
    return word_of(_mm512_cmple_epu8_mask(_mm512_sub_epi8(bytes, _mm512_set1_epi8(first)),
                                          _mm512_set1_epi8(static_cast<char>(last - first))));
  }
  /// A mask as a number in an ordinary register. Without the barrier the compiler computes on in mask registers, of whose
  /// operations a core does one a cycle.
  static std::uint64_t word_of(__mmask64 mask) {
    std::uint64_t word = mask;
    __asm__("" : "+r"(word));
    return word;
  }

  __m512i bytes_;
};

/// The places in a word are its bits' numbers, compressed to those that are set.
std::size_t list_ops_avx512(const char* text, const std::uint64_t* marks, std::size_t words, const Ops& ops) {
  alignas(64) static constexpr unsigned char kNumbers[64] = {
      0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
      22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
      44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
  const __m512i numbers = _mm512_load_si512(kNumbers);
  std::size_t total = 0;
  for (std::size_t w = 0; w < words; ++w) {
    const std::uint64_t bits = marks[w];
    const auto count = static_cast<unsigned>(__builtin_popcountll(bits));
    std::uint32_t* const out = ops.places + total;
    const __m512i bytes = _mm512_maskz_compress_epi8(bits, _mm512_loadu_si512(text + 64 * w));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(ops.bytes + total), _mm512_castsi512_si128(bytes));
    const __m512i set = _mm512_maskz_compress_epi8(bits, numbers);
    const __m512i base = _mm512_set1_epi32(static_cast<int>(64 * w));
    _mm512_storeu_si512(out, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(set))));
    if (count > 16) {
      _mm512_storeu_si512(ops.bytes + total, bytes);
      const __m128i second = _mm512_extracti32x4_epi32(set, 1);
      const __m128i third = _mm512_extracti32x4_epi32(set, 2);
      const __m128i fourth = _mm512_extracti32x4_epi32(set, 3);
      _mm512_storeu_si512(out + 16, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(second)));
      _mm512_storeu_si512(out + 32, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(third)));
      _mm512_storeu_si512(out + 48, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(fourth)));
    }
    total += count;
  }
  return total;
}

}  // namespace

constexpr Kernels kAvx512Kernels{mark_json<Bytes>, mark_csv<Bytes>, mark_codes<Bytes>,
                                 JsonGroups::run,  CsvGroups::run,  true,
                                 list_ops_avx512,  JsonLines::run,  count_line_ends<Bytes>};

}  // namespace clearline
