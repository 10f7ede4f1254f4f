// FeedClient: an input over a feed, and the verdicts of all its declarations back, in order, whatever becomes of connections.
//
//   BlockReader --a thread--> blocks --> FeedWindow --send--> peer
//                                            ^ resume           |
//   output <------------- read_answers <--------------recv------+
//
// Idea        one connection, and one thread that sends and receives whatever goes without waiting, so that neither end can
//             wait for the other. What is sent is kept until it is answered. When a connection is lost, another one is made and
//             starts behind the last declaration that was answered; those behind it are judged anew, and a line that was cut off
//             is dropped: the output has one verdict a declaration, as if nothing had happened.
// Hello       each connection starts with one, so that the first line of an input is never taken for it, and no declaration
//             is sent to a peer that has not answered as a feed does.
// Rate        with `rate`, a declaration is due at a moment that depends on nothing but its number; its latency counts from
//             there, so that waiting for a slow peer, or for a connection, is in it (no coordinated omission). The clock of the
//             schedule ticks once a millisecond.
// Threads     the caller's, which sends, receives and calls `write` and `progress`; and one that reads the input, which may wait.
//             Input that never comes cannot keep a run from ending: that thread is left behind then.
// Bounds      FeedRequest::window_*; as many blocks as fill the window, and a few that are read ahead.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "clearline/status.h"
#include "clearline/verdict.h"
#include "engine/latency_histogram.h"
#include "io/formats/block_reader.h"
#include "io/net/feed_answers.h"
#include "io/net/peer_address.h"

namespace clearline {

/// The longest line that any server takes, if it is told to; whether it is too long for this one is the server's to say.
inline constexpr std::size_t kFeedLineBytesMax = std::size_t{1} << 20;
/// The size of blocks that the input is read in.
inline constexpr std::size_t kFeedBlockBytes = block_bytes_min(kFeedLineBytesMax);

struct FeedRequest {
  PeerAddress to;
  std::optional<std::string> token;  ///< UTF-8
  std::uint64_t rate = 0;            ///< declarations a second; 0: as many as go
  /// How long connections may be lost, and lost again, without a declaration being answered in between.
  std::chrono::milliseconds retry_for{30'000};
  std::chrono::milliseconds retry_first{
      100};  ///< before the first try; twice as long before each further one, up to 2 s
  /// How long a peer may take to answer the hello. One that never answered any is given up then, whatever retry_for is.
  std::chrono::milliseconds hello_timeout{10'000};
  /// How long a peer may send nothing while it owes answers; then its connection counts as lost.
  std::chrono::milliseconds answer_timeout{60'000};
  std::uint64_t window_lines = 65'536;              ///< sent and unanswered; a server reads no more by default
  std::size_t window_bytes = std::size_t{8} << 20;  ///< the same
};

struct FeedReport {
  std::uint64_t declarations = 0;  ///< that were answered
  std::array<std::uint64_t, kOutcomeCount> outcome{};
  std::array<std::uint64_t, kReasonCount> reason{};
  ErrorDetails details;
  std::uint64_t bytes = 0;  ///< of the input as it is stored, that were read
  double seconds = 0;       ///< from the first connection to the last answer
  std::uint64_t reconnects = 0;
  LatencyHistogram latency;  ///< a declaration: from when it was due, or was first sent, to when its verdict was read
};

/// Sends all of an input, NDJSON, and hands the verdict lines to `write` in order, whole lines at a time. A run ends early when
/// `write` fails. kPeer: the peer cannot be reached (at the first try), refuses the hello, answers what no feed does, or stayed
/// away for too long.
Status run_feed(const FeedRequest& request, std::unique_ptr<BlockReader> input,
                const std::function<Status(std::string_view lines)>& write,
                const std::function<void(const FeedReport&)>& progress, FeedReport& report);

}  // namespace clearline
