#include "io/cli/usage.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace clearline {
namespace {

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

/// The word that was meant; empty when none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& words) {
  constexpr std::size_t kNear = 2;
  std::string best;
  std::size_t best_distance = std::min(kNear + 1, word.size());
  for (const std::string& candidate : words) {
    const bool is_start = word.size() > kNear && candidate.starts_with(word);
    const std::size_t distance = is_start ? kNear : edit_distance(word, candidate);
    if (distance >= best_distance) continue;
    best = candidate;
    best_distance = distance;
  }
  return best;
}

std::vector<std::string> verbs_of(const CLI::App& verb) {
  std::vector<std::string> names;
  for (const CLI::App* under : verb.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(under->get_name());
  }
  return names;
}

std::vector<std::string> options_of(const CLI::App& verb) {
  std::vector<std::string> names;
  for (const CLI::Option* option : verb.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

/// The name that an argument starts with, `--nam` of `--nam=HONG` and `-n` of `-nHONG`; empty when that is no name.
std::string_view option_name(std::string_view argument) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz-";
  const std::size_t size = argument.starts_with("--") ? argument.find_first_not_of(kLetters) : 2;
  const std::string_view name = argument.substr(0, size);
  return name.find_first_not_of('-') == std::string_view::npos || kLetters.find(name.back()) == std::string_view::npos
             ? std::string_view()
             : name;
}

/// `path`: the verb as it was written, `clearline registry`.
std::string unknown_words(const CLI::App& verb, const std::string& path, const std::string& argument) {
  const auto meant = [](const std::string& word) { return word.empty() ? "" : " (did you mean " + word + "?)"; };
  if (argument.starts_with('-') && argument.size() > 1) {
    const std::string name(option_name(argument));
    return "unknown option" + (name.empty() ? "" : " " + name) + meant(nearest(name, options_of(verb)));
  }
  const std::vector<std::string> verbs = verbs_of(verb);
  if (verbs.empty()) return "an argument too many";
  const std::string best = nearest(argument, verbs);
  return "unknown verb" + meant(best.empty() ? "" : "'" + path + " " + best + "'");
}

/// Whether the words of an error are made of names alone. Our own checks throw ValidationErrors that are.
bool is_silent_on_values(const CLI::ParseError& error) {
  return dynamic_cast<const CLI::ValidationError*>(&error) != nullptr ||
         dynamic_cast<const CLI::RequiredError*>(&error) != nullptr ||
         dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr;
}

}  // namespace

std::string usage_words(const CLI::App& app, const CLI::ParseError& error) {
  // What is left over comes first: a misspelt option is why the right one is missing.
  std::string what;
  std::string path = "clearline";
  for (const CLI::App* verb = &app;; verb = verb->get_subcommands().front()) {
    if (verb != &app) path += " " + verb->get_name();
    for (const std::string& argument : verb->remaining()) {
      if (what.empty() && argument != "--") what = unknown_words(*verb, path, argument);
    }
    if (!verb->get_subcommands().empty()) continue;
    if (what.empty() && !verbs_of(*verb).empty()) what = "a verb is missing";
    break;
  }
  if (what.empty()) what = is_silent_on_values(error) ? error.what() : "an option cannot take the value it is given";
  return "clearline: error: " + what + "; see '" + path + " --help'\n";
}

}  // namespace clearline
