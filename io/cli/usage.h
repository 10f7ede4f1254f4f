// Usage: words about a command line that is wrong. They name options and verbs, never what was given for them: a name, a
// phone or a code may stand anywhere on such a line.
#pragma once

#include <string>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace clearline {

/// What is wrong, the nearest right word, and where the help is.
std::string usage_words(const CLI::App& app, const CLI::ParseError& error);

}  // namespace clearline
