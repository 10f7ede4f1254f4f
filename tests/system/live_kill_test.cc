// A live registry whose writers are killed at any moment, while it is changed and while images are written: what was answered is
// there once, and nothing else is.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <deque>
#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "tests/support/live_fixture.h"
#include "tests/support/random_input.h"

namespace clearline::test {
namespace {

namespace fs = std::filesystem;

struct SentChange {
  std::string op;
  std::uint64_t code = 0;
  std::uint64_t new_code = 0;  // reissue
  std::string id;
  std::string name;  // issue, amend
  std::string zip;

  std::string line() const {
    std::string more;
    if (!name.empty()) more += R"(,"name":")" + name + R"(","zips":[")" + zip + "\"]";
    if (op == "reissue") more += R"(,"new_code":")" + code_text(new_code) + "\"";
    return change_line(op, code, id, more);
  }
};

/// What the registry should hold, as a plain map.
class PlainRegistry {
 public:
  struct Person {
    Person() = default;
    Person(std::string with_name, std::string with_zip) : name(std::move(with_name)), zip(std::move(with_zip)) {}
    std::string name;
    std::string zip;
    std::string status = "active";
    std::string replaced_by;
  };

  explicit PlainRegistry(std::uint64_t people) {
    for (std::uint64_t i = 0; i < people; ++i) people_[code_text(i)] = Person("KIM A" + std::to_string(i), zip_text(i));
  }

  /// False: the change should have been refused.
  bool apply(const SentChange& change) {
    const std::string code = code_text(change.code);
    if (change.op == "issue") return people_.try_emplace(code, Person(change.name, change.zip)).second;
    const auto found = people_.find(code);
    if (found == people_.end()) return false;
    Person& person = found->second;
    const bool is_active = person.status == "active";
    const bool is_suspended = person.status == "suspended";
    if (change.op == "suspend") {
      person.status = "suspended";
      return is_active;
    }
    if (change.op == "resume") {
      person.status = "active";
      return is_suspended;
    }
    if (!is_active && !is_suspended) return false;
    if (change.op == "cancel") person.status = "cancelled";
    if (change.op == "amend") {
      person.name = change.name;
      person.zip = change.zip;
    }
    if (change.op == "reissue") {
      const Person renewed(person.name, person.zip);
      person.status = "replaced";
      person.replaced_by = code_text(change.new_code);
      return people_.try_emplace(code_text(change.new_code), renewed).second;
    }
    return true;
  }

  /// The columns of an export that it knows of.
  std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    lines.reserve(people_.size());
    for (const auto& [code, person] : people_) {
      lines.push_back(code + "," + person.name + ",,," + person.zip + "," + person.status + "," + person.replaced_by);
    }
    return lines;
  }

 private:
  std::map<std::string, Person> people_;
};

/// Changes sent to processes that are killed, and a ledger of their answers.
class KilledRuns {
 public:
  KilledRuns(std::string directory, std::uint64_t people, std::uint64_t seed)
      : directory_(std::move(directory)), people_(people), codes_(people), random_(seed) {}

  /// One process: it gets what was not answered yet, now and then something that was, and new changes, until it is killed.
  void run_and_kill() {
    Conversation process({"registry", "apply", directory_, "-"});
    constexpr std::size_t kWindows[] = {1, 8, 100, 4'000};
    const std::size_t window = kWindows[below(4)];
    expected_.clear();
    next_ = answered_;
    const std::size_t last_new = all_.size() + 3'000;
    // Half of them are killed at any moment, in their start too; the others at work.
    if (below(2) == 0) {
      ASSERT_TRUE(send(process, 1, last_new));
      const auto answer = process.read_line();
      ASSERT_TRUE(answer);
      ASSERT_NO_FATAL_FAILURE(take(*answer));
    }
    const std::chrono::microseconds life(below(CLEARLINE_SANITIZED != 0 ? 1'000'000 : 150'000));
    {
      const std::jthread killer([&] {
        std::this_thread::sleep_for(life);
        process.kill();
      });
      for (bool is_open = true; is_open;) {
        const std::size_t room = window - std::min(window, expected_.size());
        if (room != 0) is_open = send(process, 1 + below(room), last_new);
        auto answer = is_open && room > 1 && next_ < last_new ? process.take_line() : process.read_line();
        if (!answer && (room <= 1 || next_ >= last_new)) is_open = false;
        for (; answer; answer = process.take_line()) ASSERT_NO_FATAL_FAILURE(take(*answer));
      }
    }
    // What it had written before it died was answered too.
    while (const auto answer = process.read_line()) ASSERT_NO_FATAL_FAILURE(take(*answer));
    const auto ended = process.end();
    ASSERT_EQ(ended.exit_code, 128 + SIGKILL) << ended.err;
  }

  void kill_a_checkpoint() {
    ProcessSetup setup;
    setup.signal = SIGKILL;
    setup.signal_after_ms = 1 + static_cast<int>(below(CLEARLINE_SANITIZED != 0 ? 400 : 40));
    const auto result = run_clearline({"registry", "checkpoint", directory_}, setup);
    ASSERT_TRUE(result.exit_code == 0 || result.exit_code == 128 + SIGKILL) << result.err;
  }

  /// Everything once more, to a process that lives; then the registry is what the answers say.
  void settle() {
    std::string text;
    expected_.clear();
    for (const SentChange& change : all_) {
      if (is_answered_refused(change)) continue;
      text += change.line();
      expected_.push_back(&change);
    }
    ProcessSetup setup;
    setup.input = text;
    const auto result = run_clearline({"registry", "apply", directory_, "-"}, setup);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    for (const std::string& line : lines_of(result.out)) ASSERT_NO_FATAL_FAILURE(take(line));
    ASSERT_EQ(answered_, all_.size());

    // Each seq is one change, and none is missing: nothing was applied twice, and nothing else was.
    PlainRegistry plain(people_);
    std::uint64_t seq = 0;
    for (const auto& [of, change] : by_seq_) {
      ASSERT_EQ(of, ++seq);
      ASSERT_TRUE(plain.apply(*change)) << change->line();
    }
    const auto info = run_clearline({"registry", "info", directory_, "--json"});
    ASSERT_EQ(number_of(info.out, "seq"), seq) << info.out;
    const auto exported = run_clearline({"registry", "export", directory_, "--format", "csv"});
    ASSERT_EQ(exported.exit_code, 0) << exported.err;
    auto lines = lines_of(exported.out);
    ASSERT_FALSE(lines.empty());
    ASSERT_TRUE(lines[0].starts_with("code,name,name_ko,phone,zips,status,replaced_by,")) << lines[0];
    lines.erase(lines.begin());
    const auto expected = plain.lines();
    ASSERT_EQ(lines.size(), expected.size());
    for (std::size_t i = 0; i < lines.size(); ++i) ASSERT_TRUE(lines[i].starts_with(expected[i] + ",")) << lines[i];
  }

  std::uint64_t repeats() const { return repeats_; }
  std::uint64_t changes() const { return by_seq_.size(); }

 private:
  std::uint64_t below(std::uint64_t count) { return random_() % count; }

  const SentChange& make_change() {
    SentChange& change = all_.emplace_back();
    constexpr const char* kOps[] = {"issue",   "issue",   "amend",  "amend",  "amend",   "suspend",
                                    "suspend", "suspend", "resume", "resume", "reissue", "cancel"};
    change.op = kOps[below(std::size(kOps))];
    change.id = "k-" + std::to_string(all_.size());
    change.code = change.op == "issue" ? codes_++ : below(codes_);
    if (change.op == "reissue") change.new_code = codes_++;
    if (change.op == "issue" || change.op == "amend") {
      change.name = "LEE V" + std::to_string(all_.size());
      change.zip = zip_text(all_.size());
    }
    return change;
  }

  /// Sends so many changes at most. False: the process is gone.
  bool send(Conversation& process, std::size_t count, std::size_t last_new) {
    std::string text;
    for (; count > 0 && next_ < last_new; --count) {
      const SentChange* change = nullptr;
      if (below(8) == 0 && !by_seq_.empty()) {
        const auto old = by_seq_.lower_bound(1 + below(by_seq_.rbegin()->first));
        change = old->second;
      } else {
        if (next_ == all_.size()) make_change();
        change = &all_[next_++];
      }
      expected_.push_back(change);
      text += change->line();
    }
    return process.send(text);
  }

  bool is_answered_refused(const SentChange& change) const {
    return refused_.contains(&change) && !seqs_.contains(&change);
  }

  /// An answer: to the change that was sent first of those that have none.
  void take(const std::string& answer) {
    ASSERT_FALSE(expected_.empty()) << answer;
    const SentChange* change = expected_.front();
    expected_.pop_front();
    ASSERT_EQ(value_of(answer, "change_id"), change->id) << answer;
    const auto known = seqs_.find(change);
    if (known != seqs_.end()) {
      ++repeats_;
      ASSERT_TRUE(is_ok(answer) && is_repeat(answer)) << answer;
      ASSERT_EQ(number_of(answer, "seq"), known->second) << answer;
      return;
    }
    ASSERT_EQ(change, &all_[answered_]) << "one that has an answer gets another: " << answer;
    ++answered_;
    if (!is_ok(answer)) {
      static const std::set<std::string> kRefusals{"code_unknown", "not_active", "not_suspended", "code_exists"};
      ASSERT_TRUE(kRefusals.contains(value_of(answer, "error"))) << answer;
      refused_.insert(change);
      return;
    }
    const std::uint64_t seq = number_of(answer, "seq");
    ASSERT_TRUE(by_seq_.try_emplace(seq, change).second) << answer;
    seqs_[change] = seq;
  }

  std::string directory_;
  std::uint64_t people_;
  std::uint64_t codes_;  // how many there are, or may be
  std::mt19937_64 random_;
  std::deque<SentChange> all_;  // in the order in which they were sent first
  std::size_t answered_ = 0;    // so many of them, the first ones
  std::size_t next_ = 0;        // the first that the process at hand has not got
  std::deque<const SentChange*> expected_;
  std::map<const SentChange*, std::uint64_t> seqs_;
  std::map<std::uint64_t, const SentChange*> by_seq_;
  std::set<const SentChange*> refused_;
  std::uint64_t repeats_ = 0;
};

class LiveKill : public Live {};

TEST_F(LiveKill, KillAtAnyMomentLosesNoAnsweredChange) {
  const std::uint64_t seed = test_seed();
  std::mt19937_64 random(seed);
  const std::uint64_t kills = test_count("CLEARLINE_KILLS", CLEARLINE_SANITIZED != 0 ? 4 : 15);
  constexpr std::uint64_t kKillsOfADirectory = 25;
  std::uint64_t repeats = 0;
  std::uint64_t changes = 0;
  for (std::uint64_t killed = 0; killed < kills;) {
    fs::remove_all(directory);
    make(directory);
    KilledRuns runs(directory, kPeople, random());
    for (std::uint64_t i = 0; i < kKillsOfADirectory && killed < kills; ++i, ++killed) {
      ASSERT_NO_FATAL_FAILURE(runs.run_and_kill()) << "CLEARLINE_SEED=" << seed;
      if (random() % 2 == 0) {
        ASSERT_NO_FATAL_FAILURE(runs.kill_a_checkpoint()) << "CLEARLINE_SEED=" << seed;
      }
      ASSERT_NO_FATAL_FAILURE(expect_sound()) << "CLEARLINE_SEED=" << seed;
    }
    ASSERT_NO_FATAL_FAILURE(runs.settle()) << "CLEARLINE_SEED=" << seed;
    expect_sound();
    repeats += runs.repeats();
    changes += runs.changes();
  }
  std::printf("%llu kills, %llu changes, %llu repeats\n", static_cast<unsigned long long>(kills),
              static_cast<unsigned long long>(changes), static_cast<unsigned long long>(repeats));
  EXPECT_GT(repeats, kills);
}

}  // namespace
}  // namespace clearline::test
