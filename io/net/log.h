// Log: what happens to the server, as one JSON object a line on stderr. Never personal data: no byte of what peers send, no
// path's content; names of clients, addresses, numbers and fixed words only.
//
//   {"time":"2025-12-01T01:00:00.000Z","level":"warn","event":"feed_refused","limit":"connections","address":"127.0.0.1"}
//
// Threads     any may write; nobody waits: a queue between them and stderr drops its oldest lines when it is full, and says how
//             many it dropped.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <variant>

#include "io/net/server_config.h"

namespace clearline {

struct LogField {
  std::string_view name;
  std::variant<std::string_view, std::uint64_t> value;
};

class Log {
 public:
  explicit Log(LogLevel level);
  ~Log();  ///< flush()
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// Of each event on kWarn, kWarnsASecond lines a second are written; the next one tells how many were not.
  static constexpr int kWarnsASecond = 20;
  void write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});
  /// Waits until what this thread has written stands on stderr, for a second at most; whether it does.
  bool flush();
  bool is_on(LogLevel level) const { return level >= level_; }

 private:
  struct State;
  LogLevel level_;
  std::unique_ptr<State> state_;
};

}  // namespace clearline
