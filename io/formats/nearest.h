// Nearest: the word that was meant by one that is misspelt.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace clearline {

/// The word of `words` that `word` starts, or is at most two slips away from; empty when none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& words);

}  // namespace clearline
