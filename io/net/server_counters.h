// What a server counts, apart from how it is shown (io/net/status_text.h now, Prometheus later).
//
// Idea        each thread that works for peers has counters of its own, which it alone writes: counting is a load and a store.
//             Whoever shows them adds them up; what is read is of no one moment.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <string_view>

#include "clearline/change.h"
#include "clearline/verdict.h"
#include "engine/latency_histogram.h"
#include "io/store/change_parcel.h"

namespace clearline {

/// A number that one thread counts and any may read.
class Counter {
 public:
  // relaxed: a number that says nothing about others.
  void add(std::uint64_t count = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// The limits of Limits, as they are counted and named in refusals.
enum class LimitHit : std::uint8_t {
  kLineBytes,
  kConnections,
  kConnectionsPerAddress,
  kChangeConnections,
  kDescriptors,  ///< of the process: accepting paused
  kHandshakeTimeout,
  kIdleTimeout,
  kWriteStallTimeout,
  kUnansweredLines,  ///< reading paused
  kUnansweredBytes,
  kUnansweredBytesTotal,
  kUnansweredChanges,
};
inline constexpr std::size_t kLimitCount = 12;
constexpr std::string_view to_string(LimitHit limit) {
  constexpr std::array<std::string_view, kLimitCount> kWords{"line_bytes",
                                                             "connections",
                                                             "connections_per_address",
                                                             "change_connections",
                                                             "descriptors",
                                                             "handshake_timeout",
                                                             "idle_timeout",
                                                             "write_stall_timeout",
                                                             "unanswered_lines",
                                                             "unanswered_bytes",
                                                             "unanswered_bytes_total",
                                                             "unanswered_changes"};
  return kWords[static_cast<std::size_t>(limit)];
}

/// Of one thread that serves peers, feeds or changes.
struct ConnectionCounters {
  Counter opened;
  Counter closed;          ///< whatever the reason; opened - closed are there now
  Counter aborted;         ///< of these: reset by the peer, or cut off in the middle
  Counter hellos;          ///< taken in
  Counter denied;          ///< wrong or missing token, or a role that may not
  Counter other_protocol;  ///< closed, as bytes of HTTP, TLS or PROXY came
  Counter bytes_in;
  Counter bytes_out;
  std::array<Counter, kLimitCount> limits;

  void hit(LimitHit limit) { limits[static_cast<std::size_t>(limit)].add(); }
};

struct FeedCounters : ConnectionCounters {
  Counter lines;  ///< declarations that were answered
  std::array<Counter, kOutcomeCount> verdicts;
  std::array<Counter, kReasonCount> reasons;
  LatencyHistogram
      latency;  ///< a declaration: from when its bytes were read to when its verdict was handed to the system
  LatencyHistogram
      work;  ///< a declaration: processor time of the batch it was answered in, reading and sending included
};

struct ChangeCounters : ConnectionCounters {
  Counter ok;
  Counter repeats;
  std::array<Counter, kChangeErrorCount> refused;  ///< by ChangeError
  LatencyHistogram latency;                        ///< a change: from when it was read to its answer
};

struct ServerCounters {
  std::deque<FeedCounters> feeds;  ///< one a thread; all are there before the first thread starts
  ChangeCounters changes;
  std::atomic<std::uint64_t> unanswered_bytes{0};  ///< held for feeds now, in and out
};

}  // namespace clearline
