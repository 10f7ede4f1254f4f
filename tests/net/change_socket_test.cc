// The file of the Unix socket that changes come over.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <string>

#include "io/net/change_server.h"
#include "tests/support/change_server_fixture.h"
#include "tests/support/eventually.h"

namespace clearline::test {
namespace {

using std::chrono::milliseconds;

mode_t mode_of(const std::string& path) {
  struct stat found{};
  EXPECT_EQ(lstat(path.c_str(), &found), 0);
  return found.st_mode & 0777;
}

/// A Unix socket of another program.
class ForeignSocket {
 public:
  explicit ForeignSocket(const std::string& path, int backlog = 5) : fd_(socket(AF_UNIX, SOCK_STREAM, 0)) {
    const sockaddr_un address = unix_address(path);
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(fd_, backlog), 0);
  }
  ~ForeignSocket() { close(fd_); }

 private:
  int fd_;
};

TEST_F(ChangeServerTest, TheSocketIsForOthersOnlyWhenOneOfThemIsAClient) {
  start();
  EXPECT_EQ(mode_of(socket_path()), 0600U);
  add_user("registrar", Role::kRegistrar, 12'345);
  server_->use(serving());
  round_trip();
  EXPECT_EQ(mode_of(socket_path()), 0666U);
  config_.clients.clear();
  server_->use(serving());
  round_trip();
  EXPECT_EQ(mode_of(socket_path()), 0600U);
  add_user("registrar", Role::kRegistrar, 12'345);
  server_.reset();
  start();
  EXPECT_EQ(mode_of(socket_path()), 0666U);
}

TEST_F(ChangeServerTest, TheSocketOfAnotherProgramIsLeftAlone) {
  start();
  ASSERT_EQ(unlink(socket_path().c_str()), 0);
  const ForeignSocket foreign(socket_path());
  const mode_t mode = mode_of(socket_path());
  add_user("registrar", Role::kRegistrar, 12'345);
  server_->use(serving());  // would let others in
  server_->stop(std::chrono::steady_clock::now() + std::chrono::seconds(20));
  server_.reset();
  ASSERT_TRUE(std::filesystem::exists(socket_path()));
  EXPECT_EQ(mode_of(socket_path()), mode);
}

TEST_F(ChangeServerTest, ASocketThatNobodyListensOnIsReplaced) {
  {
    const ForeignSocket stale(socket_path());
  }
  ASSERT_TRUE(std::filesystem::exists(socket_path()));
  start();
  EXPECT_EQ(answers_to(good_change(0)), good_answer(0) + "\n");
}

TEST_F(ChangeServerTest, ASocketInUseIsRefusedAndStays) {
  const auto expect_refused = [&](const std::string& what) {
    const auto server = open_server(store_.get());
    ASSERT_FALSE(server.ok()) << what;
    EXPECT_EQ(server.status().kind(), StatusKind::kConfig);
    EXPECT_TRUE(std::filesystem::exists(socket_path()));
  };
  {
    const ForeignSocket used(socket_path());
    expect_refused("listening");
  }
  std::filesystem::remove(socket_path());
  const ForeignSocket full(socket_path(), 0);
  const TcpClient waits_to_be_accepted(socket_path());
  expect_refused("no room for one more");
}

TEST_F(ChangeServerTest, WhatIsNoSocketIsNeverRemoved) {
  const auto expect_refused = [&](const std::string& what) {
    const auto server = open_server(store_.get());
    ASSERT_FALSE(server.ok()) << what;
    EXPECT_EQ(server.status().kind(), StatusKind::kConfig);
    EXPECT_TRUE(std::filesystem::symlink_status(socket_path()).type() != std::filesystem::file_type::not_found) << what;
    std::filesystem::remove(socket_path());
  };
  folder_.write("changes.sock", "mine");
  expect_refused("file");
  std::filesystem::create_directory(socket_path());
  expect_refused("folder");
  std::filesystem::create_symlink(folder_.path("elsewhere"), socket_path());
  expect_refused("link");
  config_.changes_socket = folder_.path(std::string(200, 'x'));
  EXPECT_FALSE(open_server(store_.get()).ok());
}

TEST_F(ChangeServerTest, AServerThatWasNeverStartedLeavesNoSocketFile) {
  {
    ASSERT_TRUE(open_server(store_.get()).ok());
  }
  EXPECT_FALSE(std::filesystem::exists(socket_path()));
  config_.changes_listen = {"192.0.2.1:1"};
  ASSERT_FALSE(open_server(store_.get()).ok());
  EXPECT_FALSE(std::filesystem::exists(socket_path()));
}

TEST_F(ChangeServerTest, AStopLeavesTheSocketFileOfTheNextServer) {
  start();
  TcpClient stalled(socket_path());
  disk_.close();
  ASSERT_TRUE(stalled.send(good_change(0)));
  ASSERT_TRUE(disk_.wait_for_visitor());
  std::jthread stopping([&] { stop(); });
  ASSERT_TRUE(eventually([&] { return !std::filesystem::exists(socket_path()); }));
  const ForeignSocket next(socket_path());
  disk_.open();
  EXPECT_EQ(stalled.read_line(), good_answer(0));
  stalled.close();
  stopping.join();
  EXPECT_TRUE(std::filesystem::exists(socket_path()));
}

TEST_F(ChangeServerTest, TheFolderOfTheDefaultSocketIsMadeAsItMustBeWhateverTheUmask) {
  config_.changes_socket_is_default = true;
  for (const mode_t mask : {0000, 0077}) {
    const std::string folder = folder_.path("run-" + std::to_string(mask));
    config_.changes_socket = folder + "/changes.sock";
    const mode_t before = umask(mask);
    const auto server = open_server(store_.get());
    umask(before);
    ASSERT_TRUE(server.ok());
    EXPECT_EQ(mode_of(folder), 0755U) << mask;
    EXPECT_EQ(mode_of(socket_path()), 0600U) << mask;
  }
}

TEST_F(ChangeServerTest, AFolderThatIsThereStaysAsItIs) {
  config_.changes_socket_is_default = true;
  const std::string folder = folder_.path("run");
  std::filesystem::create_directory(folder);
  std::filesystem::permissions(folder, std::filesystem::perms(0700));
  config_.changes_socket = folder + "/changes.sock";
  ASSERT_TRUE(open_server(store_.get()).ok());
  EXPECT_EQ(mode_of(folder), 0700U);
}

TEST_F(ChangeServerTest, ADefaultSocketThatCannotBeIsGoneWithout) {
  config_.changes_socket = folder_.path("none") + "/deeper/changes.sock";
  EXPECT_FALSE(open_server(store_.get()).ok());
  config_.changes_socket_is_default = true;
  start();
  EXPECT_EQ(server_->addresses().size(), 1U);
}

}  // namespace
}  // namespace clearline::test
