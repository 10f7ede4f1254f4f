#include "io/net/status_text.h"

#include <fmt/format.h>

#include <array>
#include <functional>
#include <iterator>

#include "io/formats/json_text.h"
#include "io/formats/verdict_writer.h"

namespace clearline {
namespace {

/// Members of JSON objects, one behind the other.
class Members {
 public:
  void number(std::string_view name, std::uint64_t value) {
    begin(name);
    out_.append_number(value);
  }
  void text(std::string_view name, std::string_view value) {
    begin(name);
    out_.append_fixed("\"");
    append_json_text(value, out_);
    out_.append_fixed("\"");
  }
  void word(std::string_view name, std::string_view value) {
    begin(name);
    out_.append(value);
  }
  template <typename Inside>
  void object(std::string_view name, const Inside& inside) {
    begin(name);
    out_.append_fixed("{");
    is_first_ = true;
    inside();
    out_.append_fixed("}");
    is_first_ = false;
  }
  void times(std::string_view name, const LatencyHistogram& times) {
    object(name, [&] {
      const auto micros = [](std::chrono::nanoseconds time) {
        return fmt::format("{:.1f}", static_cast<double>(time.count()) / 1e3);
      };
      number("count", times.count());
      word("p50", micros(times.percentile(0.5)));
      word("p99", micros(times.percentile(0.99)));
      word("p999", micros(times.percentile(0.999)));
      word("max", micros(times.longest()));
    });
  }
  std::string whole() const { return "{" + std::string(out_.text()) + "}"; }

 private:
  void begin(std::string_view name) {
    if (!is_first_) out_.append_fixed(",");
    is_first_ = false;
    out_.append_fixed("\"");
    out_.append(name);
    out_.append_fixed("\":");
  }

  OutBuffer out_;
  bool is_first_ = true;
};

/// What connections of one kind counted, over all threads; `other_protocol` is the word that peers of other protocols got.
void add_connections(Members& members, std::string_view other_protocol,
                     const std::function<std::uint64_t(Counter ConnectionCounters::*)>& sum) {
  const std::uint64_t closed = sum(&ConnectionCounters::closed);
  const std::uint64_t opened = sum(&ConnectionCounters::opened);
  members.number("connections", opened > closed ? opened - closed : 0);
  members.number("opened", opened);
  members.number("closed", closed);
  members.number("aborted", sum(&ConnectionCounters::aborted));
  members.number("hellos", sum(&ConnectionCounters::hellos));
  members.number("denied", sum(&ConnectionCounters::denied));
  members.number(other_protocol, sum(&ConnectionCounters::other_protocol));
  members.number("bytes_in", sum(&ConnectionCounters::bytes_in));
  members.number("bytes_out", sum(&ConnectionCounters::bytes_out));
}

void add_feeds(Members& members, const ServerCounters& counters) {
  const auto sum_of = [&](const auto& value) {
    std::uint64_t sum = 0;
    for (const FeedCounters& feed : counters.feeds) sum += value(feed);
    return sum;
  };
  add_connections(members, "not_a_feed", [&](Counter ConnectionCounters::* counter) {
    return sum_of([&](const FeedCounters& feed) { return (feed.*counter).value(); });
  });
  members.number("lines", sum_of([](const FeedCounters& feed) { return feed.lines.value(); }));
  members.object("verdicts", [&] {
    for (std::size_t i = 0; i < kOutcomeCount; ++i) {
      members.number(to_string(static_cast<Outcome>(i)),
                     sum_of([&](const FeedCounters& feed) { return feed.verdicts[i].value(); }));
    }
  });
  members.object("reasons", [&] {
    for (std::size_t i = 0; i < std::size_t{kReasonCount}; ++i) {
      members.number(to_string(static_cast<Reason>(i)),
                     sum_of([&](const FeedCounters& feed) { return feed.reasons[i].value(); }));
    }
  });
  LatencyHistogram latency;
  LatencyHistogram work;
  for (const FeedCounters& feed : counters.feeds) {
    latency.add(feed.latency);
    work.add(feed.work);
  }
  members.times("latency_us", latency);
  members.times("work_us", work);
  members.number("unanswered_bytes", counters.unanswered_bytes.load(std::memory_order_relaxed));
}

void add_changes(Members& members, const ChangeCounters& changes) {
  add_connections(members, "not_changes",
                  [&](Counter ConnectionCounters::* counter) { return (changes.*counter).value(); });
  members.number("ok", changes.ok.value());
  members.number("repeats", changes.repeats.value());
  members.object("refused", [&] {
    for (std::size_t i = 0; i < kChangeErrorCount; ++i) {
      members.number(to_string(static_cast<ChangeError>(i)), changes.refused[i].value());
    }
  });
  members.times("latency_us", changes.latency);
}

}  // namespace

std::string status_json(const ServerState& state, const ServerCounters& counters, const CommitTimes* commits) {
  Members members;
  members.text("version", state.version);
  members.text("state", state.state);
  members.number("uptime_seconds", state.uptime_seconds);
  members.object("registry", [&] {
    if (state.state == "loading") {
      members.text("state", "loading");
      return;
    }
    members.text("uuid", format_uuid(state.identity));
    members.number("incarnation", state.identity.incarnation);
    members.number("seq", state.seq);
    members.word("last_change_age_seconds",
                 state.last_change_age_seconds ? std::to_string(*state.last_change_age_seconds) : "null");
    members.text("state", state.store_state);
    members.word("read_only", state.is_read_only ? "true" : "false");
  });
  members.text("policy", state.policy);
  members.number("reloads", state.reloads);
  members.number("failed_reloads", state.failed_reloads);
  members.object("feeds", [&] { add_feeds(members, counters); });
  members.object("changes", [&] { add_changes(members, counters.changes); });
  if (commits != nullptr) {
    members.object("commits", [&] {
      members.times("journal_us", commits->journal);
      members.times("head_us", commits->head);
    });
  }
  members.object("limits", [&] {
    for (std::size_t i = 0; i < kLimitCount; ++i) {
      std::uint64_t hits = counters.changes.limits[i].value();
      for (const FeedCounters& feed : counters.feeds) hits += feed.limits[i].value();
      members.number(to_string(static_cast<LimitHit>(i)), hits);
    }
  });
  return members.whole();
}

}  // namespace clearline
