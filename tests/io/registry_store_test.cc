#include "io/store/registry_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <thread>
#include <utility>

#include "engine/entry_record.h"
#include "io/store/change_queue.h"
#include "tests/support/fault_vfs.h"
#include "tests/support/live_directory.h"
#include "tests/support/random_input.h"
#include "tests/support/tamper.h"

namespace clearline {
namespace {

using test::apply_changes;
using test::FaultVfs;
using test::LiveDirectory;
using test::make_change;

namespace fs = std::filesystem;

constexpr int kSlowness = CLEARLINE_SANITIZED != 0 ? 5 : 1;

std::unique_ptr<RegistryStore> open_store(const std::string& path, const RegistryStore::Options& options = {}) {
  auto store = RegistryStore::open(path, options);
  EXPECT_TRUE(store.ok()) << store.status().message();
  return store.ok() ? std::move(*store) : nullptr;
}

std::string words_of(const ChangeAnswer& answer) {
  if (answer.error) return std::string(to_string(*answer.error));
  return "ok " + std::to_string(answer.seq) + (answer.repeat ? " repeat" : "");
}

TEST(RegistryStore, EachOpDoesWhatItSays) {
  const LiveDirectory live;
  auto store = open_store(live.path());
  std::uint64_t count = 0;
  const auto answer = [&](Change change) {
    change.change_id = "c" + std::to_string(++count);
    return words_of(apply_changes(*store, change));
  };
  Change issue = make_change(ChangeOp::kIssue, 100, "");
  issue.name = "LEE B";
  EXPECT_EQ(answer(issue), "ok 1");
  EXPECT_EQ(answer(issue), "code_exists");
  EXPECT_EQ(answer(make_change(ChangeOp::kSuspend, 100, "")), "ok 2");
  EXPECT_EQ(store->registry().find(Code{100})->status, CodeStatus::kSuspended);
  EXPECT_EQ(answer(make_change(ChangeOp::kSuspend, 100, "")), "not_active");
  EXPECT_EQ(answer(make_change(ChangeOp::kResume, 100, "")), "ok 3");
  EXPECT_EQ(answer(make_change(ChangeOp::kResume, 100, "")), "not_suspended");
  Change reissue = make_change(ChangeOp::kReissue, 100, "");
  reissue.new_code = Code{101};
  EXPECT_EQ(answer(reissue), "ok 4");
  EXPECT_EQ(store->registry().find(Code{100})->replaced_by, Code{101});
  EXPECT_EQ(store->registry().find(Code{101})->name, "LEE B");
  EXPECT_EQ(answer(make_change(ChangeOp::kCancel, 100, "")), "not_active");
  EXPECT_EQ(answer(make_change(ChangeOp::kCancel, 101, "")), "ok 5");
  EXPECT_EQ(answer(make_change(ChangeOp::kCancel, 555, "")), "code_unknown");
  EXPECT_EQ(store->registry().seq(), 5U);
  EXPECT_EQ(store->registry().size(), 22U);
}

TEST(RegistryStore, AGroupIsJudgedInOrder) {
  const LiveDirectory live;
  auto store = open_store(live.path());
  Change reissue = make_change(ChangeOp::kReissue, 1, "c");
  reissue.new_code = Code{1001};
  const std::vector<Change> group{make_change(ChangeOp::kSuspend, 1, "a"),
                                  make_change(ChangeOp::kResume, 1, "b"),
                                  reissue,
                                  make_change(ChangeOp::kSuspend, 1001, "d"),
                                  make_change(ChangeOp::kSuspend, 1, "e"),
                                  make_change(ChangeOp::kSuspend, 1001, "d")};
  std::vector<std::string> words;
  for (const auto& answer : apply_changes(*store, group)) words.push_back(words_of(answer));
  EXPECT_EQ(words, (std::vector<std::string>{"ok 1", "ok 2", "ok 3", "ok 4", "not_active", "ok 4 repeat"}));
}

TEST(RegistryStore, AnOkIsRememberedAcrossRestarts) {
  const LiveDirectory live;
  const Change suspend = make_change(ChangeOp::kSuspend, 3, "k-1");
  const Change refused = make_change(ChangeOp::kResume, 4, "k-2");
  {
    auto store = open_store(live.path());
    EXPECT_EQ(words_of(apply_changes(*store, suspend)), "ok 1");
    EXPECT_EQ(words_of(apply_changes(*store, refused)), "not_suspended");
  }
  auto store = open_store(live.path());
  EXPECT_EQ(words_of(apply_changes(*store, suspend)), "ok 1 repeat");
  EXPECT_EQ(words_of(apply_changes(*store, make_change(ChangeOp::kSuspend, 5, "k-1"))), "change_id_reused");
  EXPECT_EQ(store->registry().find(Code{5})->status, CodeStatus::kActive);
  // A refused one is judged anew.
  EXPECT_EQ(words_of(apply_changes(*store, make_change(ChangeOp::kSuspend, 4, "k-3"))), "ok 2");
  EXPECT_EQ(words_of(apply_changes(*store, refused)), "ok 3");
}

TEST(RegistryStore, AnOkIsRememberedFor31DaysAndForgottenBy62WithoutARestart) {
  constexpr std::int64_t kDayUs = std::int64_t{24} * 3600 * 1'000'000;
  constexpr std::int64_t kStart = std::int64_t{1'764'550'800} * 1'000'000;
  const LiveDirectory live;
  std::int64_t now = kStart;
  RegistryStore::Options options;
  options.now_us = [&] { return now; };
  const Change before_start = make_change(ChangeOp::kSuspend, 1, "before-start");
  EXPECT_EQ(words_of(apply_changes(*open_store(live.path(), options), before_start)), "ok 1");
  auto store = open_store(live.path(), options);
  const Change at_start = make_change(ChangeOp::kSuspend, 2, "at-start");
  EXPECT_EQ(words_of(apply_changes(*store, at_start)), "ok 2");
  // Age is counted by what is received: these make the journal older, by a day each at most.
  const auto receive_daily_until = [&](std::int64_t at_us) {
    now = std::min(now, at_us);
    do {
      now = std::min(now + kDayUs, at_us);
      const std::uint64_t seq = store->registry().seq();
      const bool is_active = store->registry().find(Code{9})->status == CodeStatus::kActive;
      const ChangeOp op = is_active ? ChangeOp::kSuspend : ChangeOp::kResume;
      EXPECT_EQ(words_of(apply_changes(*store, make_change(op, 9, "d" + std::to_string(seq)))),
                "ok " + std::to_string(seq + 1));
    } while (now < at_us);
  };
  receive_daily_until(kStart + 20 * kDayUs);
  const Change later = make_change(ChangeOp::kSuspend, 3, "later");
  EXPECT_EQ(words_of(apply_changes(*store, later)), "ok 23");
  receive_daily_until(kStart + 31 * kDayUs - 1);
  EXPECT_EQ(words_of(apply_changes(*store, before_start)), "ok 1 repeat");
  EXPECT_EQ(words_of(apply_changes(*store, at_start)), "ok 2 repeat");
  EXPECT_EQ(words_of(apply_changes(*store, later)), "ok 23 repeat");
  receive_daily_until(kStart + 51 * kDayUs);
  // What was received at the start is 51 days old and may be forgotten; the other one is 31 days old.
  EXPECT_EQ(words_of(apply_changes(*store, later)), "ok 23 repeat");
  EXPECT_EQ(words_of(apply_changes(*store, before_start)), "not_active") << "judged anew, as behind a restart";
  const std::int64_t then = std::exchange(now, kStart + 500 * kDayUs);
  EXPECT_EQ(words_of(apply_changes(*store, later)), "ok 23 repeat") << "nothing was received since";
  now = then;
  receive_daily_until(kStart + 82 * kDayUs);
  EXPECT_EQ(words_of(apply_changes(*store, later)), "not_active");
  EXPECT_EQ(words_of(apply_changes(*store, at_start)), "not_active");
  // A new one under an old id is a change like others.
  const std::uint64_t next = store->registry().seq() + 1;
  EXPECT_EQ(words_of(apply_changes(*store, make_change(ChangeOp::kSuspend, 10, "later"))),
            "ok " + std::to_string(next));
}

/// Two changes under a clock that is 40 and 80 days ahead, then the right one again.
TEST(RegistryStore, AClockThatJumpedAheadForSomeChangesForgetsNoAnswer) {
  constexpr std::int64_t kDayUs = std::int64_t{24} * 3600 * 1'000'000;
  constexpr std::int64_t kStart = std::int64_t{1'764'550'800} * 1'000'000;
  for (const char* version : {"3", "2"}) {
    for (const bool is_replayed : {true, false}) {
      const LiveDirectory live;
      test::tamper(live.file("journal.db"), std::string("PRAGMA user_version = ") + version);
      std::int64_t now = kStart;
      RegistryStore::Options options;
      options.now_us = [&] { return now; };
      const Change resume = make_change(ChangeOp::kResume, 1, "r1");
      {
        auto store = open_store(live.path(), options);
        EXPECT_EQ(words_of(apply_changes(*store, make_change(ChangeOp::kSuspend, 1, "s1"))), "ok 1");
        EXPECT_EQ(words_of(apply_changes(*store, resume)), "ok 2");
        EXPECT_EQ(words_of(apply_changes(*store, make_change(ChangeOp::kSuspend, 1, "s2"))), "ok 3");
        std::uint64_t seq = 3;
        for (const std::int64_t days : {40, 80, 0, 1}) {
          now = kStart + days * kDayUs;
          EXPECT_EQ(words_of(apply_changes(*store, make_change(ChangeOp::kSuspend, seq, "w" + std::to_string(seq)))),
                    "ok " + std::to_string(seq + 1));
          ++seq;
          EXPECT_EQ(words_of(apply_changes(*store, resume)), "ok 2 repeat") << days;
        }
        if (!is_replayed) {
          ASSERT_TRUE(store->checkpoint().ok());
        }
      }
      auto store = open_store(live.path(), options);
      EXPECT_EQ(words_of(apply_changes(*store, resume)), "ok 2 repeat") << version << is_replayed;
      EXPECT_EQ(store->registry().find(Code{1})->status, CodeStatus::kSuspended);
    }
  }
}

TEST(RegistryStore, ADefaultThatIsWrittenOutIsTheSameChange) {
  const LiveDirectory live;
  const std::int64_t now = std::int64_t{1'764'550'800} * 1'000'000;  // 2025-12-01 10:00 in Korea
  RegistryStore::Options options;
  options.now_us = [now] { return now; };
  auto store = open_store(live.path(), options);
  Change issue = make_change(ChangeOp::kIssue, 100, "i");
  issue.name = "LEE B";
  EXPECT_EQ(words_of(apply_changes(*store, issue)), "ok 1");
  issue.issued = parse_date("2025-12-01");
  EXPECT_EQ(words_of(apply_changes(*store, issue)), "ok 1 repeat");
  issue.at_us = now;
  EXPECT_EQ(words_of(apply_changes(*store, issue)), "ok 1 repeat");
  issue.at_us = now - 1;
  EXPECT_EQ(words_of(apply_changes(*store, issue)), "change_id_reused");
  issue.at_us.reset();
  issue.issued = parse_date("2025-11-30");
  EXPECT_EQ(words_of(apply_changes(*store, issue)), "change_id_reused");
  // And the other way round.
  Change other = make_change(ChangeOp::kIssue, 101, "j");
  other.issued = parse_date("2025-12-01");
  EXPECT_EQ(words_of(apply_changes(*store, other)), "ok 2");
  other.issued.reset();
  EXPECT_EQ(words_of(apply_changes(*store, other)), "ok 2 repeat");
}

TEST(RegistryStore, TheChangedOfAnIssueIsKept) {
  const LiveDirectory live;
  const std::int64_t now = std::int64_t{1'764'550'800} * 1'000'000;  // 2025-12-01 10:00 in Korea
  RegistryStore::Options options;
  options.now_us = [now] { return now; };
  auto store = open_store(live.path(), options);
  Change issue = make_change(ChangeOp::kIssue, 100, "i");
  issue.changed = parse_date("2025-12-01");
  EXPECT_EQ(words_of(apply_changes(*store, issue)), "ok 1");
  issue.changed.reset();
  EXPECT_EQ(words_of(apply_changes(*store, issue)), "ok 1 repeat") << "the day of its `at` is the default";
  issue.changed = parse_date("2025-11-20");
  EXPECT_EQ(words_of(apply_changes(*store, issue)), "change_id_reused");
  issue.issued = parse_date("2025-12-01");
  EXPECT_EQ(words_of(apply_changes(*store, issue)), "change_id_reused");
  issue.change_id = "j";
  issue.code = Code{101};
  EXPECT_EQ(words_of(apply_changes(*store, issue)), "ok 2");
  issue.issued.reset();
  EXPECT_EQ(words_of(apply_changes(*store, issue)), "ok 2 repeat");
  EXPECT_EQ(store->registry().find(Code{101})->changed, parse_date("2025-11-20"));
}

TEST(RegistryStore, OfSeveralErrorsTheFirstInOrderIsAnswered) {
  const LiveDirectory live;
  const std::int64_t now = std::int64_t{1'764'550'800} * 1'000'000;
  RegistryStore::Options options;
  options.now_us = [now] { return now; };
  auto store = open_store(live.path(), options);
  EXPECT_EQ(words_of(apply_changes(*store, make_change(ChangeOp::kSuspend, 1, "a"))), "ok 1");
  Change change = make_change(ChangeOp::kReissue, 555, "a");  // the id, the time, the code and the new code are wrong
  change.at_us = now + kAtAheadMaxUs + 1;
  change.new_code = Code{2};
  EXPECT_EQ(words_of(apply_changes(*store, change)), "change_id_reused");
  change.change_id = "b";
  EXPECT_EQ(words_of(apply_changes(*store, change)), "at_in_future");
  change.at_us = now + kAtAheadMaxUs;
  EXPECT_EQ(words_of(apply_changes(*store, change)), "code_unknown");
  change.code = Code{3};
  EXPECT_EQ(words_of(apply_changes(*store, change)), "code_exists");
  change.new_code = Code{600};
  EXPECT_EQ(words_of(apply_changes(*store, change)), "ok 2");
}

TEST(RegistryStore, AClockThatRunsAheadForAWhileForgetsNothing) {
  constexpr std::int64_t kDayUs = std::int64_t{24} * 3600 * 1'000'000;
  const LiveDirectory live;
  std::int64_t now = std::int64_t{1'764'550'800} * 1'000'000;
  RegistryStore::Options options;
  options.now_us = [&] { return now; };
  auto store = open_store(live.path(), options);
  const Change change = make_change(ChangeOp::kSuspend, 1, "a");
  EXPECT_EQ(words_of(apply_changes(*store, change)), "ok 1");
  for (const std::int64_t days : {4'000, -3'990, 15}) {
    now += days * kDayUs;
    EXPECT_EQ(words_of(apply_changes(*store, change)), "ok 1 repeat") << days;
  }
}

TEST(RegistryStore, AClockThatFellBackForgetsNoAnswer) {
  constexpr std::int64_t kDayUs = std::int64_t{24} * 3600 * 1'000'000;
  const LiveDirectory live;
  std::int64_t now = std::int64_t{1'764'550'800} * 1'000'000;
  RegistryStore::Options options;
  options.now_us = [&] { return now; };
  const Change resume = make_change(ChangeOp::kResume, 1, "r1");
  {
    auto store = open_store(live.path(), options);
    EXPECT_EQ(words_of(apply_changes(*store, make_change(ChangeOp::kSuspend, 1, "s1"))), "ok 1");
    EXPECT_EQ(words_of(apply_changes(*store, resume)), "ok 2");
    EXPECT_EQ(words_of(apply_changes(*store, make_change(ChangeOp::kSuspend, 1, "s2"))), "ok 3");
    now -= 40 * kDayUs;
    std::vector<Change> group;
    for (std::uint64_t i = 0; i < 34; ++i) {
      group.push_back(make_change(i % 2 == 0 ? ChangeOp::kSuspend : ChangeOp::kResume, 2, "g" + std::to_string(i)));
    }
    for (const ChangeAnswer& answer : apply_changes(*store, group)) EXPECT_FALSE(answer.error);
    now += 40 * kDayUs;
    EXPECT_EQ(words_of(apply_changes(*store, resume)), "ok 2 repeat");
  }
  auto store = open_store(live.path(), options);
  EXPECT_EQ(words_of(apply_changes(*store, resume)), "ok 2 repeat");
  EXPECT_EQ(store->registry().find(Code{1})->status, CodeStatus::kSuspended);
  std::int64_t before = 0;
  EXPECT_TRUE(RegistryDirectory(live.path())
                  .read_changes([&](const JournalRow& row) {
                    EXPECT_GE(row.received_us, before) << row.seq;
                    before = row.received_us;
                    return Status();
                  })
                  .ok());
}

TEST(RegistryStore, AStartUnderAClockThatIsMonthsAheadForgetsNoAnswer) {
  constexpr std::int64_t kDayUs = std::int64_t{24} * 3600 * 1'000'000;
  const LiveDirectory live;
  std::int64_t now = std::int64_t{1'764'550'800} * 1'000'000;
  RegistryStore::Options options;
  options.now_us = [&] { return now; };
  const Change resume = make_change(ChangeOp::kResume, 1, "r1");
  {
    auto store = open_store(live.path(), options);
    EXPECT_EQ(words_of(apply_changes(*store, make_change(ChangeOp::kSuspend, 1, "s1"))), "ok 1");
    EXPECT_EQ(words_of(apply_changes(*store, resume)), "ok 2");
    EXPECT_EQ(words_of(apply_changes(*store, make_change(ChangeOp::kSuspend, 1, "s2"))), "ok 3");
    ASSERT_TRUE(store->checkpoint().ok());
  }
  now += 100 * kDayUs;
  auto store = open_store(live.path(), options);
  for (int days = 0; days < 3; ++days) {
    // Groups in which nothing is accepted do not make the journal older.
    EXPECT_EQ(words_of(apply_changes(*store, make_change(ChangeOp::kResume, 2, "refused"))), "not_suspended");
    now += 100 * kDayUs;
  }
  EXPECT_EQ(words_of(apply_changes(*store, resume)), "ok 2 repeat");
  EXPECT_EQ(store->registry().find(Code{1})->status, CodeStatus::kSuspended);
}

TEST(RegistryStore, TimesAreKeptInOrder) {
  const LiveDirectory live;
  std::int64_t now = std::int64_t{1'764'550'800} * 1'000'000;  // 2025-12-01 10:00 in Korea
  RegistryStore::Options options;
  options.now_us = [&] { return now; };
  {
    auto store = open_store(live.path(), options);
    Change change = make_change(ChangeOp::kAmend, 1, "a");
    change.name = "KIM C";
    change.at_us = now + kAtAheadMaxUs + 1;
    EXPECT_EQ(words_of(apply_changes(*store, change)), "at_in_future");
    change.at_us = now + kAtAheadMaxUs;
    EXPECT_EQ(words_of(apply_changes(*store, change)), "ok 1");
    EXPECT_EQ(store->registry().find(Code{1})->changed, parse_date("2025-12-01"));
    now -= std::int64_t{40} * 24 * 3600 * 1'000'000;  // a clock that is set back
    change.change_id = "b";
    change.at_us.reset();
    EXPECT_EQ(words_of(apply_changes(*store, change)), "ok 2");
    EXPECT_EQ(store->registry().find(Code{1})->changed, parse_date("2025-10-22"));
  }
  auto store = open_store(live.path(), options);
  Change again = make_change(ChangeOp::kAmend, 1, "a");
  again.name = "KIM C";
  again.at_us = std::int64_t{1'764'550'800} * 1'000'000 + kAtAheadMaxUs;
  EXPECT_EQ(words_of(apply_changes(*store, again)), "ok 1 repeat");
  std::int64_t before = 0;
  const auto journal = Journal::open(live.file("journal.db"), Journal::Mode::kRead);
  ASSERT_TRUE(journal.ok());
  ASSERT_TRUE((*journal)
                  ->read_from(1,
                              [&](const JournalRow& row) {
                                EXPECT_GE(row.effective_us, before);
                                EXPECT_GE(row.effective_us, row.at_us);
                                before = row.effective_us;
                                return Status();
                              })
                  .ok());
}

/// What the registry should hold.
class Model {
 public:
  explicit Model(std::uint64_t entries) {
    for (std::uint64_t i = 0; i < entries; ++i) entries_[i] = test::numbered_entry(i);
  }
  std::optional<Entry> find(std::uint64_t code) const {
    const auto found = entries_.find(code);
    return found == entries_.end() ? std::nullopt : std::optional(found->second);
  }
  /// The word of the answer, without its seq.
  std::string apply(const Change& change, Date on) {
    const auto effect =
        effect_of(change, on, find(change.code.digits), change.new_code ? find(change.new_code->digits) : std::nullopt);
    if (effect.error) return std::string(to_string(*effect.error));
    entries_[change.code.digits] = effect.after;
    if (effect.new_after) entries_[effect.new_after->code.digits] = *effect.new_after;
    return "ok";
  }
  const std::map<std::uint64_t, Entry>& entries() const { return entries_; }

 private:
  std::map<std::uint64_t, Entry> entries_;
};

Change random_change(std::mt19937_64& random, std::uint64_t number) {
  const auto below = [&](std::uint64_t count) { return random() % count; };
  Change change = make_change(static_cast<ChangeOp>(1 + below(7)), below(60), "id" + std::to_string(number));
  switch (change.op) {
    case ChangeOp::kIssue:
    case ChangeOp::kAmend:
      change.name = below(5) == 0 ? "" : "LEE " + std::string(1 + below(20), static_cast<char>('A' + below(26)));
      if (below(2) == 0) change.zips = std::vector<std::uint32_t>(below(5), static_cast<std::uint32_t>(below(100'000)));
      if (below(2) == 0) change.phone = "0101234" + std::to_string(1000 + below(9'000));
      if (below(3) == 0) change.expires = std::optional(Date{static_cast<std::int32_t>(20'000 + below(3'000))});
      break;
    case ChangeOp::kRenew:
      change.expires = std::optional(Date{static_cast<std::int32_t>(20'000 + below(3'000))});
      break;
    case ChangeOp::kReissue:
      change.new_code = Code{below(90)};
      break;
    default:
      break;
  }
  return change;
}

void expect_equal(const Registry& registry, const Model& model) {
  ASSERT_EQ(registry.size(), model.entries().size());
  for (const auto& [digits, entry] : model.entries()) ASSERT_EQ(registry.find(Code{digits}), entry) << digits;
}

TEST(RegistryStore, RandomChangesEqualAPlainMapThroughRestartsAndCheckpoints) {
  const std::uint64_t seed = test::test_seed();
  std::mt19937_64 random(seed);
  const LiveDirectory live(20);
  Model model(20);
  const std::int64_t now = std::int64_t{1'764'550'800} * 1'000'000;
  RegistryStore::Options options;
  options.now_us = [&] { return now; };
  const Date today = *parse_date("2025-12-01");
  std::uint64_t seq = 0;
  std::map<std::uint64_t, std::pair<Change, std::uint64_t>> answered;
  for (int restart = 0; restart < 20; ++restart) {
    auto store = open_store(live.path(), options);
    ASSERT_TRUE(store);
    expect_equal(store->registry(), model);
    for (int step = 0; step < 60 / kSlowness; ++step) {
      std::vector<Change> group;
      for (std::uint64_t i = random() % 6; i > 0; --i) group.push_back(random_change(random, random()));
      const auto answers = apply_changes(*store, group);
      for (std::size_t i = 0; i < group.size(); ++i) {
        const std::string expected = model.apply(group[i], today);
        ASSERT_EQ(words_of(answers[i]), expected == "ok" ? "ok " + std::to_string(++seq) : expected) << seed;
        if (expected == "ok") answered[seq] = {group[i], seq};
      }
      ASSERT_EQ(store->registry().seq(), seq);
      expect_equal(store->registry(), model);
      if (!answered.empty() && random() % 3 == 0) {
        auto old = answered.lower_bound(random() % (seq + 1));
        if (old == answered.end()) old = answered.begin();
        ASSERT_EQ(words_of(apply_changes(*store, old->second.first)), "ok " + std::to_string(old->first) + " repeat");
      }
      if (random() % 20 == 0) {
        const auto made = store->checkpoint();
        ASSERT_TRUE(made.ok()) << made.status().message();
        ASSERT_EQ(made->seq, seq);
      }
    }
  }
  const auto verified = RegistryDirectory(live.path()).verify();
  ASSERT_TRUE(verified.ok()) << verified.status().message();
  EXPECT_EQ(verified->changes, seq);
  EXPECT_LE(verified->images, RegistryDirectory::kImagesKept);
}

TEST(RegistryStore, ARowThatIsDamagedLaterRefusesItsRepeatAlone) {
  const LiveDirectory live;
  auto store = open_store(live.path());
  for (std::uint64_t i = 1; i <= 3; ++i) {
    apply_changes(*store, make_change(ChangeOp::kSuspend, i, "damaged-" + std::to_string(i)));
  }
  ASSERT_TRUE(store->checkpoint().ok());
  test::tamper(live.file("journal.db"), "UPDATE changes SET actor = 'uid:7' WHERE seq = 2");
  EXPECT_EQ(words_of(apply_changes(*store, make_change(ChangeOp::kSuspend, 1, "damaged-1"))), "ok 1 repeat");
  EXPECT_EQ(words_of(apply_changes(*store, make_change(ChangeOp::kSuspend, 2, "damaged-2"))), "read_only");
  EXPECT_EQ(words_of(apply_changes(*store, make_change(ChangeOp::kSuspend, 4, "d"))), "ok 4");
  EXPECT_EQ(store->state(), RegistryStore::State::kReady);
  EXPECT_FALSE(RegistryDirectory(live.path()).verify().ok());
  // A start that would have to remember it is refused, with the place.
  store.reset();
  const auto opened = RegistryStore::open(live.path());
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.status().kind(), StatusKind::kRegistry);
  EXPECT_NE(opened.status().message().find("journal.db: error: change 2 "), std::string::npos)
      << opened.status().message();
}

TEST(RegistryStore, AnOldJournalInWhichReceivedFellForgetsNoAnswer) {
  constexpr std::int64_t kDayUs = std::int64_t{24} * 3600 * 1'000'000;
  constexpr std::int64_t kStart = std::int64_t{1'764'550'800} * 1'000'000;
  const LiveDirectory live;
  std::int64_t now = kStart;
  RegistryStore::Options options;
  options.now_us = [&] { return now; };
  const Change resume = make_change(ChangeOp::kResume, 1, "r1");
  {
    auto store = open_store(live.path(), options);
    apply_changes(*store, make_change(ChangeOp::kSuspend, 1, "s1"));
    EXPECT_EQ(words_of(apply_changes(*store, resume)), "ok 2");
    apply_changes(*store, make_change(ChangeOp::kSuspend, 1, "s2"));
  }
  // As the program before wrote it under a clock that was 40 days back: each row a day before the one before it.
  test::tamper(live.file("journal.db"), "PRAGMA user_version = 2");
  {
    auto journal = Journal::open(live.file("journal.db"), Journal::Mode::kWrite);
    ASSERT_TRUE(journal.ok());
    auto end = *(*journal)->last();
    ASSERT_TRUE((*journal)->begin().ok());
    std::string record;
    append_entry_record(test::numbered_entry(2), record);
    for (int i = 0; i < 40; ++i) {
      JournalRow row;
      row.seq = end.seq + 1;
      row.at_us = row.effective_us = kStart;
      row.received_us = end.received_us - kDayUs;
      row.op = ChangeOp::kAmend;
      row.code = Code{2};
      const std::string id = "g" + std::to_string(i);
      row.change_id = id;
      row.actor = "uid:0";
      row.before = row.after = record;
      row.chain = next_chain(end.chain, row);
      ASSERT_TRUE((*journal)->append(row).ok());
      end = {row.seq, row.chain, row.effective_us, row.received_us};
    }
    ASSERT_TRUE((*journal)->commit().ok());
  }
  for (const bool is_replayed : {true, false}) {
    auto store = open_store(live.path(), options);
    ASSERT_TRUE(store);
    EXPECT_EQ(words_of(apply_changes(*store, resume)), "ok 2 repeat") << is_replayed;
    EXPECT_EQ(store->registry().find(Code{1})->status, CodeStatus::kSuspended);
    if (is_replayed) {
      // What is received next is received no earlier than anything before.
      now = kStart - 7 * kDayUs;
      EXPECT_EQ(words_of(apply_changes(*store, make_change(ChangeOp::kSuspend, 3, "n"))), "ok 44");
      now = kStart;
      ASSERT_TRUE(store->checkpoint().ok());
    }
  }
  const auto journal = Journal::open(live.file("journal.db"), Journal::Mode::kRead);
  EXPECT_EQ((*journal)->last()->received_us, kStart);
}

TEST(RegistryStore, OneWriterAndAnyReaders) {
  const LiveDirectory live;
  auto store = open_store(live.path());
  const auto second = RegistryStore::open(live.path());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().kind(), StatusKind::kRegistry);
  EXPECT_NE(second.status().message().find("another process changes this registry"), std::string::npos);
  for (std::uint64_t i = 0; i < 10; ++i) {
    apply_changes(*store, make_change(ChangeOp::kSuspend, i, "s" + std::to_string(i)));
    if (i == 5) {
      ASSERT_TRUE(store->checkpoint().ok());
    }
    std::vector<std::string> warnings;
    const auto reader = read_any_registry(live.path(), warnings);
    ASSERT_TRUE(reader.ok()) << reader.status().message();
    EXPECT_EQ(reader->seq(), i + 1);
    EXPECT_EQ(reader->find(Code{i})->status, CodeStatus::kSuspended);
    EXPECT_TRUE(warnings.empty());
  }
}

TEST(RegistryStore, IsSoundWhileCheckpointsRemoveImages) {
  const LiveDirectory live;
  auto store = open_store(live.path());
  std::atomic<bool> is_over{false};
  const std::jthread checkpoints([&] {
    for (std::uint64_t i = 0; !is_over.load(); ++i) {
      const auto op = i % 2 == 0 ? ChangeOp::kSuspend : ChangeOp::kResume;
      ASSERT_EQ(words_of(apply_changes(*store, make_change(op, 1, "c" + std::to_string(i)))),
                "ok " + std::to_string(i + 1));
      ASSERT_TRUE(store->checkpoint().ok());
    }
  });
  for (int i = 0; i < 100 / kSlowness; ++i) {
    const auto verified = RegistryDirectory(live.path()).verify();
    ASSERT_TRUE(verified.ok()) << verified.status().message();
    const auto info = RegistryDirectory(live.path()).info();
    ASSERT_TRUE(info.ok()) << info.status().message();
    std::vector<std::string> warnings;
    const auto read = read_any_registry(live.path(), warnings);
    ASSERT_TRUE(read.ok()) << read.status().message();
    EXPECT_TRUE(warnings.empty()) << warnings.front();
  }
  is_over.store(true);
}

TEST(RegistryStore, AnImageThatCannotBeRemovedKeepsNoOtherOne) {
  const LiveDirectory live;
  auto store = open_store(live.path());
  for (std::uint64_t seq = 1; seq <= 3; ++seq) {
    apply_changes(*store, make_change(ChangeOp::kSuspend, seq, "s" + std::to_string(seq)));
    if (seq == 2) {
      ASSERT_TRUE(store->checkpoint().ok());
      ASSERT_TRUE(std::filesystem::create_directory(live.file("image-00000000000000000001.img")));
    }
  }
  const auto made = store->checkpoint();
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.status().message().find("image-00000000000000000001.img: error: cannot remove it"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(live.file("image-00000000000000000000.img")));
  EXPECT_TRUE(std::filesystem::exists(live.file("image-00000000000000000003.img")));
}

TEST(RegistryStore, FilesAreTheirOwnersOnly) {
  const LiveDirectory live;
  auto store = open_store(live.path());
  apply_changes(*store, make_change(ChangeOp::kSuspend, 1, "a"));
  ASSERT_TRUE(store->checkpoint().ok());
  struct stat info{};
  ASSERT_EQ(stat(live.path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
  int files = 0;
  for (const auto& entry : fs::directory_iterator(live.path())) {
    ASSERT_EQ(stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600U) << entry.path();
    ++files;
  }
  EXPECT_GE(files, 6);
}

TEST(RegistryStore, IsMadeOnceAndOnlyWhereThereIsNothing) {
  const LiveDirectory live;
  const std::string image = live.folder().path("first.img");
  EXPECT_EQ(RegistryStore::create(live.path(), image).kind(), StatusKind::kOutput);
  const std::string other = live.folder().path("other");
  fs::create_directory(other);
  live.folder().write("other/notes.txt", "mine");
  EXPECT_EQ(RegistryStore::create(other, image).kind(), StatusKind::kOutput);
  EXPECT_EQ(test::read_file(other + "/notes.txt"), "mine");
  // What an interrupted one left is no registry; nothing of it is removed, for it may be one that has lost its head.
  const std::string half = live.folder().path("half");
  fs::create_directory(half);
  fs::copy(live.file("journal.db"), half + "/journal.db");
  const auto opened = RegistryStore::open(half);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.status().kind(), StatusKind::kRegistry);
  EXPECT_EQ(RegistryStore::create(half, image).kind(), StatusKind::kOutput);
  EXPECT_TRUE(fs::exists(half + "/journal.db"));
  const std::string empty = live.folder().path("empty");
  fs::create_directory(empty);
  ASSERT_TRUE(RegistryStore::create(empty, image).ok());
  // Each is a registry of its own.
  EXPECT_NE(open_store(empty)->registry().identity().uuid, open_store(live.path())->registry().identity().uuid);
  EXPECT_EQ(RegistryStore::create(live.folder().path("new"), live.folder().path("no.img")).kind(),
            StatusKind::kRegistry);
}

// --- what the disk may do ---

TEST(RegistryStore, AFullDiskChangesNothingAndHeals) {
  const LiveDirectory live;
  FaultVfs vfs;
  RegistryStore::Options options;
  options.vfs = vfs.name();
  auto store = open_store(live.path(), options);
  EXPECT_EQ(words_of(apply_changes(*store, make_change(ChangeOp::kSuspend, 1, "a"))), "ok 1");
  vfs.fail_from(FaultVfs::Call::kWrite, 1, SQLITE_FULL, "-wal");
  const std::vector<Change> group{make_change(ChangeOp::kSuspend, 2, "b"), make_change(ChangeOp::kResume, 2, "c"),
                                  make_change(ChangeOp::kSuspend, 1, "d")};
  for (const ChangeAnswer& answer : apply_changes(*store, group)) EXPECT_EQ(words_of(answer), "busy");
  EXPECT_EQ(store->state(), RegistryStore::State::kNoSpace);
  EXPECT_NE(store->state_reason(), "");
  EXPECT_EQ(store->registry().find(Code{2})->status, CodeStatus::kActive);
  EXPECT_EQ(store->registry().seq(), 1U);
  EXPECT_EQ(words_of(apply_changes(*store, make_change(ChangeOp::kSuspend, 2, "b"))), "busy");
  vfs.heal();
  EXPECT_EQ(words_of(apply_changes(*store, make_change(ChangeOp::kSuspend, 2, "b"))), "ok 2");
  EXPECT_EQ(store->state(), RegistryStore::State::kReady);
  EXPECT_EQ(store->state_reason(), "");
  store.reset();
  EXPECT_EQ(open_store(live.path(), options)->registry().seq(), 2U);
}

TEST(RegistryStore, AfterAFailedSyncNothingIsAnsweredOkUntilItIsOpenedAgain) {
  for (const std::string file : {"-wal", "head"}) {
    const LiveDirectory live;
    FaultVfs vfs;
    RegistryStore::Options options;
    options.vfs = vfs.name();
    auto store = open_store(live.path(), options);
    EXPECT_EQ(words_of(apply_changes(*store, make_change(ChangeOp::kSuspend, 1, "a"))), "ok 1");
    vfs.fail(FaultVfs::Call::kSync, 1, SQLITE_IOERR_FSYNC, file);
    EXPECT_EQ(words_of(apply_changes(*store, make_change(ChangeOp::kSuspend, 2, "b"))), "read_only");
    EXPECT_EQ(store->state(), RegistryStore::State::kFailed);
    EXPECT_NE(store->state_reason(), "");
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(words_of(apply_changes(*store, make_change(ChangeOp::kSuspend, 3, "c"))), "read_only") << file;
      EXPECT_EQ(words_of(apply_changes(*store, make_change(ChangeOp::kSuspend, 1, "a"))), "read_only")
          << "not even a repeat";
    }
    EXPECT_FALSE(store->checkpoint().ok());
    // Screening goes on with what was answered.
    EXPECT_EQ(store->registry().find(Code{1})->status, CodeStatus::kSuspended);
    EXPECT_EQ(store->registry().find(Code{2})->status, CodeStatus::kActive);
    store.reset();
    vfs.settle(FaultVfs::Settle::kForgotten);
    store = open_store(live.path(), options);
    EXPECT_EQ(words_of(apply_changes(*store, make_change(ChangeOp::kSuspend, 1, "a"))), "ok 1 repeat");
    const std::string again = words_of(apply_changes(*store, make_change(ChangeOp::kSuspend, 2, "b")));
    EXPECT_TRUE(again == "ok 2" || again == "ok 2 repeat") << again;
  }
}

/// A run of changes in groups, with the log moved and the store opened anew now and then. Ends when the power is gone.
struct Script {
  std::map<std::string, std::uint64_t> answered;  // ids that were answered ok, and their seq
  std::vector<Change> sent;

  void run(const std::string& path, const FaultVfs& vfs) {
    RegistryStore::Options options;
    options.vfs = vfs.name();
    options.moves_wal_aside = false;  // one thread: the same calls each time
    options.wal_bytes_max = 40'000;
    std::uint64_t number = 0;
    for (int start = 0; start < 4 && !vfs.is_cut(); ++start) {
      auto store = RegistryStore::open(path, options);
      if (!store.ok()) return;
      for (int group = 0; group < 20 && !vfs.is_cut(); ++group) {
        std::vector<Change> changes;
        for (int i = 0; i <= group % 4; ++i) {
          ++number;
          Change issue = make_change(ChangeOp::kIssue, 1'000 + number, "i" + std::to_string(number));
          issue.name = "LEE " + std::string(number % 40 + 1, 'A');
          changes.push_back(issue);
          changes.push_back(make_change(ChangeOp::kSuspend, 1'000 + number, "s" + std::to_string(number)));
        }
        const auto answers = apply_changes(**store, changes);
        sent.insert(sent.end(), changes.begin(), changes.end());
        for (std::size_t i = 0; i < changes.size(); ++i) {
          if (!answers[i].error) answered[changes[i].change_id] = answers[i].seq;
        }
        if (start == 1 && group == 9) (void)(*store)->checkpoint();
      }
    }
  }
};

TEST(RegistryStore, EachAnsweredChangeOutlivesAPowerCutAtAnyCall) {
  const LiveDirectory live;
  const std::string fresh = live.folder().path("fresh");
  fs::copy(live.path(), fresh, fs::copy_options::recursive);
  std::uint64_t calls = 0;
  {
    FaultVfs vfs;
    Script script;
    script.run(live.path(), vfs);
    calls = vfs.calls();
    EXPECT_EQ(script.answered.size(), script.sent.size());
  }
  ASSERT_GE(calls, 500U);
  // Each call is cut in one mode or another, which one differs from run to run; CLEARLINE_CUT_STEP=1: in each mode.
  const std::uint64_t step = test::test_count("CLEARLINE_CUT_STEP", CLEARLINE_SANITIZED != 0 ? 7 : 3);
  const std::uint64_t first = test::test_seed() % step;
  std::uint64_t not_answered = 0;
  for (const auto mode : {FaultVfs::Settle::kKept, FaultVfs::Settle::kForgotten, FaultVfs::Settle::kTorn}) {
    for (std::uint64_t cut = 1 + (first + static_cast<std::uint64_t>(mode)) % step; cut <= calls; cut += step) {
      fs::remove_all(live.path());
      fs::copy(fresh, live.path(), fs::copy_options::recursive);
      FaultVfs vfs;
      Script script;
      vfs.cut_power(cut);
      script.run(live.path(), vfs);
      vfs.settle(mode, cut);
      RegistryStore::Options options;
      options.vfs = vfs.name();
      options.moves_wal_aside = false;
      auto store = RegistryStore::open(live.path(), options);
      ASSERT_TRUE(store.ok()) << store.status().message() << " cut at " << cut << ", mode " << static_cast<int>(mode);
      EXPECT_TRUE((*store)->warnings().empty());
      // Each answered one is there, as it was answered; and all of it once: sent again, everything is there.
      for (const Change& change : script.sent) {
        const auto answered = script.answered.find(change.change_id);
        const ChangeAnswer again = apply_changes(**store, change);
        ASSERT_FALSE(again.error) << change.change_id << ": " << words_of(again) << " cut at " << cut;
        if (answered != script.answered.end()) {
          ASSERT_EQ(words_of(again), "ok " + std::to_string(answered->second) + " repeat") << "cut at " << cut;
        } else {
          ++not_answered;
        }
        const auto entry = (*store)->registry().find(change.code);
        ASSERT_TRUE(entry);
      }
      ASSERT_EQ((*store)->registry().seq(), script.sent.size());
      store->reset();
      if (cut % 25 == 0) {
        const auto verified = RegistryDirectory(live.path(), vfs.name()).verify();
        ASSERT_TRUE(verified.ok()) << verified.status().message();
        ASSERT_EQ(verified->changes, script.sent.size());
      }
    }
  }
  EXPECT_GT(not_answered, 100U);
}

// --- what is found at a start: the rows of the table in ARCHITECTURE.md ---

class Findings : public testing::Test {
 protected:
  Findings() {
    auto store = open_store(live.path());
    for (std::uint64_t i = 0; i < 5; ++i) change(*store, i);
    EXPECT_TRUE(store->checkpoint().ok());
    for (std::uint64_t i = 5; i < 10; ++i) change(*store, i);
    // As a killed process leaves it: with its log.
    fs::copy(live.path(), copy, fs::copy_options::recursive);
    fs::remove(copy + "/journal.db-shm");
  }
  static void change(RegistryStore& store, std::uint64_t i) {
    EXPECT_EQ(words_of(apply_changes(store, make_change(ChangeOp::kSuspend, i, "s" + std::to_string(i)))),
              "ok " + std::to_string(i + 1));
  }
  std::string image(std::uint64_t seq) const { return RegistryDirectory(copy).image_path(seq); }
  static void overwrite(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }

  /// Neither a reader nor a writer gets a registry; the words hold all of these.
  void refused(const std::vector<std::string>& words) {
    std::vector<std::string> warnings;
    const auto read = read_any_registry(copy, warnings);
    const auto written = RegistryStore::open(copy);
    ASSERT_FALSE(read.ok());
    ASSERT_FALSE(written.ok());
    for (const Status& status : {read.status(), written.status()}) {
      EXPECT_EQ(status.kind(), StatusKind::kRegistry) << status.message();
      for (const std::string& word : words) {
        EXPECT_NE(status.message().find(word), std::string::npos) << word << " is not in: " << status.message();
      }
    }
    EXPECT_FALSE(RegistryDirectory(copy).verify().ok());
    bool is_journal = false;
    for (const std::string& word : words) is_journal = is_journal || word == "journal.db";
    if (is_journal) {
      EXPECT_FALSE(RegistryDirectory(copy).read_changes([](const JournalRow&) { return Status(); }).ok());
    }
  }
  void is_whole() {
    auto store = open_store(copy);
    ASSERT_TRUE(store);
    EXPECT_EQ(store->registry().seq(), 10U);
    for (std::uint64_t i = 0; i < 20; ++i) {
      EXPECT_EQ(store->registry().find(Code{i})->status, i < 10 ? CodeStatus::kSuspended : CodeStatus::kActive) << i;
    }
  }

  LiveDirectory live;
  std::string copy = live.folder().path("copy");
};

TEST_F(Findings, NothingIsWrong) { is_whole(); }

TEST_F(Findings, ACutOffCommitThatWasNotAnsweredIsDropped) {
  const std::string wal = test::read_file(copy + "/journal.db-wal");
  overwrite(copy + "/journal.db-wal", wal + wal.substr(32, 3'000));
  is_whole();
}

TEST_F(Findings, ALogCutBehindAnAnsweredChangeIsRefused) {
  fs::resize_file(copy + "/journal.db-wal", fs::file_size(copy + "/journal.db-wal") - 1);
  refused({"journal.db", "seq 10", "were answered and are missing", "backup"});
}

TEST_F(Findings, AMissingLogIsRefused) {
  fs::remove(copy + "/journal.db-wal");
  refused({"journal.db", "backup"});
}

TEST_F(Findings, AMissingJournalIsRefused) {
  fs::remove(copy + "/journal.db");
  fs::remove(copy + "/journal.db-wal");
  refused({"journal.db"});
}

TEST_F(Findings, AMissingHeadIsRefused) {
  fs::remove(copy + "/head");
  refused({"head", "missing"});
}

TEST_F(Findings, ADamagedHeadIsRefused) {
  std::string head = test::read_file(copy + "/head");
  for (std::size_t at = 0; at < head.size(); at += 64) head[at] = static_cast<char>(head[at] ^ 1);
  overwrite(copy + "/head", head);
  refused({"head"});
}

TEST_F(Findings, AnOlderImageAndTheJournalMakeTheSame) {
  std::string bytes = test::read_file(image(5));
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  overwrite(image(5), bytes);
  is_whole();
  auto store = open_store(copy);
  ASSERT_EQ(store->warnings().size(), 2U);
  EXPECT_NE(store->warnings()[0].find("image-00000000000000000005.img"), std::string::npos);
  EXPECT_NE(store->warnings()[1].find("image of seq 0"), std::string::npos);
  EXPECT_FALSE(RegistryDirectory(copy).verify().ok()) << "verify tells it";
  // A checkpoint makes the directory sound again: the damaged image goes, not the good one.
  ASSERT_TRUE(store->checkpoint().ok());
  store.reset();
  const auto verified = RegistryDirectory(copy).verify();
  ASSERT_TRUE(verified.ok()) << verified.status().message();
  EXPECT_EQ(verified->images, 2U);
  EXPECT_TRUE(fs::exists(image(0)));
}

TEST_F(Findings, ACheckpointTakesThePlaceOfADamagedImage) {
  ASSERT_TRUE(open_store(copy)->checkpoint().ok());
  fs::resize_file(image(10), 5'000);
  {
    auto store = open_store(copy);
    EXPECT_EQ(store->warnings().size(), 2U);
    const auto made = store->checkpoint();
    ASSERT_TRUE(made.ok() && made->was_written);
  }
  const auto verified = RegistryDirectory(copy).verify();
  ASSERT_TRUE(verified.ok()) << verified.status().message();
  EXPECT_EQ(verified->images, 2U);
}

// Whatever is in the way of reading an image: only its own bytes can show that it is bad.
TEST_F(Findings, AnImageOfAnotherVersionIsKeptByACheckpoint) {
  std::string bytes = test::read_file(image(5));
  bytes[8] = 9;
  overwrite(image(5), bytes);
  {
    auto store = open_store(copy);
    ASSERT_EQ(store->warnings().size(), 2U);
    const auto made = store->checkpoint();
    ASSERT_TRUE(made.ok() && made->was_written);
  }
  EXPECT_EQ(test::read_file(image(5)), bytes);
  EXPECT_TRUE(fs::exists(image(0))) << "nor does it take the place of a good one";
  is_whole();
}

/// The descriptors that this process may open now.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t count) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit low{count, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &low);
  }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;
  ~DescriptorLimit() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(Findings, ForWantOfDescriptorsNothingIsCalledMissingOrDamaged) {
  const int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(next, 0);
  close(next);
  bool is_opened = false;
  for (int room = 0; room < 20 && !is_opened; ++room) {
    for (const bool is_writer : {false, true}) {
      Status status;
      std::vector<std::string> warnings;
      {
        const DescriptorLimit limit(static_cast<rlim_t>(next + room));
        if (is_writer) {
          const auto store = RegistryStore::open(copy);
          status = store.ok() ? Status() : store.status();
          if (store.ok()) warnings = (*store)->warnings();
        } else {
          const auto registry = read_any_registry(copy, warnings);
          status = registry.ok() ? Status() : registry.status();
        }
      }
      EXPECT_TRUE(warnings.empty() || !status.ok()) << room;
      is_opened = status.ok() && is_writer;
      if (status.ok()) continue;
      EXPECT_EQ(status.kind(), StatusKind::kRegistry) << room << ": " << status.message();
      EXPECT_NE(status.message().find("Too many open files; allow more"), std::string::npos)
          << room << ": " << status.message();
      for (const char* wrong : {"registry init", "damaged", "is missing", "backup", "read-only"}) {
        EXPECT_EQ(status.message().find(wrong), std::string::npos) << room << ": " << status.message();
      }
    }
  }
  EXPECT_TRUE(is_opened);
  for (const std::uint64_t seq : {0, 5}) EXPECT_TRUE(fs::exists(image(seq)));
  is_whole();
}

TEST_F(Findings, WithoutAGoodImageItIsRefused) {
  for (const std::uint64_t seq : {0, 5}) fs::resize_file(image(seq), 5'000);
  refused({"image-", "no other image is good"});
  for (const std::uint64_t seq : {0, 5}) fs::remove(image(seq));
  refused({"there is no image"});
}

TEST_F(Findings, AnImageNewerThanTheJournalIsRefused) {
  const LiveDirectory other;
  fs::remove_all(copy);
  auto store = open_store(other.path());
  for (std::uint64_t i = 0; i < 3; ++i) change(*store, i);
  store.reset();
  fs::copy(other.path(), copy, fs::copy_options::recursive);
  store = open_store(other.path());
  for (std::uint64_t i = 3; i < 5; ++i) change(*store, i);
  ASSERT_TRUE(store->checkpoint().ok());
  fs::copy_file(RegistryDirectory(other.path()).image_path(5), image(5));
  refused({"image-00000000000000000005.img", "newer than the journal", "seq 3"});
}

TEST_F(Findings, AForeignImageIsRefused) {
  const LiveDirectory other;
  fs::copy_file(RegistryDirectory(other.path()).image_path(0), image(7));
  refused({"image-00000000000000000007.img", "another registry"});
}

TEST_F(Findings, AnImageUnderAnotherNameIsRefused) {
  fs::rename(image(5), image(7));
  refused({"image-00000000000000000007.img", "seq 5"});
}

TEST_F(Findings, AForeignJournalIsRefused) {
  const LiveDirectory other;
  fs::remove(copy + "/journal.db-wal");
  fs::copy_file(other.file("journal.db"), copy + "/journal.db", fs::copy_options::overwrite_existing);
  refused({"journal.db", "another registry"});
}

TEST_F(Findings, AnUnknownVersionIsRefused) {
  std::string bytes = test::read_file(image(5));
  bytes[8] = 9;
  overwrite(image(5), bytes);
  bytes = test::read_file(image(0));
  bytes[8] = 9;
  overwrite(image(0), bytes);
  refused({"version 9"});
}

TEST_F(Findings, WhatIsNoRegistryDirectoryIsTold) {
  for (const auto& entry : fs::directory_iterator(copy)) fs::remove(entry.path());
  refused({"is no registry directory", "registry init"});
  fs::remove(copy);
  std::vector<std::string> warnings;
  EXPECT_FALSE(read_any_registry(copy, warnings).ok());
  EXPECT_FALSE(RegistryStore::open(copy).ok());
}

// Wherever a bit flips or a file ends: the registry that comes of it is the same, or there is none.
TEST_F(Findings, NoFlippedBitAndNoTruncationMakesItDifferent) {
  std::mt19937_64 random(test::test_seed());
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(copy)) {
    files[entry.path().filename().string()] = test::read_file(entry.path().string());
  }
  ASSERT_TRUE(files.contains("journal.db-wal"));
  std::map<std::string, int> refusals;
  int harmless = 0;
  const auto check = [&](const std::string& name, const std::string& what) {
    std::vector<std::string> warnings;
    const auto registry = read_any_registry(copy, warnings);
    if (!registry.ok()) {
      ASSERT_EQ(registry.status().kind(), StatusKind::kRegistry) << what;
      ++refusals[name];
    } else {
      ++harmless;
      ASSERT_EQ(registry->seq(), 10U) << what;
      ASSERT_EQ(registry->size(), 20U) << what;
      for (std::uint64_t i = 0; i < 20; ++i) {
        Entry expected = test::numbered_entry(i);
        if (i < 10) expected.status = CodeStatus::kSuspended;
        ASSERT_EQ(registry->find(Code{i}), expected) << what;
      }
    }
    // As it was before.
    for (const auto& entry : fs::directory_iterator(copy)) {
      const auto old = files.find(entry.path().filename().string());
      if (old == files.end()) {
        fs::remove(entry.path());
      } else if (old->first == name || old->first.starts_with("journal")) {
        overwrite(entry.path().string(), old->second);
      }
    }
    if (!fs::exists(copy + "/journal.db-wal")) overwrite(copy + "/journal.db-wal", files["journal.db-wal"]);
  };
  for (const auto& [name, bytes] : files) {
    if (bytes.empty()) continue;
    for (int i = 0; i < 400 / kSlowness; ++i) {
      std::string damaged = bytes;
      std::string what = name;
      if (i % 4 == 3) {
        damaged.resize(random() % bytes.size());
        what += " cut at " + std::to_string(damaged.size());
      } else {
        const std::size_t at = random() % bytes.size();
        damaged[at] = static_cast<char>(damaged[at] ^ (1 << random() % 8));
        what += " flipped at " + std::to_string(at);
      }
      overwrite(copy + "/" + name, damaged);
      check(name, what);
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GT(refusals["journal.db-wal"], 10);
  EXPECT_GT(harmless, 10);
}

// Rows that a start does not replay decide, too: which change_ids were answered. Wherever a bit flips or the journal ends,
// the start is refused, or each answered change that is sent again gets its first answer, or none; it is never done anew.
TEST(RegistryStore, NoFlippedBitAndNoCutOfTheJournalMakesAnAnsweredChangeNew) {
  const LiveDirectory live;
  std::vector<std::pair<Change, std::uint64_t>> answered;
  {
    auto store = open_store(live.path());
    for (std::uint64_t i = 0; i < 60; ++i) {
      const ChangeOp op = i / 10 % 2 == 0 ? ChangeOp::kSuspend : ChangeOp::kResume;
      answered.emplace_back(make_change(op, i % 10, std::string(to_string(op)) + "-" + std::to_string(i)), i + 1);
      EXPECT_EQ(words_of(apply_changes(*store, answered.back().first)), "ok " + std::to_string(i + 1));
      if (i == 40 || i == 55) {
        EXPECT_TRUE(store->checkpoint().ok());
      }
    }
  }
  const std::string copy = live.folder().path("copy");
  const std::string journal = test::read_file(live.file("journal.db"));
  std::mt19937_64 random(20'251'201);
  int refused = 0;
  int started = 0;
  const auto check = [&](const std::string& damaged, const std::string& what) {
    fs::remove_all(copy);
    fs::copy(live.path(), copy, fs::copy_options::recursive);
    std::ofstream(copy + "/journal.db", std::ios::binary | std::ios::trunc) << damaged;
    auto store = RegistryStore::open(copy);
    if (!store.ok()) {
      ASSERT_EQ(store.status().kind(), StatusKind::kRegistry) << what;
      ++refused;
      return;
    }
    ++started;
    for (const auto& [change, seq] : answered) {
      const std::string again = words_of(apply_changes(**store, change));
      ASSERT_TRUE(again == "ok " + std::to_string(seq) + " repeat" || again == "read_only")
          << what << ": " << change.change_id << " is " << again;
    }
  };
  const std::uint64_t flips = test::test_count("CLEARLINE_FLIPS", 400 / kSlowness);
  for (std::uint64_t i = 0; i < flips && !testing::Test::HasFatalFailure(); ++i) {
    std::string damaged = journal;
    const std::size_t at = random() % journal.size();
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << random() % 8));
    check(damaged, "flipped at " + std::to_string(at));
  }
  for (std::uint64_t i = 0; i < flips / 5 && !testing::Test::HasFatalFailure(); ++i) {
    const std::size_t size = random() % journal.size();
    check(journal.substr(0, size), "cut at " + std::to_string(size));
  }
  // Each text of a change_id, one bit of it.
  for (const auto& [change, seq] : answered) {
    const std::size_t at = journal.find(change.change_id + "uid:0");
    ASSERT_NE(at, std::string::npos);
    std::string damaged = journal;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    check(damaged, change.change_id + " flipped");
    if (testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GT(refused, 100 / kSlowness);
  EXPECT_GT(started, 20 / kSlowness);
}

// --- many threads ---

TEST(ChangeQueue, AnswersInOrderAndAllOfThem) {
  const LiveDirectory live(0);
  auto store = open_store(live.path());
  constexpr int kSenders = 3;
  constexpr std::uint64_t kParcels = 200 / kSlowness;
  std::array<std::uint64_t, kSenders> answered{};
  {
    ChangeQueue queue(*store);
    std::vector<std::jthread> senders;
    for (int sender = 0; sender < kSenders; ++sender) {
      senders.emplace_back([&, sender] {
        for (std::uint64_t parcel = 0; parcel < kParcels; ++parcel) {
          std::vector<ChangeRequest> requests;
          for (std::uint64_t i = 0; i < 1 + parcel % 5; ++i) {
            const std::uint64_t number = (static_cast<std::uint64_t>(sender) * kParcels + parcel) * 10 + i;
            requests.push_back(
                {make_change(ChangeOp::kIssue, number, "n" + std::to_string(number)), "uid:0", false, {}});
          }
          queue.submit(std::move(requests), [&, sender, parcel](std::span<ChangeRequest> done) {
            std::uint64_t& count = answered[static_cast<std::size_t>(sender)];
            EXPECT_EQ(count, parcel) << "in the order of submitting";
            ++count;
            for (const ChangeRequest& request : done) EXPECT_FALSE(request.answer.error);
          });
        }
      });
    }
  }
  for (const std::uint64_t count : answered) EXPECT_EQ(count, kParcels);
  EXPECT_EQ(store->registry().seq(), kSenders * kParcels * 3);
  EXPECT_TRUE(store->registry().table().content_fault() == std::nullopt);
}

}  // namespace
}  // namespace clearline
