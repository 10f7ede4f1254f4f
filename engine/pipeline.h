// Pipeline: blocks are read in order, worked on in parallel, delivered in order. The .cc is the only file that knows
// oneTBB.
#pragma once

#include <functional>

namespace clearline {

/// What the pipeline moves. Tokens are the caller's, numbered 0 .. tokens - 1, and return to it after delivery, so that
/// the memory in flight is bounded by their number.
struct PipelineStages {
  /// Serial, in order: fills token i; false at the end, or when nothing more is wanted.
  std::function<bool(int token)> read;
  /// Parallel, any order.
  std::function<void(int token, int worker)> work;
  /// Serial, in the order of reading.
  std::function<void(int token)> deliver;
};

/// Tokens that keep `threads` workers busy while one is read and one is delivered.
constexpr int pipeline_tokens(int threads) { return 2 * threads + 2; }

/// Runs to the end on `threads` threads, the caller's included. `worker` is below `threads` and belongs to one thread
/// at a time. The stages do not throw.
void run_pipeline(int threads, const PipelineStages& stages);

}  // namespace clearline
