// FeedWorker: one of the threads that serve feeds. (Included by feed_worker.cc and feed_server.cc alone.)
//
// A read is cut into slices of whole lines (kSliceBytes, kSliceLines), and each slice is screened and sent: large enough that a
// system call is nothing beside it, small enough that answers go out while the next slice is judged, and that their size has
// a bound.
//
// Processors  where there are as many workers as processors, each keeps to one of them: left to itself the system has two workers
//             share a processor for seconds while another idles. What a worker cannot do because something else has its
//             processor, the others do.
// Memory      one block and one buffer of verdicts, a screener for each kind of client. A connection that waits holds
//             nothing but some 0.6 KiB and what is left of a line.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "io/formats/block.h"
#include "io/formats/screen_block.h"
#include "io/net/feed_hub.h"
#include "io/net/feed_out.h"

namespace clearline {

class FeedWorker {
 public:
  /// `hub` and `counters` outlive it. `processor`: the one it keeps to.
  FeedWorker(FeedHub& hub, FeedCounters& counters, int number, std::optional<int> processor);
  ~FeedWorker();

  /// Serves until the ReadyQueue ends.
  void start();
  void join();

 private:
  struct Screening;

  void run();
  void serve(FeedSlot& slot);
  void look_for_serving();
  void read(FeedSlot& slot);
  bool is_scarce() const;
  std::size_t bytes_to_read(const FeedConnection& connection) const;
  void answer(FeedSlot& slot, FeedLines::Framed framed);
  bool take_hello(FeedSlot& slot, std::string_view text, std::size_t& at);
  void refuse_protocol(FeedSlot& slot, std::string_view protocol);
  std::string_view next_slice(std::string_view text, std::size_t& lines);
  void screen(FeedSlot& slot, std::string_view slice, std::size_t lines);
  void go_on(FeedSlot& slot);
  void finish_drained(FeedSlot& slot);
  Screening& screening_of(const FeedConnection& connection);

  FeedHub& hub_;
  FeedCounters& counters_;
  const Limits& limits_;
  FeedOut out_;
  int number_;
  std::optional<int> processor_;
  ServingPtr serving_;
  std::uint64_t serving_number_ = 0;
  std::vector<std::unique_ptr<Screening>> screenings_;  // of serving_
  std::size_t read_bytes_;
  std::size_t slice_lines_;
  Block block_;
  VerdictBlock verdicts_;
  std::chrono::nanoseconds worked_{0};  // processor time of the thread, up to the last slice
  std::jthread thread_;
};

}  // namespace clearline
