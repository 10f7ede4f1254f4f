// Isa: which vector instructions the kernels use. One program runs everywhere: it is compiled for x86-64-v2, and only
// the kernels exist once more for what newer machines have. Each gives the same results; tests hold them against
// kScalar, the plain loops.
//
// Threads   the choice is made before main(), and changed (by CLEARLINE_ISA, by tests) only while nothing is screened.
#pragma once

#include <string_view>

#include "clearline/status.h"

namespace clearline {

enum class Isa : unsigned char {
  kScalar,  ///< plain loops
  kSse2,    ///< what every x86-64 has
  kAvx2,    ///< and BMI, BMI2, LZCNT, PCLMULQDQ
  kAvx512,  ///< that, and F, BW, VL, VBMI, VBMI2, GFNI: Ice Lake, Zen 4 and later
};
inline constexpr std::size_t kIsaCount = 4;

/// `avx512`: the word for --version and CLEARLINE_ISA.
std::string_view to_string(Isa isa);

bool machine_has(Isa isa);

/// The Isa that `name` forces. kConfig when no Isa is called so, or this machine lacks it.
Result<Isa> forced_isa(std::string_view name);

/// The Isa in use: the best one of this machine, until use_isa() says otherwise.
Isa isa_in_use();

/// Makes all kernels use `isa`, which the machine has.
void use_isa(Isa isa);

}  // namespace clearline
