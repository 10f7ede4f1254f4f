// BlockFlow: blocks of the inputs go through the workers into one output, in their order.
//
// Work and compression are parallel; reading, writing and counting go in order, one block at a time. What is in flight is
// bounded by the number of tokens, whose memory later runs use again.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "engine/pipeline.h"
#include "io/cli/inputs.h"
#include "io/formats/block.h"
#include "io/formats/out_buffer.h"
#include "io/store/compressed_output.h"

namespace clearline {

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Out: what is made of a block; `lines`, an OutBuffer of it, is what goes into the output.
template <typename Out>
class BlockFlow {
 public:
  /// A block on its way.
  struct Token {
    explicit Token(std::size_t block_bytes) : in(block_bytes) {}
    Block in;
    Out out;
    OutBuffer packed;
    std::uint64_t bytes_taken = 0;  ///< of the inputs, behind this block
    std::vector<ReadMark> marks;    ///< the same, for runs that can be resumed
  };

  BlockFlow(int threads, std::size_t block_bytes) : threads_(threads) {
    const auto tokens = static_cast<std::size_t>(pipeline_tokens(threads));
    tokens_.reserve(tokens);
    while (tokens_.size() < tokens) tokens_.push_back(std::make_unique<Token>(block_bytes));
  }

  struct Steps {
    /// Parallel; `worker` is below the number of threads.
    std::function<void(int worker, const Block& in, Out& out)> work;
    /// In order, for each block whose lines were to be written, with what came of that; a failure ends the run.
    std::function<Status(const Token& token, Status written)> delivered;
    bool with_marks = false;
  };

  /// To the end of the inputs, or to the first failure; one of the output counts before one of an input.
  Status run(InputChain& inputs, CompressedOutput& output, const Steps& steps) {
    const bool packs = output.compression() != Compression::kNone;
    std::vector<Compressor> compressors;  // a member or frame a block
    compressors.reserve(static_cast<std::size_t>(threads_));
    for (int i = 0; i < threads_ && packs; ++i) compressors.emplace_back(output.compression());

    // Written by one stage each and read after the run. `stop` is how delivery tells reading that no more is wanted.
    Status read_status;
    Status write_status;
    std::atomic<bool> stop{false};
    PipelineStages stages;
    stages.read = [&](int i) {
      // relaxed: the flag carries no data; seeing it late costs a block.
      if (stop.load(std::memory_order_relaxed)) return false;
      Token& token = *tokens_[static_cast<std::size_t>(i)];
      const auto more = inputs.next(token.in);
      if (!more.ok()) read_status = more.status();
      token.bytes_taken = inputs.bytes_taken();
      if (steps.with_marks) token.marks = inputs.marks();
      return more.ok() && *more;
    };
    stages.work = [&](int i, int worker) {
      Token& token = *tokens_[static_cast<std::size_t>(i)];
      steps.work(worker, token.in, token.out);
      token.packed.clear();
      const std::string_view lines = token.out.lines.text();
      if (packs && !lines.empty()) compressors[static_cast<std::size_t>(worker)].append(lines, token.packed);
    };
    stages.deliver = [&](int i) {
      const Token& token = *tokens_[static_cast<std::size_t>(i)];
      if (!write_status.ok()) return;
      write_status = steps.delivered(
          token, packs ? output.write_compressed(token.packed.text()) : output.write(token.out.lines.text()));
      if (!write_status.ok()) stop.store(true, std::memory_order_relaxed);
    };
    run_pipeline(threads_, stages);
    return write_status.ok() ? read_status : write_status;
  }

 private:
  int threads_;
  std::vector<std::unique_ptr<Token>> tokens_;
};

}  // namespace clearline
