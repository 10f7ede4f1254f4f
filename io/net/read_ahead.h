// ReadAhead: an input that is read by a thread of its own, for a loop that must not wait for it.
//
// Threads     next() and give_back() are of one thread. wake_fd() becomes readable when there is something for next().
// End         the thread is joined, unless it waits for input that may never come: then it is left to the end of the process,
//             with all that it needs.
#pragma once

#include <cstdint>
#include <memory>

#include "clearline/status.h"
#include "io/formats/block_reader.h"

namespace clearline {

class ReadAhead {
 public:
  /// Blocks of `block_bytes`, at most `blocks` of them.
  ReadAhead(std::unique_ptr<BlockReader> reader, std::size_t block_bytes, std::size_t blocks);
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;
  ~ReadAhead();

  /// The next block, whose last line has its end; nothing: not yet, or never (is_at_end()). The status of the input once all
  /// blocks before its fault are taken.
  Result<std::unique_ptr<Block>> next();
  /// All blocks are taken, and there are no more.
  bool is_at_end() const { return is_at_end_; }
  void give_back(std::unique_ptr<Block> block);
  /// Bytes of the file that the blocks so far were made of.
  std::uint64_t bytes_taken() const { return bytes_taken_; }

  int wake_fd() const;
  /// Makes wake_fd() unreadable until something new comes.
  void clear_wake();

 private:
  struct Shared;
  static void read(const std::shared_ptr<Shared>& shared);

  std::shared_ptr<Shared> shared_;
  bool is_at_end_ = false;
  std::uint64_t bytes_taken_ = 0;
};

}  // namespace clearline
