#include "io/net/log.h"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/async.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "io/formats/out_buffer.h"
#include "io/formats/verdict_writer.h"

namespace clearline {
namespace {

constexpr std::size_t kQueuedMax = 4'096;
constexpr std::chrono::seconds kFlushMax(1);

/// Writes to the descriptor itself. The FILE stderr has a lock, which exit() takes: a thread that waits in a write to a full
/// pipe would hold it for ever, and the process would never end.
class StderrSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {  // of one thread
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    std::string_view left(line.data(), line.size());
    while (!left.empty()) {
      const ssize_t written = ::write(STDERR_FILENO, left.data(), left.size());
      if (written >= 0) {
        left.remove_prefix(static_cast<std::size_t>(written));
      } else if (errno == EAGAIN) {
        pollfd room{STDERR_FILENO, POLLOUT, 0};
        (void)::poll(&room, 1, -1);
      } else if (errno != EINTR) {
        return;  // nobody reads it any more
      }
    }
  }
  void flush_() override {}
};

/// `2025-12-01T01:00:00.000Z`.
std::string now_text() {
  using std::chrono::duration_cast;
  const auto now = std::chrono::system_clock::now();
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::milliseconds>(now - day));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count(), time.subseconds().count());
}

}  // namespace

struct Log::State {
  std::shared_ptr<spdlog::details::thread_pool> pool =
      std::make_shared<spdlog::details::thread_pool>(kQueuedMax, std::size_t{1});
  std::shared_ptr<spdlog::async_logger> logger = std::make_shared<spdlog::async_logger>(
      "clearline", std::make_shared<StderrSink>(), pool, spdlog::async_overflow_policy::overrun_oldest);
  std::atomic<std::uint64_t> dropped_told{0};

  /// Warnings of one event in this second.
  struct Gate {
    std::chrono::steady_clock::time_point start;
    int written = 0;
    std::uint64_t unwritten = 0;
  };
  std::mutex mutex;  // guards gates
  std::map<std::string, Gate, std::less<>> gates;

  /// Whether a warning is written, and how many were not before it.
  std::optional<std::uint64_t> pass(std::string_view event) {
    const auto now = std::chrono::steady_clock::now();
    const std::scoped_lock lock(mutex);
    auto gate = gates.find(event);
    if (gate == gates.end()) gate = gates.emplace(event, Gate{now}).first;
    if (now - gate->second.start >= std::chrono::seconds(1)) {
      gate->second.start = now;
      gate->second.written = 0;
    }
    if (gate->second.written == kWarnsASecond) {
      ++gate->second.unwritten;
      return std::nullopt;
    }
    ++gate->second.written;
    return std::exchange(gate->second.unwritten, 0);
  }
};

Log::Log(LogLevel level) : level_(level), state_(std::make_unique<State>()) {
  state_->logger->set_pattern("%v");
  state_->logger->set_level(spdlog::level::trace);
}

Log::~Log() {
  if (flush()) {
    // Its thread first: the last to let go of the logger would else be either of two.
    state_->pool.reset();
  } else {
    // A stderr that nobody reads must not keep the program from ending: its thread is left to the end of the process.
    state_.release();  // NOLINT(bugprone-unused-return-value)
  }
}

bool Log::flush() {
  const auto until = std::chrono::steady_clock::now() + kFlushMax;
  // Something behind all lines: once it is taken from the queue, they are not only taken as well, but written.
  state_->logger->flush();
  while (state_->pool->queue_size() != 0) {
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

void Log::write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (!is_on(level)) return;
  const auto unwritten = level == LogLevel::kWarn ? state_->pass(event) : std::optional<std::uint64_t>(0);
  if (!unwritten) return;
  OutBuffer out;
  const auto text = [&](std::string_view name, std::string_view value) {
    out.append_fixed("\"");
    out.append(name);
    out.append_fixed("\":\"");
    append_json_text(value, out);
    out.append_fixed("\"");
  };
  out.append_fixed("{");
  text("time", now_text());
  out.append_fixed(",");
  text("level", to_string(level));
  out.append_fixed(",");
  text("event", event);
  const auto number = [&](std::string_view name, std::uint64_t value) {
    out.append_fixed("\"");
    out.append(name);
    out.append_fixed("\":");
    out.append_number(value);
  };
  for (const LogField& field : fields) {
    out.append_fixed(",");
    if (const auto* value = std::get_if<std::uint64_t>(&field.value)) {
      number(field.name, *value);
    } else {
      text(field.name, std::get<std::string_view>(field.value));
    }
  }
  if (*unwritten != 0) {
    out.append_fixed(",");
    number("not_written_before", *unwritten);
  }
  // Lines that a full queue dropped are told with the next one that comes.
  const std::uint64_t dropped = state_->pool->overrun_counter();
  const std::uint64_t told = state_->dropped_told.exchange(dropped, std::memory_order_relaxed);
  if (dropped > told) {
    out.append_fixed(",");
    number("lines_dropped_before", dropped - told);
  }
  out.append_fixed("}");
  state_->logger->info(spdlog::string_view_t(out.text().data(), out.text().size()));
}

}  // namespace clearline
