// screen_block, the waist: a block of lines, a registry and a policy go in; a block of verdict lines comes out.
//
// Files, sockets and whatever else brings blocks are ways to it and from it; all of clearline's verdicts are made here.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "clearline/date.h"
#include "clearline/policy.h"
#include "clearline/registry.h"
#include "clearline/screener.h"
#include "clearline/verdict.h"
#include "io/formats/block.h"
#include "io/formats/input_format.h"
#include "io/formats/verdict_writer.h"

namespace clearline {

/// Counts of verdicts; every declaration is in exactly one of `outcome`.
struct Tally {
  std::uint64_t declarations = 0;
  std::array<std::uint64_t, kOutcomeCount> outcome{};
  std::array<std::uint64_t, kReasonCount> reason{};
  std::array<std::uint64_t, kFieldCount> given{};  ///< declarations that could be judged, by field that was not missing

  void add(const Verdict& verdict);
  void add(const Tally& other);
};

/// What travels with a block: its verdict lines, in the order of its declarations, and their counts.
struct VerdictBlock {
  OutBuffer lines;
  Tally tally;
  std::uint64_t lines_too_long = 0;  ///< of the malformed ones
  std::uint64_t cp949_lines = 0;     ///< of the malformed ones: not UTF-8, and would be read as CP949
};

/// Whole lines of an input, wherever they lie: kBlockPadding zero bytes are behind them.
struct Lines {
  std::string_view text;
  std::uint64_t first_line = 1;
  const InputFormat* format = nullptr;
};

/// When lines came, where their senders must not choose another time: a `declared_at` outside of the window is malformed. A
/// date alone is within when any moment of its day is.
struct Receipt {
  Date today;                  ///< stands for a missing `declared_at`
  std::int64_t earliest_us{};  ///< Unix time
  std::int64_t latest_us{};
};

enum class Emit { kAll, kFlagged };  ///< flagged: whatever is not clear

struct ScreenOptions {
  Format output_format = Format::kNdjson;
  bool explain = false;
  Emit emit = Emit::kAll;
  Date today;                      ///< stands for a missing `declared_at`
  const PastRows* past = nullptr;  ///< judges by the registry as it was, see Screener
};

/// One a thread: decoder, screener and scratch memory, allocated once.
class BlockScreener {
 public:
  /// Registry, policy and the past outlive it.
  BlockScreener(const Registry& registry, const Policy& policy, const ScreenOptions& options);
  ~BlockScreener();
  BlockScreener(BlockScreener&&) noexcept;
  BlockScreener& operator=(BlockScreener&&) noexcept;

  /// Replaces what is in `out`. Nothing is allocated once the buffers have the size that blocks need.
  void screen_block(const Block& in, VerdictBlock& out);
  /// The same of lines that came just now.
  void screen_received(const Lines& in, const Receipt& receipt, VerdictBlock& out);

 private:
  void screen_lines(const Lines& in, VerdictBlock& out);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace clearline
