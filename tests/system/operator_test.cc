// What operators do with a running server, from the outside: status, control, and the ways of ending it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/eventually.h"
#include "tests/support/files.h"
#include "tests/support/live_directory.h"
#include "tests/support/process.h"
#include "tests/support/running_server.h"
#include "tests/support/tcp_client.h"

namespace clearline::test {
namespace {

using Clock = std::chrono::steady_clock;

const std::string kSuspend = R"({"op":"suspend","code":"P000000000003","change_id":"k-1"})"
                             "\n";

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Operator, StatusIsShownAsTextAndAsJson) {
  const LiveDirectory live;
  RunningServer server(live.path());
  ASSERT_TRUE(server.is_ready());
  TcpClient changes(server.socket());
  ASSERT_TRUE(changes.send(kSuspend));
  ASSERT_EQ(changes.read_line(), R"({"change_id":"k-1","ok":true,"seq":1})");
  TcpClient feed(server.feed());
  ASSERT_TRUE(feed.send("nonsense\n"));
  ASSERT_TRUE(feed.read_line());
  const ProcessResult text = run_clearline({"status", "--socket", server.socket()});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  for (const std::string line : {"registry.seq", "registry.state", "feeds.lines", "feeds.verdicts.error",
                                 "changes.latency_us.p99", "commits.journal_us.p50", "limits.idle_timeout"}) {
    EXPECT_TRUE(text.out.starts_with(line) || has(text.out, "\n" + line + " ")) << line << "\n" << text.out;
  }
  EXPECT_TRUE(has(text.out, "\nregistry.seq" + std::string(44 - 12, ' ') + "1\n")) << text.out;
  EXPECT_TRUE(has(text.out, "\nregistry.state" + std::string(44 - 14, ' ') + "ready\n")) << text.out;
  const ProcessResult json = run_clearline({"status", "--config", server.config(), "--format", "json"});
  EXPECT_EQ(json.exit_code, 0) << json.err;
  EXPECT_TRUE(json.out.starts_with("{\"version\":\"") && json.out.ends_with("}\n")) << json.out;
  EXPECT_TRUE(has(json.out, "\"seq\":1,")) << json.out;
  EXPECT_TRUE(has(json.out, "\"verdicts\":{\"clear\":0,\"review\":0,\"hold\":0,\"error\":1}")) << json.out;
}

TEST(Operator, CheckpointAndReloadAreDoneAndTold) {
  const LiveDirectory live;
  RunningServer server(live.path());
  ASSERT_TRUE(server.is_ready());
  TcpClient changes(server.socket());
  ASSERT_TRUE(changes.send(kSuspend));
  ASSERT_TRUE(changes.read_line());
  const auto checkpoint = [&] { return run_clearline({"control", "checkpoint", "--config", server.config()}); };
  EXPECT_EQ(checkpoint().out, "{\"checkpoint\":{\"ok\":true,\"seq\":1,\"written\":true}}\n");
  EXPECT_EQ(checkpoint().out, "{\"checkpoint\":{\"ok\":true,\"seq\":1,\"written\":false}}\n");
  const ProcessResult reload = run_clearline({"control", "reload", "--socket", server.socket()});
  EXPECT_EQ(reload.exit_code, 0) << reload.err;
  EXPECT_EQ(reload.out, "{\"reload\":{\"ok\":true}}\n");
  server.write(live.path(), "[limits]\nline_bites = 3\n");
  const ProcessResult refused = run_clearline({"control", "reload", "--socket", server.socket()});
  EXPECT_EQ(refused.exit_code, 6);
  EXPECT_EQ(refused.out, "");
  EXPECT_TRUE(has(refused.err, "line_bites")) << refused.err;
  const ProcessResult status = run_clearline({"status", "--format", "json", "--socket", server.socket()});
  EXPECT_TRUE(has(status.out, "\"reloads\":1,\"failed_reloads\":1,")) << status.out;
}

TEST(Operator, OnlyAReloadThatNeedsARestartSaysSo) {
  const LiveDirectory live;
  RunningServer server(live.path());
  ASSERT_TRUE(server.is_ready());
  const std::vector<std::string> reload{"control", "reload", "--socket", server.socket()};
  EXPECT_EQ(run_clearline(reload).exit_code, 0);
  EXPECT_FALSE(has(server.stop().err, "restart_needed"));
  RunningServer second(live.path());
  ASSERT_TRUE(second.is_ready());
  second.write(live.path(), "[limits]\nline_bytes = 4096\n");
  EXPECT_EQ(run_clearline({"control", "reload", "--socket", second.socket()}).exit_code, 0);
  EXPECT_TRUE(has(second.stop().err, "restart_needed"));
}

TEST(Operator, AnImageHasNothingToCheckpoint) {
  const LiveDirectory live;
  RunningServer server(live.folder().path("first.img"));
  ASSERT_TRUE(server.is_ready());
  EXPECT_EQ(run_clearline({"control", "checkpoint", "--socket", server.socket()}).exit_code, 6);
  const ProcessResult status = run_clearline({"status", "--format", "json", "--socket", server.socket()});
  EXPECT_TRUE(has(status.out, "\"state\":\"image\",\"read_only\":true")) << status.out;
}

TEST(Operator, WhereNobodyAnswersTheExitCodeSaysSo) {
  const TestFolder folder;
  for (const std::string verb : {"status", "checkpoint", "reload"}) {
    std::vector<std::string> arguments;
    if (verb != "status") arguments.emplace_back("control");
    arguments.push_back(verb);
    const auto run = [&](const std::string& option, const std::string& value) {
      std::vector<std::string> all = arguments;
      all.insert(all.end(), {option, value});
      return run_clearline(all).exit_code;
    };
    EXPECT_EQ(run("--socket", folder.path("none.sock")), 6) << verb;
    EXPECT_EQ(run("--socket", folder.path(std::string(300, 'x'))), 6) << verb;
    EXPECT_EQ(run("--config", folder.path("none.toml")), 78) << verb;
    EXPECT_EQ(run("--config", folder.write("socketless.toml", "[registry]\nimage = \"x\"\n[changes]\nsocket = \"\"\n")),
              2)
        << verb;
    EXPECT_EQ(run("--socket", ""), 2) << verb;
    EXPECT_EQ(run("--format", "xml"), 2) << verb;
  }
  EXPECT_EQ(run_clearline({"control"}).exit_code, 2);
  EXPECT_EQ(run_clearline({"control", "shutdown"}).exit_code, 2);
  EXPECT_EQ(run_clearline({"status", "--socket", "a", "--config", "b"}).exit_code, 2);
}

/// Answers one request on a Unix socket with whatever a test wants.
class OtherServer {
 public:
  OtherServer(const std::string& path, std::string answer) : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_un address = unix_address(path);
    if (fd_ < 0) std::abort();
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(fd_, 1), 0);
    thread_ = std::jthread([this, answer = std::move(answer)] {
      const int peer = accept(fd_, nullptr, nullptr);
      if (peer < 0) return;  // nobody came
      std::array<char, 256> request;
      if (recv(peer, request.data(), request.size(), 0) > 0) {
        std::string_view left = answer;
        while (!left.empty()) {
          const ssize_t sent = send(peer, left.data(), left.size(), MSG_NOSIGNAL);
          if (sent <= 0) break;
          left.remove_prefix(static_cast<std::size_t>(sent));
        }
      }
      close(peer);
    });
  }
  ~OtherServer() {
    shutdown(fd_, SHUT_RDWR);
    thread_.join();
    close(fd_);
  }

 private:
  int fd_;
  std::jthread thread_;
};

TEST(Operator, WhatIsNoAnswerOfAServerIsRefused) {
  const TestFolder folder;
  int number = 0;
  for (const std::string& answer :
       {std::string("x\n"), std::string("220 mail.example ESMTP ready\n"), std::string("{\"status\":}}}}}\n"),
        std::string("{\"status\":{}}}\n"), std::string("{\"status\":{},\"more\":{}}\n"),
        std::string("{\"reload\":{\"ok\":true}}\n"), std::string("{\"status\":{}}"), std::string(),
        std::string(std::size_t{8} << 20, 'x')}) {
    const std::string path = folder.path(std::to_string(++number));
    const OtherServer server(path, answer);
    const ProcessResult result = run_clearline({"status", "--socket", path});
    EXPECT_EQ(result.exit_code, 6) << number;
    EXPECT_EQ(result.out, "") << number;
    EXPECT_FALSE(has(result.err, "mail")) << result.err;
  }
}

TEST(Operator, WhatAServerOfAnotherVersionKnowsIsShownToo) {
  const TestFolder folder;
  const OtherServer server(folder.path("socket"),
                           R"({"status":{"policy":"a\"}}}}\\","more":{"list":["}",{"a":[1]}],"none":null},"last":-1}})"
                           "\n");
  const auto line = [](const std::string& name, const std::string& value) {
    return name + std::string(44 - name.size(), ' ') + value + "\n";
  };
  EXPECT_EQ(run_clearline({"status", "--socket", folder.path("socket")}).out,
            line("policy", R"(a\"}}}}\\)") + line("more.list", R"(["}",{"a":[1]}])") + line("more.none", "null") +
                line("last", "-1"));
}

TEST(Operator, ASignalWhileItLoadsEndsItAtOnce) {
  const LiveDirectory live;
  const TestFolder folder;
  // Nobody ever writes to it: whoever reads it waits.
  const std::string image = folder.path("never.img");
  ASSERT_EQ(mkfifo(image.c_str(), 0600), 0);
  const std::string config =
      folder.write("server.toml", "[registry]\nimage = \"" + image +
                                      "\"\n[feed]\nlisten = [\"127.0.0.1:0\"]\n[changes]\nsocket = \"\"\n");
  for (const int number : {SIGTERM, SIGINT}) {
    ProcessSetup setup;
    setup.error_path = folder.path("log" + std::to_string(number));
    Conversation serve({"serve", "--config", config}, setup);
    ASSERT_TRUE(eventually([&] { return has(read_file(setup.error_path), "\"event\":\"starting\""); }));
    serve.signal(SIGHUP);  // nothing to reload yet
    serve.signal(number);
    const ProcessResult result = serve.end();
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(result.out, "");
    EXPECT_TRUE(has(read_file(setup.error_path), R"("event":"stopped","while":"loading"})"))
        << read_file(setup.error_path);
  }
}

TEST(Operator, AServerThatLoadsSaysSo) {
  const TestFolder folder;
  const std::string image = folder.path("never.img");
  ASSERT_EQ(mkfifo(image.c_str(), 0600), 0);
  const std::string socket = folder.path("changes.sock");
  const std::string config = folder.write(
      "server.toml", "[registry]\nimage = \"" + image +
                         "\"\n[feed]\nlisten = [\"127.0.0.1:0\"]\n[changes]\nsocket = \"" + socket + "\"\n");
  ProcessSetup setup;
  setup.error_path = folder.path("log");
  for (const bool fails : {false, true}) {
    Conversation serve({"serve", "--config", config}, setup);
    ASSERT_TRUE(eventually([&] { return has(read_file(setup.error_path), "\"event\":\"loading\""); }));
    ASSERT_TRUE(eventually([&] { return access(socket.c_str(), F_OK) == 0; }));
    ProcessResult status;
    ASSERT_TRUE(eventually([&] {  // it may not listen yet
      status = run_clearline({"status", "--config", config, "--format", "json"});
      return status.exit_code == 0;
    })) << status.err;
    EXPECT_TRUE(has(status.out, "\"state\":\"loading\"")) << status.out;
    EXPECT_EQ(run_clearline({"control", "reload", "--config", config}).exit_code, 6);
    if (fails) {
      close(open(image.c_str(), O_WRONLY | O_CLOEXEC));  // what is read there is no image
    } else {
      serve.signal(SIGTERM);
    }
    const ProcessResult result = serve.end();
    EXPECT_EQ(result.exit_code, fails ? 4 : 0);
    EXPECT_EQ(result.out, "");
    EXPECT_NE(access(socket.c_str(), F_OK), 0);
  }
}

/// Sends until the server takes no more.
void stuff(TcpClient& client, const std::string& text) {
  std::size_t sent = 0;
  auto last = Clock::now();
  while (Clock::now() - last < std::chrono::milliseconds(100)) {
    const std::size_t more = client.send_some(std::string_view(text).substr(sent % text.size()));
    sent += more;
    if (more != 0) {
      last = Clock::now();
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
}

TEST(Operator, AStopEndsInTimeWhateverPeersDo) {
  const LiveDirectory live;
  RunningServer server(live.path(), "[limits]\nstop_timeout = \"1s\"\n");
  ASSERT_TRUE(server.is_ready());
  std::string nonsense;
  for (int i = 0; i < 5'000; ++i) nonsense += "x\n";
  TcpClient feed(server.feed(), 4'096);
  TcpClient changes(server.socket());
  stuff(feed, nonsense);
  stuff(changes, nonsense);
  const TcpClient idle(server.feed());
  const auto begin = Clock::now();
  EXPECT_EQ(server.stop().exit_code, 0);
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(10));
}

TEST(Operator, ASecondSignalEndsItAtOnce) {
  const LiveDirectory live;
  ProcessSetup setup;
  const TestFolder folder;
  setup.error_path = folder.path("log");
  RunningServer server(live.path(), "[limits]\nstop_timeout = \"60s\"\n", "", setup);
  ASSERT_TRUE(server.is_ready());
  std::string nonsense;
  for (int i = 0; i < 5'000; ++i) nonsense += "x\n";
  TcpClient changes(server.socket());
  stuff(changes, nonsense);  // waits for a peer that never reads
  const auto begin = Clock::now();
  server.process().signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return has(read_file(setup.error_path), "\"event\":\"stopping\""); }));
  EXPECT_EQ(server.stop().exit_code, 7);
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(30));
}

/// Whether a signal is in one of the sets that /proc shows of a process.
bool is_in(const Conversation& process, const std::string& set, int number) {
  const std::string status = read_file("/proc/" + std::to_string(process.pid()) + "/status");
  const std::size_t at = status.find("\n" + set + ":\t");
  return at != std::string::npos &&
         (std::stoull(status.substr(at + set.size() + 3), nullptr, 16) >> (number - 1) & 1U) != 0;
}
bool ignores(const Conversation& process, int number) { return is_in(process, "SigIgn", number); }
bool handles(const Conversation& process, int number) { return is_in(process, "SigCgt", number); }

/// Kills a process that does not end by itself, so that a test fails and does not hang.
class Watchdog {
 public:
  explicit Watchdog(const Conversation& process)
      : thread_([this, &process](const std::stop_token& stop) {
          std::unique_lock lock(mutex_);
          if (!ended_.wait_for(lock, stop, std::chrono::minutes(1), [] { return false; }) && !stop.stop_requested())
            process.kill();
        }) {}

 private:
  std::mutex mutex_;
  std::condition_variable_any ended_;
  std::jthread thread_;
};

/// A named pipe that is full, and that nobody reads.
class FullPipe {
 public:
  FullPipe() : path_(folder_.path("pipe")) {
    EXPECT_EQ(mkfifo(path_.c_str(), 0600), 0);
    reader_ = open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    writer_ = open(path_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    EXPECT_GE(writer_, 0);
    const std::array<char, 4'096> filler{};
    while (write(writer_, filler.data(), filler.size()) > 0) {
    }
    while (write(writer_, filler.data(), 1) > 0) {
    }
  }
  FullPipe(const FullPipe&) = delete;
  FullPipe& operator=(const FullPipe&) = delete;
  ~FullPipe() {
    close(writer_);
    close(reader_);
  }
  const std::string& path() const { return path_; }

 private:
  TestFolder folder_;
  std::string path_;
  int reader_ = -1;
  int writer_ = -1;
};

TEST(Operator, AStderrThatNobodyReadsKeepsNoServerFromEnding) {
  if (CLEARLINE_SANITIZED != 0) GTEST_SKIP() << "sanitizers write to stderr themselves when a process ends";
  const LiveDirectory live;
  const FullPipe pipe;
  ProcessSetup setup;
  setup.error_path = pipe.path();
  RunningServer server(live.path(), "[log]\nlevel = \"debug\"\n", "", setup);
  ASSERT_TRUE(server.is_ready());
  TcpClient feed(server.feed());
  ASSERT_TRUE(feed.send("nonsense\n"));
  ASSERT_TRUE(feed.read_line());
  const Watchdog watchdog(server.process());
  EXPECT_EQ(server.stop().exit_code, 0);
}

TEST(Operator, AStdoutThatNobodyReadsKeepsNoServerFromEnding) {
  const LiveDirectory live;
  const FullPipe pipe;
  ProcessSetup setup;
  setup.output_path = pipe.path();
  RunningServer server(live.path(), "", "", setup);
  const Watchdog watchdog(server.process());
  ASSERT_TRUE(eventually([&] {
    const ProcessResult status = run_clearline({"status", "--socket", server.socket(), "--format", "json"});
    return has(status.out, "\"state\":\"ready\",\"uptime");
  }));
  EXPECT_EQ(server.stop().exit_code, 0);
}

TEST(Operator, AStderrThatNobodyReadsKeepsNoRunFromEnding) {
  const LiveDirectory live;
  const FullPipe pipe;
  ProcessSetup setup;
  setup.error_path = pipe.path();
  Conversation screen({"screen", "-", "-r", live.path(), "--format", "ndjson"}, setup);
  ASSERT_TRUE(eventually([&] { return handles(screen, SIGTERM); }));
  const Watchdog watchdog(screen);
  screen.signal(SIGTERM);
  EXPECT_EQ(screen.end().exit_code, 7);
}

/// The signals that would end a program, and that this one does not handle.
std::vector<int> stray_signals() {
  std::vector<int> numbers{SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGSTKFLT, SIGPIPE};
  for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) numbers.push_back(number);
  return numbers;
}

TEST(Operator, AStraySignalEndsNoServer) {
  const LiveDirectory live;
  RunningServer server(live.path());
  ASSERT_TRUE(server.is_ready());
  TcpClient feed(server.feed());
  for (const int number : stray_signals()) {
    server.process().signal(number);
    ASSERT_TRUE(feed.send("nonsense\n"));
    ASSERT_TRUE(feed.read_line()) << number;
  }
  EXPECT_EQ(server.stop().exit_code, 0);
}

TEST(Operator, AStraySignalEndsNoRun) {
  const LiveDirectory live;
  Conversation screen({"screen", "-", "-r", live.path(), "--format", "ndjson", "--summary", "none"});
  ASSERT_TRUE(eventually([&] { return ignores(screen, SIGRTMAX); }));  // the last of them
  for (const int number : stray_signals()) screen.signal(number);
  ASSERT_TRUE(screen.send("nonsense\n"));
  const ProcessResult result = screen.end();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(has(result.out, "\"verdict\":\"error\"")) << result.out;
}

TEST(Operator, LibcryptoIsUsedBeforeAServerIsReady) {
  const LiveDirectory live;
  const TestFolder folder;
  // libcrypto reads its configuration when it is first used: it waits there until somebody writes.
  const std::string pipe = folder.path("openssl.cnf");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  setenv("OPENSSL_CONF", pipe.c_str(), 1);
  std::atomic<bool> was_read = false;
  std::atomic<bool> is_over = false;
  std::jthread writer([&] {
    while (!is_over) {
      const int fd = open(pipe.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
      if (fd >= 0) was_read = true;
      if (fd >= 0) close(fd);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  RunningServer server(live.folder().path("first.img"));
  EXPECT_TRUE(server.is_ready());
  EXPECT_TRUE(was_read);
  is_over = true;
  unsetenv("OPENSSL_CONF");
}

}  // namespace
}  // namespace clearline::test
