// The kernels of each instruction set against the scalar ones, which have the exact pass alone: the same declarations and
// the same faults of any text.
#include <cstdio>
#include <cstdlib>

#include "engine/isa.h"
#include "tests/support/decoding.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace clearline;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  use_isa(Isa::kScalar);
  const auto expected = test::decoded_ndjson(text);
  for (const Isa isa : {Isa::kSse2, Isa::kAvx2, Isa::kAvx512}) {
    if (!machine_has(isa)) continue;
    use_isa(isa);
    if (test::decoded_ndjson(text) == expected) continue;
    std::fprintf(stderr, "%s decodes something else\n", std::string(to_string(isa)).c_str());
    std::abort();
  }
  return 0;
}
