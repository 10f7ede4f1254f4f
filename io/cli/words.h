// Words: what the program says, and the small texts that it puts on stdout.
#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "clearline/status.h"

namespace clearline {

/// Puts words on stderr. One that is closed or full loses them and changes nothing else: not the work, not its exit code.
/// Async-signal-safe.
void say(std::string_view words);

/// The same for a process that a signal ends: where stderr has no room now, nothing is said, as waiting for room could keep the
/// process for ever. Async-signal-safe.
void say_without_waiting(std::string_view words);

template <typename... Values>
void say(fmt::format_string<Values...> format, Values&&... values) {
  const std::string words = fmt::format(format, std::forward<Values>(values)...);
  say(std::string_view(words));
}

/// How a run's summary is said.
enum class SummaryForm { kText, kJson, kNone };

/// Puts a text on stdout, where what is lost is kOutput. A reader that went away is no failure.
Status tell(std::string_view text);

}  // namespace clearline
