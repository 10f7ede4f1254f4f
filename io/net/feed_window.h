// FeedWindow: the lines of an input that are on their way over a feed, kept until they are answered.
//
//   blocks    [ ############|######....] [ ..................... ]
//   pieces      answered and gone | sent, not answered | not sent |  uncut: not stamped yet
//                                 ^ resume() goes back to here
//
// Idea        a block is cut into pieces as they are sent, each with one moment that latency counts from; a piece is dropped
//             when all its declarations are answered, a block with its last piece. Nothing is kept a line: where a piece was
//             answered in part, its lines are counted again, and that happens only when a connection is lost.
// Bounds      lines and bytes in pieces; one line passes whatever its length when there is no other.
// Not here    sockets, and time but as an argument.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>

#include "engine/latency_histogram.h"
#include "io/formats/block.h"

namespace clearline {

class FeedWindow {
 public:
  using Time = std::chrono::steady_clock::time_point;

  FeedWindow(std::uint64_t lines_max, std::size_t bytes_max) : lines_max_(lines_max), bytes_max_(bytes_max) {}

  /// Whether all blocks so far are cut.
  bool wants_block() const { return uncut_.empty(); }
  /// Takes the next block of the input, only when one is wanted.
  void add(std::unique_ptr<Block> block);
  /// Cuts the next piece, of up to `declarations_max` (at least 1), so that it can be sent. False: nothing is left to cut, or the
  /// window is full.
  bool cut(std::uint64_t declarations_max, Time when);
  std::uint64_t declarations_cut() const { return declarations_cut_; }

  /// The bytes to be sent next: all of one block that are cut. Empty: there are none.
  std::string_view unsent() const;
  void sent(std::size_t bytes);

  /// Declarations that may be answered: all whose piece was sent or begun.
  std::uint64_t answerable() const { return answerable_; }
  /// Counts answers, up to answerable(), in the order of the declarations.
  void answered(std::uint64_t count, Time now, LatencyHistogram& latency);

  /// The connection is lost: whatever is not answered will be sent again.
  void resume();
  /// Behind resume(): the line of the input that will be sent first.
  std::uint64_t resume_line() const { return pieces_.empty() ? uncut_line_ : pieces_.front().first_line; }
  /// The last line of all pieces so far.
  std::uint64_t last_line() const { return uncut_line_ - 1; }

  /// Whether nothing is left to be sent or answered.
  bool is_empty() const { return pieces_.empty() && uncut_.empty(); }
  /// A block that is answered, for new input; nothing if there is none.
  std::unique_ptr<Block> take_free();

 private:
  struct Piece {
    std::string_view text;
    std::uint64_t first_line = 0;
    std::uint64_t lines = 0;
    std::uint64_t declarations = 0;
    std::uint64_t unanswered = 0;  // of these
    Time when;
    bool ends_block = false;
  };
  bool is_full() const { return lines_ >= lines_max_ || bytes_ >= bytes_max_; }
  void drop_answered();

  std::uint64_t lines_max_;
  std::size_t bytes_max_;
  std::deque<std::unique_ptr<Block>> blocks_;  // the last one is being cut
  std::deque<std::unique_ptr<Block>> free_;
  std::string_view uncut_;
  std::uint64_t uncut_line_ = 1;
  std::deque<Piece> pieces_;
  std::size_t next_ = 0;        // the piece that is sent next
  std::size_t next_bytes_ = 0;  // of it that are sent
  std::uint64_t lines_ = 0;     // in pieces
  std::size_t bytes_ = 0;
  std::uint64_t answerable_ = 0;
  std::uint64_t declarations_cut_ = 0;
};

}  // namespace clearline
