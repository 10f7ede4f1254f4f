// FeedLines: what a connection keeps between two reads, so that a thread's one block serves all of its connections.
//
//   rest --begin--> [ rest | new bytes ...... ] the thread's block
//                   [ whole lines | tail      ] take(): how much of it is whole lines
//                   keep() <-- what was not answered yet, and the tail
//
// Bound       line_bytes_max + 1 bytes of a tail: of a line that is longer only the front stays while the rest streams by, enough
//             to be refused; and what of one read was not answered.
// Rules       the same as of files (io/formats/block_reader.h): LF and CRLF end a line, the last line of an input needs no end,
//             and one that is too long and blank behind the limit is as good as a blank one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace clearline {

class FeedLines {
 public:
  explicit FeedLines(std::size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}

  /// What a block of a thread must hold for reads of `read_bytes`.
  static constexpr std::size_t block_bytes(std::size_t read_bytes, std::size_t line_bytes_max) {
    return read_bytes + line_bytes_max + 2;
  }

  struct Framed {
    std::size_t size;   ///< bytes in the block
    std::size_t whole;  ///< of these, whole lines in front
  };

  /// Puts what is kept into a block. take() or keep() comes next, or nothing: then it stays kept.
  Framed begin(char* block) const;
  /// Behind begin(): `got` bytes were put behind them; `is_end`: no more will come.
  Framed take(char* block, std::size_t kept, std::size_t got, bool is_end);
  /// Keeps the end of a block.
  void keep(std::string_view rest, std::size_t whole);

  std::size_t kept_bytes() const { return rest_.size(); }
  /// What that takes of memory.
  std::size_t held_bytes() const { return rest_.capacity(); }
  /// Number of the first line that was not answered yet.
  std::uint64_t next_line() const { return next_line_; }
  void count_lines(std::uint64_t count) { next_line_ += count; }

 private:
  std::vector<char> rest_;
  std::size_t whole_ = 0;  // of rest_
  std::size_t line_bytes_max_;
  std::uint64_t next_line_ = 1;
  bool is_skipping_ = false;  // the last line of rest_ is a front of line_bytes_max + 1 bytes
};

}  // namespace clearline
