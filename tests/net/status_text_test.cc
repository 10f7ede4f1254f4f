// What a server shows of itself: one JSON object in which nothing is missing, and whose numbers are those of all threads.
#include "io/net/status_text.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <string>
#include <string_view>

namespace clearline::test {
namespace {

using std::chrono::microseconds;

class StatusText : public testing::Test {
 protected:
  StatusText() {
    state_.version = "1.2.3";
    state_.identity.incarnation = 2;
    state_.store_state = "ready";
    state_.policy = "standard";
  }
  void show() {
    text_ = status_json(state_, counters_, commits_);
    const simdjson::padded_string padded(text_);
    ASSERT_EQ(parser_.parse(padded).get(status_), simdjson::SUCCESS) << text_;
    ASSERT_EQ(text_.find('\n'), std::string::npos);
  }
  /// A number by its pointer: `/feeds/lines`.
  double number(std::string_view pointer) const {
    double value = -1;
    EXPECT_EQ(status_.at_pointer(pointer).get(value), simdjson::SUCCESS) << pointer << " in " << text_;
    return value;
  }
  bool is_there(std::string_view pointer) const { return status_.at_pointer(pointer).error() == simdjson::SUCCESS; }
  std::string word(std::string_view pointer) const {
    std::string_view value = "(none)";
    EXPECT_EQ(status_.at_pointer(pointer).get(value), simdjson::SUCCESS) << pointer << " in " << text_;
    return std::string(value);
  }

  ServerState state_;
  ServerCounters counters_;
  const CommitTimes* commits_ = nullptr;
  std::string text_;
  simdjson::dom::parser parser_;
  simdjson::dom::element status_;
};

TEST_F(StatusText, EveryMemberIsThereBeforeAnythingWasCounted) {
  const CommitTimes commits;
  commits_ = &commits;
  show();
  EXPECT_EQ(word("/version"), "1.2.3");
  EXPECT_EQ(word("/state"), "ready");
  EXPECT_EQ(word("/registry/uuid").size(), 36U);
  EXPECT_EQ(word("/registry/state"), "ready");
  EXPECT_EQ(word("/policy"), "standard");
  EXPECT_TRUE(status_.at_pointer("/registry/last_change_age_seconds").is_null());
  for (const std::string member :
       {"/uptime_seconds", "/registry/incarnation", "/registry/seq", "/registry/read_only", "/reloads",
        "/failed_reloads", "/feeds/lines", "/feeds/unanswered_bytes", "/changes/ok", "/changes/repeats"}) {
    EXPECT_TRUE(is_there(member)) << member;
  }
  for (const std::string kind : {"/feeds/", "/changes/"}) {
    for (const std::string member :
         {"connections", "opened", "closed", "aborted", "hellos", "denied", "bytes_in", "bytes_out"}) {
      EXPECT_EQ(number(kind + member), 0) << kind << member;
    }
  }
  EXPECT_EQ(number("/feeds/not_a_feed"), 0);
  EXPECT_EQ(number("/changes/not_changes"), 0);
  for (const std::string verdict : {"clear", "review", "hold", "error"}) {
    EXPECT_EQ(number("/feeds/verdicts/" + verdict), 0) << verdict;
  }
  for (const std::string reason :
       {"malformed", "internal", "code_missing", "code_malformed", "code_unknown", "code_cancelled", "code_replaced",
        "code_suspended", "code_expired", "name_missing", "name_mismatch", "name_not_on_file", "phone_mismatch",
        "phone_virtual", "zip_missing", "zip_malformed", "zip_mismatch", "zip_not_on_file"}) {
    EXPECT_EQ(number("/feeds/reasons/" + reason), 0) << reason;
  }
  for (const std::string error : {"malformed", "code_exists", "code_unknown", "not_active", "not_suspended",
                                  "change_id_reused", "at_in_future", "read_only", "busy", "denied"}) {
    EXPECT_EQ(number("/changes/refused/" + error), 0) << error;
  }
  for (const std::string limit :
       {"line_bytes", "connections", "connections_per_address", "change_connections", "descriptors",
        "handshake_timeout", "idle_timeout", "write_stall_timeout", "unanswered_lines", "unanswered_bytes",
        "unanswered_bytes_total", "unanswered_changes"}) {
    EXPECT_EQ(number("/limits/" + limit), 0) << limit;
  }
  for (const std::string times :
       {"/feeds/latency_us/", "/feeds/work_us/", "/changes/latency_us/", "/commits/journal_us/", "/commits/head_us/"}) {
    for (const std::string member : {"count", "p50", "p99", "p999", "max"}) {
      EXPECT_EQ(number(times + member), 0) << times << member;
    }
  }
}

TEST_F(StatusText, WhileItLoadsNothingOfARegistryIsShown) {
  state_.state = "loading";
  show();
  EXPECT_EQ(word("/state"), "loading");
  EXPECT_EQ(word("/registry/state"), "loading");
  EXPECT_FALSE(is_there("/registry/seq"));
}

TEST_F(StatusText, ThreadsAreAddedUp) {
  for (std::uint64_t thread = 1; thread <= 3; ++thread) {
    FeedCounters& feed = counters_.feeds.emplace_back();
    feed.opened.add(10 * thread);
    feed.closed.add(thread);
    feed.lines.add(100 * thread);
    feed.bytes_in.add(1'000 * thread);
    feed.verdicts[static_cast<std::size_t>(Outcome::kHold)].add(thread);
    feed.reasons[static_cast<std::size_t>(Reason::kCodeSuspended)].add(2 * thread);
    feed.hit(LimitHit::kIdleTimeout);
    feed.latency.add(microseconds(100 * thread), 10);
  }
  counters_.changes.hit(LimitHit::kIdleTimeout);
  counters_.changes.opened.add(5);
  counters_.changes.ok.add(4);
  counters_.changes.refused[static_cast<std::size_t>(ChangeError::kBusy)].add(3);
  counters_.unanswered_bytes = 77;
  show();
  EXPECT_EQ(number("/feeds/opened"), 60);
  EXPECT_EQ(number("/feeds/closed"), 6);
  EXPECT_EQ(number("/feeds/connections"), 54);
  EXPECT_EQ(number("/feeds/lines"), 600);
  EXPECT_EQ(number("/feeds/bytes_in"), 6'000);
  EXPECT_EQ(number("/feeds/verdicts/hold"), 6);
  EXPECT_EQ(number("/feeds/verdicts/clear"), 0);
  EXPECT_EQ(number("/feeds/reasons/code_suspended"), 12);
  EXPECT_EQ(number("/feeds/unanswered_bytes"), 77);
  EXPECT_EQ(number("/feeds/latency_us/count"), 30);
  EXPECT_NEAR(number("/feeds/latency_us/p50"), 200, 5);
  EXPECT_NEAR(number("/feeds/latency_us/p999"), 300, 7);
  EXPECT_EQ(number("/feeds/latency_us/max"), 300);
  EXPECT_EQ(number("/limits/idle_timeout"), 4);
  EXPECT_EQ(number("/limits/line_bytes"), 0);
  EXPECT_EQ(number("/changes/connections"), 5);
  EXPECT_EQ(number("/changes/ok"), 4);
  EXPECT_EQ(number("/changes/refused/busy"), 3);
}

TEST_F(StatusText, TheStateOfTheRegistryIsShown) {
  state_.seq = 4'813;
  state_.last_change_age_seconds = 12;
  state_.is_read_only = true;
  state_.store_state = "failed";
  state_.reloads = 3;
  state_.failed_reloads = 1;
  state_.policy = "a \"quoted\" \\ name";
  show();
  EXPECT_EQ(number("/registry/seq"), 4'813);
  EXPECT_EQ(number("/registry/incarnation"), 2);
  EXPECT_EQ(number("/registry/last_change_age_seconds"), 12);
  EXPECT_EQ(word("/registry/state"), "failed");
  bool is_read_only = false;
  EXPECT_EQ(status_.at_pointer("/registry/read_only").get(is_read_only), simdjson::SUCCESS);
  EXPECT_TRUE(is_read_only);
  EXPECT_EQ(number("/reloads"), 3);
  EXPECT_EQ(number("/failed_reloads"), 1);
  EXPECT_EQ(word("/policy"), state_.policy);
  EXPECT_FALSE(is_there("/commits"));  // of an image
}

}  // namespace
}  // namespace clearline::test
