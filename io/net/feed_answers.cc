#include "io/net/feed_answers.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace clearline {
namespace {

constexpr std::string_view kIdFront = R"({"id":")";
constexpr std::string_view kLineFront = R"({"id":null,"line":)";
constexpr std::string_view kVerdictKey = R"("verdict":")";
constexpr std::string_view kClearEnd = R"(","verdict":"clear"})";
constexpr std::string_view kClosingFront = R"({"closing":{"error":")";
constexpr std::string_view kHelloOk = R"({"hello":{"ok":true)";
constexpr std::string_view kHelloRefused = R"({"hello":{"ok":false,"error":")";

/// The stable word at the front of a text, up to its quote. Nothing else that a peer sent is ever shown.
std::string word_of(std::string_view text) {
  constexpr std::size_t kWordBytesMax = 40;
  const std::string_view word = text.substr(0, text.find('"'));
  const bool is_word = !word.empty() && word.size() <= kWordBytesMax && word.size() < text.size() &&
                       std::all_of(word.begin(), word.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
  return is_word ? std::string(word) : "no reason given";
}

/// Counts the reasons that a text begins with, as `"name_mismatch","zip_mismatch"]`. What is no reason of ours is passed over.
void count_reasons(std::string_view text, std::array<std::uint64_t, kReasonCount>& counts) {
  while (text.starts_with('"')) {
    const std::size_t end = text.find('"', 1);
    if (end == std::string_view::npos) return;
    const std::string_view word = text.substr(1, end - 1);
    for (int i = 0; i < kReasonCount; ++i) {
      if (word == to_string(static_cast<Reason>(i))) ++counts[static_cast<std::size_t>(i)];
    }
    text.remove_prefix(end + 1);
    if (!text.starts_with(',')) return;
    text.remove_prefix(1);
  }
}

/// Counts what is wrong with a declaration, if it is in plain words: nothing else that a peer sent is shown.
void count_detail(std::string_view line, ErrorDetails& details) {
  constexpr std::string_view kKey = R"(,"detail":")";
  constexpr std::string_view kColumn = "column ";
  constexpr std::size_t kDetailBytesMax = 120;
  const std::size_t key = line.rfind(kKey);
  if (key == std::string_view::npos) return;
  std::string_view detail = line.substr(key + kKey.size());
  detail = detail.substr(0, detail.find('"'));
  if (detail.starts_with(kColumn)) {
    detail.remove_prefix(std::min(detail.find(": ", kColumn.size()), detail.size() - 2) + 2);
  }
  const bool is_plain =
      !detail.empty() && detail.size() <= kDetailBytesMax &&
      std::all_of(detail.begin(), detail.end(), [](char c) { return c >= ' ' && c <= '~' && c != '\\'; });
  if (!is_plain) return;
  if (const auto found = details.find(detail); found != details.end()) {
    ++found->second;
  } else if (details.size() < kErrorDetailsMax) {
    details.emplace(detail, 1);
  }
}

/// The outcome of a verdict line; nothing if it has none. Its reasons are counted.
std::optional<Outcome> outcome_of(std::string_view line, Answers& answers) {
  constexpr std::string_view kReasons = R"(","reasons":[)";
  const std::size_t key = line.find(kVerdictKey);
  if (key == std::string_view::npos || line.back() != '}') return std::nullopt;
  const std::string_view rest = line.substr(key + kVerdictKey.size());
  for (int i = 0; i < kOutcomeCount; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    const std::string_view word = to_string(outcome);
    if (!rest.starts_with(word)) continue;
    const std::string_view behind = rest.substr(word.size());
    if (!behind.starts_with('"')) continue;
    if (behind.starts_with(kReasons)) count_reasons(behind.substr(kReasons.size()), answers.reason);
    if (outcome == Outcome::kError) count_detail(line, answers.details);
    return outcome;
  }
  return std::nullopt;
}

}  // namespace

Answers read_answers(std::string_view text, const ConnectionLines& connection, std::uint64_t verdicts_max,
                     OutBuffer& lines) {
  Answers answers;
  std::size_t copied = 0;  // of the text
  const auto copy_to = [&](std::size_t end) {
    lines.append(text.substr(copied, end - copied));
    copied = end;
  };
  while (answers.bytes < text.size()) {
    const char* const begin = text.data() + answers.bytes;
    const void* const end = std::memchr(begin, '\n', text.size() - answers.bytes);
    if (end == nullptr) break;
    const std::string_view line(begin, static_cast<std::size_t>(static_cast<const char*>(end) - begin));
    if (line.starts_with(kClosingFront)) {
      answers.closing = word_of(line.substr(kClosingFront.size()));
      copy_to(answers.bytes);
      answers.bytes += line.size() + 1;
      return answers;
    }
    if (answers.verdicts == verdicts_max) {
      answers.fault = "has no declaration that waits for it";
      break;
    }
    auto outcome = Outcome::kClear;
    if (line.size() <= kClearEnd.size() || !line.ends_with(kClearEnd) || !line.starts_with(kIdFront)) {
      const auto found = outcome_of(line, answers);
      const bool has_line = line.starts_with(kLineFront);
      if (!found || (!has_line && !line.starts_with(kIdFront))) {
        answers.fault = "is no verdict";
        break;
      }
      outcome = *found;
      if (has_line) {
        const char* const digits = begin + kLineFront.size();
        std::uint64_t number = 0;
        const auto [behind, error] = std::from_chars(digits, begin + line.size(), number);
        if (error != std::errc() || number < 2 || number - 2 > connection.last_line - connection.first_line) {
          answers.fault = "names a line that was not sent";
          break;
        }
        copy_to(static_cast<std::size_t>(digits - text.data()));
        lines.append_number(number - 2 + connection.first_line);
        copied = static_cast<std::size_t>(behind - text.data());
      }
    }
    ++answers.verdicts;
    ++answers.outcome[static_cast<std::size_t>(outcome)];
    answers.bytes += line.size() + 1;
  }
  copy_to(answers.bytes);
  return answers;
}

HelloAnswer read_hello_answer(std::string_view line) {
  HelloAnswer answer;
  answer.ok = line.starts_with(kHelloOk);
  if (line.starts_with(kHelloRefused)) answer.refused = word_of(line.substr(kHelloRefused.size()));
  if (line.starts_with(kClosingFront)) answer.closing = word_of(line.substr(kClosingFront.size()));
  return answer;
}

}  // namespace clearline
