#include "io/cli/private_arguments.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

namespace clearline {
namespace {

/// Options whose values are about no person. All else is overwritten: who mistypes an option is protected, too.
constexpr std::array<std::string_view, 5> kPublicOptions{"-r", "--registry", "--date", "--as-of", "--format"};
/// Options of which the name stays and the value goes.
constexpr std::array<std::string_view, 3> kPrivateOptions{"--name", "--zip", "--phone"};
constexpr std::array<std::string_view, 2> kFlags{"--help", "-h"};

template <typename Names>
bool is_one_of(const Names& names, std::string_view text) {
  return std::find(names.begin(), names.end(), text) != names.end();
}

/// With zeros: what is left is that there was an argument, and how long it was.
void wipe(char* text) { explicit_bzero(text, std::strlen(text)); }

/// The place behind the verb, if it is one that takes codes; else argc.
int behind_private_verb(int argc, char** argv) {
  const auto next_verb = [&](int at) {
    while (at < argc && argv[at][0] == '-') ++at;
    return at;
  };
  int at = next_verb(1);
  if (at < argc && std::string_view(argv[at]) == "lookup") return at + 1;
  if (at == argc || std::string_view(argv[at]) != "registry") return argc;
  at = next_verb(at + 1);
  return at < argc && std::string_view(argv[at]) == "history" ? at + 1 : argc;
}

}  // namespace

std::vector<std::string> take_arguments(int argc, char** argv) {
  std::vector<std::string> arguments(argv, argv + argc);
  for (int at = behind_private_verb(argc, argv); at < argc; ++at) {
    const std::string_view text = argv[at];
    const std::size_t equals = text.find('=');
    const std::string_view option = text.substr(0, equals);
    if (equals == std::string_view::npos && is_one_of(kPublicOptions, text)) {
      ++at;  // and its value
    } else if (text == "-" || is_one_of(kFlags, text) || is_one_of(kPublicOptions, option) ||
               (equals == std::string_view::npos && is_one_of(kPrivateOptions, text))) {
      continue;
    } else if (is_one_of(kPrivateOptions, option)) {
      wipe(argv[at] + equals + 1);
    } else {
      wipe(argv[at]);
    }
  }
  return arguments;
}

}  // namespace clearline
