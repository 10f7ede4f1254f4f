// The configuration from the outside: a sample, faults with their places, and what counts.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "tests/support/files.h"
#include "tests/support/process.h"

namespace clearline::test {
namespace {

TEST(Config, TheSampleGoesToStdoutOrToANewFile) {
  const TestFolder folder;
  const auto shown = run_clearline({"config", "init"});
  EXPECT_EQ(shown.exit_code, 0);
  EXPECT_EQ(shown.err, "");
  EXPECT_NE(shown.out.find("[registry]\n"), std::string::npos);
  EXPECT_EQ(run_clearline({"config", "init", "-"}).out, shown.out);
  const std::string path = folder.path("server.toml");
  const auto written = run_clearline({"config", "init", path});
  EXPECT_EQ(written.exit_code, 0) << written.err;
  EXPECT_EQ(written.out, "");
  EXPECT_EQ(read_file(path), shown.out);
  struct stat info{};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST(Config, TheSampleOverwritesNothing) {
  const TestFolder folder;
  const std::string path = folder.write("server.toml", "mine");
  const auto result = run_clearline({"config", "init", path});
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_EQ(result.err, path + ": error: is there already; name a new file\n");
  EXPECT_EQ(read_file(path), "mine");
  EXPECT_EQ(run_clearline({"config", "init", folder.path("none/server.toml")}).exit_code, 5);
  EXPECT_EQ(folder.file_count(), 1U);
}

TEST(Config, AGoodFileIsGood) {
  const TestFolder folder;
  const std::string path = folder.write("server.toml", "[registry]\ndir = \"live\"\n");
  const auto result = run_clearline({"config", "check", path});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, path + ": good\n");
  EXPECT_EQ(result.err, "");
}

TEST(Config, AllFaultsAreToldOnStderr) {
  const TestFolder folder;
  const std::string path =
      folder.write("server.toml", "[registry]\ndir = \"live\"\n[feed]\nlistne = 1\nthreads = -1\n");
  for (const std::string verb : {"check", "show"}) {
    const auto result = run_clearline({"config", verb, path});
    EXPECT_EQ(result.exit_code, 78);
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(result.err, path + ":4:1: error: unknown key 'listne' in [feed]; did you mean listen?\n" + path +
                              ":5:11: error: threads is no whole number from 0 to 1024; write one without quotes\n");
  }
  const auto missing = run_clearline({"config", "check", folder.path("none")});
  EXPECT_EQ(missing.exit_code, 78);
  EXPECT_EQ(missing.err, folder.path("none") + ": error: cannot open: No such file or directory; check its name\n");
}

TEST(Config, WhatCountsIsShownAndIsAConfigurationItself) {
  const TestFolder folder;
  const std::string path =
      folder.write("server.toml", "[registry]\ndir = \"live\"\n[limits]\nidle_timeout = \"90s\"\n");
  const auto result = run_clearline({"config", "show", path});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("dir = \"" + folder.path("live") + "\"\n"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("\nidle_timeout = \"90s\"\n"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("\nline_bytes = 65536\n"), std::string::npos) << result.out;
  const auto again = run_clearline({"config", "show", folder.write("shown.toml", result.out)});
  EXPECT_EQ(again.out, result.out) << again.err;
}

TEST(Config, AMisspeltVerbIsToldWithTheOneThatWasMeant) {
  const auto result = run_clearline({"config", "chek", "x"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("did you mean 'clearline config check'?"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace clearline::test
