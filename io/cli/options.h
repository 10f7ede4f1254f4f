// Options that several verbs share.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "clearline/date.h"
#include "io/cli/verb.h"
#include "io/cli/words.h"
#include "io/formats/encoding.h"
#include "io/formats/input_format.h"
#include "io/store/as_of.h"

namespace clearline {

/// An option that takes one of some words.
template <typename Value, typename Target>
Option add_choice(Verb verb, const std::string& name, Target& target,
                  std::vector<std::pair<std::string, Value>> choices, const std::string& help) {
  std::string words;
  for (const auto& choice : choices) words += (words.empty() ? "" : "|") + choice.first;
  const auto read = [&target, words, choices = std::move(choices)](const std::string& text) -> std::string {
    for (const auto& [word, value] : choices) {
      if (word != text) continue;
      target = value;
      return {};
    }
    return "is none of " + words;
  };
  return verb.add_read_option(name, read, help).type(words);
}

inline constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

/// An option that takes a number: an int, a std::uint64_t or a double.
template <typename Number>
Option add_number(Verb verb, const std::string& name, Number& target, std::type_identity_t<Number> min,
                  std::type_identity_t<Number> max, const std::string& help);

/// An option that takes a day.
Option add_date(Verb verb, const std::string& name, Date& target, const std::string& help);
Option add_date(Verb verb, const std::string& name, std::optional<Date>& target, const std::string& help);

Option add_as_of_option(Verb verb, std::optional<AsOf>& as_of);
/// A change or a moment that something came behind; a number alone is a seq.
Option add_since_option(Verb verb, std::optional<AsOf>& since);

Option add_format_option(Verb verb, const std::string& name, std::optional<Format>& format, const std::string& help);
Option add_encoding_option(Verb verb, Encoding& encoding);
/// INPUT, of runs over declaration files.
Option add_inputs_option(Verb verb, std::vector<std::string>& inputs);
Option add_columns_option(Verb verb, std::string& columns);
Option add_ignore_option(Verb verb, IgnoredNames& ignored);
Option add_summary_option(Verb verb, SummaryForm& form);
Option add_threads_option(Verb verb, int& threads);

}  // namespace clearline
