// Who may change a registry directory, whatever happens to names while somebody does.
#include "io/store/registry_lock.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/live_directory.h"

namespace clearline {
namespace {

using test::apply_changes;
using test::LiveDirectory;
using test::make_change;

namespace fs = std::filesystem;

class RegistryLockTest : public testing::Test {
 protected:
  RegistryLockTest() {
    auto opened = RegistryStore::open(live.path());
    EXPECT_TRUE(opened.ok()) << opened.status().message();
    if (opened.ok()) store = std::move(*opened);
  }
  /// Whether a suspend of this code was answered ok.
  bool suspend(std::uint64_t code) {
    answer = apply_changes(*store, make_change(ChangeOp::kSuspend, code, "s" + std::to_string(code)));
    const bool is_ok = !answer.error;
    EXPECT_EQ(store->registry().find(Code{code})->status, is_ok ? CodeStatus::kSuspended : CodeStatus::kActive);
    return is_ok;
  }
  static void refused(const std::string& path, const std::string& words) {
    const auto second = RegistryStore::open(path);
    ASSERT_FALSE(second.ok()) << path;
    EXPECT_EQ(second.status().kind(), StatusKind::kRegistry);
    EXPECT_NE(second.status().message().find(words), std::string::npos) << second.status().message();
  }
  void expect_moved() {
    EXPECT_EQ(answer.error, ChangeError::kReadOnly);
    EXPECT_EQ(store->state(), RegistryStore::State::kMoved);
    EXPECT_NE(store->state_reason().find("while it is in use"), std::string::npos) << store->state_reason();
  }

  LiveDirectory live;
  std::unique_ptr<RegistryStore> store;
  ChangeAnswer answer;
};

TEST_F(RegistryLockTest, ARemovedLockFileLetsNoSecondWriterIn) {
  ASSERT_TRUE(suspend(1));
  fs::remove(live.file("lock"));
  refused(live.path(), "another process changes this registry");
  live.folder().write("live/lock", "");
  refused(live.path(), "another process changes this registry");
  EXPECT_TRUE(suspend(2)) << "the first one goes on";
  EXPECT_TRUE(store->checkpoint().ok());
  store.reset();
  EXPECT_TRUE(RegistryStore::open(live.path()).ok());
}

TEST_F(RegistryLockTest, AMovedDirectoryIsLockedUnderItsNewName) {
  const std::string moved = live.folder().path("moved");
  fs::rename(live.path(), moved);
  refused(moved, "another process changes this registry");
  refused(live.path(), "is not there");
  fs::create_directory(live.path());
  refused(live.path(), "is no registry directory");
}

TEST_F(RegistryLockTest, NothingIsAnsweredOkInADirectoryThatWasMoved) {
  ASSERT_TRUE(suspend(1));
  const std::string moved = live.folder().path("moved");
  fs::rename(live.path(), moved);
  EXPECT_FALSE(suspend(2));
  expect_moved();
  EXPECT_FALSE(store->checkpoint().ok());
  // Another one in its place changes nothing, and gets no image.
  fs::copy(moved, live.path(), fs::copy_options::recursive);
  EXPECT_FALSE(suspend(2));
  expect_moved();
  EXPECT_FALSE(store->checkpoint().ok());
  EXPECT_FALSE(fs::exists(RegistryDirectory(live.path()).image_path(1)));
  fs::remove_all(live.path());
  fs::rename(moved, live.path());
  EXPECT_TRUE(suspend(2)) << "it is back";
  EXPECT_EQ(store->state(), RegistryStore::State::kReady);
  store.reset();
  const auto verified = RegistryDirectory(live.path()).verify();
  ASSERT_TRUE(verified.ok()) << verified.status().message();
  EXPECT_EQ(verified->changes, 2U);
}

TEST_F(RegistryLockTest, AMoveIsNoticedWithoutAChange) {
  store->look_around();
  EXPECT_EQ(store->state(), RegistryStore::State::kReady);
  const std::string moved = live.folder().path("moved");
  fs::rename(live.path(), moved);
  store->look_around();
  EXPECT_EQ(store->state(), RegistryStore::State::kMoved);
  fs::rename(moved, live.path());
  store->look_around();
  EXPECT_EQ(store->state(), RegistryStore::State::kReady);
}

TEST_F(RegistryLockTest, NothingIsAnsweredOkIntoAFileThatWasRemovedOrReplaced) {
  ASSERT_TRUE(suspend(1));
  std::uint64_t code = 2;
  for (const std::string name : {"head", "journal.db", "journal.db-wal", "journal.db-shm"}) {
    const std::string path = live.file(name);
    const std::string aside = live.folder().path("aside");
    fs::rename(path, aside);
    EXPECT_FALSE(suspend(code)) << name;
    expect_moved();
    EXPECT_NE(store->state_reason().find(path), std::string::npos) << store->state_reason();
    fs::copy_file(aside, path);
    EXPECT_FALSE(suspend(code)) << name;
    fs::rename(aside, path);
    EXPECT_TRUE(suspend(code)) << name;
    ++code;
  }
}

// Closing a journal removes its log by name: it would be the log of the directory that has come to this place.
TEST_F(RegistryLockTest, TheLogOfADirectoryThatTookItsPlaceStays) {
  ASSERT_TRUE(suspend(1));
  const std::string moved = live.folder().path("moved");
  fs::rename(live.path(), moved);
  fs::copy(moved, live.path(), fs::copy_options::recursive);
  fs::remove(live.file("journal.db-shm"));
  store.reset();
  for (const std::string& path : {live.path(), moved}) {
    ASSERT_TRUE(fs::exists(path + "/journal.db-wal"));
    const auto opened = RegistryStore::open(path);
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    EXPECT_EQ((*opened)->registry().find(Code{1})->status, CodeStatus::kSuspended);
  }
}

TEST_F(RegistryLockTest, TheVersionBeforeKeepsOutAndIsKeptOut) {
  const auto lock_of_before = [&] {
    const int fd = open(live.file("lock").c_str(), O_RDWR | O_CLOEXEC);
    const bool is_locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
    return std::pair(fd, is_locked);
  };
  const auto beside = lock_of_before();
  EXPECT_FALSE(beside.second);
  close(beside.first);
  store.reset();
  const auto alone = lock_of_before();
  EXPECT_TRUE(alone.second);
  refused(live.path(), "another process changes this registry");
  close(alone.first);
  EXPECT_TRUE(RegistryStore::open(live.path()).ok());
}

constexpr uid_t kOwner = 65'534;

TEST(RegistryLock, WhatRootMakesBelongsToTheOwnerOfTheDirectory) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files to another user";
  const LiveDirectory live;
  ASSERT_EQ(chown(live.path().c_str(), kOwner, kOwner), 0);
  for (const auto& file : fs::directory_iterator(live.path())) {
    ASSERT_EQ(chown(file.path().c_str(), kOwner, kOwner), 0);
  }
  fs::remove(live.file("lock"));
  const auto expect_owned = [](const std::string& path) {
    int files = 0;
    for (const auto& file : fs::directory_iterator(path)) {
      struct stat info{};
      ASSERT_EQ(stat(file.path().c_str(), &info), 0);
      EXPECT_EQ(info.st_uid, kOwner) << file.path();
      EXPECT_EQ(info.st_gid, kOwner) << file.path();
      EXPECT_EQ(info.st_mode & 0777, 0600U) << file.path();
      ++files;
    }
    EXPECT_GE(files, 4);
  };
  for (std::uint64_t i = 0; i < 2; ++i) {
    auto store = RegistryStore::open(live.path());
    ASSERT_TRUE(store.ok()) << store.status().message();
    EXPECT_FALSE(apply_changes(**store, make_change(ChangeOp::kSuspend, i, "s" + std::to_string(i))).error);
    ASSERT_TRUE((*store)->checkpoint().ok());
    expect_owned(live.path());
  }
  std::vector<std::string> warnings;
  ASSERT_TRUE(read_any_registry(live.path(), warnings).ok());
  expect_owned(live.path());
  // A new one in a directory that is the service's already.
  const std::string empty = live.folder().path("empty");
  fs::create_directory(empty);
  ASSERT_EQ(chown(empty.c_str(), kOwner, kOwner), 0);
  ASSERT_TRUE(RegistryStore::create(empty, live.folder().path("first.img")).ok());
  expect_owned(empty);
}

}  // namespace
}  // namespace clearline
