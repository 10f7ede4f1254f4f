// Made-up registries, changes and declarations fit together, through the built program.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "tests/support/files.h"
#include "tests/support/process.h"

namespace clearline::test {
namespace {

class LiveMadeUp : public testing::Test {
 protected:
  LiveMadeUp() : image(folder.path("registry.img")), changes(folder.path("changes.ndjson.zst")) {
    run({"generate", "registry", "--count", "3000", "--seed", "5", "-o", folder.path("registry.csv")});
    run({"registry", "build", folder.path("registry.csv"), "-o", image});
    run({"generate", "changes", "-r", image, "--profile", "surge", "--from", "2025-11-28", "--to", "2025-12-01",
         "--scale", "0.005", "-o", changes});
  }
  static std::string run(const std::vector<std::string>& arguments) {
    const auto result = run_clearline(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.out;
  }
  std::vector<std::string> declarations(const std::string& seed, const std::string& day) const {
    return {"generate",
            "declarations",
            "--count",
            "5000",
            "--registry-count",
            "3000",
            "--registry-seed",
            seed,
            "--day",
            day,
            "-o",
            folder.path("day.csv"),
            "--expected",
            folder.path("expected.csv"),
            "--changes",
            changes};
  }
  /// Screens a day's declarations and compares the verdicts with those that are expected.
  void expect_as_expected(const std::string& registry, const std::string& day,
                          const std::vector<std::string>& more = {}) const {
    run(declarations("5", day));
    std::vector<std::string> screen{
        "screen", folder.path("day.csv"), "-r", registry, "--output-format", "csv", "--summary", "none"};
    screen.insert(screen.end(), more.begin(), more.end());
    const std::string verdicts = run(screen);
    const std::string expected = read_file(folder.path("expected.csv"));
    std::size_t rows = 0;
    std::size_t begin = 0;
    for (std::size_t at = 0; at < expected.size(); ++rows) {
      const std::size_t end = expected.find('\n', at);
      ASSERT_EQ(verdicts.compare(begin, end - at, expected, at, end - at), 0) << expected.substr(at, end - at);
      at = end + 1;
      begin = verdicts.find('\n', begin) + 1;
    }
    EXPECT_EQ(rows, 5001U);
    EXPECT_EQ(begin, verdicts.size());
  }

  TestFolder folder;
  std::string image;
  std::string changes;
};

TEST_F(LiveMadeUp, ChangesAreAcceptedAndDeclarationsKnowThem) {
  const std::string live = folder.path("live");
  run({"registry", "init", live, "--from", image});
  const std::string answers = run({"registry", "apply", live, changes});
  EXPECT_GT(answers.size(), 10'000U);
  EXPECT_EQ(answers.find("\"ok\":false"), std::string::npos);
  EXPECT_EQ(answers.find("repeat"), std::string::npos);
  expect_as_expected(image, "2025-11-27");
  expect_as_expected(live, "2025-12-02");
  // On the day itself each by the registry of its moment; before the changes there is one.
  expect_as_expected(live, "2025-12-01", {"--as-of", "declared"});
  expect_as_expected(live, "2025-11-27", {"--as-of", "2025-11-27"});
  // What was applied is a registry to make changes for as any other.
  EXPECT_NE(run({"generate", "changes", "-r", live, "--profile", "quiet", "--scale", "0.01", "--from", "2025-12-01"}),
            "");
  struct stat info{};
  ASSERT_EQ(stat(changes.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U) << "codes are in it";
}

TEST_F(LiveMadeUp, ChangesOfAnotherRegistryAreAnErrorWithThePlace) {
  const auto result = run_clearline(declarations("6", "2025-12-01"));
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.err.find("changes.ndjson.zst:1:1: error: the code is neither a made-up person's"), std::string::npos)
      << result.err;
  EXPECT_EQ(result.err.find(" P"), std::string::npos) << result.err;
  EXPECT_EQ(folder.file_count(), 3U);
}

TEST_F(LiveMadeUp, WrongUseIsTold) {
  EXPECT_EQ(run_clearline({"generate", "declarations", "--changes", changes}).exit_code, 2);
  EXPECT_EQ(run_clearline({"generate", "declarations", "--day", "2025-02-29"}).exit_code, 2);
  EXPECT_EQ(run_clearline({"generate", "declarations", "--day", "2025-12-01", "--changes", ""}).exit_code, 2);
  EXPECT_EQ(
      run_clearline({"generate", "declarations", "--day", "2025-12-01", "--changes", folder.path("none")}).exit_code,
      3);
  EXPECT_EQ(run_clearline({"generate", "declarations", "--day", "2025-12-01", "--changes", image}).exit_code, 3);
  EXPECT_EQ(
      run_clearline({"generate", "declarations", "--day", "2025-12-01", "--changes", changes, "-o", changes}).exit_code,
      2);
  const auto few = run_clearline({"generate", "changes", "-r", image, "--profile", "surge", "--from", "2025-11-30"});
  EXPECT_EQ(few.exit_code, 2);
  EXPECT_NE(few.err.find("too few active codes"), std::string::npos) << few.err;
  EXPECT_NE(few.err.find("or say --scale 0.005"), std::string::npos) << few.err;
}

}  // namespace
}  // namespace clearline::test
