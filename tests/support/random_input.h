// Nasty made-up input: spellings, escapes, damage and limits, far wilder than a day's declarations.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/support/reference.h"

namespace clearline::test {

/// The seed of a run: CLEARLINE_SEED, else a new one, printed so that a failure can be repeated.
std::uint64_t test_seed();
/// `usual`, or what the environment says.
std::uint64_t test_count(const char* variable, std::uint64_t usual);

class RandomInput {
 public:
  explicit RandomInput(std::uint64_t seed);

  const std::vector<reference::Registered>& people() const { return people_; }
  /// About `lines` NDJSON lines, bad ones among them.
  std::string ndjson(std::size_t lines);
  /// The same as CSV with a header.
  std::string csv(std::size_t lines);

 private:
  std::size_t below(std::size_t count) { return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_); }
  bool chance(double share) { return std::bernoulli_distribution(share)(random_); }
  template <typename List>
  std::string pick(const List& list) {
    return std::string(list[below(std::size(list))]);
  }
  std::string declared_name(const reference::Registered& person);
  std::string declared_phone(const reference::Registered& person);
  reference::Declared declared();
  std::string json_string(const std::string& text);
  std::string json_value(int depth);
  std::string ndjson_line();
  std::string csv_record();
  std::string damaged(std::string line);

  std::mt19937_64 random_;
  std::vector<reference::Registered> people_;
  std::uint64_t next_id_ = 0;
};

}  // namespace clearline::test
