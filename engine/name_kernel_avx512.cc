#include <immintrin.h>

#include <cstdint>

#include "engine/name_kernel.h"

namespace clearline {
namespace {

enum Class : unsigned char { kWord = 1, kDropped = 2, kForLoop = 4 };  // else: ends a word

struct Table {
  alignas(64) unsigned char classes[128];  // NOLINT(modernize-avoid-c-arrays)
};
constexpr Table kTable = [] {
  Table table{};
  for (int c = 0; c < 128; ++c) {
    const bool is_word = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    const bool is_blank = c == ' ' || (c >= 0x09 && c <= 0x0D);
    if (is_word) table.classes[c] = kWord;
    if (c == '\'' || c == '`') table.classes[c] = kDropped;
    if (((c < 0x20 || c == 0x7F) && !is_blank) || c == '?') table.classes[c] = kForLoop;
  }
  return table;
}();

}  // namespace

bool fold_ascii_name_avx512(const char* text, std::size_t size, char* out, AsciiName& name) {
  if (size > kAsciiNameBytesMax) return false;
  const std::uint64_t all = size == kAsciiNameBytesMax ? ~std::uint64_t{0} : (std::uint64_t{1} << size) - 1;
  const __m512i bytes = _mm512_maskz_loadu_epi8(all, text);
  if (_mm512_movepi8_mask(bytes) != 0) return false;
  const __m512i classes =
      _mm512_permutex2var_epi8(_mm512_load_si512(kTable.classes), bytes, _mm512_load_si512(kTable.classes + 64));
  const std::uint64_t words = _mm512_mask_test_epi8_mask(all, classes, _mm512_set1_epi8(kWord));
  const std::uint64_t dropped = _mm512_test_epi8_mask(classes, _mm512_set1_epi8(kDropped));
  const std::uint64_t ends = all & ~(words | dropped);
  const __mmask64 lower = _mm512_cmple_epu8_mask(_mm512_sub_epi8(bytes, _mm512_set1_epi8('a')), _mm512_set1_epi8(25));
  const __m512i upper = _mm512_mask_sub_epi8(bytes, lower, bytes, _mm512_set1_epi8(0x20));
  _mm512_storeu_si512(out, _mm512_maskz_compress_epi8(words, upper));
  name.is_for_loop = _mm512_mask_test_epi8_mask(all, classes, _mm512_set1_epi8(kForLoop)) != 0;
  measure_name(words, ends, name);
  return true;
}

}  // namespace clearline
