#include "engine/isa.h"

#include <array>
#include <atomic>
#include <cassert>
#include <cstdlib>
#include <string>

namespace clearline {
namespace {

constexpr std::array<Isa, kIsaCount> kBestFirst{Isa::kAvx512, Isa::kAvx2, Isa::kSse2, Isa::kScalar};

Isa best_isa() {
  for (const Isa isa : kBestFirst) {
    if (machine_has(isa)) return isa;
  }
  return Isa::kScalar;
}

// Relaxed, as it publishes nothing: what it selects are constants. Zero until its initializer has run, which is
// kScalar: right, only slower, for whoever comes earlier.
std::atomic<Isa> in_use{best_isa()};

}  // namespace

std::string_view to_string(Isa isa) {
  switch (isa) {
    case Isa::kScalar:
      return "scalar";
    case Isa::kSse2:
      return "sse2";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
  }
  std::abort();
}

bool machine_has(Isa isa) {
  // The compiler's own test knows that the system must save the wide registers too.
#if defined(__x86_64__)
  __builtin_cpu_init();
  switch (isa) {
    case Isa::kScalar:
    case Isa::kSse2:
      return true;
    case Isa::kAvx2:
      return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("bmi") != 0 &&
             __builtin_cpu_supports("bmi2") != 0 && __builtin_cpu_supports("lzcnt") != 0 &&
             __builtin_cpu_supports("pclmul") != 0;
    case Isa::kAvx512:
      return machine_has(Isa::kAvx2) && __builtin_cpu_supports("avx512f") != 0 &&
             __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
             __builtin_cpu_supports("avx512vbmi") != 0 && __builtin_cpu_supports("avx512vbmi2") != 0 &&
             __builtin_cpu_supports("gfni") != 0;
  }
#endif
  return isa == Isa::kScalar;
}

Result<Isa> forced_isa(std::string_view name) {
  std::string usable;
  for (const Isa isa : kBestFirst) {
    if (machine_has(isa)) usable += (usable.empty() ? "" : ", ") + std::string(to_string(isa));
  }
  for (const Isa isa : kBestFirst) {
    if (to_string(isa) != name) continue;
    if (machine_has(isa)) return isa;
    return Status(StatusKind::kConfig, std::string(name) + " is more than this machine has; it has " + usable);
  }
  return Status(StatusKind::kConfig, "'" + std::string(name) + "' is no instruction set; this machine has " + usable);
}

Isa isa_in_use() { return in_use.load(std::memory_order_relaxed); }

void use_isa(Isa isa) {
  assert(machine_has(isa));
  in_use.store(isa, std::memory_order_relaxed);
}

}  // namespace clearline
