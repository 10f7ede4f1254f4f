// `clearline serve` from the outside: started, fed, changed, reloaded, killed and stopped, and what it never says.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/files.h"
#include "tests/support/live_directory.h"
#include "tests/support/process.h"
#include "tests/support/random_input.h"
#include "tests/support/running_server.h"
#include "tests/support/tcp_client.h"

namespace clearline::test {
namespace {

namespace fs = std::filesystem;

std::string code_text(std::uint64_t number) {
  std::string digits = std::to_string(number);
  return "P" + std::string(12 - digits.size(), '0') + digits;
}

/// A declaration that is clear as long as its code is active.
std::string declaration(std::uint64_t number, const std::string& id) {
  return R"({"id":")" + id + R"(","code":")" + code_text(number) + R"(","name":"KIM A)" + std::to_string(number) +
         R"(","zip":")" + std::to_string(100'000 + number % 100'000).substr(1) + "\"}\n";
}

std::string change(const std::string& op, std::uint64_t number, const std::string& id, const std::string& more = "") {
  return R"({"op":")" + op + R"(","code":")" + code_text(number) + R"(","change_id":")" + id + "\"" + more + "}\n";
}

bool is_ok(const std::optional<std::string>& answer) {
  return answer && answer->find("\"ok\":true") != std::string::npos;
}

std::uint64_t seq_of(const std::string& answer) {
  const std::size_t at = answer.find("\"seq\":");
  return at == std::string::npos ? 0 : std::stoull(answer.substr(at + 6));
}

/// Kilobytes of memory that a process has in use, and its descriptors.
struct Footprint {
  long resident_kib = 0;
  std::size_t descriptors = 0;
};
Footprint footprint_of(pid_t pid) {
  Footprint found;
  const std::string folder = "/proc/" + std::to_string(pid);
  std::ifstream status(folder + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) found.resident_kib = std::stol(line.substr(6));
  }
  std::error_code error;
  for (auto at = fs::directory_iterator(folder + "/fd", error); !error && at != fs::directory_iterator();
       at.increment(error)) {
    ++found.descriptors;
  }
  return found;
}

TEST(Serve, SaysWhereItListensAndThatItIsReadyAndEndsBySigterm) {
  const LiveDirectory live;
  RunningServer server(live.path());
  ASSERT_TRUE(server.is_ready());
  ASSERT_EQ(server.changes(), std::vector<std::string>{server.socket()});
  TcpClient feed(server.feed());
  ASSERT_TRUE(feed.send(declaration(3, "D1")));
  EXPECT_EQ(feed.read_line(), R"({"id":"D1","verdict":"clear"})");
  const ProcessResult result = server.stop();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(feed.read_line(), std::nullopt);
  EXPECT_FALSE(fs::exists(server.socket()));
  std::istringstream log(result.err);
  for (std::string line; std::getline(log, line);) {
    EXPECT_TRUE(line.starts_with("{\"time\":\"") && line.ends_with("}")) << line;
  }
  EXPECT_NE(result.err.find("\"event\":\"ready\""), std::string::npos);
}

TEST(Serve, SaysThatHttpIsNotServed) {
  const LiveDirectory live;
  RunningServer server(live.path(), "[http]\nlisten = [\"127.0.0.1:0\"]\n");
  ASSERT_TRUE(server.is_ready());
  EXPECT_NE(server.stop().err.find("\"event\":\"http_not_served\""), std::string::npos);
}

TEST(Serve, SigintEndsItAsWell) {
  const LiveDirectory live;
  RunningServer server(live.path());
  ASSERT_TRUE(server.is_ready());
  EXPECT_EQ(server.stop(SIGINT).exit_code, 0);
}

TEST(Serve, AnAnsweredChangeIsInTheNextVerdictAndInTheDirectoryAfterwards) {
  const LiveDirectory live;
  RunningServer server(live.path());
  ASSERT_TRUE(server.is_ready());
  TcpClient changes(server.socket());
  TcpClient feed(server.feed());
  ASSERT_TRUE(changes.send(change("suspend", 3, "k-1")));
  EXPECT_EQ(changes.read_line(), R"({"change_id":"k-1","ok":true,"seq":1})");
  ASSERT_TRUE(feed.send(declaration(3, "D1")));
  EXPECT_EQ(feed.read_line(), R"({"id":"D1","verdict":"hold","reasons":["code_suspended"]})");
  ASSERT_TRUE(changes.send(change("resume", 3, "k-2") + change("suspend", 4, "k-3")));
  EXPECT_TRUE(is_ok(changes.read_line()));
  EXPECT_TRUE(is_ok(changes.read_line()));
  EXPECT_EQ(server.stop().exit_code, 0);
  EXPECT_EQ(run_clearline({"lookup", code_text(3), "-r", live.path()}).out.find("suspended"), std::string::npos);
  EXPECT_NE(run_clearline({"lookup", code_text(4), "-r", live.path()}).out.find("suspended"), std::string::npos);
}

TEST(Serve, AnImageIsWrittenWhenEnoughChangesHaveCome) {
  const LiveDirectory live;
  RunningServer server(live.path(), "", "", {}, "checkpoint_changes = 10\n");
  ASSERT_TRUE(server.is_ready());
  TcpClient changes(server.socket());
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(changes.send(change("suspend", static_cast<std::uint64_t>(i), "k-" + std::to_string(i))));
    ASSERT_TRUE(is_ok(changes.read_line()));
  }
  const std::string image = live.file("image-00000000000000000010.img");
  for (int i = 0; i < 4'000 && !fs::exists(image); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_TRUE(fs::exists(image));
  const ProcessResult result = server.stop();
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_NE(result.err.find("\"event\":\"checkpoint\",\"seq\":10"), std::string::npos) << result.err;
  EXPECT_EQ(run_clearline({"registry", "verify", live.path()}).exit_code, 0);
}

TEST(Serve, AnImageIsServedAndChangesAreRefused) {
  const LiveDirectory live;
  RunningServer server(live.folder().path("first.img"));
  ASSERT_TRUE(server.is_ready());
  TcpClient changes(server.socket());
  ASSERT_TRUE(changes.send(change("suspend", 3, "k-1")));
  const auto answer = changes.read_line();
  ASSERT_TRUE(answer);
  EXPECT_NE(answer->find("\"error\":\"read_only\""), std::string::npos) << *answer;
  TcpClient feed(server.feed());
  ASSERT_TRUE(feed.send(declaration(3, "D1")));
  EXPECT_EQ(feed.read_line(), R"({"id":"D1","verdict":"clear"})");
}

TEST(Serve, WhatIsMissingOrInUseIsToldWithItsExitCode) {
  const LiveDirectory live;
  const TestFolder folder;
  const auto config = [&](const std::string& text) { return folder.write("server.toml", text); };
  const auto serve = [&](const std::string& text) {
    ProcessSetup setup;
    setup.signal_after_ms = 20'000;  // should it start after all
    setup.signal = SIGTERM;
    return run_clearline({"serve", "--config", config(text)}, setup);
  };
  EXPECT_EQ(run_clearline({"serve"}).exit_code, 2);
  EXPECT_EQ(run_clearline({"serve", "--config", folder.path("none.toml")}).exit_code, 78);
  EXPECT_EQ(serve("[registry]\ndir = \"" + folder.path("none") + "\"\n[changes]\nsocket = \"\"\n").exit_code, 4);
  EXPECT_EQ(serve("[registry]\ndri = \"x\"\n").exit_code, 78);
  RunningServer server(live.path());
  ASSERT_TRUE(server.is_ready());
  const std::string image = "[registry]\nimage = \"" + live.folder().path("first.img") + "\"\n";
  const ProcessResult taken = serve(image + "[feed]\nlisten = [\"" + server.feed() + "\"]\n[changes]\nsocket = \"\"\n");
  EXPECT_EQ(taken.exit_code, 78);
  EXPECT_NE(taken.err.find(server.feed()), std::string::npos) << taken.err;
  EXPECT_EQ(
      serve("[registry]\ndir = \"" + live.path() + "\"\n[feed]\nlisten = [\"127.0.0.1:0\"]\n[changes]\nsocket = \"\"\n")
          .exit_code,
      4);  // another process changes it
  EXPECT_EQ(
      serve(image + "[feed]\nlisten = [\"127.0.0.1:0\"]\n[changes]\nsocket = \"" + server.socket() + "\"\n").exit_code,
      78);
  EXPECT_EQ(serve(image + "[feed]\nlisten = [\"0.0.0.0:7400\"]\n").exit_code, 78);
}

TEST(Serve, FileAndFeedGiveTheSameVerdicts) {
  const std::uint64_t count = test_count("CLEARLINE_FEED_DECLARATIONS", CLEARLINE_SANITIZED != 0 ? 20'000 : 200'000);
  const TestFolder folder;
  ASSERT_EQ(
      run_clearline({"generate", "registry", "--count", "20000", "--seed", "9", "-o", folder.path("r.csv")}).exit_code,
      0);
  ASSERT_EQ(run_clearline({"registry", "build", folder.path("r.csv"), "-o", folder.path("r.img")}).exit_code, 0);
  ASSERT_EQ(run_clearline({"generate", "declarations", "--registry-count", "20000", "--seed", "9", "--count",
                           std::to_string(count), "--malformed", "1%", "--day", "2026-11-01", "--format", "ndjson",
                           "-o", folder.path("d.ndjson")})
                .exit_code,
            0);
  ASSERT_EQ(
      run_clearline({"screen", folder.path("d.ndjson"), "-r", folder.path("r.img"), "-o", folder.path("file.ndjson")})
          .exit_code,
      0);
  // They were declared some time ago.
  RunningServer server(folder.path("r.img"), "", "declared_at_window = \"3660d\"\n");
  ASSERT_TRUE(server.is_ready());
  TcpClient feed(server.feed());
  ASSERT_TRUE(feed.send(read_file(folder.path("d.ndjson"))));
  feed.half_close();
  const std::string expected = read_file(folder.path("file.ndjson"));
  const std::string got = feed.read_all();
  ASSERT_EQ(got.size(), expected.size());
  EXPECT_TRUE(got == expected) << "byte "
                               << std::mismatch(got.begin(), got.end(), expected.begin()).first - got.begin();
}

TEST(Serve, AReloadTakesANewConfigurationAndKeepsTheOldOneWhereTheNewIsWrong) {
  const LiveDirectory live;
  const auto client = [](const std::string& name, const std::string& hash) {
    return "[[client]]\nname = \"" + name + "\"\nrole = \"feed\"\ntoken_hash = \"" + hash + "\"\n";
  };
  // SHA-256 of "one" and "two".
  const std::string one = client("one", "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed");
  const std::string two = client("two", "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3");
  RunningServer server(live.path(), one);
  ASSERT_TRUE(server.is_ready());
  const auto greeting = [&](const std::string& token) {
    TcpClient feed(server.feed());
    EXPECT_TRUE(feed.send("{\"hello\":{\"token\":\"" + token + "\"}}\n"));
    return is_ok(feed.read_line());
  };
  EXPECT_TRUE(greeting("one"));
  EXPECT_FALSE(greeting("two"));
  server.write(live.path(), one + two);
  server.process().signal(SIGHUP);
  bool taken = false;
  for (int i = 0; i < 2'000 && !taken; ++i) {
    taken = greeting("two");
    std::this_thread::sleep_for(std::chrono::milliseconds(taken ? 0 : 5));
  }
  EXPECT_TRUE(taken);
  server.write(live.path(), two + "[limits]\nline_bites = 3\n");
  TcpClient operators(server.socket());
  ASSERT_TRUE(operators.send("{\"request\":\"reload\"}\n"));
  const auto refused = operators.read_line();
  ASSERT_TRUE(refused);
  EXPECT_NE(refused->find("{\"reload\":{\"ok\":false"), std::string::npos) << *refused;
  EXPECT_TRUE(greeting("one"));
  const ProcessResult result = server.stop();
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_NE(result.err.find("line_bites"), std::string::npos) << result.err;
}

/// What was answered about codes, for whoever screens at the same time. Of each code: 0 active, 1 a suspend is under way, 2 it
/// was answered, 3 a resume is under way, 4 that was answered, and so on; 1'000'000 is added when it is gone for good.
class AnsweredStates {
 public:
  explicit AnsweredStates(std::size_t codes) : states_(codes) {}
  std::uint64_t of(std::size_t code) const { return states_[code].load(std::memory_order_seq_cst); }
  void advance(std::size_t code) { states_[code].fetch_add(1, std::memory_order_seq_cst); }

 private:
  std::vector<std::atomic<std::uint64_t>> states_;
};

TEST(Serve, StopMeansStopAndResumeMeansResume) {
  constexpr std::size_t kCodes = 400;      // suspended and resumed, again and again
  constexpr std::size_t kGoneFirst = 400;  // from here on cancelled and reissued once
  constexpr std::size_t kGone = 400;
  const std::uint64_t wanted = test_count("CLEARLINE_PROBES", CLEARLINE_SANITIZED != 0 ? 20'000 : 200'000);
  const std::uint64_t changes_wanted = wanted / 1'000;  // however slow the disk is
  const LiveDirectory live(kCodes + kGone);
  RunningServer server(live.path());
  ASSERT_TRUE(server.is_ready());
  AnsweredStates states(kCodes + kGone);
  std::atomic<bool> ends{false};
  std::atomic<std::uint64_t> judged{0};
  std::atomic<std::uint64_t> changed{0};

  const auto apply = [&](TcpClient& changes, std::size_t code, const std::string& line) {
    states.advance(code);
    const bool ok = changes.send(line) && is_ok(changes.read_line());
    EXPECT_TRUE(ok) << line;
    states.advance(code);
    changed.fetch_add(1);
    return ok;
  };
  std::jthread changer([&] {
    TcpClient changes(server.socket());
    std::mt19937_64 random(1);
    std::size_t gone = 0;
    for (std::uint64_t i = 0; !ends.load(); ++i) {
      const std::size_t code = random() % kCodes;
      const bool is_active = states.of(code) % 4 == 0;
      if (!apply(changes, code, change(is_active ? "suspend" : "resume", code, "k-" + std::to_string(i)))) return;
      if (i % 8 != 0 || gone == kGone) continue;
      const std::size_t leaving = kGoneFirst + gone++;
      const std::string id = "g-" + std::to_string(leaving);
      const bool is_reissue = leaving % 2 == 0;
      if (!apply(changes, leaving,
                 is_reissue ? change("reissue", leaving, id, R"(,"new_code":")" + code_text(1'000'000 + leaving) + "\"")
                            : change("cancel", leaving, id))) {
        return;
      }
    }
  });
  std::jthread disturber([&] {
    TcpClient operators(server.socket());
    while (!ends.load()) {
      EXPECT_TRUE(operators.send("{\"request\":\"checkpoint\"}\n{\"request\":\"reload\"}\n"));
      EXPECT_TRUE(is_ok(operators.read_line()));
      EXPECT_TRUE(is_ok(operators.read_line()));
      server.process().signal(SIGHUP);
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
  const auto probe = [&](std::uint64_t seed) {
    TcpClient feed(server.feed());
    std::mt19937_64 random(seed);
    constexpr std::size_t kBatch = 40;
    while ((judged.load() < wanted || changed.load() <= changes_wanted) && !testing::Test::HasFailure()) {
      std::array<std::size_t, kBatch> codes;
      std::array<std::uint64_t, kBatch> before;
      std::string text;
      for (std::size_t i = 0; i < kBatch; ++i) {
        codes[i] = random() % (kCodes + kGone);
        before[i] = states.of(codes[i]);
        text += declaration(codes[i], "D");
      }
      ASSERT_TRUE(feed.send(text));
      for (std::size_t i = 0; i < kBatch; ++i) {
        const auto verdict = feed.read_line();
        ASSERT_TRUE(verdict);
        // Only what stood still from before the sending to behind the answer says what the verdict must be.
        if (before[i] % 2 != 0 || states.of(codes[i]) != before[i]) continue;
        const bool stops = codes[i] < kCodes ? before[i] % 4 == 2 : before[i] != 0;
        const bool is_clear = *verdict == R"({"id":"D","verdict":"clear"})";
        ASSERT_NE(is_clear, stops) << *verdict << " state " << before[i] << " code " << codes[i];
        judged.fetch_add(1);
      }
    }
  };
  {
    std::vector<std::jthread> probers;
    for (std::uint64_t i = 0; i < 3; ++i) probers.emplace_back(probe, i);
  }
  ends.store(true);
  changer.join();
  disturber.join();
  EXPECT_GE(judged.load(), wanted);
  EXPECT_GT(changed.load(), changes_wanted);
  EXPECT_EQ(server.stop().exit_code, 0);
  EXPECT_EQ(run_clearline({"registry", "verify", live.path()}).exit_code, 0);
}

TEST(Serve, KilledUnderLoadItLosesNoAnsweredChange) {
  constexpr std::uint64_t kCodes = 2'000;
  const std::uint64_t kills = test_count("CLEARLINE_SERVER_KILLS", CLEARLINE_SANITIZED != 0 ? 2 : 5);
  const LiveDirectory live(kCodes);
  std::map<std::uint64_t, std::uint64_t> answered;  // number of a change -> its seq
  std::uint64_t next = 0;
  std::mt19937_64 random(7);
  // Change n suspends code n, or resumes it in a second round, and so on.
  const auto line_of = [&](std::uint64_t n) {
    return change(n / kCodes % 2 == 0 ? "suspend" : "resume", n % kCodes, "k-" + std::to_string(n));
  };
  for (std::uint64_t kill = 0; kill < kills; ++kill) {
    RunningServer server(live.path());
    ASSERT_TRUE(server.is_ready());
    TcpClient changes(server.socket());
    // What was answered before the kill is answered the same now.
    if (!answered.empty()) {
      for (auto last = answered.rbegin(); last != answered.rend() && last->first + 20 > answered.rbegin()->first;
           ++last) {
        ASSERT_TRUE(changes.send(line_of(last->first)));
        EXPECT_EQ(changes.read_line(), R"({"change_id":"k-)" + std::to_string(last->first) + R"(","ok":true,"seq":)" +
                                           std::to_string(last->second) + ",\"repeat\":true}");
      }
    }
    // Sent and never answered: it happened, or it happens now; either way it is answered.
    std::jthread flood([&] {
      TcpClient feed(server.feed());
      std::string text;
      for (std::uint64_t i = 0; i < 500; ++i) text += declaration(i, "D");
      while (feed.ok() && feed.send(text)) {
      }
    });
    std::jthread killer([&, patience = 100 + random() % 300] {
      std::this_thread::sleep_for(std::chrono::milliseconds(patience));
      server.process().kill();
    });
    next = answered.empty() ? 0 : answered.rbegin()->first + 1;
    std::uint64_t sent = next;
    for (;;) {
      std::string text;
      for (int i = 0; i < 20; ++i) text += line_of(sent++);
      if (!changes.send(text)) break;
      bool is_over = false;
      for (int i = 0; i < 20 && !is_over; ++i) {
        const auto answer = changes.read_line();
        is_over = !answer;
        if (is_over) break;
        ASSERT_TRUE(is_ok(answer)) << *answer;
        answered[next++] = seq_of(*answer);
      }
      if (is_over) break;
    }
  }
  ASSERT_FALSE(answered.empty());
  // All of them are in the directory, each once and under its seq.
  std::map<std::string, std::uint64_t> journal;
  const ProcessResult exported = run_clearline({"registry", "export", live.path(), "--journal"});
  ASSERT_EQ(exported.exit_code, 0) << exported.err;
  std::istringstream rows(exported.out);
  for (std::string row; std::getline(rows, row);) {
    const std::size_t at = row.find("\"change_id\":\"") + 13;
    EXPECT_TRUE(journal.emplace(row.substr(at, row.find('"', at) - at), seq_of(row)).second) << "twice";
  }
  for (const auto& [number, seq] : answered) EXPECT_EQ(journal["k-" + std::to_string(number)], seq);
  EXPECT_EQ(run_clearline({"registry", "verify", live.path()}).exit_code, 0);
}

TEST(Serve, TenThousandIdleConnectionsAreHeldAndTheNextOneIsRefused) {
  constexpr std::size_t kConnections = CLEARLINE_SANITIZED != 0 ? 1'000 : 10'000;
  rlimit descriptors{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &descriptors), 0);
  if (descriptors.rlim_max < kConnections + 500) GTEST_SKIP() << "needs " << kConnections << " descriptors";
  const rlimit before = descriptors;
  descriptors.rlim_cur = descriptors.rlim_max;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &descriptors), 0);
  const LiveDirectory live;
  RunningServer server(live.path(), "[limits]\nconnections = " + std::to_string(kConnections) +
                                        "\nconnections_per_address = " + std::to_string(kConnections) + "\n");
  ASSERT_TRUE(server.is_ready());
  const Footprint empty = footprint_of(server.process().pid());
  {
    std::vector<TcpClient> idle;
    for (std::size_t i = 0; i < kConnections; ++i) {
      idle.emplace_back(server.feed());
      ASSERT_TRUE(idle.back().ok()) << i;
    }
    // Each of them is a connection that is served.
    for (std::size_t i = 0; i < kConnections; i += 997) {
      ASSERT_TRUE(idle[i].send(declaration(1, "D")));
      ASSERT_EQ(idle[i].read_line(), R"({"id":"D","verdict":"clear"})") << i;
    }
    ASSERT_TRUE(idle.back().send(declaration(1, "D")));
    ASSERT_EQ(idle.back().read_line(), R"({"id":"D","verdict":"clear"})");
    const Footprint full = footprint_of(server.process().pid());
    if (CLEARLINE_SANITIZED == 0) {
      EXPECT_LT(full.resident_kib - empty.resident_kib, long{kConnections} * 2);
    }
    EXPECT_TRUE(TcpClient(server.feed()).read_all().starts_with("{\"closing\":{\"error\":\"connections\""));
  }
  for (int i = 0; i < 2'000 && footprint_of(server.process().pid()).descriptors > empty.descriptors; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_LE(footprint_of(server.process().pid()).descriptors, empty.descriptors);
  EXPECT_EQ(server.stop().exit_code, 0);
  setrlimit(RLIMIT_NOFILE, &before);
}

TEST(Serve, TenThousandResetsLeaveDescriptorsAndMemoryAsTheyWere) {
  constexpr std::uint64_t kPeers = CLEARLINE_SANITIZED != 0 ? 600 : 10'000;
  const LiveDirectory live;
  RunningServer server(live.path());
  ASSERT_TRUE(server.is_ready());
  std::string text;
  for (std::uint64_t i = 0; i < 100; ++i) text += declaration(i % 20, "D");
  const auto abuse = [&](std::uint64_t peers) {
    for (std::uint64_t i = 0; i < peers; ++i) {
      TcpClient peer(server.feed());
      peer.send_some(std::string_view(text).substr(0, 1 + i * 37 % text.size()));
      if (i % 3 == 0) peer.read_line(std::chrono::milliseconds(2));
      peer.reset();
    }
  };
  abuse(kPeers / 10);  // what is allocated once is
  const Footprint before = footprint_of(server.process().pid());
  abuse(kPeers);
  Footprint after = footprint_of(server.process().pid());
  for (int i = 0; i < 2'000 && after.descriptors > before.descriptors; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    after = footprint_of(server.process().pid());
  }
  EXPECT_LE(after.descriptors, before.descriptors);
  if (CLEARLINE_SANITIZED == 0) {
    EXPECT_LT(after.resident_kib, before.resident_kib + 2'048);
  }
  EXPECT_EQ(server.stop().exit_code, 0);
}

TEST(Serve, NothingItSaysHoldsWhatPeersAndRegistriesAreMadeOf) {
  const TestFolder folder;
  const std::string name = "QXZVWALDO";
  folder.write("r.csv",
               "code,name,name_ko,phone,zips\nP987654321098," + name + " MARGUERITE,홍콩박,01087651234,54321\n");
  ASSERT_EQ(run_clearline({"registry", "build", folder.path("r.csv"), "-o", folder.path("r.img")}).exit_code, 0);
  ASSERT_EQ(run_clearline({"registry", "init", folder.path("live"), "--from", folder.path("r.img")}).exit_code, 0);
  const std::string token = "tok-kjh34kjh5kjh6kjh";
  folder.write("token", token + "\n");
  chmod(folder.path("token").c_str(), 0600);
  RunningServer server(folder.path("live"),
                       "[log]\nlevel = \"debug\"\n[[client]]\nname = \"courier-a\"\nrole = \"feed\"\ntoken_file = \"" +
                           folder.path("token") + "\"\n");
  ASSERT_TRUE(server.is_ready());
  std::string said;
  {
    TcpClient feed(server.feed());
    ASSERT_TRUE(feed.send(
        "{\"hello\":{\"token\":\"" + token + "\"}}\n{\"id\":\"D1\",\"code\":\"P987654321098\",\"name\":\"" + name +
        " JACQUELINE\",\"zip\":\"99887\",\"phone\":\"01011112222\"}\n{\"id\":\"" + name + "\",\"code\":\n"));
    feed.half_close();
    said += feed.read_all();
    TcpClient denied(server.feed());
    ASSERT_TRUE(denied.send("{\"hello\":{\"token\":\"tok-wrong-" + name + "\"}}\n"));
    said += denied.read_all();
    TcpClient changes(server.socket());
    ASSERT_TRUE(changes.send("{\"op\":\"amend\",\"code\":\"P987654321098\",\"change_id\":\"k-1\",\"name\":\"" + name +
                             " BERTHE\",\"zips\":[\"1\"]}\n"
                             "{\"op\":\"suspend\",\"code\":\"P987654321098\",\"change_id\":\"k-2\"}\n{\"op\":\"" +
                             name + "\"}\n" + name +
                             "\n"
                             "{\"request\":\"status\"}\n{\"request\":\"" +
                             name + "\"}\n{\"request\":\"checkpoint\"}\n"));
    changes.half_close();
    said += changes.read_all();
  }
  server.write(folder.path("live"),
               "[[client]]\nname = \"x\"\nrole = \"" + name + "\"\ntoken_hash = \"" + token + "\"\n");
  server.process().signal(SIGHUP);
  said += run_clearline({"status", "--socket", server.socket()}).out;
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  server.process().signal(SIGABRT);  // what a crash would leave
  const ProcessResult result = server.process().end();
  EXPECT_EQ(result.exit_code, 128 + SIGABRT);
  said += result.err + result.out;
  for (const std::string& planted :
       {name, std::string("MARGUERITE"), std::string("홍콩박"), std::string("01087651234"), std::string("54321"),
        std::string("99887"), std::string("JACQUELINE"), std::string("01011112222"), token, std::string("tok-wrong"),
        std::string("987654321098")}) {
    EXPECT_EQ(said.find(planted), std::string::npos) << planted << "\n" << said;
  }
  for (const auto& file : fs::directory_iterator(fs::current_path())) {
    EXPECT_FALSE(file.path().filename().string().starts_with("core")) << file.path();
  }
}

}  // namespace
}  // namespace clearline::test
