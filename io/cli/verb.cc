#include "io/cli/verb.h"

#include <CLI/CLI.hpp>
#include <sstream>
#include <utility>
#include <vector>

#include "io/cli/usage.h"

namespace clearline {

Option Option::required() const {
  option_->required();
  return *this;
}

Option Option::not_empty() const {
  option_->check([](const std::string& text) { return text.empty() ? "is empty" : ""; });
  return *this;
}

Option Option::type(const std::string& word) const {
  option_->type_name(word);
  return *this;
}

Option Option::excludes(Option other) const {
  option_->excludes(other.option_);
  return *this;
}

Verb Verb::add_verb(const std::string& name, const std::string& help) const {
  return Verb(*app_->add_subcommand(name, help));
}

Option Verb::add_option(const std::string& names, std::string& target, const std::string& help) const {
  return Option(*app_->add_option(names, target, help));
}

Option Verb::add_option(const std::string& names, std::optional<std::string>& target, const std::string& help) const {
  return Option(*app_->add_option(names, target, help));
}

Option Verb::add_option(const std::string& names, std::vector<std::string>& target, const std::string& help) const {
  return Option(*app_->add_option(names, target, help));
}

// CLI11's own readers of numbers and the like repeat what they cannot read.
Option Verb::add_read_option(const std::string& names, std::function<std::string(const std::string&)> read,
                             const std::string& help) const {
  return Option(*app_->add_option_function<std::string>(
      names,
      [name = names.substr(names.find(',') + 1), read = std::move(read)](const std::string& value) {
        if (const std::string wrong = read(value); !wrong.empty()) throw CLI::ValidationError(name, wrong);
      },
      help));
}

Option Verb::add_flag(const std::string& name, bool& target, const std::string& help) const {
  return Option(*app_->add_flag(name, target, help));
}

void Verb::needs_verb() const { app_->require_subcommand(1); }

void Verb::footer(const std::string& words) const { app_->footer(words); }

void Verb::when_chosen(std::function<void()> chosen) const { app_->callback(std::move(chosen)); }

void wrong_use(const std::string& option, const std::string& words) { throw CLI::ValidationError(option, words); }

CommandLine::CommandLine(const std::string& name, const std::string& help, std::function<std::string()> version)
    : app_(std::make_unique<CLI::App>(help, name)) {
  app_->set_version_flag("--version", std::move(version));
}

CommandLine::~CommandLine() = default;

LineRead CommandLine::read(const std::vector<std::string>& arguments) const {
  std::vector<const char*> argv;
  argv.reserve(arguments.size());
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  try {
    app_->parse(static_cast<int>(argv.size()), argv.data());
  } catch (const CLI::Success& asked) {  // --help, --version
    std::ostringstream text;
    app_->exit(asked, text, text);
    return {LineRead::Kind::kAnswer, text.str()};
  } catch (const CLI::ParseError& error) {
    return {LineRead::Kind::kWrong, usage_words(*app_, error)};
  }
  return {LineRead::Kind::kVerb, {}};
}

}  // namespace clearline
