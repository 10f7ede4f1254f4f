// FeedOut: what goes out to a peer, by one thread: verdicts, words, the end. Each call with the slot of the connection locked.
#pragma once

#include <cstdint>
#include <string_view>

#include "io/formats/out_buffer.h"
#include "io/net/feed_hub.h"

namespace clearline {

class FeedOut {
 public:
  /// `counters` are this thread's.
  FeedOut(FeedHub& hub, FeedCounters& counters) : hub_(hub), counters_(counters) {}

  /// Sends a text with the verdicts of so many declarations, or holds what the system does not take. False: the connection is gone.
  bool send(FeedSlot& slot, std::string_view text, std::uint64_t declarations);
  /// Sends what is held. False: not all of it was taken, or the connection is gone.
  bool send_held(FeedSlot& slot);
  bool welcome(FeedSlot& slot);

  /// Tells a peer why it is not served any more, as far as it listens, and closes.
  void refuse(FeedSlot& slot, std::string_view event, std::string_view error, std::string_view detail, bool is_hello);
  /// Its client is none any more.
  void refuse_removed(FeedSlot& slot);
  void close_for(FeedSlot& slot, LimitHit limit, std::string_view detail);
  /// No more is sent, and the peer is let know.
  void finish(FeedSlot& slot);
  /// Cut off.
  void abort(FeedSlot& slot);

  /// Counts what a connection holds.
  void update_held(FeedConnection& connection);

 private:
  void leave(FeedSlot& slot, bool lingers);
  void count_answered(FeedConnection& connection, std::uint64_t declarations);

  FeedHub& hub_;
  FeedCounters& counters_;
  OutBuffer words_;
};

}  // namespace clearline
