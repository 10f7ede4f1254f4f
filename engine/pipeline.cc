#include "engine/pipeline.h"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_pipeline.h>
#include <oneapi/tbb/task_arena.h>

namespace clearline {

void run_pipeline(int threads, const PipelineStages& stages) {
  namespace tbb = oneapi::tbb;
  const int tokens = pipeline_tokens(threads);
  tbb::global_control control(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads));
  tbb::task_arena arena(threads);
  arena.execute([&] {
    int next = 0;
    const auto read = [&](tbb::flow_control& flow) -> int {
      // Tokens are delivered in order and at most `tokens` are in flight, so they come free in the order of their use.
      const int token = next;
      if (!stages.read(token)) {
        flow.stop();
        return -1;
      }
      next = next + 1 == tokens ? 0 : next + 1;
      return token;
    };
    const auto work = [&](int token) {
      stages.work(token, tbb::this_task_arena::current_thread_index());
      return token;
    };
    const auto deliver = [&](int token) { stages.deliver(token); };
    tbb::parallel_pipeline(static_cast<std::size_t>(tokens),
                           tbb::make_filter<void, int>(tbb::filter_mode::serial_in_order, read) &
                               tbb::make_filter<int, int>(tbb::filter_mode::parallel, work) &
                               tbb::make_filter<int, void>(tbb::filter_mode::serial_in_order, deliver));
  });
}

}  // namespace clearline
