// Options that several verbs share. What they throw never holds a value: see io/cli/usage.h.
#pragma once

#include <CLI/CLI.hpp>
#include <charconv>
#include <limits>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "clearline/date.h"
#include "io/formats/cp949.h"
#include "io/formats/input_format.h"
#include "io/store/as_of.h"

namespace clearline {

/// An option that takes one of some words. CLI11's own transformers show their table in every help; this shows the
/// words.
template <typename Value, typename Target>
CLI::Option* add_choice(CLI::App& verb, const std::string& name, Target& target,
                        std::vector<std::pair<std::string, Value>> choices, const std::string& help) {
  std::string words;
  for (const auto& choice : choices) words += (words.empty() ? "" : "|") + choice.first;
  return verb
      .add_option_function<std::string>(
          name,
          [&target, name, words, choices = std::move(choices)](const std::string& text) {
            for (const auto& [word, value] : choices) {
              if (word != text) continue;
              target = value;
              return;
            }
            throw CLI::ValidationError(name, "is none of " + words);
          },
          help)
      ->type_name(words);
}

/// An option that takes a number. CLI11's own readers repeat what they cannot read.
template <typename Number>
CLI::Option* add_number(CLI::App& verb, const std::string& name, Number& target, std::type_identity_t<Number> min,
                        std::type_identity_t<Number> max, const std::string& help) {
  const auto read = [&target, name, min, max](const std::string& text) {
    const char* const end = text.data() + text.size();
    Number number{};
    const auto [at, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || at != end || !(number >= min && number <= max)) {
      throw CLI::ValidationError(name.substr(name.find(',') + 1), "is no number from " + CLI::detail::to_string(min) +
                                                                      " to " + CLI::detail::to_string(max));
    }
    target = number;
  };
  return verb.add_option_function<std::string>(name, read, help)->type_name("N");
}

inline constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

/// An option that takes a day.
template <typename Target>
CLI::Option* add_date(CLI::App& verb, const std::string& name, Target& target, const std::string& help) {
  const auto read = [&target, name](const std::string& text) {
    const auto date = parse_date(text);
    if (!date) throw CLI::ValidationError(name, "is no day that exists; write 2025-12-01");
    target = *date;
  };
  return verb.add_option_function<std::string>(name, read, help)->type_name("DATE");
}

/// A check for options whose value cannot be empty.
inline std::string not_empty(const std::string& text) { return text.empty() ? "is empty" : ""; }

inline CLI::Option* add_as_of_option(CLI::App& verb, std::optional<AsOf>& as_of) {
  const auto read = [&as_of](const std::string& text) {
    as_of = parse_as_of(text);
    if (as_of) return;
    throw CLI::ValidationError(
        "--as-of", "is none of seq:4813, 2025-12-01 (the end of that day), 2025-12-01T10:00:00+09:00, declared");
  };
  return verb
      .add_option_function<std::string>(
          "--as-of", read,
          "By the registry as it was: at a time, at the end of a day, with all changes to N "
          "(the day of that also stands for a missing date); declared: at the moment of each "
          "declaration")
      ->type_name("TIME|seq:N|declared");
}

/// A change or a moment that something came behind; a number alone is a seq.
inline CLI::Option* add_since_option(CLI::App& verb, std::optional<AsOf>& since) {
  const auto read = [&since](const std::string& text) {
    const bool is_number = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    since = parse_as_of(is_number ? "seq:" + text : text);
    if (since && since->kind != AsOf::Kind::kDeclared) return;
    throw CLI::ValidationError("--since",
                               "is none of 4813, 2025-12-01 (the end of that day), 2025-12-01T10:00:00+09:00");
  };
  return verb
      .add_option_function<std::string>("--since", read,
                                        "Changes behind this seq, or that took effect behind this time")
      ->type_name("SEQ|TIME");
}

inline CLI::Option* add_threads_option(CLI::App& verb, int& threads) {
  return add_number(verb, "-j,--threads", threads, 1, 1024, "Threads; else as many processors as may be used");
}

inline CLI::Option* add_format_option(CLI::App& verb, const std::string& name, std::optional<Format>& format,
                                      const std::string& help) {
  return add_choice<Format>(verb, name, format, {{"ndjson", Format::kNdjson}, {"csv", Format::kCsv}}, help);
}

inline CLI::Option* add_encoding_option(CLI::App& verb, Encoding& encoding) {
  return add_choice<Encoding>(verb, "--encoding", encoding,
                              {{"utf-8", Encoding::kUtf8}, {"cp949", Encoding::kCp949}, {"auto", Encoding::kAuto}},
                              "Encoding of the input; auto: CP949 if the first 64 KiB are not UTF-8 and are CP949");
}

}  // namespace clearline
