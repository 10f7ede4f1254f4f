#include "io/formats/nearest.h"

#include <algorithm>
#include <cstddef>

namespace clearline {
namespace {

constexpr std::size_t kNear = 2;

/// Letters to insert, drop, replace or swap with their neighbour to make `b` of `a`.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      const std::size_t replaced = cost[i - 1][j - 1] + static_cast<std::size_t>(a[i - 1] != b[j - 1]);
      cost[i][j] = std::min({replaced, cost[i - 1][j] + 1, cost[i][j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& words) {
  std::string best;
  std::size_t best_distance = std::min(kNear + 1, word.size());
  for (const std::string& candidate : words) {
    const bool is_start = word.size() > kNear && candidate.starts_with(word);
    // Lengths that differ by more are far apart, and a word may be as long as its file.
    if (!is_start && std::max(word.size(), candidate.size()) > std::min(word.size(), candidate.size()) + kNear)
      continue;
    const std::size_t distance = is_start ? kNear : edit_distance(word, candidate);
    if (distance >= best_distance) continue;
    best = candidate;
    best_distance = distance;
  }
  return best;
}

}  // namespace clearline
