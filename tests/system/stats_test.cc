// registry stats from the outside: days and surges, in each of their forms.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/change_line.h"
#include "tests/support/command_directory.h"

namespace clearline::test {
namespace {

class Stats : public testing::Test, protected CommandDirectory {
 protected:
  Stats() : CommandDirectory("code\nP000000000001\nP000000000002\n") {}
  ProcessResult stats(std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments{"registry", "stats", directory, "--by-day"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_clearline(arguments);
  }
};

/// A first day with an issue, six without anything, and a seventh behind them with ten suspensions; a late renewal.
std::string week() {
  std::string changes = change_at("issue", 1'000, "2025-11-24T00:00:00+09:00");
  for (std::uint64_t i = 0; i < 10; ++i) changes += change_at("issue", 2'000 + i, "2025-12-01T12:00:00+09:00");
  for (std::uint64_t i = 0; i < 10; ++i) changes += change_at("suspend", 2'000 + i, "2025-12-01T14:59:59Z");
  return changes + change_at("suspend", 1, "2025-12-01T15:00:00Z") +
         change_at("renew", 2, "2025-11-25T00:00:00+09:00", R"(,"expires":"2030-01-01")");
}

TEST_F(Stats, DaysAreCountedAndSurgesMarked) {
  apply(week());
  const auto result = stats();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.out,
            "day         issue   reissue   suspend   resume   cancel   renew   amend\n"
            "2025-11-24      1         0         0        0        0       0       0\n"
            "2025-11-25      0         0         0        0        0       1       0\n"
            "2025-11-26      0         0         0        0        0       0       0\n"
            "2025-11-27      0         0         0        0        0       0       0\n"
            "2025-11-28      0         0         0        0        0       0       0\n"
            "2025-11-29      0         0         0        0        0       0       0\n"
            "2025-11-30      0         0         0        0        0       0       0\n"
            "2025-12-01     10         0        10*       0        0       0       0\n"
            "2025-12-02      0         0         1        0        0       0       0\n"
            "\n"
            "* surges\n"
            "day         op       count  mean before  largest before  times\n"
            "2025-12-01  suspend     10         0.00               0      -\n");
  EXPECT_EQ(stats({"--from", "2025-12-02"}).out,
            "day         issue   reissue   suspend   resume   cancel   renew   amend\n"
            "2025-12-02      0         0         1        0        0       0       0\n"
            "\n"
            "no surges\n");
  EXPECT_EQ(stats({"--to", "2025-11-23"}).out, "no changes\n");
}

TEST_F(Stats, DaysAsCsvAndJson) {
  apply(week());
  const auto csv = stats({"--format", "csv", "--from", "2025-12-01", "--to", "2025-12-01"});
  EXPECT_EQ(csv.exit_code, 0) << csv.err;
  EXPECT_EQ(csv.out,
            "day,op,count,days_before,mean_before,largest_before,surge\n"
            "2025-12-01,issue,10,7,0.14285714285714285,1,false\n"
            "2025-12-01,reissue,0,7,0,0,false\n"
            "2025-12-01,suspend,10,7,0,0,true\n"
            "2025-12-01,resume,0,7,0,0,false\n"
            "2025-12-01,cancel,0,7,0,0,false\n"
            "2025-12-01,renew,0,7,0.14285714285714285,1,false\n"
            "2025-12-01,amend,0,7,0,0,false\n");
  EXPECT_NE(stats({"--format", "csv"}).out.find("\n2025-11-24,issue,1,0,,,false\n"), std::string::npos)
      << "nothing is before the first day";

  // Another surge, with a mean: 30 issues behind eight days with eleven.
  std::string changes = change_at("cancel", 2'000, "2025-12-02T12:00:00+09:00");
  for (std::uint64_t i = 0; i < 30; ++i) changes += change_at("issue", 3'000 + i, "2025-12-02T12:00:00+09:00");
  apply(changes);
  const auto json = stats({"--format", "json", "--from", "2025-12-01"});
  EXPECT_EQ(json.exit_code, 0) << json.err;
  const std::string none = R"("count":0,"mean_before":0,"largest_before":0,"surge":false})";
  EXPECT_EQ(
      json.out,
      R"({"days":[
{"day":"2025-12-01","days_before":7,"ops":{"issue":{"count":10,"mean_before":0.14285714285714285,"largest_before":1,"surge":false},"reissue":{)" +
          none + R"(,"suspend":{"count":10,"mean_before":0,"largest_before":0,"surge":true},"resume":{)" + none +
          R"(,"cancel":{)" + none +
          R"(,"renew":{"count":0,"mean_before":0.14285714285714285,"largest_before":1,"surge":false},"amend":{)" +
          none + R"(}},
{"day":"2025-12-02","days_before":8,"ops":{"issue":{"count":30,"mean_before":1.375,"largest_before":10,"surge":true},"reissue":{)" +
          none + R"(,"suspend":{"count":1,"mean_before":1.25,"largest_before":10,"surge":false},"resume":{)" + none +
          R"(,"cancel":{"count":1,"mean_before":0,"largest_before":0,"surge":false},"renew":{"count":0,"mean_before":0.125,"largest_before":1,"surge":false},"amend":{)" +
          none + R"(}}],
"surges":[
{"day":"2025-12-01","op":"suspend","count":10,"mean_before":0,"largest_before":0,"times":null},
{"day":"2025-12-02","op":"issue","count":30,"mean_before":1.375,"largest_before":10,"times":21.818181818181817}]}
)");
}

TEST_F(Stats, WithoutChangesThereAreNoDays) {
  EXPECT_EQ(stats().out, "no changes\n");
  EXPECT_EQ(stats().exit_code, 0);
  EXPECT_EQ(stats({"--format", "csv"}).out, "day,op,count,days_before,mean_before,largest_before,surge\n");
  EXPECT_EQ(stats({"--format", "json"}).out, "{\"days\":[],\n\"surges\":[]}\n");
}

TEST_F(Stats, AreToldBesideAWriter) {
  Conversation writer({"registry", "apply", directory, "-"});
  for (int i = 1; i <= 3; ++i) {
    ASSERT_TRUE(writer.send(change_at(i % 2 == 1 ? "suspend" : "resume", 1, "2025-12-01T10:00:00+09:00")));
    ASSERT_TRUE(writer.read_line());
    const std::string counted = stats({"--format", "csv"}).out;
    EXPECT_NE(counted.find("2025-12-01,suspend," + std::to_string((i + 1) / 2) + ","), std::string::npos) << counted;
  }
  EXPECT_EQ(writer.end().exit_code, 0);
}

TEST_F(Stats, WrongUseIsTold) {
  const auto told = [](const ProcessResult& result, int exit_code, const std::string& words) {
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_NE(result.err.find(words), std::string::npos) << result.err;
    EXPECT_NE(result.err.find("error: "), std::string::npos) << result.err;
  };
  told(run_clearline({"registry", "stats", directory}), 2, "--by-day is required");
  told(run_clearline({"registry", "stats", image, "--by-day"}), 2, "an image has no journal");
  told(run_clearline({"registry", "stats", folder.path("none"), "--by-day"}), 4, "is not there");
  told(stats({"--from", "2025-02-30"}), 2, "--from: is no day that exists");
  told(stats({"--to", "yesterday"}), 2, "--to: is no day that exists");
  told(stats({"--from", "2025-12-02", "--to", "2025-12-01"}), 2, "--to: lies before --from");
  told(stats({"--format", "ndjson"}), 2, "text|csv|json");
}

}  // namespace
}  // namespace clearline::test
