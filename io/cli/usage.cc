#include "io/cli/usage.h"

#include <CLI/CLI.hpp>
#include <string_view>
#include <vector>

#include "io/formats/nearest.h"

namespace clearline {
namespace {

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
