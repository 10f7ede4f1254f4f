#include "io/net/feed_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <thread>
#include <utility>

#include "io/net/feed_answers.h"
#include "io/net/feed_window.h"
#include "io/net/hello.h"
#include "io/net/peer_connection.h"
#include "io/net/read_ahead.h"

namespace clearline {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr milliseconds kBackoffMax{2'000};
constexpr milliseconds kCloseTimeout{1'000};  ///< for the peer's end, when nothing is missing any more
constexpr std::size_t kReceiveBytes = std::size_t{256} << 10;
constexpr std::size_t kAnswerBytesMax = std::size_t{64} << 10;
constexpr std::uint64_t kTicksASecond = 1'000;

/// How a connection ended: done (an ok status), failed for good, or lost.
struct Ending {
  Status status;
  bool is_lost = false;
};

class FeedRun {
 public:
  FeedRun(const FeedRequest& request, std::unique_ptr<BlockReader> input,
          const std::function<Status(std::string_view lines)>& write,
          const std::function<void(const FeedReport&)>& progress, FeedReport& report)
      : request_(request),
        write_(write),
        progress_(progress),
        report_(report),
        input_(std::move(input), kFeedBlockBytes, request.window_bytes / kFeedBlockBytes + kBlocksAhead),
        window_(request.window_lines, request.window_bytes),
        backoff_(request.retry_first),
        received_(kReceiveBytes) {}

  Status run();

 private:
  static constexpr std::size_t kBlocksAhead = 4;

  Status wait_until_needed(bool& is_needed);
  Ending use_connection();
  std::optional<Ending> say_hello(PeerConnection& connection);
  std::optional<Ending> exchange(PeerConnection& connection);
  Status refill();
  void cut(const PeerConnection& connection);
  Clock::time_point next_due() const;
  std::optional<Ending> take_answers();
  nanoseconds patience(const PeerConnection& connection) const;
  bool owes_answers() const { return window_.answerable() != 0 || !window_.unsent().empty(); }
  bool is_complete() const { return input_.is_at_end() && window_.is_empty(); }

  Status peer_error(const std::string& what) const {
    return {StatusKind::kPeer, request_.to.text + ": error: " + what};
  }
  Ending failed(const std::string& what) const { return {peer_error(what), false}; }
  static Ending lost(std::string why) { return {{StatusKind::kPeer, std::move(why)}, true}; }

  const FeedRequest& request_;
  const std::function<Status(std::string_view lines)>& write_;
  const std::function<void(const FeedReport&)>& progress_;
  FeedReport& report_;
  ReadAhead input_;
  FeedWindow window_;
  std::uint64_t connections_ = 0;
  std::optional<Clock::time_point> schedule_start_;
  bool waits_for_room_ = false;                  // what is due does not fit the window
  std::optional<Clock::time_point> lost_since_;  // and nothing was answered since
  milliseconds backoff_;

  // Of the connection:
  std::vector<char> received_;
  std::size_t received_bytes_ = 0;  // a line that is not whole
  ConnectionLines lines_;
  std::string closing_;           // the peer's word for why it will close
  Clock::time_point last_moved_;  // bytes went, or came
  Clock::time_point last_heard_;  // bytes came, or a first answer was owed
  OutBuffer verdicts_;
};

Status FeedRun::run() {
  const auto start = Clock::now();
  for (;;) {
    Ending ending = use_connection();
    report_.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    if (!ending.is_lost) return ending.status;
    const auto now = Clock::now();
    if (!lost_since_) lost_since_ = now;
    const bool goes_on = now + backoff_ <= *lost_since_ + request_.retry_for;
    if (!goes_on) {
      return peer_error(fmt::format(
          "the connection was lost behind {} answers ({}), and none brought another one for {} ms; see to the "
          "server and run again",
          report_.declarations, ending.status.message(), request_.retry_for.count()));
    }
    std::this_thread::sleep_for(backoff_);
    backoff_ = std::min(2 * backoff_, kBackoffMax);
    bool is_needed = true;
    if (Status status = wait_until_needed(is_needed); !status.ok() || !is_needed) return status;
  }
}

/// A peer may close a connection that idles; another one is made when there is something to send.
Status FeedRun::wait_until_needed(bool& is_needed) {
  for (;;) {
    input_.clear_wake();
    if (Status status = refill(); !status.ok()) return status;
    is_needed = !is_complete();
    if (!is_needed || !window_.is_empty()) return {};
    lost_since_.reset();  // nothing is missing
    wait_for({{input_.wake_fd(), POLLIN, 0}}, std::chrono::hours(1));
  }
}

Ending FeedRun::use_connection() {
  PeerConnection connection;
  if (const std::string why = connection.connect(request_.to); !why.empty()) {
    if (connections_ != 0) return lost(why);
    return failed("cannot connect: " + why + "; check the address, and that the server runs");
  }
  if (connections_++ != 0) ++report_.reconnects;
  received_bytes_ = 0;
  closing_.clear();
  last_moved_ = last_heard_ = Clock::now();
  if (auto ending = say_hello(connection)) return std::move(*ending);
  if (!schedule_start_) schedule_start_ = Clock::now();
  window_.resume();
  lines_.first_line = window_.resume_line();
  for (;;) {
    if (auto ending = exchange(connection)) return std::move(*ending);
  }
}

/// Sends the hello and reads its answer; how the connection ended, if it did.
std::optional<Ending> FeedRun::say_hello(PeerConnection& connection) {
  OutBuffer hello;
  append_hello(request_.token, hello);
  std::string_view unsent = hello.text();
  const auto until = Clock::now() + request_.hello_timeout;  // however slowly bytes come
  for (;;) {
    if (!unsent.empty()) unsent.remove_prefix(connection.send(unsent));
    received_bytes_ += connection.receive(received_.data() + received_bytes_, received_.size() - received_bytes_);
    const std::string_view came(received_.data(), received_bytes_);
    if (const std::size_t end = came.find('\n'); end != std::string_view::npos) {
      const HelloAnswer answer = read_hello_answer(came.substr(0, end));
      if (answer.closing) return lost("the server closed: " + *answer.closing);
      if (answer.refused) {
        return failed("the server refused the feed: " + *answer.refused +
                      "; give the token of a client that may feed with --token-file");
      }
      if (!answer.ok) return failed("the first line is no answer to a hello; is this the address of a feed?");
      received_bytes_ -= end + 1;
      std::memmove(received_.data(), received_.data() + end + 1, received_bytes_);
      return std::nullopt;
    }
    if (came.size() > kAnswerBytesMax)
      return failed("the answer to the hello has no end; is this the address of a feed?");
    if (!connection.lost().empty()) return lost(connection.lost());
    const auto left = until - Clock::now();
    if (left <= nanoseconds(0)) {
      const std::string why = "the hello was not answered for " + duration_text(request_.hello_timeout.count());
      // A server that was there may be there again; whatever has never answered is no server.
      if (connections_ != 1) return lost(why);
      return failed(why + "; is this the address of a feed, and does its server run?");
    }
    const int events = POLLIN | (!unsent.empty() && connection.can_send() ? POLLOUT : 0);
    wait_for({{connection.fd(), static_cast<short>(events), 0}}, left);
  }
}

/// Sends and receives what goes without waiting; waits if nothing did. How the connection ended, if it did.
std::optional<Ending> FeedRun::exchange(PeerConnection& connection) {
  input_.clear_wake();
  if (Status status = refill(); !status.ok()) return Ending{std::move(status)};
  if (!owes_answers()) last_heard_ = Clock::now();
  cut(connection);
  std::size_t moved = 0;
  if (connection.can_send()) {
    if (const std::string_view unsent = window_.unsent(); !unsent.empty()) {
      moved = connection.send(unsent);
      window_.sent(moved);
    } else if (input_.is_at_end() && window_.wants_block()) {
      connection.half_close();
    }
  }
  const std::size_t got = connection.receive(received_.data() + received_bytes_, received_.size() - received_bytes_);
  received_bytes_ += got;
  // Looked at even if nothing came: the hello's answer may have brought more along.
  if (auto ending = take_answers()) return ending;
  progress_(report_);
  const auto now = Clock::now();
  if (got != 0) last_heard_ = now;
  // Also of a peer that takes what is sent: it may do so for as long as the input lasts.
  if (owes_answers() && now - last_heard_ >= request_.answer_timeout) return lost("the server is silent");
  if (moved + got != 0) {
    last_moved_ = now;
    return std::nullopt;
  }
  if (!connection.lost().empty()) {
    if (is_complete()) return Ending{};
    return lost(closing_.empty() ? connection.lost() : "the server closed: " + closing_);
  }
  if (is_complete() && now - last_moved_ >= kCloseTimeout) return Ending{};
  const bool can_send = connection.can_send() && !window_.unsent().empty();
  wait_for({{connection.fd(), static_cast<short>(POLLIN | (can_send ? POLLOUT : 0)), 0}, {input_.wake_fd(), POLLIN, 0}},
           patience(connection));
  return std::nullopt;
}

/// Takes new input when all the old one is cut.
Status FeedRun::refill() {
  while (auto block = window_.take_free()) input_.give_back(std::move(block));
  if (!window_.wants_block()) return {};
  auto block = input_.next();
  if (!block.ok()) return block.status();
  if (*block) window_.add(std::move(*block));
  report_.bytes = input_.bytes_taken();
  return {};
}

/// When the next declaration is due.
Clock::time_point FeedRun::next_due() const {
  return *schedule_start_ + milliseconds(window_.declarations_cut() * kTicksASecond / request_.rate);
}

/// Cuts what is to be sent now: all that is due, or one piece when the one before is gone, so that its moment is true.
void FeedRun::cut(const PeerConnection& connection) {
  if (request_.rate == 0) {
    if (connection.can_send() && window_.unsent().empty()) (void)window_.cut(UINT64_MAX, Clock::now());
  } else {
    const auto now = Clock::now();
    waits_for_room_ = false;
    for (auto due = next_due(); due <= now && !window_.wants_block(); due = next_due()) {
      const std::uint64_t tick = window_.declarations_cut() * kTicksASecond / request_.rate;
      const std::uint64_t by_then = ((tick + 1) * request_.rate + kTicksASecond - 1) / kTicksASecond;
      waits_for_room_ = !window_.cut(by_then - window_.declarations_cut(), due);
      if (waits_for_room_) break;
    }
  }
  lines_.last_line = window_.last_line();
}

/// Reads whole answers that came, counts them and passes them on. How the connection ended, if it did.
std::optional<Ending> FeedRun::take_answers() {
  if (received_bytes_ == 0) return std::nullopt;
  verdicts_.clear();
  const std::string_view came(received_.data(), received_bytes_);
  const Answers answers = read_answers(came, lines_, window_.answerable(), verdicts_);
  report_.declarations += answers.verdicts;
  for (std::size_t i = 0; i < answers.outcome.size(); ++i) report_.outcome[i] += answers.outcome[i];
  for (std::size_t i = 0; i < answers.reason.size(); ++i) report_.reason[i] += answers.reason[i];
  for (const auto& [words, count] : answers.details) {
    if (report_.details.size() < kErrorDetailsMax || report_.details.contains(words)) report_.details[words] += count;
  }
  if (answers.verdicts != 0) {
    window_.answered(answers.verdicts, Clock::now(), report_.latency);
    lost_since_.reset();
    backoff_ = request_.retry_first;
    if (Status status = write_(verdicts_.text()); !status.ok()) return Ending{std::move(status)};
  }
  if (!answers.fault.empty()) {
    return failed(fmt::format("answer {} {}; is this the address of a feed?", report_.declarations + 1, answers.fault));
  }
  if (answers.closing) closing_ = *answers.closing;
  received_bytes_ -= answers.bytes;
  std::memmove(received_.data(), received_.data() + answers.bytes, received_bytes_);
  if (received_bytes_ > kAnswerBytesMax) {
    return failed(fmt::format("answer {} has no end; is this the address of a feed?", report_.declarations + 1));
  }
  return std::nullopt;
}

/// How long nothing may happen before something has to be done.
nanoseconds FeedRun::patience(const PeerConnection& connection) const {
  const auto now = Clock::now();
  nanoseconds left = std::chrono::hours(1);
  if (is_complete()) left = last_moved_ + kCloseTimeout - now;
  if (owes_answers()) left = std::min<nanoseconds>(left, last_heard_ + request_.answer_timeout - now);
  const bool waits_for_schedule = request_.rate != 0 && connection.can_send() && !window_.wants_block();
  if (waits_for_schedule && !waits_for_room_) left = std::min<nanoseconds>(left, next_due() - now);
  return left;
}

}  // namespace

Status run_feed(const FeedRequest& request, std::unique_ptr<BlockReader> input,
                const std::function<Status(std::string_view lines)>& write,
                const std::function<void(const FeedReport&)>& progress, FeedReport& report) {
  return FeedRun(request, std::move(input), write, progress, report).run();
}

}  // namespace clearline
