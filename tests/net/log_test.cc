#include "io/net/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <string>

#include "tests/support/files.h"

namespace clearline::test {
namespace {

/// What is written to stderr while `use` runs.
template <typename Use>
std::string stderr_of(const Use& use) {
  testing::internal::CaptureStderr();
  use();
  return testing::internal::GetCapturedStderr();
}

TEST(Log, WritesOneJsonObjectALine) {
  const std::string text = stderr_of([] {
    Log log(LogLevel::kInfo);
    log.write(LogLevel::kWarn, "feed_refused", {{"limit", "connections"}, {"count", std::uint64_t{3}}});
    log.write(LogLevel::kInfo, "ready");
    log.write(LogLevel::kDebug, "unwanted");
  });
  EXPECT_TRUE(text.starts_with("{\"time\":\"20")) << text;
  EXPECT_NE(text.find("Z\",\"level\":\"warn\",\"event\":\"feed_refused\",\"limit\":\"connections\",\"count\":3}\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("\"level\":\"info\",\"event\":\"ready\"}\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("unwanted"), std::string::npos);
}

TEST(Log, EscapesWhatWouldBreakTheLine) {
  const std::string text = stderr_of([] {
    Log log(LogLevel::kInfo);
    log.write(LogLevel::kInfo, "x", {{"name", "a\"b\nc"}});
  });
  EXPECT_NE(text.find(R"("name":"a\"b\u000ac"})"), std::string::npos) << text;
}

/// Makes stderr a pipe that is full and that nobody reads.
void block_stderr() {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_NONBLOCK), 0);
  const std::array<char, 4'096> filler{};
  while (write(ends[1], filler.data(), filler.size()) > 0) {
  }
  while (write(ends[1], filler.data(), 1) > 0) {
  }
  ASSERT_EQ(fcntl(ends[1], F_SETFL, 0), 0);
  ASSERT_EQ(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
}

TEST(Log, AStderrThatNobodyReadsKeepsNobody) {
  for (const int lines : {1, 10'000}) {
    EXPECT_EXIT(
        {
          constexpr unsigned kLongestSeconds = 10;
          alarm(kLongestSeconds);
          block_stderr();
          {
            Log log(LogLevel::kInfo);
            for (int i = 0; i < lines; ++i) log.write(LogLevel::kInfo, "ready");
          }  // ends, and does not wait for a reader
          raise(SIGKILL);  // in the place of an end, for which ThreadSanitizer would have something to say to stderr
        },
        testing::KilledBySignal(SIGKILL), "");
  }
}

}  // namespace
}  // namespace clearline::test
