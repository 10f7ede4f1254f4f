// The fast path, whole, in a process: text in, rows out, such as the reference gives them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "clearline/registry.h"
#include "io/formats/block_reader.h"
#include "io/formats/impact_block.h"
#include "tests/support/reference.h"

namespace clearline::test {

/// A source that gives a text in pieces of `piece_bytes`.
std::unique_ptr<ByteSource> text_source(std::string text, std::size_t piece_bytes = 1 << 20);

/// The reference's people as a Registry; ends the test program when one of them is no entry.
Registry make_registry(const std::vector<reference::Registered>& people);

struct ScreenSetup {
  Format format = Format::kNdjson;
  std::string columns;
  std::string ignore;
  Encoding encoding = Encoding::kUtf8;  // the reference knows no other
  std::size_t block_bytes = 256 << 10;
  std::size_t piece_bytes = 1 << 20;
  int threads = 1;
  std::string today = "2026-01-15";
};

/// The verdict lines of a text as the program would write them; nothing when the input is refused (a CSV header).
std::optional<std::string> screen_to_text(std::string_view text, const Registry& registry, const ScreenSetup& setup,
                                          Format output_format = Format::kNdjson, bool explain = false);

/// The same as rows.
std::optional<std::vector<reference::Row>> screen_to_rows(std::string_view text, const Registry& registry,
                                                          const ScreenSetup& setup);

/// What ImpactFinder makes of a text.
struct ImpactText {
  std::string lines;
  ImpactTally tally;
};
ImpactText impact_to_text(std::string_view text, const Registry& registry, const PastRows& past,
                          std::span<const SeenChange> changes, const ScreenSetup& setup, const ImpactOptions& options);

/// How the two lists differ first; empty when they do not.
std::string first_difference(const std::vector<reference::Row>& expected, const std::vector<reference::Row>& got);

}  // namespace clearline::test
