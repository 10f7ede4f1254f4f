// Cutting at any place, with limits that are reached, gives the records that reading the whole gives, and so do the kernels
// of each instruction set, also where a text lies across the end of what they scan at once.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "engine/isa.h"
#include "tests/support/decoding.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace clearline;
  if (size < 3) return 0;
  constexpr std::size_t kScanned = 8'192;
  const std::size_t bytes_max = 1 + data[0];
  const std::size_t columns = data[1] % 5;
  const std::size_t step = 1 + data[2] + size / 16;  // so many small blocks would say nothing new
  std::string text;
  const std::size_t before = data[1] % 2 != 0 && size / 2 < kScanned ? kScanned - size / 2 : 0;
  const std::size_t commas = columns == 0 ? 0 : columns - 1;
  const std::string row =
      std::string(commas, ',') + std::string(bytes_max - std::min(bytes_max, commas + 1), 'x') + "x\n";
  while (text.size() < before) text += row;
  const std::vector<std::size_t> steps{text.size() + step, step};
  text.append(reinterpret_cast<const char*>(data) + 3, size - 3);
  use_isa(Isa::kScalar);
  const auto expected = test::csv_records(text, bytes_max, columns);
  for (const Isa isa : {Isa::kScalar, Isa::kSse2, Isa::kAvx2, Isa::kAvx512}) {
    if (!machine_has(isa)) continue;
    use_isa(isa);
    if (test::csv_records(text, bytes_max, columns) == expected &&
        test::csv_records_in_blocks(text, bytes_max, columns, steps) == expected) {
      continue;
    }
    std::fprintf(stderr, "%s reads something else\n", std::string(to_string(isa)).c_str());
    std::abort();
  }
  return 0;
}
