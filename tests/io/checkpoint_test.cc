#include "io/store/checkpoint.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <functional>

#include "tests/support/files.h"

namespace clearline {
namespace {

using test::TestFolder;

Checkpoint made_checkpoint() {
  Checkpoint c;
  c.version = "1.2.3";
  c.policy = 17;
  c.request = 18;
  c.today = Date{-3};
  c.identity.uuid[0] = 9;
  c.identity.incarnation = 2;
  c.seq = 4813;
  c.inputs = {{100, 7, 12, 99}};
  c.output_bytes = 5;
  c.output_checksum = checksum64("lines", 5);
  c.tally.declarations = 6;
  return c;
}

TEST(Checkpoint, IsReadAsItWasWritten) {
  const TestFolder folder;
  for (const bool has_begun : {false, true}) {
    Checkpoint c = made_checkpoint();
    if (!has_begun) c.inputs.clear();
    c.done = has_begun;
    ASSERT_TRUE(write_checkpoint(folder.path("c"), c).ok());
    const auto read = read_checkpoint(folder.path("c"));
    ASSERT_TRUE(read.ok() && read->has_value());
    EXPECT_TRUE(check_same_run("c", **read, c).ok());
    EXPECT_EQ((*read)->version, "1.2.3");
    EXPECT_EQ((*read)->today.days, -3);
    EXPECT_EQ((*read)->inputs, c.inputs);
    EXPECT_EQ((*read)->output_bytes, 5U);
    EXPECT_EQ((*read)->tally.declarations, 6U);
    EXPECT_EQ((*read)->done, has_begun);
  }
}

TEST(Checkpoint, AnotherProgramPolicyRequestOrRegistryIsAnotherRun) {
  const Checkpoint now = made_checkpoint();
  const auto refused = [&](const std::function<void(Checkpoint&)>& change, StatusKind kind, const char* word) {
    Checkpoint old = now;
    change(old);
    const Status status = check_same_run("out.checkpoint", old, now);
    EXPECT_EQ(status.kind(), kind) << word;
    EXPECT_NE(status.message().find("out.checkpoint: error: "), std::string::npos) << status.message();
    EXPECT_NE(status.message().find(word), std::string::npos) << status.message();
    EXPECT_NE(status.message().find("remove it and the .part"), std::string::npos) << status.message();
  };
  refused([](Checkpoint& c) { c.version = "1.2.2"; }, StatusKind::kUsage, "under clearline 1.2.2");
  refused([](Checkpoint& c) { ++c.policy; }, StatusKind::kUsage, "another policy");
  refused([](Checkpoint& c) { ++c.request; }, StatusKind::kUsage, "other inputs or options");
  refused([](Checkpoint& c) { ++c.identity.uuid[3]; }, StatusKind::kRegistry, "another registry");
  refused([](Checkpoint& c) { ++c.identity.incarnation; }, StatusKind::kRegistry, "another registry");
  refused([](Checkpoint& c) { ++c.seq; }, StatusKind::kRegistry, "another registry");
}

TEST(Checkpoint, AFinishedOutputIsHeldAgainstWhatWasWritten) {
  const TestFolder folder;
  const std::string path = folder.path("out");
  const Checkpoint done = made_checkpoint();
  EXPECT_EQ(check_finished(path, done).kind(), StatusKind::kOutput) << "it is missing";
  folder.write("out", "lines");
  EXPECT_TRUE(check_finished(path, done).ok());
  for (const char* other : {"", "line", "linez", "lines\n"}) {
    folder.write("out", other);
    EXPECT_EQ(check_finished(path, done).kind(), StatusKind::kOutput) << other;
  }
}

TEST(Checkpoint, OneThatCannotBeReadNowIsNeitherMissingNorDamaged) {
  const TestFolder folder;
  const std::string path = checkpoint_path(folder.path("v.csv"));
  const auto none = read_checkpoint(path);
  ASSERT_TRUE(none.ok());
  EXPECT_FALSE(none->has_value());
  folder.write("v.csv.checkpoint", "half a check");
  const auto damaged = read_checkpoint(path);
  ASSERT_FALSE(damaged.ok());
  EXPECT_NE(damaged.status().message().find("is damaged"), std::string::npos);
  Status status;
  {
    rlimit before{};
    getrlimit(RLIMIT_NOFILE, &before);
    const rlimit low{0, before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &low);
    status = read_checkpoint(path).status();
    setrlimit(RLIMIT_NOFILE, &before);
  }
  EXPECT_EQ(status.kind(), StatusKind::kOutput);
  EXPECT_NE(status.message().find("Too many open files; allow more"), std::string::npos) << status.message();
  EXPECT_EQ(status.message().find("remove it"), std::string::npos) << status.message();
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  const Status folder_status = read_checkpoint(path).status();
  EXPECT_EQ(folder_status.kind(), StatusKind::kOutput);
  EXPECT_EQ(folder_status.message().find("remove it"), std::string::npos) << folder_status.message();
}

}  // namespace
}  // namespace clearline
