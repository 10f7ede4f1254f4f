#include "io/net/feed_worker.h"

#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <string>
#include <utility>

#include "engine/text.h"
#include "io/formats/input_format.h"
#include "io/formats/special_bytes.h"
#include "io/net/hello.h"
#include "io/net/other_protocol.h"
#include "io/store/registry_directory.h"

namespace clearline {
namespace {

using Clock = FeedConnection::Clock;
using When = ReadyQueue::When;

constexpr std::size_t kReadBytes = std::size_t{128} << 10;
constexpr std::size_t kSliceBytes = std::size_t{64} << 10;
constexpr std::size_t kSliceLines = 2'048;
/// A declaration of fewer bytes is none: `{` and a line end. So a read cannot hold more lines than half its bytes.
constexpr std::size_t kLineBytesMin = 2;
/// When 7/8 of unanswered_bytes_total are used, reads are bites: whoever takes its answers is served on, and a thousand that do
/// not take theirs fill the rest slowly, until write_stall_timeout ends them.
constexpr std::size_t kScarceShare = 8;
constexpr std::size_t kBiteBytes = 4'096;
constexpr std::size_t kScarceLines = 16;  // a slice then: the shortest lines have the longest answers

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

/// Keeps the calling thread to one processor; where that may not be, it goes on as it was.
void keep_to(int processor) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(processor, &one);
  sched_setaffinity(0, sizeof one, &one);
}

}  // namespace

/// What lines of one kind of client are screened with.
struct FeedWorker::Screening {
  Screening(const Registry& registry, const Policy& policy, const ScreenOptions& options, InputFormat input_format)
      : explain(options.explain), format(std::move(input_format)), screener(registry, policy, options) {}
  bool explain;
  InputFormat format;
  BlockScreener screener;
};

FeedWorker::FeedWorker(FeedHub& hub, FeedCounters& counters, int number, std::optional<int> processor)
    : hub_(hub),
      counters_(counters),
      limits_(hub.config.limits),
      out_(hub, counters),
      number_(number),
      processor_(processor),
      serving_(hub.serving.get()),
      read_bytes_(std::min({kReadBytes, limits_.unanswered_bytes, kLineBytesMin * limits_.unanswered_lines})),
      slice_lines_(std::min(kSliceLines, limits_.unanswered_lines)),
      block_(FeedLines::block_bytes(read_bytes_, limits_.line_bytes + kBom.size())) {}

FeedWorker::~FeedWorker() = default;

void FeedWorker::start() {
  thread_ = std::jthread([this] { run(); });
}

void FeedWorker::join() {
  if (thread_.joinable()) thread_.join();
}

void FeedWorker::run() {
  name_thread(("clr-feed-" + std::to_string(number_)).c_str());
  if (processor_) keep_to(*processor_);
  while (FeedSlot* const slot = hub_.ready.wait()) {
    const std::scoped_lock lock(slot->mutex);
    if (slot->connection && slot->connection->is_served()) serve(*slot);
  }
}

void FeedWorker::serve(FeedSlot& slot) {
  look_for_serving();
  if (slot.connection->held.empty()) {
    read(slot);
    return;
  }
  if (!out_.send_held(slot)) {
    if (slot.connection->is_served()) go_on(slot);
    return;
  }
  if (slot.connection->is_removed) {
    out_.refuse_removed(slot);
    return;
  }
  answer(slot, slot.connection->lines.begin(block_.data.get()));
}

void FeedWorker::look_for_serving() {
  const std::uint64_t number = hub_.serving.number();
  if (number == serving_number_) return;
  screenings_.clear();  // before the policy that they look at goes
  serving_ = hub_.serving.get();
  serving_number_ = number;
}

/// Whether so much is unanswered that there is little room for more.
bool FeedWorker::is_scarce() const {
  const std::uint64_t all = limits_.unanswered_bytes_total;
  return hub_.all.unanswered_bytes.load(std::memory_order_relaxed) >= all - all / kScarceShare;
}

/// How much of a connection may be read now, so that no more is unanswered than may be; 0: nothing.
std::size_t FeedWorker::bytes_to_read(const FeedConnection& connection) const {
  std::size_t bytes = read_bytes_;
  if (connection.is_draining()) bytes = std::min(bytes, *connection.left_to_drain);
  if (!is_scarce()) return bytes;
  return hub_.all.unanswered_bytes.load(std::memory_order_relaxed) < limits_.unanswered_bytes_total
             ? std::min(bytes, kBiteBytes)
             : 0;
}

void FeedWorker::read(FeedSlot& slot) {
  FeedConnection& one = *slot.connection;
  if (one.is_starved) return;  // goes on when that ends
  if (one.left_to_drain == 0U) {
    go_on(slot);
    return;
  }
  const std::size_t room = bytes_to_read(one);
  if (room == 0) {
    if (!std::exchange(one.was_starved, true)) counters_.hit(LimitHit::kUnansweredBytesTotal);
    one.is_starved = true;
    hub_.starved(slot);
    return;
  }
  one.was_starved = false;
  char* const data = block_.data.get();
  const FeedLines::Framed kept = one.lines.begin(data);
  // NOLINTNEXTLINE(clang-analyzer-unix.BlockInCriticalSection): the socket does not block.
  const ssize_t got = recv(one.descriptor, data + kept.size, room, MSG_DONTWAIT);
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) {
      go_on(slot);
    } else {
      out_.abort(slot);
    }
    return;
  }
  const auto bytes = static_cast<std::size_t>(got);
  one.read_at = one.last_active = Clock::now();
  one.received_us = system_now_us();
  one.is_at_end = got == 0;
  counters_.bytes_in.add(bytes);
  if (one.is_draining()) *one.left_to_drain -= bytes;
  answer(slot, one.lines.take(data, kept.size, bytes, one.is_at_end));
}

/// Answers the whole lines in the block, as many as can be, and keeps the rest.
void FeedWorker::answer(FeedSlot& slot, FeedLines::Framed framed) {
  FeedConnection& one = *slot.connection;
  char* const data = block_.data.get();
  std::size_t at = 0;
  if (one.phase == FeedConnection::Phase::kHello) {
    if (const std::string_view protocol = other_protocol({data, framed.size}); !protocol.empty()) {
      refuse_protocol(slot, protocol);
      return;
    }
    if (framed.whole != 0 && !take_hello(slot, {data, framed.whole}, at)) return;
  }
  // Nothing is judged for a peer that has not been let in, whatever the hello's reader makes of its bytes.
  while (one.phase == FeedConnection::Phase::kOpen && at < framed.whole && one.held.empty()) {
    std::size_t lines = 0;
    const std::string_view slice = next_slice({data + at, framed.whole - at}, lines);
    at += slice.size();
    screen(slot, slice, lines);
  }
  if (!one.is_served()) return;
  if (!one.held.empty()) counters_.hit(LimitHit::kUnansweredBytes);  // it is not read for a while
  one.lines.keep({data + at, framed.size - at}, framed.whole - at);
  out_.update_held(one);
  go_on(slot);
}

/// What comes next for a connection that has been answered as far as it goes.
void FeedWorker::go_on(FeedSlot& slot) {
  const FeedConnection& one = *slot.connection;
  if (!one.held.empty()) {
    hub_.ready.ask(one.descriptor, slot, When::kWritable);
  } else if (one.is_at_end) {
    out_.finish(slot);
  } else if (one.left_to_drain == 0U) {
    finish_drained(slot);
  } else {
    hub_.ready.ask(one.descriptor, slot, When::kReadable);
  }
}

/// Looks at the first line that is not blank; `at` goes behind what is a hello. False: the connection is refused.
bool FeedWorker::take_hello(FeedSlot& slot, std::string_view text, std::size_t& at) {
  FeedConnection& connection = *slot.connection;
  const bool needs_token = !serving_->clients.empty();
  std::string_view line;
  std::size_t next = connection.lines.next_line() == 1 && text.starts_with(kBom) ? kBom.size() : 0;
  for (;; connection.lines.count_lines(1)) {
    at = next;
    if (at == text.size()) return true;  // blank lines alone
    const std::size_t line_end = text.find('\n', at);
    if (line_end == std::string_view::npos && !connection.is_at_end) return true;
    line = text.substr(at, line_end - at);
    next = line_end == std::string_view::npos ? text.size() : line_end + 1;
    if (!is_blank_line(line)) break;
  }
  if (line.ends_with('\r')) line.remove_suffix(1);
  const Hello hello = line.size() <= limits_.line_bytes ? read_hello(line) : Hello{};
  if (!hello.is_hello) {
    if (needs_token) {
      out_.refuse(slot, "feed_denied", "token_needed", "the first line must be a hello with a token", true);
      return false;
    }
    connection.phase = FeedConnection::Phase::kOpen;
    return true;
  }
  if (!hello.fault.empty()) {
    out_.refuse(slot, "feed_denied", "malformed", hello.fault, true);
    return false;
  }
  if (needs_token) {
    const ClientConfig* client = hello.token ? serving_->clients.of_token(*hello.token) : nullptr;
    if (client == nullptr) {
      out_.refuse(slot, "feed_denied", hello.token ? "denied" : "token_needed",
                  hello.token ? "the token is nobody's" : "the hello must hold a token", true);
      return false;
    }
    if (client->role != Role::kFeed) {
      out_.refuse(slot, "feed_denied", "denied", "the role of this client does not screen", true);
      return false;
    }
    connection.client = *client;
  }
  at = next;
  connection.lines.count_lines(1);
  connection.phase = FeedConnection::Phase::kOpen;
  return out_.welcome(slot);
}

/// Somebody took this port for another one.
void FeedWorker::refuse_protocol(FeedSlot& slot, std::string_view protocol) {
  counters_.other_protocol.add();
  out_.refuse(slot, "feed_closed", "not_a_feed",
              std::string(protocol) +
                  " came, and this port is a feed of clearline: a declaration a line (NDJSON) in, a "
                  "verdict a line out",
              false);
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
  if (lines_max == slice_lines_ && slice_lines_ < kSliceLines) counters_.hit(LimitHit::kUnansweredLines);
  return slice.substr(0, end);
}

void FeedWorker::screen(FeedSlot& slot, std::string_view slice, std::size_t lines) {
  FeedConnection& connection = *slot.connection;
  Screening& screening = screening_of(connection);
  constexpr std::int64_t kSecondUs = 1'000'000;
  Receipt receipt;
  receipt.today = korean_date_us(connection.received_us);
  receipt.earliest_us = connection.received_us - hub_.config.declared_at_window.count() * kSecondUs;
  receipt.latest_us = connection.received_us + hub_.config.declared_at_ahead.count() * kSecondUs;
  {
    const ZerosBehind zeros(block_.data.get() + (slice.data() - block_.data.get()) + slice.size());
    const Lines in{slice, connection.lines.next_line(), &screening.format};
    screening.screener.screen_received(in, receipt, verdicts_);
  }
  connection.lines.count_lines(lines);
  const Tally& tally = verdicts_.tally;
  for (std::size_t i = 0; i < tally.outcome.size(); ++i) counters_.verdicts[i].add(tally.outcome[i]);
  for (std::size_t i = 0; i < tally.reason.size(); ++i) {
    if (tally.reason[i] != 0) counters_.reasons[i].add(tally.reason[i]);
  }
  counters_.limits[static_cast<std::size_t>(LimitHit::kLineBytes)].add(verdicts_.lines_too_long);
  out_.send(slot, verdicts_.lines.text(), tally.declarations);
  // Waiting takes none of it, so what passed since the last slice is the work for this one, its waking and reading included.
  const auto time = thread_time();
  counters_.work.add(time - std::exchange(worked_, time), tally.declarations);
}

/// All that was received is read. Where no more can come, a last line needs no end.
void FeedWorker::finish_drained(FeedSlot& slot) {
  FeedConnection& one = *slot.connection;
  if (!has_ended_sending(one.descriptor)) {
    out_.finish(slot);
    return;
  }
  one.is_at_end = true;
  char* const data = block_.data.get();
  const FeedLines::Framed kept = one.lines.begin(data);
  answer(slot, one.lines.take(data, kept.size, 0, true));
}

FeedWorker::Screening& FeedWorker::screening_of(const FeedConnection& connection) {
  const bool explain = connection.client && connection.client->explain;
  const FieldNames& names =
      connection.client && connection.client->columns ? *connection.client->columns : hub_.config.columns;
  const IgnoredNames& ignored =
      connection.client && connection.client->ignored ? *connection.client->ignored : hub_.config.ignored;
  const auto is_it = [&](const std::unique_ptr<Screening>& known) {
    return known->explain == explain && known->format.names == names && known->format.ignored == ignored;
  };
  auto found = std::find_if(screenings_.begin(), screenings_.end(), is_it);
  if (found == screenings_.end()) {
    ScreenOptions options;
    options.explain = explain;
    InputFormat format;
    format.names = names;
    format.ignored = ignored;
    format.line_bytes_max = limits_.line_bytes;
    screenings_.push_back(std::make_unique<Screening>(hub_.registry, serving_->policy, options, std::move(format)));
    found = screenings_.end() - 1;
  }
  return **found;
}

}  // namespace clearline
