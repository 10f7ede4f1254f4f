#include "io/formats/special_bytes.h"

namespace clearline {
namespace {

/// Which of the 64 bytes at `text` are below a space.
std::uint64_t control_mask(const char* text) {
  std::uint64_t mask = 0;
#if defined(__SSE2__)
  const __m128i last_control = _mm_set1_epi8(0x1F);
  for (std::size_t i = 0; i < 4; ++i) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + 16 * i));
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);
    mask |= static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(control))) << (16 * i);
  }
#else
  for (unsigned i = 0; i < 64; ++i) mask |= static_cast<std::uint64_t>(static_cast<unsigned char>(text[i]) < 0x20) << i;
#endif
  return mask;
}

template <typename Mask>
void mark(std::string_view text, ByteMarks& words, Mask mask) {
  const std::size_t count = text.size() / 64 + 1;
  if (words.size() < count + 1) words.resize(count + 1);
  for (std::size_t w = 0; w < count; ++w) words[w] = mask(text.data() + 64 * w);
  words[count - 1] |= ~std::uint64_t{0} << (text.size() % 64);
  words[count] = ~std::uint64_t{0};
}

}  // namespace

void mark_json_bytes(std::string_view text, ByteMarks& words) {
  mark(text, words, [](const char* at) { return control_mask(at) | equal_mask(at, '"') | equal_mask(at, '\\'); });
}

void mark_csv_bytes(std::string_view text, ByteMarks& words) {
  mark(text, words, [](const char* at) { return equal_mask(at, '\n') | equal_mask(at, '"') | equal_mask(at, ','); });
}

std::size_t count_line_ends(std::string_view text) {
  // Sums of at most 255 ones fit a byte, which lets the compiler keep 16 of them in one register.
  std::size_t total = 0;
  std::size_t at = 0;
  constexpr std::size_t kLanes = 32;
  while (text.size() - at >= kLanes) {
    unsigned char lane[kLanes] = {};  // NOLINT(modernize-avoid-c-arrays)
    for (int round = 0; round < 255 && text.size() - at >= kLanes; ++round, at += kLanes) {
      for (std::size_t i = 0; i < kLanes; ++i) lane[i] = static_cast<unsigned char>(lane[i] + (text[at + i] == '\n'));
    }
    for (const unsigned char count : lane) total += count;
  }
  for (; at < text.size(); ++at) total += static_cast<std::size_t>(text[at] == '\n');
  return total;
}

}  // namespace clearline
