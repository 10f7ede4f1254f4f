// Random: small seeded numbers, the same on every machine (the distributions of <random> differ between libraries).
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>

namespace clearline::generate {

/// Spreads 64 bits. Source  splitmix64, Steele et al., OOPSLA 2014.
constexpr std::uint64_t spread(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15;
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
  x = (x ^ x >> 27) * 0x94D049BB133111EB;
  return x ^ x >> 31;
}

/// A stream of its own for each (seed, number): item n is made without the n - 1 before it.
/// Never two draws in the arguments of one call or the operands of one `+`: compilers differ in which comes first.
class Random {
 public:
  Random(std::uint64_t seed, std::uint64_t number) : state_(spread(seed) ^ spread(~number)) {}

  std::uint64_t next() { return spread(state_++); }
  /// 0 .. count - 1.
  std::uint64_t below(std::uint64_t count) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>(static_cast<Wide>(next()) * count >> 64);
  }
  std::uint64_t between(std::uint64_t low, std::uint64_t high) { return low + below(high - low + 1); }
  /// 0 up to 1, without it.
  double fraction() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  /// True with a share of 0 .. 1.
  bool chance(double share) { return fraction() < share; }
  template <typename Array>
  const auto& pick(const Array& array) {
    return array[below(std::size(array))];
  }

 private:
  std::uint64_t state_;
};

}  // namespace clearline::generate
