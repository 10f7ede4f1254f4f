// Verb: the command line's verbs and their options. CLI11 is behind it, in verb.cc and usage.cc alone: whoever includes its
// header compiles for three times as long.
//
// Words about a value that is wrong are made of names, never of the value: a name, a phone or a code may stand anywhere on
// a command line.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace clearline {

/// An option, or an argument by its place. A handle: its copies mean the same one.
class Option {
 public:
  explicit Option(CLI::Option& option) : option_(&option) {}
  Option required() const;
  /// Refuses an empty value.
  Option not_empty() const;
  /// What stands for its value in the help: FILE, say; nothing for an argument, whose name says it.
  Option type(const std::string& word) const;
  Option excludes(Option other) const;

 private:
  CLI::Option* option_;
};

/// A verb. A handle, as Option is; the targets of its options are written when the line is read, and outlive that.
class Verb {
 public:
  explicit Verb(CLI::App& app) : app_(&app) {}
  /// A verb under this one.
  Verb add_verb(const std::string& name, const std::string& help) const;
  /// Names are `-o,--output`, or `FILE` for an argument.
  Option add_option(const std::string& names, std::string& target, const std::string& help) const;
  Option add_option(const std::string& names, std::optional<std::string>& target, const std::string& help) const;
  /// One that may be there again and again.
  Option add_option(const std::string& names, std::vector<std::string>& target, const std::string& help) const;
  /// One whose value is read by us: `read` gives what is wrong with it, as in "--day is no day"; nothing if it is taken.
  Option add_read_option(const std::string& names, std::function<std::string(const std::string& value)> read,
                         const std::string& help) const;
  Option add_flag(const std::string& name, bool& target, const std::string& help) const;
  /// One of the verbs under this one has to be there.
  void needs_verb() const;
  /// Words below the options in the help.
  void footer(const std::string& words) const;
  /// Once all options are read, if this verb was chosen. May end in wrong_use().
  void when_chosen(std::function<void()> chosen) const;

 private:
  CLI::App* app_;
};

/// What is wrong with options that are good each by itself: `--from`, `is behind --to`. From when_chosen() alone.
[[noreturn]] void wrong_use(const std::string& option, const std::string& words);

/// What came of reading a command line.
struct LineRead {
  enum class Kind {
    kVerb,    ///< a verb was chosen, and is to run
    kAnswer,  ///< a help or the version was asked for: `words`, for stdout
    kWrong,   ///< wrong use: `words`, for stderr
  };
  Kind kind;
  std::string words;
};

/// All of a command line: the program's own options, and its verbs.
class CommandLine {
 public:
  CommandLine(const std::string& name, const std::string& help, std::function<std::string()> version);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  Verb root() const { return Verb(*app_); }
  /// The first argument is the program's name.
  LineRead read(const std::vector<std::string>& arguments) const;

 private:
  std::unique_ptr<CLI::App> app_;
};

}  // namespace clearline
