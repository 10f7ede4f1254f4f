#include "io/formats/special_bytes.h"

#include "io/formats/kernels.h"

namespace clearline {
void mark_json_bytes(std::string_view text, ByteMarks& words) {
  const std::size_t count = text.size() / 64 + 1;
  if (words.size() < count + 1) words.resize(count + 1);
  kernels().mark_json(text.data(), count, words.data());
  words[count - 1] |= ~std::uint64_t{0} << (text.size() % 64);
  words[count] = ~std::uint64_t{0};
}

std::size_t count_line_ends(std::string_view text) { return kernels().count_line_ends(text.data(), text.size()); }

}  // namespace clearline
