// A live registry from the outside: changes through the built program, killed, refused, read meanwhile, and told of later.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "tests/support/change_line.h"
#include "tests/support/files.h"
#include "tests/support/process.h"
#include "tests/support/random_input.h"

namespace clearline::test {
namespace {

namespace fs = std::filesystem;

std::string zip_text(std::uint64_t number) { return std::to_string(100'000 + number % 100'000).substr(1); }

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream whole(text);
  for (std::string line; std::getline(whole, line);) lines.push_back(line);
  return lines;
}

/// What stands behind a key of a JSON object that the program wrote, without quotes; "" where the key is not there. Of
/// keys that are there twice, inside of objects say, the first.
std::string value_of(std::string_view json, const std::string& key) {
  const std::size_t at = json.find("\"" + key + "\":");
  if (at == std::string_view::npos) return "";
  std::string_view value = json.substr(at + key.size() + 3);
  if (value.starts_with('"')) return std::string(value.substr(1, value.find('"', 1) - 1));
  const char end = value.starts_with('{') ? '}' : value.starts_with('[') ? ']' : ',';
  const std::size_t size = value.find(end);
  if (end != ',') return std::string(value.substr(0, size + 1));
  return std::string(value.substr(0, std::min(size, value.find('}'))));
}

std::uint64_t number_of(std::string_view json, const std::string& key) {
  const std::string value = value_of(json, key);
  return value.empty() || value == "null" ? 0 : std::stoull(value);
}

bool is_ok(std::string_view answer) { return value_of(answer, "ok") == "true"; }
bool is_repeat(std::string_view answer) { return value_of(answer, "repeat") == "true"; }

/// A registry directory of the codes 0 to kPeople - 1, all active, with their number in name and zip.
class Live : public testing::Test {
 protected:
  static constexpr std::uint64_t kPeople = 40;
  Live() : image(folder.path("registry.img")), directory(folder.path("live")) {
    std::string csv = "code,name,zips\n";
    for (std::uint64_t i = 0; i < kPeople; ++i) {
      csv += code_text(i) + ",KIM A" + std::to_string(i) + "," + zip_text(i) + "\n";
    }
    EXPECT_EQ(run_clearline({"registry", "build", folder.write("registry.csv", csv), "-o", image}).exit_code, 0);
    make(directory);
  }
  void make(const std::string& where) const {
    const auto made = run_clearline({"registry", "init", where, "--from", image});
    EXPECT_EQ(made.exit_code, 0) << made.err;
  }
  ProcessResult apply(const std::string& changes, ProcessSetup setup = {}) const {
    setup.input = changes;
    return run_clearline({"registry", "apply", directory, "-"}, setup);
  }
  std::vector<std::string> applied(const std::string& changes) const {
    const auto result = apply(changes);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return lines_of(result.out);
  }
  ProcessResult lookup(std::uint64_t code) const { return run_clearline({"lookup", code_text(code), "-r", directory}); }
  void expect_sound() const {
    const auto result = run_clearline({"registry", "verify", directory});
    EXPECT_EQ(result.exit_code, 0) << result.err;
  }
  /// A packed text.
  std::string write_gz(const std::string& name, const std::string& text) const {
    const gzFile file = gzopen(folder.path(name).c_str(), "wb");
    EXPECT_EQ(gzwrite(file, text.data(), static_cast<unsigned>(text.size())), static_cast<int>(text.size()));
    EXPECT_EQ(gzclose(file), Z_OK);
    return folder.path(name);
  }

  TestFolder folder;
  std::string image;
  std::string directory;
};

// --- kill -9 ---

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

TEST_F(Live, KillAtAnyMomentLosesNoAnsweredChange) {
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

// --- talking to it ---

TEST_F(Live, AnswersComeOneByOne) {
  Conversation process({"registry", "apply", directory, "-"});
  for (std::uint64_t i = 0; i < 10; ++i) {
    const std::string id = "k-" + std::to_string(i);
    ASSERT_TRUE(process.send(change_line("suspend", i, id)));
    const auto answer = process.read_line();
    ASSERT_TRUE(answer) << "none came while nothing else was sent";
    EXPECT_EQ(*answer, R"({"change_id":")" + id + R"(","ok":true,"seq":)" + std::to_string(i + 1) + "}");
  }
  const auto end = process.end();
  EXPECT_EQ(end.exit_code, 0) << end.err;
  EXPECT_EQ(end.out, "");
}

// Change s suspends code s - 1, so what each seq holds is known.
TEST_F(Live, ReadersBesideAWriter) {
  std::string day;
  for (std::uint64_t i = 0; i < kPeople; ++i) {
    day += R"({"id":"D)" + std::to_string(i) + R"(","code":")" + code_text(i) + R"(","name":"Kim A)" +
           std::to_string(i) + R"(","zip":")" + zip_text(i) + "\"}\n";
  }
  folder.write("day.ndjson", day);
  Conversation process({"registry", "apply", directory, "-"});
  std::uint64_t sent = 0;
  std::uint64_t answered = 0;
  const auto expect_seq = [&](std::uint64_t seq) {
    EXPECT_GE(seq, answered);
    EXPECT_LE(seq, sent);
  };
  for (int round = 0; round < (CLEARLINE_SANITIZED != 0 ? 4 : 12); ++round) {
    // Some that were answered, and some that are on their way while others read.
    for (int i = 0; i < 3; ++i, ++sent) {
      ASSERT_TRUE(process.send(change_line("suspend", sent, "s-" + std::to_string(sent))));
      if (i == 2) continue;
      const auto answer = process.read_line();
      ASSERT_TRUE(answer && is_ok(*answer));
      ++answered;
    }
    const auto result =
        run_clearline({"screen", folder.path("day.ndjson"), "-r", directory, "--explain", "--summary", "json"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const std::uint64_t seq = number_of(result.err, "registry_seq");
    expect_seq(seq);
    const auto verdicts = lines_of(result.out);
    ASSERT_EQ(verdicts.size(), kPeople);
    for (std::uint64_t i = 0; i < kPeople; ++i) {
      EXPECT_EQ(number_of(verdicts[i], "registry_seq"), seq) << verdicts[i];
      EXPECT_EQ(value_of(verdicts[i], "verdict"), i < seq ? "hold" : "clear") << verdicts[i] << " at seq " << seq;
    }
    const auto looked_up = lookup(answered - 1);
    EXPECT_EQ(looked_up.exit_code, 1);
    EXPECT_NE(looked_up.out.find("code_suspended"), std::string::npos) << looked_up.out;
    expect_seq(number_of(looked_up.out, "registry_seq"));
    const auto last = process.read_line();
    ASSERT_TRUE(last && is_ok(*last)) << "readers were in its way";
    ++answered;
  }
  EXPECT_EQ(process.end().exit_code, 0);
  expect_sound();
}

TEST_F(Live, ASecondWriterIsRefused) {
  Conversation first({"registry", "apply", directory, "-"});
  ASSERT_TRUE(first.send(change_line("suspend", 1, "a")));
  ASSERT_TRUE(first.read_line());
  const auto second = apply(change_line("suspend", 2, "b"));
  EXPECT_EQ(second.exit_code, 4);
  EXPECT_EQ(second.out, "");
  EXPECT_NE(second.err.find("another process changes this registry"), std::string::npos) << second.err;
  EXPECT_EQ(run_clearline({"registry", "checkpoint", directory}).exit_code, 4);
  ASSERT_TRUE(first.send(change_line("suspend", 3, "c")));
  EXPECT_EQ(first.read_line(), R"({"change_id":"c","ok":true,"seq":2})");
  EXPECT_EQ(first.end().exit_code, 0);
  EXPECT_EQ(apply(change_line("suspend", 2, "b")).exit_code, 0) << "after its end";
}

TEST_F(Live, WrongUseIsTold) {
  const auto told = [](const std::vector<std::string>& arguments, int exit_code, const std::string& words) {
    const auto result = run_clearline(arguments);
    EXPECT_EQ(result.exit_code, exit_code) << arguments[1] << ": " << result.err;
    EXPECT_NE(result.err.find("error: "), std::string::npos) << result.err;
    EXPECT_NE(result.err.find(words), std::string::npos) << result.err;
    EXPECT_EQ(result.out, "");
  };
  const std::string other = folder.path("other");
  told({"registry", "init", other}, 2, "--from");
  told({"registry", "init", other, "--from", folder.path("no.img")}, 4, "no.img");
  EXPECT_FALSE(fs::exists(other));
  told({"registry", "init", directory, "--from", image}, 5, "is a registry already");
  fs::create_directory(other);
  folder.write("other/notes.txt", "mine");
  told({"registry", "init", other, "--from", image}, 5, "not empty");
  EXPECT_EQ(read_file(folder.path("other/notes.txt")), "mine");
  const std::string changes = folder.write("changes.ndjson", change_line("suspend", 1, "a"));
  told({"registry", "apply", other, changes}, 4, "registry init");
  told({"registry", "apply", folder.path("nowhere"), changes}, 4, "registry init");
  told({"registry", "apply", image, changes}, 4, "registry init");
  told({"registry", "checkpoint", other}, 4, "registry init");
  told({"registry", "apply", directory, folder.path("no.ndjson")}, 3, "no.ndjson");
  told({"registry", "apply", directory}, 2, "--help");
  told({"registry", "export", image, "--journal"}, 2, "--journal");
  told({"registry", "export", directory, "--journal", "--format", "csv"}, 2, "--journal");
  EXPECT_EQ(number_of(run_clearline({"registry", "info", directory, "--json"}).out, "seq"), 0U);
}

// --- what comes in ---

TEST_F(Live, ABadLineLeavesItsNeighboursAlone) {
  std::string longest = change_line("suspend", 7, "long");
  longest.insert(longest.size() - 2, R"(,"note":")" + std::string(65'536 - longest.size() + 1 - 10, 'x') + "\"");
  ASSERT_EQ(longest.size(), 65'537U) << "with its line end";
  std::string too_long = longest;
  too_long.insert(too_long.size() - 3, "x");
  std::string crlf = change_line("suspend", 1, "b");
  crlf.insert(crlf.size() - 1, "\r");
  std::string last = change_line("suspend", 8, "last");
  last.pop_back();
  const std::string text = "\xEF\xBB\xBF" + change_line("suspend", 0, "a") +                      // 1
                           "no object\n" +                                                        // 2
                           crlf +                                                                 // 3
                           "\n \t\r\n" +                                                          // 4, 5: blank
                           "{\"op\":\"suspend\"\n" +                                              // 6: cut off
                           R"({"op":"suspend","code":"P1","change_id":"c"})" + "\n" +             // 7
                           R"({"op":"suspend","code":"P000000000002"})" + "\n" +                  // 8
                           R"({"op":"explode","code":"P000000000002","change_id":"d"})" + "\n" +  // 9
                           R"({"op":"suspend","op":"cancel","code":"P000000000002","change_id":"e"})" + "\n" +  // 10
                           "\xFF\xFE\n" +                                                                       // 11
                           too_long +                                                                           // 12
                           longest +                                                                            // 13
                           change_line("amend", 2, "f", R"(,"zips":["1234"])") +                                // 14
                           "\xEF\xBB\xBF" + change_line("suspend", 3, "g") +  // 15: a BOM in the middle
                           change_line("suspend", 0, std::string(65, 'i')) +  // 16
                           last;                                              // 17
  const auto answers = applied(text);
  const std::vector<std::string> expected{R"({"change_id":"a","ok":true,"seq":1})",
                                          R"({"change_id":null,"line":2,"ok":false,"error":"malformed")",
                                          R"({"change_id":"b","ok":true,"seq":2})",
                                          R"({"change_id":null,"line":6,"ok":false,"error":"malformed")",
                                          R"({"change_id":"c","ok":false,"error":"malformed")",
                                          R"({"change_id":null,"line":8,"ok":false,"error":"malformed")",
                                          R"({"change_id":"d","ok":false,"error":"malformed")",
                                          R"({"change_id":"e","ok":false,"error":"malformed")",
                                          R"({"change_id":null,"line":11,"ok":false,"error":"malformed")",
                                          R"({"change_id":null,"line":12,"ok":false,"error":"malformed")",
                                          R"({"change_id":"long","ok":true,"seq":3})",
                                          R"({"change_id":"f","ok":false,"error":"malformed")",
                                          R"({"change_id":null,"line":15,"ok":false,"error":"malformed")",
                                          R"({"change_id":null,"line":16,"ok":false,"error":"malformed")",
                                          R"({"change_id":"last","ok":true,"seq":4})"};
  ASSERT_EQ(answers.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(answers[i].starts_with(expected[i])) << answers[i] << " is not " << expected[i];
  }
}

TEST_F(Live, CompressedChangesAreRead) {
  std::string text;
  for (std::uint64_t i = 0; i < kPeople; ++i) text += change_line("suspend", i, "k-" + std::to_string(i));
  const std::string packed = write_gz("changes.ndjson.gz", text);
  const auto result = run_clearline({"registry", "apply", directory, packed});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(lines_of(result.out).size(), kPeople);
  EXPECT_EQ(lookup(kPeople - 1).exit_code, 1);

  // One that is cut off is told, and what was read of it before is answered.
  std::string issues;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    issues += change_line("issue", 1'000 + i, "i-" + std::to_string(i), R"(,"name":"LEE B)" + std::to_string(i) + "\"");
  }
  const std::string whole = read_file(write_gz("issues.gz", issues));
  const auto cut =
      run_clearline({"registry", "apply", directory, folder.write("cut.gz", whole.substr(0, whole.size() / 2))});
  EXPECT_EQ(cut.exit_code, 3);
  EXPECT_NE(cut.err.find("cut off"), std::string::npos) << cut.err;
  const auto answers = lines_of(cut.out);
  EXPECT_LT(answers.size(), 20'000U);
  EXPECT_TRUE(std::all_of(answers.begin(), answers.end(), is_ok)) << "half a change is none";
  EXPECT_EQ(number_of(run_clearline({"registry", "info", directory, "--json"}).out, "seq"), kPeople + answers.size());
}

TEST_F(Live, NoPersonalDataInWords) {
  const std::vector<std::string> secrets{"SECRET", "Secret", "비밀", "55556666", "777777777777", "secret-id", "54321"};
  const std::string person = R"(,"name":"HONG SECRET","name_ko":"비밀","phone":"01055556666","zips":["54321"])";
  const std::string issue = change_line("issue", 777'777'777'777, "secret-id-1", person);
  const std::string good = issue + change_line("suspend", 777'777'777'777, "secret-id-2") +
                           change_line("suspend", 777'777'777'777, "secret-id-3") +
                           change_line("cancel", 777'777'777'777, "secret-id-1") +
                           change_line("amend", 777'777'777'777, "secret-id-4", R"(,"name":"HONG SECRET"})");
  const std::vector<std::string> bad{
      R"({"op":"SECRET","code":"P777777777777","change_id":"secret-id-5"})",
      R"({"op":"issue","code":"P7777777777771","change_id":"secret-id-6","name":"HONG SECRET"})",
      R"({"op":"issue","code":"P777777777777","change_id":"secret-id-7","name":"비밀"})",
      R"({"op":"amend","code":"P777777777777","change_id":"secret-id-7","zips":["54321x","54321"]})",
      R"({"op":"amend","code":"P777777777777","change_id":"secret-id-7","phone":"SECRET"})",
      R"({"op":"suspend","code":"P777777777777","change_id":"secret-id-7","at":"SECRET","by":"SECRET"})",
      R"({"SECRET":"비밀","SECRET":54321x})",
      R"({"op":"suspend","code":"P777777777777","change_id":"secret-id-7")",
      "HONG SECRET,비밀,01055556666,54321,P777777777777,secret-id"};
  std::string all = good;
  for (const std::string& line : bad) all += line + "\n";
  // A change_id belongs into an answer, and nothing else does.
  const auto silent = [&](const std::string& text, bool is_answers) {
    for (const std::string& secret : secrets) {
      if (is_answers && secret == "secret-id") continue;
      EXPECT_EQ(text.find(secret), std::string::npos) << secret << " is told: " << text;
    }
  };
  const auto run = [&](const std::vector<std::string>& arguments, int exit_code, const std::string& input = "") {
    ProcessSetup setup;
    setup.input = input;
    const auto result = run_clearline(arguments, setup);
    EXPECT_EQ(result.exit_code, exit_code) << arguments[1] << result.err;
    EXPECT_NE(result.err, "");
    silent(result.err, false);
    silent(result.out, true);
  };
  const std::string changes = folder.write("changes", all);
  run({"registry", "apply", directory, changes}, 0);
  run({"registry", "apply", directory, "-"}, 0, all);
  const std::string packed = read_file(write_gz("all.gz", all));
  run({"registry", "apply", directory, folder.write("cut.gz", packed.substr(0, packed.size() - 9))}, 3);
  run({"registry", "apply", folder.path("none"), changes}, 4);
  run({"registry", "apply", directory, changes, "P777777777777"}, 2);
  run({"registry", "apply", directory, changes, "--SECRET=54321"}, 2);
  {
    Conversation first({"registry", "apply", directory, "-"});
    ASSERT_TRUE(first.send(issue));
    ASSERT_TRUE(first.read_line());
    run({"registry", "apply", directory, changes}, 4);
  }
  run({"registry", "checkpoint", directory}, 0);
  // Damage where the person is.
  for (const auto& file : fs::directory_iterator(directory)) {
    const std::string name = file.path().filename();
    if (!name.starts_with("image-")) continue;
    std::string bytes = read_file(file.path());
    const std::size_t at = bytes.find("SECRET");
    if (at != std::string::npos) bytes[at] = 'X';
    overwrite(file.path(), bytes);
  }
  run({"registry", "verify", directory}, 4);
  const std::string journal = directory + "/journal.db";
  std::string bytes = read_file(journal);
  for (std::size_t at = bytes.find("SECRET"); at != std::string::npos; at = bytes.find("SECRET")) bytes[at] = 'X';
  overwrite(journal, bytes);
  run({"registry", "verify", directory}, 4);
  run({"registry", "apply", directory, changes}, 4);
}

// --- where answers go ---

TEST_F(Live, AnswersInAClosedPipe) {
  std::string text;
  for (std::uint64_t i = 0; i < 20'000; ++i)
    text += change_line("issue", 1'000 + i, "i-" + std::to_string(i), R"(,"name":"LEE B")");
  ProcessSetup setup;
  setup.close_stdout_early = true;
  const auto result = apply(text, setup);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err.find("error"), std::string::npos) << result.err;
  const std::string whole = result.out.substr(0, result.out.rfind('\n') + 1);
  const auto answers = lines_of(whole);
  ASSERT_FALSE(answers.empty());
  const auto again = applied(text);
  ASSERT_EQ(again.size(), 20'000U);
  for (std::size_t i = 0; i < again.size(); ++i) {
    ASSERT_EQ(number_of(again[i], "seq"), i + 1) << "once, and in order";
    if (i < answers.size()) {
      ASSERT_TRUE(is_repeat(again[i])) << "what was answered is there";
    }
  }
}

// --- disks and permissions ---

/// Issues, until one is answered otherwise. How many were ok.
std::uint64_t issue_until_refused(Conversation& process, std::uint64_t first, std::string& refusal) {
  for (std::uint64_t i = first;; ++i) {
    if (!process.send(change_line("issue", 1'000 + i, "i-" + std::to_string(i), R"(,"name":"LEE B")")))
      return i - first;
    const auto answer = process.read_line();
    refusal = answer.value_or("");
    if (!answer || !is_ok(*answer)) return i - first;
  }
}

TEST_F(Live, AFullDiskIsToldAndHeals) {
  if (geteuid() != 0) GTEST_SKIP() << "a small file system can only be mounted by root";
  const std::string small = folder.path("small");
  fs::create_directory(small);
  if (mount("tmpfs", small.c_str(), "tmpfs", 0, "size=4m") != 0) GTEST_SKIP() << "tmpfs cannot be mounted here";
  struct Unmount {
    std::string path;
    ~Unmount() { umount2(path.c_str(), MNT_DETACH); }
  } const unmount{small};
  directory = small + "/live";
  make(directory);
  const auto fill = [&] {
    std::ofstream filler(small + "/filler", std::ios::binary);
    const std::string page(4096, 'x');
    while (filler.write(page.data(), static_cast<std::streamsize>(page.size())).flush()) {
    }
  };
  std::string refusal;
  std::uint64_t done = 0;
  for (const bool heals : {true, false}) {
    Conversation process({"registry", "apply", directory, "-"});
    ASSERT_TRUE(process.send(change_line("renew", 1, "r-" + std::to_string(done), R"(,"expires":"2040-01-01")")));
    ASSERT_TRUE(is_ok(process.read_line().value_or("")));
    fill();
    done += issue_until_refused(process, done, refusal);
    ASSERT_EQ(value_of(refusal, "error"), "busy") << refusal;
    EXPECT_EQ(lookup(2).exit_code, 0) << "readers go on";
    if (heals) {
      fs::remove(small + "/filler");
      ASSERT_TRUE(process.send(change_line("issue", 1'000 + done, "i-" + std::to_string(done), R"(,"name":"LEE B")")));
      ASSERT_TRUE(is_ok(process.read_line().value_or("")));
      ++done;
    }
    const auto end = process.end();
    EXPECT_EQ(end.exit_code, heals ? 0 : 5) << end.err;
    EXPECT_EQ(end.err.find("No space left") == std::string::npos, heals) << end.err;
  }
  fs::remove(small + "/filler");
  EXPECT_TRUE(
      is_ok(applied(change_line("issue", 1'000 + done, "i-" + std::to_string(done), R"(,"name":"LEE B")")).at(0)));
  expect_sound();
  EXPECT_EQ(number_of(run_clearline({"registry", "info", directory, "--json"}).out, "seq"), done + 3);
}

TEST_F(Live, AJournalThatMayNotGrowIsTold) {
  ProcessSetup limited;
  limited.file_bytes_max = 300'000;
  Conversation process({"registry", "apply", directory, "-"}, limited);
  std::string refusal;
  const std::uint64_t done = issue_until_refused(process, 0, refusal);
  EXPECT_GT(done, 1U);
  EXPECT_EQ(value_of(refusal, "error"), "busy") << refusal;
  const auto end = process.end();
  EXPECT_EQ(end.exit_code, 5) << end.err;
  EXPECT_NE(end.err.find("journal.db: error: "), std::string::npos) << end.err;
  EXPECT_TRUE(
      is_ok(applied(change_line("issue", 1'000 + done, "i-" + std::to_string(done), R"(,"name":"LEE B")")).at(0)));
  expect_sound();
  EXPECT_EQ(number_of(run_clearline({"registry", "info", directory, "--json"}).out, "seq"), done + 1);
}

TEST_F(Live, AReadOnlyDirectoryIsReadAndNotChanged) {
  ASSERT_TRUE(is_ok(applied(change_line("suspend", 1, "a")).at(0)));
  ProcessSetup other;
  if (geteuid() == 0) {
    // Permissions mean nothing to root.
    other.user = 65'534;
    fs::permissions(folder.path(""), fs::perms::owner_all | fs::perms::others_read | fs::perms::others_exec);
    ASSERT_EQ(chown(directory.c_str(), other.user, other.user), 0);
    for (const auto& file : fs::directory_iterator(directory)) {
      ASSERT_EQ(chown(file.path().c_str(), other.user, other.user), 0);
    }
    const int started = run_clearline({"version"}, other).exit_code;
    if (started == 126 || started == 127) GTEST_SKIP() << "another user cannot run the program here";
  }
  ASSERT_EQ(chmod(directory.c_str(), 0500), 0);
  const auto looked_up = [&](std::uint64_t code) {
    return run_clearline({"lookup", code_text(code), "-r", directory}, other);
  };
  const auto suspended = looked_up(1);
  EXPECT_EQ(suspended.exit_code, 1) << suspended.err;
  EXPECT_NE(suspended.out.find("code_suspended"), std::string::npos) << suspended.out;
  EXPECT_EQ(looked_up(2).exit_code, 0);
  EXPECT_EQ(run_clearline({"registry", "verify", directory}, other).exit_code, 0);
  const auto files = std::distance(fs::directory_iterator(directory), {});
  const auto refused = apply(change_line("suspend", 2, "b"), other);
  EXPECT_EQ(refused.exit_code, 4) << refused.err;
  EXPECT_EQ(refused.out, "");
  EXPECT_NE(refused.err.find("error: "), std::string::npos) << refused.err;
  EXPECT_EQ(std::distance(fs::directory_iterator(directory), {}), files);
  ASSERT_EQ(chmod(directory.c_str(), 0700), 0);
  const auto after = apply(change_line("suspend", 2, "b"), other);
  EXPECT_EQ(after.exit_code, 0) << after.err;
}

// --- what was ---

TEST_F(Live, JournalExportAnswersAuditors) {
  const auto at = [](const std::string& time) { return R"(,"at":")" + time + "\""; };
  const auto reissue = [&](std::uint64_t code, const std::string& time) {
    return change_line("reissue", code, "r-" + std::to_string(code),
                       R"(,"new_code":")" + code_text(code + 100) + "\"" + at(time));
  };
  const auto answers =
      applied(change_line("suspend", 1, "k-81", R"(,"by":"ex_officio")" + at("2025-12-01T10:00:00+09:00")) +
              change_line("suspend", 4, "k-82", at("2025-12-01T11:00:00+09:00")) +
              reissue(2, "2025-11-30T23:59:59+09:00") + reissue(3, "2025-12-01T00:00:00+09:00") +
              reissue(4, "2025-12-01T14:59:59Z") + reissue(5, "2025-12-01T15:00:00Z") +
              change_line("amend", 7, "k-83", R"(,"zips":["11111","22222"])" + at("2025-12-02T09:00:00+09:00")) +
              change_line("amend", 7, "k-84", R"(,"name":"KIM B")" + at("2025-12-03T09:00:00+09:00")));
  for (const std::string& answer : answers) EXPECT_TRUE(is_ok(answer)) << answer;
  const auto result = run_clearline({"registry", "export", directory, "--journal"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto changes = lines_of(result.out);
  ASSERT_EQ(changes.size(), 8U);
  for (std::size_t i = 0; i < changes.size(); ++i) EXPECT_EQ(number_of(changes[i], "seq"), i + 1) << "oldest first";

  // Who suspended this code, and when?
  std::vector<std::string> suspensions;
  for (const std::string& change : changes) {
    if (value_of(change, "op") != "suspend" || value_of(change, "code") != code_text(1)) continue;
    suspensions.push_back(value_of(change, "by") + " through " + value_of(change, "actor") + ", " +
                          value_of(change, "at").substr(0, 19) + ", " + value_of(change, "change_id"));
  }
  EXPECT_EQ(suspensions, (std::vector<std::string>{"ex_officio through uid:" + std::to_string(getuid()) +
                                                   ", 2025-12-01T10:00:00, k-81"}));
  // How many codes were reissued on that day?
  EXPECT_EQ(std::count_if(changes.begin(), changes.end(),
                          [](const std::string& change) {
                            return value_of(change, "op") == "reissue" &&
                                   value_of(change, "at").starts_with("2025-12-01");
                          }),
            2);
  // What was the zip of this code before it was amended?
  std::vector<std::string> zips;
  for (const std::string& change : changes) {
    if (value_of(change, "op") != "amend" || value_of(change, "code") != code_text(7)) continue;
    const std::string before = value_of(value_of(change, "before"), "zips");
    if (before != value_of(value_of(change, "after"), "zips")) zips.push_back(before);
  }
  EXPECT_EQ(zips, (std::vector<std::string>{R"(["00007"])"}));
}

/// What a screening of codes 1 to 3, each as registered, says of them.
std::vector<std::string> verdict_words(const ProcessResult& result) {
  std::vector<std::string> words;
  for (const std::string& line : lines_of(result.out)) {
    words.push_back(value_of(line, "verdict") == "clear" ? "clear" : value_of(line, "reasons"));
  }
  return words;
}

TEST_F(Live, IsReadAsItWas) {
  const auto at = [](const std::string& time) { return ",\"at\":\"2025-12-01T" + time + "+09:00\""; };
  applied(change_line("suspend", 1, "a", at("10:00:00")) + change_line("cancel", 2, "b", at("11:00:00")) +
          change_line("resume", 1, "c", at("12:00:00")));
  std::string declarations;
  for (const auto& [code, time] :
       std::vector<std::pair<int, std::string>>{{1, "10:30:00"}, {2, "10:59:59"}, {1, "12:00:00"}}) {
    declarations += R"({"id":"D","code":")" + code_text(code) + R"(","name":"A)" + std::to_string(code) +
                    R"( KIM","zip":")" + zip_text(code) + R"(","declared_at":"2025-12-01T)" + time + "+09:00\"}\n";
  }
  const std::string day = folder.write("day.ndjson", declarations);
  const auto screened = [&](const std::string& as_of, const std::string& registry) {
    return run_clearline({"screen", day, "-r", registry, "--summary", "none", "--explain", "--as-of", as_of});
  };
  using Words = std::vector<std::string>;
  const std::string suspended = R"(["code_suspended"])";
  const std::string cancelled = R"(["code_cancelled"])";
  EXPECT_EQ(verdict_words(screened("2025-11-30", directory)), (Words{"clear", "clear", "clear"}));
  EXPECT_EQ(verdict_words(screened("seq:1", directory)), (Words{suspended, "clear", suspended}));
  EXPECT_EQ(verdict_words(screened("2025-12-01T11:00:00+09:00", directory)), (Words{suspended, cancelled, suspended}));
  EXPECT_EQ(verdict_words(screened("2025-12-01", directory)), (Words{"clear", cancelled, "clear"}));
  const auto each = screened("declared", directory);
  EXPECT_EQ(verdict_words(each), (Words{suspended, "clear", "clear"}));
  const auto lines = lines_of(each.out);
  EXPECT_EQ(number_of(lines[0], "registry_seq"), 1U);
  EXPECT_EQ(number_of(lines[2], "registry_seq"), 3U);

  const auto lookup_at = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments{"lookup", code_text(1), "-r", directory};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_clearline(arguments);
  };
  EXPECT_EQ(lookup_at({}).exit_code, 0);
  const auto then = lookup_at({"--as-of", "2025-12-01T10:00:00+09:00"});
  EXPECT_EQ(then.exit_code, 1);
  EXPECT_EQ(value_of(then.out, "reasons"), suspended);
  EXPECT_EQ(number_of(then.out, "registry_seq"), 1U);
  EXPECT_EQ(lookup_at({"--as-of", "declared", "--date", "2025-12-01T09:59:59+09:00"}).exit_code, 0);
  EXPECT_EQ(lookup_at({"--as-of", "declared", "--date", "2025-12-01T10:00:00+09:00"}).exit_code, 1);

  for (const char* as_of : {"seq:4", "yesterday", "seq:", "2025-12-01T10:00"}) {
    const auto refused = screened(as_of, directory);
    EXPECT_EQ(refused.exit_code, 2) << as_of;
    EXPECT_NE(refused.err.find("--as-of"), std::string::npos) << refused.err;
    EXPECT_TRUE(refused.out.empty());
  }
  EXPECT_EQ(screened("seq:0", image).exit_code, 0);
  const auto without = screened("declared", image);
  EXPECT_EQ(without.exit_code, 2);
  EXPECT_NE(without.err.find("has a history"), std::string::npos) << without.err;
}

TEST_F(Live, ALookUpBeforeTheHistoryNamesTheOldestMoment) {
  applied(change_line("suspend", 1, "a", R"(,"at":"2025-12-01T10:00:00+09:00")"));
  ASSERT_EQ(run_clearline({"registry", "checkpoint", directory}).exit_code, 0);
  const std::string younger = folder.path("younger");
  const std::string of = directory + "/image-00000000000000000001.img";
  ASSERT_EQ(run_clearline({"registry", "init", younger, "--from", of}).exit_code, 0);
  const auto lookup_on = [&](const char* date) {
    return run_clearline({"lookup", code_text(1), "-r", younger, "--as-of", "declared", "--date", date});
  };
  const auto refused = lookup_on("2025-12-01T09:59:59+09:00");
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_TRUE(refused.out.empty()) << refused.out;
  EXPECT_NE(refused.err.find("2025-12-01T10:00:00.000000+09:00"), std::string::npos) << refused.err;
  const auto known = lookup_on("2025-12-01T10:00:00+09:00");
  EXPECT_EQ(known.exit_code, 1);
  EXPECT_EQ(value_of(known.out, "reasons"), R"(["code_suspended"])");
}

TEST_F(Live, AnInterruptedRunGoesOnWithTheSameAsOfAlone) {
  applied(change_line("suspend", 1, "a") + change_line("resume", 1, "b"));
  const std::string day = "id,code,name,zip\nD," + code_text(1) + ",A1 KIM,00001\n";
  const std::string first = folder.write("first.csv", day);
  const std::string second = folder.write("second.csv", "no header\n");
  const auto run = [&](const std::string& as_of) {
    return run_clearline(
        {"screen", first, second, "-r", directory, "-o", folder.path("{name}.out"), "--resume", "--as-of", as_of});
  };
  EXPECT_EQ(run("seq:1").exit_code, 3) << "the first is done, the second is not";
  folder.write("second.csv", day);
  EXPECT_EQ(run("seq:2").exit_code, 2);
  EXPECT_EQ(run("seq:1").exit_code, 0);
  for (const char* name : {"first.out", "second.out"}) {
    EXPECT_NE(read_file(folder.path(name)).find("code_suspended"), std::string::npos) << name;
  }
}

TEST_F(Live, TellsWhomChangesHit) {
  const auto at = [](const std::string& time) { return ",\"at\":\"2025-12-01T" + time + "+09:00\""; };
  applied(change_line("suspend", 3, "z", at("09:00:00")) + change_line("suspend", 1, "a", at("10:00:00")) +
          change_line("amend", 2, "b", at("11:00:00") + ",\"phone\":\"01012345678\""));
  std::string declarations = "id,code,name,zip\n";
  for (int i = 0; i < 5; ++i) {
    declarations += "D" + std::to_string(i) + "," + code_text(static_cast<std::uint64_t>(i)) + ",A" +
                    std::to_string(i) + " KIM," + zip_text(static_cast<std::uint64_t>(i)) + "\n";
  }
  const std::string day = folder.write("day.csv", declarations);
  const auto impact = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments{"registry", "impact", directory, day};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_clearline(arguments);
  };
  const std::string suspended =
      R"({"id":"D1","verdict_changed":true,"before":{"verdict":"clear"},"after":{"verdict":"hold","reasons":["code_suspended"]},)"
      R"("changes":[{"seq":2,"op":"suspend","at":"2025-12-01T10:00:00.000000+09:00","by":"owner","fields":["status"]}]})"
      "\n";
  for (const char* since : {"1", "seq:1", "2025-12-01T09:00:00+09:00"}) {
    const auto result = impact({"--since", since});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const auto lines = lines_of(result.out);
    ASSERT_EQ(lines.size(), 2U) << since;
    EXPECT_EQ(lines[0] + "\n", suspended);
    EXPECT_EQ(value_of(lines[1], "verdict_changed"), "false");
    EXPECT_NE(lines[1].find(R"("fields":["phone","changed"])"), std::string::npos) << lines[1];
    EXPECT_EQ(result.out.find("010"), std::string::npos) << "no value is shown";
    EXPECT_NE(result.err.find("clear to hold"), std::string::npos) << result.err;
  }
  const auto changed = impact({"--since", "1", "--emit", "changed", "--summary", "json"});
  EXPECT_EQ(changed.out, suspended);
  EXPECT_EQ(number_of(changed.err, "lines"), 5U) << "the header is none of them";
  EXPECT_EQ(number_of(changed.err, "touched"), 2U);
  EXPECT_EQ(number_of(changed.err, "verdict_changed"), 1U);
  EXPECT_EQ(number_of(changed.err, "changes"), 2U);
  const auto csv = impact({"--since", "1", "--output-format", "csv"});
  EXPECT_EQ(csv.out,
            "id,line,verdict_changed,before,before_reasons,after,after_reasons,seqs,ops,fields\n"
            "D1,,true,clear,,hold,code_suspended,2,suspend,status\n"
            "D2,,false,clear,,clear,,3,amend,phone+changed\n");
  const auto none = impact({"--since", "3"});
  EXPECT_EQ(none.exit_code, 0);
  EXPECT_TRUE(none.out.empty());
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{}, {"--since", "declared"}, {"--since", "4"}, {"--since", "soon"}}) {
    const auto refused = impact(wrong);
    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_NE(refused.err.find("--since"), std::string::npos) << refused.err;
  }
  const auto of_image = run_clearline({"registry", "impact", image, day, "--since", "0"});
  EXPECT_EQ(of_image.exit_code, 2);
  EXPECT_NE(of_image.err.find("an image has no journal"), std::string::npos) << of_image.err;
}

}  // namespace
}  // namespace clearline::test
