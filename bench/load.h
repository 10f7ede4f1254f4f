// Load: what a server is measured with. The requests lie in memory as they are sent, one behind the other; a thread sends them
// over some connections, thousands in one call and never copied, and counts the line ends of what comes back. It must
// cost so little beside the server, with which it shares the processors, that it is not what is measured.
//
//   closed loop  a connection always has its `in_flight` requests unanswered: what the server can take. Latency counts from
//                when a request might be sent.
//   open loop    requests come at a rate, whatever the server does: each has its moment, and its latency counts from that,
//                also when it was sent later because the server, the socket or this thread was late. Those that are due are
//                sent each 100 us, to connections in turn.
//
// Latency      a batch of requests with one moment is one sample with a weight. In the open loop a batch spans 4 us at most, and all of
//              it counts from its first request: never in favour of the server. Samples go into a histogram whose memory is there from
//              the start: a list of them that grows stops this thread for 20 ms each time it moves to where there is more room.
// Errors       a server that closes a connection, answers too much or not at all ends the program: nothing is measured.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/latency_histogram.h"

namespace clearline::bench {

/// What is sent, again and again from its start.
struct Requests {
  std::string text;
  std::vector<std::size_t> starts{0};  ///< where each begins, and the end of the last
  std::size_t line_ends_of_an_answer = 1;

  std::size_t size() const { return starts.size() - 1; }
  std::string_view at(std::size_t i) const {
    return std::string_view(text).substr(starts[i], starts[i + 1] - starts[i]);
  }
  void add(std::string_view request) {
    text += request;
    starts.push_back(text.size());
  }
};

/// Each line of a file is a request. A blank line, or a last line without an end, ends the program.
Requests read_requests(const std::string& path);

struct LoadPlan {
  std::string address;  ///< 127.0.0.1:40123
  int connections = 16;
  int threads = 1;                 ///< connections and rate are dealt to them
  std::uint64_t in_flight = 1024;  ///< closed loop: requests, a connection
  double per_second = 0;           ///< not 0: open loop, requests a second in all
  std::uint64_t at_once =
      128;  ///< open loop: so many that are due go to one connection, the next ones to another (as many
            ///< as a closed loop with 1,024 in flight sends at once)
  std::chrono::nanoseconds warm_up = std::chrono::seconds(1);
  std::chrono::nanoseconds measured = std::chrono::seconds(5);
};

struct LoadResult {
  double seconds = 0;
  std::uint64_t answered = 0;  ///< in the measured time
  std::uint64_t bytes_in = 0;  ///< of answers, in the measured time
  LatencyHistogram latencies;  ///< of requests whose moment lies in the measured time, whenever they were answered
  LatencyHistogram lateness;   ///< open loop: of this thread's ticks, on which it sends what is due
};

/// Adds to `result`.
void run_load(const Requests& requests, const LoadPlan& plan, LoadResult& result);

/// Sends each request once, a share of them over each of `connections`, and gives all answers in the order of the requests.
std::string ask_once(const Requests& requests, const std::string& address, int connections);

}  // namespace clearline::bench
