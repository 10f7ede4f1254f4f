// Options that several verbs share.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/formats/cp949.h"
#include "io/formats/input_format.h"

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
            throw CLI::ValidationError(name, "'" + text + "' is none of " + words);
          },
          help)
      ->type_name(words);
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
