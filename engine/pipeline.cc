#include "engine/pipeline.h"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_pipeline.h>
#include <oneapi/tbb/task_arena.h>

#include <atomic>
#include <vector>

namespace clearline {
namespace {

/// What comes before a give() comes before what follows the next take(). oneTBB orders the stages so already; Debian's
/// is not instrumented, so ThreadSanitizer would see none of it and could not tell a real race from an order kept. Each
/// hand-off states exactly one edge of that order, never one between two workers, so a race between them still shows.
/// Cost: a dozen atomic accesses a block.
class HandOff {
 public:
  void give() { count_.fetch_add(1, std::memory_order_release); }      // pairs with take()
  void take() const { (void)count_.load(std::memory_order_acquire); }  // pairs with give()

 private:
  std::atomic<unsigned> count_{0};
};

/// From the caller to the stages. Not local to a run: to find a local one, a stage would read what it is to order.
constinit HandOff run_started;

}  // namespace

void run_pipeline(int threads, const PipelineStages& stages) {
  namespace tbb = oneapi::tbb;
  const int tokens = pipeline_tokens(threads);
  tbb::global_control control(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads));
  tbb::task_arena arena(threads);
  arena.execute([&] {
    int next = 0;
    HandOff reader;                                                     // from one read to the next
    HandOff deliverer;                                                  // from one delivery to the next
    std::vector<HandOff> token_of(static_cast<std::size_t>(tokens));    // from stage to stage, and back to the first
    std::vector<HandOff> worker_of(static_cast<std::size_t>(threads));  // from one thread to the next in its place
    HandOff finished;                                                   // from every stage to the caller
    const auto read = [&](tbb::flow_control& flow) -> int {
      run_started.take();
      reader.take();
      // Tokens are delivered in order and at most `tokens` are in flight, so they come free in the order of their use.
      const int token = next;
      token_of[static_cast<std::size_t>(token)].take();
      const bool more = stages.read(token);
      if (more) {
        next = next + 1 == tokens ? 0 : next + 1;
        token_of[static_cast<std::size_t>(token)].give();
      } else {
        flow.stop();
      }
      reader.give();
      finished.give();
      return more ? token : -1;
    };
    const auto work = [&](int token) {
      run_started.take();
      const int worker = tbb::this_task_arena::current_thread_index();
      worker_of[static_cast<std::size_t>(worker)].take();
      token_of[static_cast<std::size_t>(token)].take();
      stages.work(token, worker);
      token_of[static_cast<std::size_t>(token)].give();
      worker_of[static_cast<std::size_t>(worker)].give();
      finished.give();
      return token;
    };
    const auto deliver = [&](int token) {
      run_started.take();
      deliverer.take();
      token_of[static_cast<std::size_t>(token)].take();
      stages.deliver(token);
      token_of[static_cast<std::size_t>(token)].give();
      deliverer.give();
      finished.give();
    };
    const auto filters = tbb::make_filter<void, int>(tbb::filter_mode::serial_in_order, read) &
                         tbb::make_filter<int, int>(tbb::filter_mode::parallel, work) &
                         tbb::make_filter<int, void>(tbb::filter_mode::serial_in_order, deliver);
    run_started.give();
    tbb::parallel_pipeline(static_cast<std::size_t>(tokens), filters);
    finished.take();
  });
}

}  // namespace clearline
