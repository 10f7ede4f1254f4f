// FakeFeed: a feed server of a test, on a plain socket and a thread, that answers by rule and is as nasty as it is told.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace clearline::test {

/// What one connection has to suffer.
struct Nastiness {
  bool closes_at_once = false;
  std::optional<std::string> hello_answer;  ///< instead of the usual one, and then it closes
  /// After so many answers it ends the connection, as the following say.
  std::uint64_t answers = std::numeric_limits<std::uint64_t>::max();
  bool cuts_a_line = false;                  ///< the first half of one more answer is sent
  std::optional<std::string> last_line;      ///< sent at its end, which need not come early
  bool resets = false;                       ///< instead of closing
  bool stays_silent = false;                 ///< instead of closing, until another connection is made
  bool reads_on = false;                     ///< meanwhile
  std::chrono::milliseconds read_nothing{};  ///< at the start
  std::chrono::milliseconds answer_pause{};  ///< between reading and answering a piece
  bool byte_by_byte = false;                 ///< each byte of an answer is sent alone
  std::size_t read_bytes = 65'536;           ///< taken at a time; it is all answered before more is taken
  int socket_bytes = 0;                      ///< of the socket's buffers
};

class FakeFeed {
 public:
  /// `nastiness` is asked with the number of each connection, from 0. They are served one after the other.
  explicit FakeFeed(std::function<Nastiness(int connection)> nastiness);
  FakeFeed() : FakeFeed([](int) { return Nastiness(); }) {}
  FakeFeed(const FakeFeed&) = delete;
  FakeFeed& operator=(const FakeFeed&) = delete;
  ~FakeFeed();

  const std::string& address() const { return address_; }  ///< 127.0.0.1:40123
  int connections() const { return connections_; }
  /// The hello of the last connection. Only when nobody is connected.
  const std::string& hello() const { return hello_; }
  /// Declarations that were answered on all connections.
  std::uint64_t answered() const { return answered_; }

  /// The answer to a line, with its end; empty if it is blank. A line whose id is not at its front is malformed.
  static std::string answer(std::string_view line, std::uint64_t number);
  /// The answers to all lines of a text.
  static std::string answers(std::string_view text);

 private:
  void serve(int peer, const Nastiness& nastiness);

  std::function<Nastiness(int connection)> nastiness_;
  int listener_ = -1;
  std::string address_;
  std::string hello_;
  std::atomic<int> connections_{0};
  std::atomic<std::uint64_t> answered_{0};
  std::atomic<bool> must_stop_{false};
  std::thread thread_;
};

/// Declarations for it: each thirteenth line is blank, each seventh without an id.
std::string fake_declarations(std::uint64_t lines, std::uint64_t first = 1);

}  // namespace clearline::test
