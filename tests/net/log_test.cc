#include "io/net/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

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

}  // namespace
}  // namespace clearline::test
