// Made-up registries and declarations for benches, held in memory, and checks of what the fast path makes of them.
#pragma once

#include <cstdint>
#include <string>

#include "clearline/registry.h"
#include "io/formats/block.h"
#include "io/generate/declarations.h"

namespace clearline::bench {

/// Codes that a bench registers: CLEARLINE_BENCH_CODES, else 2,000,000.
std::uint64_t codes_wanted();

/// People 0 .. count - 1 of seed 1, as the generator makes them.
Registry made_up_registry(std::uint64_t count);

struct Day {
  std::string text;
  std::string expected;  ///< rows `id,verdict,reasons`
  std::uint64_t count = 0;
};
Day made_up_day(generate::Form form, generate::Style style, std::uint64_t codes, std::uint64_t count);

/// Ends the program with words on stderr unless the fast path gives the expected verdicts of `day`, and those of the
/// slow twin on a small registry. Whoever measures calls it first.
void check_day(const Day& day, generate::Form form, const Registry& registry);
void check_against_twin(generate::Form form, generate::Style style);

/// Ends the program when something that was checked is wrong.
void require(bool holds, const char* what);

}  // namespace clearline::bench
