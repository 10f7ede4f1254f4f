// Answers: what comes back over a feed: verdict lines, as text that only has to be counted and passed on.
//
// Idea        a line is known by its first bytes and by those behind `"verdict":"`; it is never parsed. No string of a verdict
//             line can hold that key itself, since its quotes are escaped there.
// Lines       a verdict without an id names a line of the connection, which starts anew with each one and counts the hello; it
//             is written as the line of the input, so that the output is what `screen` makes of the same input.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "clearline/verdict.h"
#include "io/formats/out_buffer.h"

namespace clearline {

/// What the lines of a connection are in the input: its second one, behind the hello, is `first_line`.
struct ConnectionLines {
  std::uint64_t first_line = 1;
  std::uint64_t last_line = 1;  ///< that was sent
};

/// What was wrong with declarations, in the server's words without their column; how often.
using ErrorDetails = std::map<std::string, std::uint64_t, std::less<>>;
/// Of more kinds than these, the later ones are not counted.
inline constexpr std::size_t kErrorDetailsMax = 64;

struct Answers {
  std::size_t bytes = 0;  ///< of the whole lines that were read
  std::uint64_t verdicts = 0;
  std::array<std::uint64_t, kOutcomeCount> outcome{};
  std::array<std::uint64_t, kReasonCount> reason{};
  ErrorDetails details;
  std::optional<std::string> closing;  ///< the connection will be closed: the word that says why
  std::string_view fault;              ///< the line behind `bytes` is no verdict: why, as a fixed text
};

/// Reads the whole lines at the front of a text, and appends the verdicts among them to `lines`. Stops behind a closing line, and
/// at a line that is wrong.
///   verdicts_max  declarations that wait for one: a further verdict is a fault
Answers read_answers(std::string_view text, const ConnectionLines& connection, std::uint64_t verdicts_max,
                     OutBuffer& lines);

/// The answer to a hello.
struct HelloAnswer {
  bool ok = false;
  std::optional<std::string> refused;  ///< the word that says why
  std::optional<std::string> closing;  ///< the same, of a connection that is closed before it
};
/// Reads a line without its end; what is neither has nothing set.
HelloAnswer read_hello_answer(std::string_view line);

}  // namespace clearline
