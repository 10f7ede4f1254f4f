// GoogleTest's main, with CLEARLINE_ISA as the program has it: one build of the tests runs with each kernel.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "engine/isa.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (const char* name = std::getenv("CLEARLINE_ISA"); name != nullptr && *name != '\0') {
    const auto isa = clearline::forced_isa(name);
    if (!isa.ok()) {
      std::printf("skipped: %s\n", isa.status().message().c_str());
      return 77;  // SKIP_RETURN_CODE of the test
    }
    clearline::use_isa(*isa);
  }
  return RUN_ALL_TESTS();
}
