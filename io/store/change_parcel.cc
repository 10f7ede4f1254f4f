#include "io/store/change_parcel.h"

#include <utility>

namespace clearline {

void ChangeParcel::add(std::uint64_t number, ChangeReader::Outcome outcome, const std::string& actor) {
  ChangeRequest& request = requests.emplace_back();
  if (outcome.fault) {
    request.is_answered = true;
    request.answer = malformed_answer(outcome.fault);
    lines.push_back({number, std::move(outcome.change_id)});
    return;
  }
  lines.push_back({number, outcome.change.change_id});
  request.change = std::move(outcome.change);
  request.actor = actor;
}

void append_answers(std::span<const ChangeParcel::Line> lines, std::span<const ChangeRequest> requests, OutBuffer& out,
                    AnswerTally& tally) {
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const ChangeAnswer& answer = requests[i].answer;
    if (answer.error) {
      ++tally.refused[static_cast<std::size_t>(*answer.error)];
    } else {
      ++(answer.repeat ? tally.repeats : tally.ok);
    }
    append_change_answer(lines[i].change_id, lines[i].number, answer, out);
  }
}

}  // namespace clearline
