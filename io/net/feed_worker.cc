#include "io/net/feed_worker.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "io/formats/special_bytes.h"
#include "io/net/hello.h"
#include "io/store/registry_directory.h"

namespace clearline {
namespace {

constexpr std::size_t kReadBytes = std::size_t{128} << 10;
constexpr std::size_t kSliceBytes = std::size_t{64} << 10;
constexpr std::size_t kSliceLines = 2'048;
/// A declaration of fewer bytes is none: `{` and a line end. So a read cannot hold more lines than half its bytes.
constexpr std::size_t kLineBytesMin = 2;
/// When 7/8 of unanswered_bytes_total are used, reads are bites: whoever takes its answers is served on, and a thousand that do
/// not take theirs fill the rest slowly, until write_stall_timeout ends them.
constexpr std::size_t kScarceShare = 8;
constexpr std::size_t kBiteBytes = 4'096;
constexpr std::size_t kScarceLines = 16;           // a slice then: the shortest lines have the longest answers
constexpr std::string_view kBom = "\xEF\xBB\xBF";  // dropped at the start of a feed, as of a file
constexpr std::chrono::milliseconds kStarvedRetry{5};
constexpr std::chrono::milliseconds kBalancePeriod{500};
constexpr double kBusy = 0.25;  // of its time: from there on a worker gives connections away,
constexpr double kIdle = 0.25;  // to one that had as large a share of that to do

/// Processor time of this thread.
std::chrono::nanoseconds thread_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

/// Zero bytes behind a text in the middle of a block, as decoders want them, as long as this lives.
class ZerosBehind {
 public:
  explicit ZerosBehind(char* end) : end_(end) {
    std::memcpy(saved_.data(), end_, kBlockPadding);
    std::memset(end_, 0, kBlockPadding);
  }
  ZerosBehind(const ZerosBehind&) = delete;
  ZerosBehind& operator=(const ZerosBehind&) = delete;
  ~ZerosBehind() { std::memcpy(end_, saved_.data(), kBlockPadding); }

 private:
  char* end_;
  std::array<char, kBlockPadding> saved_;
};

}  // namespace

struct FeedWorker::Connection {
  Connection(asio::io_context& io, std::size_t line_bytes_max) : socket(io), lines(line_bytes_max) {}

  bool is_served() const { return phase != Phase::kClosed; }
  /// With its memory, which assigning {} would keep.
  void drop_held() {
    std::string().swap(held);
    held_sent = 0;
  }

  Stream::socket socket;
  Stream protocol{AF_INET, 0};
  std::string address;
  FeedLines lines;
  std::string held;  // verdicts that the system has not taken yet
  std::size_t held_sent = 0;
  std::uint64_t held_declarations = 0;
  std::uint64_t counted = 0;  // of its bytes, in unanswered_bytes
  std::size_t place = 0;      // in connections_
  std::uint64_t lately = 0;   // bytes read since the last balance()
  bool is_to_go = false;      // to another worker, when nothing is waited for
  enum class Phase : std::uint8_t { kHello, kOpen, kClosed } phase = Phase::kHello;
  bool is_at_end = false;  // the peer sends no more
  std::size_t queued = 0;  // unsent_bytes() as it was, where answers are held
  bool is_starved = false;
  bool was_starved = false;  // at its last try, too: counted once
  bool is_removed = false;   // its client is none any more: closed behind the answers that are held
  std::size_t left_to_drain = 0;
  std::optional<ClientConfig> client;
  Screening* screening = nullptr;
  Clock::time_point hello_start;
  Clock::time_point last_active;  // anything read or sent
  Clock::time_point read_at;      // of what is answered now
  std::int64_t received_us = 0;   // the same as Unix time
};

/// What lines of one kind of client are screened with.
struct FeedWorker::Screening {
  Screening(const Registry& registry, const Policy& policy, const ScreenOptions& options, InputFormat input_format)
      : explain(options.explain), format(std::move(input_format)), screener(registry, policy, options) {}
  bool explain;
  InputFormat format;
  BlockScreener screener;
};

FeedWorker::FeedWorker(const Parts& parts, ServingPtr serving, int number)
    : parts_(parts),
      limits_(parts.config.limits),
      serving_(std::move(serving)),
      number_(number),
      work_(asio::make_work_guard(io_)),
      sweeper_(io_),
      starved_timer_(io_),
      lingerers_(limits_.write_stall_timeout),
      read_bytes_(std::min({kReadBytes, limits_.unanswered_bytes, kLineBytesMin * limits_.unanswered_lines})),
      slice_lines_(std::min(kSliceLines, limits_.unanswered_lines)),
      block_(FeedLines::block_bytes(read_bytes_, limits_.line_bytes + kBom.size())) {}

FeedWorker::~FeedWorker() { join(Clock::now()); }

void FeedWorker::start() {
  thread_ = std::jthread([this] { run(); });
}

void FeedWorker::run() {
  name_thread(("clr-feed-" + std::to_string(number_)).c_str());
  sweep();
  io_.run();
  has_ended_.store(true, std::memory_order_release);  // pairs with the acquire in join()
}

void FeedWorker::adopt(int descriptor, const Tcp::endpoint& peer) {
  load_.fetch_add(1, std::memory_order_relaxed);
  asio::post(io_, [this, descriptor, peer] { take(descriptor, peer); });
}

void FeedWorker::use(ServingPtr serving) {
  asio::post(io_, [this, serving = std::move(serving)]() mutable {
    const bool needed_token = needs_token();
    for (const ConnectionPtr& connection : connections_) connection->screening = nullptr;
    screenings_.clear();  // before the policy that they look at goes
    serving_ = std::move(serving);
    for (const ConnectionPtr& connection : std::vector(connections_)) {
      // Whoever needed no hello has its time for one from now on.
      if (connection->phase == Connection::Phase::kHello && !needed_token) connection->hello_start = Clock::now();
      if (connection->phase != Connection::Phase::kOpen) continue;
      if (is_still_known(*connection)) continue;
      connection->is_removed = true;
      if (connection->held.empty()) go_on(connection);
    }
  });
}

/// Whether it may be served under what is served now. (Without a client it was opened when no token was needed.)
bool FeedWorker::is_still_known(Connection& connection) const {
  if (!connection.client) return !needs_token();
  const ClientConfig* const client = serving_->clients.now(*connection.client);
  if (client != nullptr) connection.client = *client;  // its columns may be others now
  return client != nullptr;
}

void FeedWorker::drain() {
  asio::post(io_, [this] {
    is_draining_ = true;
    for (const ConnectionPtr& connection : std::vector(connections_)) start_draining(connection);
    end_if_drained();
    work_.reset();
  });
}

void FeedWorker::join(Clock::time_point deadline) {
  if (!thread_.joinable()) return;
  while (!has_ended_.load(std::memory_order_acquire) && Clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  io_.stop();
  thread_.join();
  for (const ConnectionPtr& connection : std::vector(connections_)) abort(*connection);
  lingerers_.cut_all();
}

void FeedWorker::take(int descriptor, const Tcp::endpoint& peer) {
  auto connection = std::make_shared<Connection>(io_, limits_.line_bytes + kBom.size());
  connection->address = peer.address().to_string();
  error_code error;
  connection->protocol = Stream(peer.protocol());
  connection->socket.assign(connection->protocol, descriptor, error);
  if (error) ::close(descriptor);
  connection->socket.non_blocking(true, error);
  connection->socket.set_option(Tcp::no_delay(true), error);
  connection->hello_start = connection->last_active = Clock::now();
  connection->place = connections_.size();
  connections_.push_back(connection);
  parts_.counters.opened.add();
  parts_.log.write(LogLevel::kDebug, "feed_opened", {{"address", connection->address}});
  if (!connection->socket.is_open() || is_draining_) {
    finish(*connection);
    return;
  }
  wait_readable(connection);
}

void FeedWorker::wait_readable(const ConnectionPtr& connection) {
  connection->socket.async_wait(Stream::socket::wait_read, [this, connection](const error_code& error) {
    if (!error && connection->is_served()) read(connection);
  });
}

void FeedWorker::wait_writable(const ConnectionPtr& connection) {
  connection->socket.async_wait(Stream::socket::wait_write, [this, connection](const error_code& error) {
    if (!error && connection->is_served()) send_held(connection);
  });
}

/// Whether so much is unanswered that there is little room for more.
bool FeedWorker::is_scarce() const {
  const std::uint64_t all = limits_.unanswered_bytes_total;
  return parts_.all.unanswered_bytes.load(std::memory_order_relaxed) >= all - all / kScarceShare;
}

/// How much of a connection may be read now, so that no more is unanswered than may be; 0: nothing.
std::size_t FeedWorker::bytes_to_read(const Connection& connection) const {
  std::size_t bytes = read_bytes_;
  if (is_draining_) bytes = std::min(bytes, connection.left_to_drain);
  if (!is_scarce()) return bytes;
  return parts_.all.unanswered_bytes.load(std::memory_order_relaxed) < limits_.unanswered_bytes_total
             ? std::min(bytes, kBiteBytes)
             : 0;
}

void FeedWorker::read(const ConnectionPtr& connection) {
  if (!connection->held.empty() || connection->is_starved) return;  // goes on when that ends
  if (is_draining_ && connection->left_to_drain == 0) {
    finish_drained(connection);
    return;
  }
  const std::size_t room = bytes_to_read(*connection);
  if (room == 0) {
    if (!std::exchange(connection->was_starved, true)) parts_.counters.hit(LimitHit::kUnansweredBytesTotal);
    connection->is_starved = true;
    starved_.push_back(connection);
    if (starved_.size() == 1) retry_starved();
    return;
  }
  connection->was_starved = false;
  char* const data = block_.data.get();
  const FeedLines::Framed kept = connection->lines.begin(data);
  const ssize_t got = recv(connection->socket.native_handle(), data + kept.size, room, MSG_DONTWAIT);
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) {
      wait_readable(connection);
    } else {
      abort(*connection);
    }
    return;
  }
  const auto bytes = static_cast<std::size_t>(got);
  connection->read_at = connection->last_active = Clock::now();
  connection->received_us = system_now_us();
  connection->is_at_end = got == 0;
  parts_.counters.bytes_in.add(bytes);
  connection->lately += bytes;
  connection->left_to_drain -= std::min(connection->left_to_drain, bytes);
  answer(connection, connection->lines.take(data, kept.size, bytes, connection->is_at_end));
}

/// Answers the whole lines in the block, as many as can be, and keeps the rest.
void FeedWorker::answer(const ConnectionPtr& connection, FeedLines::Framed framed) {
  Connection& one = *connection;
  char* const data = block_.data.get();
  std::size_t at = 0;
  if (one.phase == Connection::Phase::kHello && framed.whole != 0 &&
      !take_hello(one, {data, framed.whole}, at, one.is_at_end)) {
    return;
  }
  while (at < framed.whole && one.held.empty() && one.is_served()) {
    std::size_t lines = 0;
    const std::string_view slice = next_slice({data + at, framed.whole - at}, lines);
    at += slice.size();
    screen(one, slice, lines);
  }
  if (!one.is_served()) return;
  if (!one.held.empty()) parts_.counters.hit(LimitHit::kUnansweredBytes);  // it is not read for a while
  one.lines.keep({data + at, framed.size - at}, framed.whole - at);
  update_held(one);
  go_on(connection);
}

/// What comes next for a connection that has been answered as far as it goes.
void FeedWorker::go_on(const ConnectionPtr& connection) {
  Connection& one = *connection;
  if (!one.held.empty()) {
    wait_writable(connection);
  } else if (one.is_removed) {
    refuse(one, "feed_closed", "client_removed", "the client is not in the configuration any more", false);
  } else if (one.is_at_end) {
    finish(one);
  } else if (is_draining_ && one.left_to_drain == 0) {
    finish_drained(connection);
  } else if (is_draining_) {
    asio::post(io_, [this, connection] {
      if (connection->is_served()) read(connection);
    });
  } else if (one.is_to_go) {
    give(connection);
  } else {
    wait_readable(connection);
  }
}

/// Looks at the first line that is not blank; `at` goes behind what is a hello. False: the connection is refused.
bool FeedWorker::take_hello(Connection& connection, std::string_view text, std::size_t& at, bool is_last) {
  std::string_view line;
  std::size_t next = connection.lines.next_line() == 1 && text.starts_with(kBom) ? kBom.size() : 0;
  for (;; connection.lines.count_lines(1)) {
    at = next;
    if (at == text.size()) return true;  // blank lines alone
    const std::size_t line_end = text.find('\n', at);
    if (line_end == std::string_view::npos && !is_last) return true;
    line = text.substr(at, line_end - at);
    next = line_end == std::string_view::npos ? text.size() : line_end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) break;
  }
  const Hello hello = line.size() <= limits_.line_bytes ? read_hello(line) : Hello{};
  if (!hello.is_hello) {
    if (needs_token()) {
      refuse(connection, "feed_denied", "token_needed", "the first line must be a hello with a token", true);
      return false;
    }
    connection.phase = Connection::Phase::kOpen;
    return true;
  }
  if (!hello.fault.empty()) {
    refuse(connection, "feed_denied", "malformed", hello.fault, true);
    return false;
  }
  if (needs_token()) {
    const ClientConfig* client = hello.token ? serving_->clients.of_token(*hello.token) : nullptr;
    if (client == nullptr) {
      refuse(connection, "feed_denied", hello.token ? "denied" : "token_needed",
             hello.token ? "the token is nobody's" : "the hello must hold a token", true);
      return false;
    }
    if (client->role != Role::kFeed) {
      refuse(connection, "feed_denied", "denied", "the role of this client does not screen", true);
      return false;
    }
    connection.client = *client;
  }
  at = next;
  connection.lines.count_lines(1);
  connection.phase = Connection::Phase::kOpen;
  parts_.counters.hellos.add();
  words_.clear();
  append_hello_ok(Role::kFeed, words_);
  return send(connection, words_.text(), 0);
}

/// The next whole lines that are screened in one go; all are blank or answered then.
std::string_view FeedWorker::next_slice(std::string_view text, std::size_t& lines) {
  std::string_view slice = text;
  if (text.size() > kSliceBytes) {
    std::size_t line_end = text.rfind('\n', kSliceBytes - 1);
    if (line_end == std::string_view::npos) line_end = text.find('\n', kSliceBytes);
    if (line_end != std::string_view::npos) slice = text.substr(0, line_end + 1);
  }
  lines = count_line_ends(slice);
  const std::size_t lines_max = is_scarce() ? std::min(slice_lines_, kScarceLines) : slice_lines_;
  if (lines <= lines_max) return slice;
  std::size_t end = 0;
  for (lines = 0; lines < lines_max; ++lines) end = slice.find('\n', end) + 1;
  if (lines_max == slice_lines_ && slice_lines_ < kSliceLines) parts_.counters.hit(LimitHit::kUnansweredLines);
  return slice.substr(0, end);
}

void FeedWorker::screen(Connection& connection, std::string_view slice, std::size_t lines) {
  const auto work_start = thread_time();
  Screening& screening = screening_of(connection);
  constexpr std::int64_t kSecondUs = 1'000'000;
  Receipt receipt;
  receipt.today = korean_date_us(connection.received_us);
  receipt.earliest_us = connection.received_us - parts_.config.declared_at_window.count() * kSecondUs;
  receipt.latest_us = connection.received_us + parts_.config.declared_at_ahead.count() * kSecondUs;
  {
    const ZerosBehind zeros(block_.data.get() + (slice.data() - block_.data.get()) + slice.size());
    const Lines in{slice, connection.lines.next_line(), &screening.format};
    screening.screener.screen_received(in, receipt, verdicts_);
  }
  connection.lines.count_lines(lines);
  const Tally& tally = verdicts_.tally;
  FeedCounters& counters = parts_.counters;
  for (std::size_t i = 0; i < tally.outcome.size(); ++i) counters.verdicts[i].add(tally.outcome[i]);
  for (std::size_t i = 0; i < tally.reason.size(); ++i) {
    if (tally.reason[i] != 0) counters.reasons[i].add(tally.reason[i]);
  }
  counters.limits[static_cast<std::size_t>(LimitHit::kLineBytes)].add(verdicts_.lines_too_long);
  send(connection, verdicts_.lines.text(), tally.declarations);
  counters.work.add(thread_time() - work_start, tally.declarations);
}

/// Sends a text, or holds what the system does not take. False: the connection is gone.
bool FeedWorker::send(Connection& connection, std::string_view text, std::uint64_t declarations) {
  if (text.empty()) return true;
  ssize_t sent = 0;
  if (connection.held.empty()) {
    sent = ::send(connection.socket.native_handle(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
      abort(connection);
      return false;
    }
  }
  const auto bytes = static_cast<std::size_t>(std::max<ssize_t>(sent, 0));
  parts_.counters.bytes_out.add(bytes);
  if (bytes == text.size()) {
    count_answered(connection, declarations);
    return true;
  }
  connection.held.append(text.substr(bytes));
  connection.held_declarations += declarations;
  return true;
}

void FeedWorker::send_held(const ConnectionPtr& connection) {
  Connection& one = *connection;
  const std::string_view left = std::string_view(one.held).substr(one.held_sent);
  const ssize_t sent = ::send(one.socket.native_handle(), left.data(), left.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) {
    if (errno == EAGAIN || errno == EINTR) {
      wait_writable(connection);
    } else {
      abort(one);
    }
    return;
  }
  one.last_active = Clock::now();
  one.held_sent += static_cast<std::size_t>(sent);
  parts_.counters.bytes_out.add(static_cast<std::uint64_t>(sent));
  if (one.held_sent != one.held.size()) {
    wait_writable(connection);
    return;
  }
  one.drop_held();
  count_answered(one, std::exchange(one.held_declarations, 0));
  if (one.is_removed) {
    go_on(connection);
    return;
  }
  answer(connection, one.lines.begin(block_.data.get()));
}

void FeedWorker::count_answered(Connection& connection, std::uint64_t declarations) {
  parts_.counters.lines.add(declarations);
  parts_.counters.latency.add(Clock::now() - connection.read_at, declarations);
}

void FeedWorker::start_draining(const ConnectionPtr& connection) {
  Connection& one = *connection;
  if (!one.is_served()) return;
  one.left_to_drain = received_bytes(one.socket.native_handle());
  // Whoever waits for something to read waits no more; whoever holds answers goes on when they are sent.
  if (!one.held.empty() || one.is_starved) return;
  error_code ignored;
  one.socket.cancel(ignored);
  read(connection);
}

/// All that was received is read. Where no more can come, a last line needs no end.
void FeedWorker::finish_drained(const ConnectionPtr& connection) {
  Connection& one = *connection;
  if (!has_ended_sending(one.socket.native_handle())) {
    finish(one);
    return;
  }
  one.is_at_end = true;
  char* const data = block_.data.get();
  const FeedLines::Framed kept = one.lines.begin(data);
  answer(connection, one.lines.take(data, kept.size, 0, true));
}

/// Tells a peer why it is not served any more, as far as it listens, and closes.
void FeedWorker::refuse(Connection& connection, std::string_view event, std::string_view error, std::string_view detail,
                        bool is_hello) {
  words_.clear();
  if (is_hello) {
    append_hello_refusal(error, detail, words_);
    parts_.counters.denied.add();
  } else {
    append_closing(error, detail, words_);
  }
  const std::string_view name = connection.client ? std::string_view(connection.client->name) : std::string_view();
  parts_.log.write(LogLevel::kWarn, event, {{"error", error}, {"address", connection.address}, {"client", name}});
  // Behind answers that are not sent yet it would be cut off, and nobody reads them.
  if (connection.held.empty() && !send(connection, words_.text(), 0)) return;
  finish(connection);
}

void FeedWorker::close_for(Connection& connection, LimitHit limit, std::string_view detail) {
  parts_.counters.hit(limit);
  refuse(connection, "feed_closed", to_string(limit), detail, false);
}

/// No more is sent, and the peer is let know.
void FeedWorker::finish(Connection& connection) {
  error_code ignored;
  if (connection.is_at_end || !connection.socket.is_open()) {
    remove(connection);
    return;
  }
  connection.socket.cancel(ignored);
  lingerers_.add(std::move(connection.socket), [this, address = connection.address] { count_gone(address); });
  leave(connection);
}

void FeedWorker::abort(Connection& connection) {
  parts_.counters.aborted.add();
  remove(connection);
}

void FeedWorker::remove(Connection& connection) {
  if (!connection.is_served()) return;
  error_code ignored;
  connection.socket.close(ignored);
  const std::string address = connection.address;
  leave(connection);
  count_gone(address);
}

/// It is nobody's any more, and holds nothing.
void FeedWorker::leave(Connection& connection) {
  connection.phase = Connection::Phase::kClosed;
  connection.lines.keep({}, 0);
  connection.drop_held();
  update_held(connection);
  take_out(connection);
}

void FeedWorker::take_out(Connection& connection) {
  // The last one takes its place; the pointer keeps this one alive to the end.
  const ConnectionPtr last = connections_.back();
  const ConnectionPtr gone = std::exchange(connections_[connection.place], last);
  last->place = gone->place;
  connections_.pop_back();
}

void FeedWorker::count_gone(const std::string& address) {
  parts_.counters.closed.add();
  load_.fetch_sub(1, std::memory_order_relaxed);
  parts_.gone(address);
  end_if_drained();
}

/// Nothing is waited for any more, so that the thread ends.
void FeedWorker::end_if_drained() {
  if (!is_draining_ || !connections_.empty() || !lingerers_.empty()) return;
  sweeper_.cancel();
  starved_timer_.cancel();
}

/// Counts what a connection holds.
void FeedWorker::update_held(Connection& connection) {
  const std::uint64_t holds = connection.lines.held_bytes() + connection.held.size();
  if (holds == connection.counted) return;
  // relaxed: a sum that says when to wait; it guards nothing.
  parts_.all.unanswered_bytes.fetch_add(holds - connection.counted, std::memory_order_relaxed);
  connection.counted = holds;
}

FeedWorker::Screening& FeedWorker::screening_of(Connection& connection) {
  if (connection.screening != nullptr) return *connection.screening;
  const bool explain = connection.client && connection.client->explain;
  const FieldNames& names =
      connection.client && connection.client->columns ? *connection.client->columns : parts_.config.columns;
  const auto is_it = [&](const std::unique_ptr<Screening>& known) {
    return known->explain == explain && known->format.names == names;
  };
  auto found = std::find_if(screenings_.begin(), screenings_.end(), is_it);
  if (found == screenings_.end()) {
    ScreenOptions options;
    options.explain = explain;
    InputFormat format;
    format.names = names;
    format.line_bytes_max = limits_.line_bytes;
    screenings_.push_back(std::make_unique<Screening>(parts_.registry, serving_->policy, options, std::move(format)));
    found = screenings_.end() - 1;
  }
  connection.screening = found->get();
  return *connection.screening;
}

/// Closes who has been quiet for too long. Comes again a few times in the shortest of the timeouts.
void FeedWorker::sweep() {
  const auto now = Clock::now();
  const bool is_full = parts_.all.unanswered_bytes.load(std::memory_order_relaxed) >= limits_.unanswered_bytes_total;
  for (const ConnectionPtr& connection : std::vector(connections_)) {
    Connection& one = *connection;
    const auto quiet = now - one.last_active;
    switch (one.phase) {
      case Connection::Phase::kHello:
        if (needs_token() && now - one.hello_start >= limits_.handshake_timeout) {
          close_for(one, LimitHit::kHandshakeTimeout, "no hello came in time");
          break;
        }
        [[fallthrough]];
      case Connection::Phase::kOpen:
        if (!one.held.empty()) {
          // The system tells that there is room only when there is much: a slow reader shows in what it has to send still.
          const std::size_t queued = unsent_bytes(one.socket.native_handle());
          if (queued < std::exchange(one.queued, queued)) {
            one.last_active = now;
          } else if (quiet >= limits_.write_stall_timeout) {
            close_for(one, LimitHit::kWriteStallTimeout, "answers were not taken");
          }
        } else if (is_full && one.lines.kept_bytes() != 0 && quiet >= limits_.write_stall_timeout) {
          // Pieces of lines would keep everybody from being read, and nobody could end them.
          close_for(one, LimitHit::kUnansweredBytesTotal, "too much is unanswered, and a line had no end for too long");
        } else if (!one.is_starved && quiet >= limits_.idle_timeout) {
          close_for(one, LimitHit::kIdleTimeout, "nothing came for too long");
        }
        break;
      case Connection::Phase::kClosed:
        break;
    }
  }
  lingerers_.sweep(now);
  if (now - balanced_at_ >= kBalancePeriod) balance();
  if (is_draining_ && connections_.empty() && lingerers_.empty()) return;
  sweeper_.expires_after(sweep_period(limits_));
  sweeper_.async_wait([this](const error_code& error) {
    if (!error) sweep();
  });
}

/// Connections are dealt by their number, and some send much more than others: a worker that had much to do, beside one that
/// idled, lets the second busiest of its connections go. (The busiest would only take the load along.)
void FeedWorker::balance() {
  const auto now = Clock::now();
  const auto time = thread_time();
  const std::chrono::duration<double> passed = now - balanced_at_;
  busy_.store(std::chrono::duration<double>(time - balanced_time_) / passed, std::memory_order_relaxed);
  balanced_at_ = now;
  balanced_time_ = time;
  std::vector<Connection*> busiest(std::min<std::size_t>(2, connections_.size()));
  std::vector<Connection*> all;
  all.reserve(connections_.size());
  for (const ConnectionPtr& connection : connections_) all.push_back(connection.get());
  std::partial_sort_copy(all.begin(), all.end(), busiest.begin(), busiest.end(),
                         [](const Connection* a, const Connection* b) { return a->lately > b->lately; });
  const bool gives = busiest.size() == 2 && busy() >= kBusy && parts_.idlest().busy() <= kIdle * busy();
  for (Connection* connection : all) {
    connection->is_to_go =
        gives && connection == busiest[1] && connection->lately != 0 && connection->phase == Connection::Phase::kOpen;
  }
  for (Connection* connection : all) connection->lately = 0;
}

/// To the worker that has least to do. Nothing of it is held, and nothing is waited for.
void FeedWorker::give(const ConnectionPtr& connection) {
  Connection& one = *connection;
  one.is_to_go = false;
  FeedWorker& to = parts_.idlest();
  bool is_given = false;
  const auto hand_over = [&] {
    error_code error;
    const int descriptor = one.socket.release(error);
    if (error) return;
    is_given = true;
    take_out(one);
    one.screening = nullptr;  // of this worker
    one.socket = Stream::socket(to.io_);
    one.socket.assign(one.protocol, descriptor, error);
    if (error) ::close(descriptor);
    load_.fetch_sub(1, std::memory_order_relaxed);
    to.load_.fetch_add(1, std::memory_order_relaxed);
    asio::post(to.io_, [&to, connection] { to.take_over(connection); });
  };
  // What is posted to a worker before it drains, it does before it ends.
  if (&to != this) parts_.unless_stopping(hand_over);
  if (!is_given) wait_readable(connection);
}

void FeedWorker::take_over(const ConnectionPtr& connection) {
  error_code error;
  connection->socket.non_blocking(true, error);
  connection->place = connections_.size();
  connections_.push_back(connection);
  parts_.log.write(LogLevel::kDebug, "feed_moved", {{"address", connection->address}});
  connection->is_removed = !is_still_known(*connection);  // a reload may have been here before
  if (!connection->socket.is_open()) {
    abort(*connection);
  } else if (is_draining_) {
    start_draining(connection);
  } else {
    go_on(connection);
  }
}

void FeedWorker::retry_starved() {
  starved_timer_.expires_after(kStarvedRetry);
  starved_timer_.async_wait([this](const error_code& error) {
    if (error) return;
    for (const ConnectionPtr& connection : std::exchange(starved_, {})) {
      connection->is_starved = false;
      if (connection->is_served()) read(connection);
    }
  });
}

}  // namespace clearline
