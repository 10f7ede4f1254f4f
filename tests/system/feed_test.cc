// `clearline feed` against `clearline serve`: the same bytes as `screen` writes, whatever becomes of the connection.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <string>
#include <thread>

#include "tests/support/eventually.h"
#include "tests/support/files.h"
#include "tests/support/live_directory.h"
#include "tests/support/process.h"
#include "tests/support/running_server.h"
#include "tests/support/tcp_client.h"

namespace clearline::test {
namespace {

/// The day on which all was declared may be long ago.
const std::string kWideWindow = "declared_at_window = \"3660d\"\n";

class Feed : public testing::Test {
 protected:
  Feed() : image_(folder_.path("made-up.img")), day_(folder_.path("day.ndjson")) {
    const std::string registry = folder_.path("registry.csv");
    EXPECT_EQ(run_clearline({"generate", "registry", "--count", "5000", "--seed", "3", "-o", registry}).exit_code, 0);
    EXPECT_EQ(run_clearline({"registry", "build", registry, "-o", image_}).exit_code, 0);
    EXPECT_EQ(run_clearline({"generate", "declarations", "--registry-count", "5000", "--seed", "3", "--count", "20000",
                             "--day", "2026-11-01", "--malformed", "2%", "--format", "ndjson", "-o", day_})
                  .exit_code,
              0);
  }
  std::string screened(const std::string& input) const {
    const ProcessResult result = run_clearline({"screen", input, "-r", image_, "--summary", "none"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.out;
  }

  TestFolder folder_;
  std::string image_;
  std::string day_;
};

TEST_F(Feed, WritesTheBytesThatScreenWrites) {
  RunningServer server(image_, "", kWideWindow);
  ASSERT_TRUE(server.is_ready());
  const std::string out = folder_.path("verdicts.ndjson");
  const ProcessResult result = run_clearline({"feed", day_, "--to", server.feed(), "-o", out, "--summary", "json"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(read_file(out), screened(day_));
  EXPECT_NE(result.err.find("\"declarations\":20000"), std::string::npos) << result.err;
}

TEST_F(Feed, ARunOfErrorsSaysWhy) {
  RunningServer server(image_);  // whose window the day is not in
  ASSERT_TRUE(server.is_ready());
  const ProcessResult text = run_clearline({"feed", day_, "--to", server.feed(), "-o", folder_.path("v")});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_NE(text.err.find("\n    malformed "), std::string::npos) << text.err;
  EXPECT_NE(text.err.find("  declared_at is too far from the time of receipt\n"), std::string::npos) << text.err;
  const ProcessResult json =
      run_clearline({"feed", day_, "--to", server.feed(), "-o", folder_.path("v"), "--summary", "json"});
  EXPECT_NE(json.err.find(",\"reasons\":{\"malformed\":20000}"), std::string::npos) << json.err;
}

TEST_F(Feed, GoesOnWithTheServerThatComesBack) {
  const std::string expected = screened(day_);
  RunningServer server(image_, "", kWideWindow);
  ASSERT_TRUE(server.is_ready());
  const std::string out = folder_.path("verdicts.ndjson");
  ProcessResult result;
  {
    const std::string address = server.feed();  // restart() reads it anew
    std::jthread feed([&] {
      result = run_clearline({"feed", day_, "--to", address, "-o", out, "--rate", "10000", "--summary", "json"});
    });
    EXPECT_TRUE(eventually([&] {  // it has begun, and goes on for some two seconds
      TcpClient operators(server.socket());
      const auto status = operators.send("{\"request\":\"status\"}\n") ? operators.read_line() : std::nullopt;
      return status && status->find("\"lines\":0,\"verdicts\"") == std::string::npos;
    }));
    server.restart();
  }
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(read_file(out) == expected);
  EXPECT_EQ(result.err.find("\"reconnects\":0"), std::string::npos) << result.err;
}

TEST_F(Feed, WhoWritesSlowlyHasEachVerdictAtOnce) {
  RunningServer server(image_, "", kWideWindow);
  ASSERT_TRUE(server.is_ready());
  const std::string day = read_file(day_);
  const std::string expected = screened(day_);
  Conversation feed({"feed", "-", "--to", server.feed(), "--summary", "none"});
  std::size_t sent = 0;
  std::size_t answered = 0;
  for (int line = 0; line < 20; ++line) {
    const std::size_t end = day.find('\n', sent) + 1;
    // In two pieces, as a pipe may bring it.
    ASSERT_TRUE(feed.send(day.substr(sent, 7)));
    std::this_thread::sleep_for(std::chrono::milliseconds(line % 3));
    ASSERT_TRUE(feed.send(day.substr(sent + 7, end - sent - 7)));
    const std::size_t answer_end = expected.find('\n', answered);
    ASSERT_EQ(feed.read_line(), expected.substr(answered, answer_end - answered));
    sent = end;
    answered = answer_end + 1;
  }
  EXPECT_EQ(feed.end().exit_code, 0);
}

TEST_F(Feed, LongLinesAreTheServersToJudge) {
  std::string line = read_file(day_);
  line.resize(line.find('\n'));
  const std::string padded = line.insert(line.size() - 1, std::string(300'000, ' ')) + "\n";
  const std::string input = folder_.write("long.ndjson", padded);
  for (const std::string limits : {"", "[limits]\nline_bytes = 400000\n"}) {
    RunningServer server(image_, limits, kWideWindow);
    ASSERT_TRUE(server.is_ready());
    const ProcessResult result = run_clearline({"feed", input, "--to", server.feed(), "--summary", "none"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.out.find("line is longer than the limit") != std::string::npos, limits.empty()) << result.out;
  }
}

TEST_F(Feed, TellsWhatItCannotDo) {
  EXPECT_EQ(run_clearline({"feed", day_}).exit_code, 2);
  EXPECT_EQ(run_clearline({"feed", day_, "--to", "nowhere"}).exit_code, 2);
  const ProcessResult far = run_clearline({"feed", day_, "--to", "feed.example.com:7400"});
  EXPECT_EQ(far.exit_code, 2);
  EXPECT_NE(far.err.find("is not of this machine"), std::string::npos) << far.err;
  EXPECT_EQ(run_clearline({"feed", day_, "--to", "127.0.0.1:1"}).exit_code, 6);
  EXPECT_EQ(run_clearline({"feed", folder_.path("none"), "--to", "127.0.0.1:1"}).exit_code, 3);
  const ProcessResult csv = run_clearline({"feed", folder_.path("registry.csv"), "--to", "127.0.0.1:1"});
  EXPECT_EQ(csv.exit_code, 3) << csv.err;
  EXPECT_NE(csv.err.find("NDJSON"), std::string::npos) << csv.err;
}

TEST_F(Feed, AWrongTokenIsRefusedWithItsExitCode) {
  RunningServer server(image_,
                       "[[client]]\nname = \"one\"\nrole = \"feed\"\n"
                       "token_hash = \"7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed\"\n",
                       kWideWindow);  // SHA-256 of "one"
  ASSERT_TRUE(server.is_ready());
  const auto feed = [&](const std::string& token, mode_t mode = 0600) {
    const std::string file = folder_.write("token", token + "\n");
    chmod(file.c_str(), mode);
    return run_clearline({"feed", day_, "--to", server.feed(), "--token-file", file, "--summary", "none"});
  };
  // The rules of the server's own token files.
  EXPECT_EQ(feed("one", 0644).exit_code, 3);
  const ProcessResult empty = feed("");
  EXPECT_EQ(empty.exit_code, 3);
  EXPECT_NE(empty.err.find("/token: error: holds no token"), std::string::npos) << empty.err;
  const ProcessResult refused = feed("two");
  EXPECT_EQ(refused.exit_code, 6);
  EXPECT_NE(refused.err.find("denied"), std::string::npos) << refused.err;
  const ProcessResult taken = feed("one");
  EXPECT_EQ(taken.exit_code, 0) << taken.err;
  EXPECT_EQ(taken.out, screened(day_));
}

TEST_F(Feed, TheClientOfTheProtocolPageIsComplete) {
  if (std::system("python3 -c pass") != 0) GTEST_SKIP() << "python3 is not installed";  // NOLINT(concurrency-mt-unsafe)
  const std::string page = read_file(std::string(CLEARLINE_SOURCE) + "/io/net/FEED.md");
  const std::size_t start = page.find("```python\n") + 10;
  const std::string program = page.substr(start, page.find("```", start) - start);
  EXPECT_EQ(std::count(program.begin(), program.end(), '\n'), 10);
  RunningServer server(image_, "", kWideWindow);
  ASSERT_TRUE(server.is_ready());
  const std::string script = folder_.write("client.py", program);
  const std::string out = folder_.path("out");
  const std::string port = server.feed().substr(server.feed().rfind(':') + 1);
  ASSERT_EQ(std::system(("python3 " + script + " 127.0.0.1 " + port + " " + day_ + " > " +
                         out)  // NOLINT(concurrency-mt-unsafe)

                            .c_str()),
            0);
  EXPECT_EQ(read_file(out), screened(day_));
}

}  // namespace
}  // namespace clearline::test
