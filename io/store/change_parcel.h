// ChangeParcel: lines of changes that came together, on their way to the registry, and their answers on the way back.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io/formats/change_reader.h"
#include "io/formats/out_buffer.h"
#include "io/store/registry_store.h"

namespace clearline {

/// How changes were answered.
struct AnswerTally {
  std::uint64_t ok = 0;
  std::uint64_t repeats = 0;
  std::array<std::uint64_t, kChangeErrorCount> refused{};  ///< by ChangeError
};

struct ChangeParcel {
  /// What a line is called in its answer.
  struct Line {
    std::uint64_t number = 0;
    std::optional<std::string> change_id;
  };

  std::vector<ChangeRequest> requests;
  std::vector<Line> lines;  ///< of each request

  /// Takes a line as it was read; one with a fault is answered already. `actor` is who sent it.
  void add(std::uint64_t number, ChangeReader::Outcome outcome, const std::string& actor);
  bool empty() const { return requests.empty(); }
};

/// Appends the answers of requests, in order, and counts them.
void append_answers(std::span<const ChangeParcel::Line> lines, std::span<const ChangeRequest> requests, OutBuffer& out,
                    AnswerTally& tally);

}  // namespace clearline
