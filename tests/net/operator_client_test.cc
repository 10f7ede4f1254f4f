// Whoever asks a server, and what answers or does not.
#include "io/net/operator_client.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <thread>

#include "tests/support/files.h"
#include "tests/support/tcp_client.h"

namespace clearline::test {
namespace {

using std::chrono::milliseconds;

/// A Unix socket that answers the first `statuses` requests for a status, and nothing else; connections stay open.
class HalfDeadServer {
 public:
  HalfDeadServer(std::string path, int statuses, int backlog = 8)
      : path_(std::move(path)), fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_un address = unix_address(path_);
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(fd_, backlog), 0);
    if (statuses == 0) return;  // and accepts nobody
    thread_ = std::jthread([this, statuses] { serve(statuses); });
  }
  HalfDeadServer(const HalfDeadServer&) = delete;
  HalfDeadServer& operator=(const HalfDeadServer&) = delete;
  ~HalfDeadServer() {
    shutdown(fd_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    for (const int peer : peers_) close(peer);
    close(fd_);
  }
  AskedServer asked() const {
    AskedServer server;
    server.socket_path = path_;
    return server;
  }

 private:
  void serve(int statuses) {
    for (int peer = accept(fd_, nullptr, nullptr); peer >= 0; peer = accept(fd_, nullptr, nullptr)) {
      peers_.push_back(peer);
      std::array<char, 256> bytes{};
      const ssize_t got = recv(peer, bytes.data(), bytes.size(), 0);
      const std::string request(bytes.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
      if (request.find("status") == std::string::npos || statuses-- <= 0) continue;
      const std::string answer = "{\"status\":{}}\n";
      EXPECT_EQ(send(peer, answer.data(), answer.size(), MSG_NOSIGNAL), static_cast<ssize_t>(answer.size()));
    }
  }

  std::string path_;
  int fd_;
  std::vector<int> peers_;
  std::jthread thread_;
};

void expect_given_up(const AskedServer& server, const std::string& request, const std::string& words) {
  const auto answer = ask_server(server, request, milliseconds(100));
  ASSERT_FALSE(answer.ok()) << request;
  EXPECT_EQ(answer.status().kind(), StatusKind::kPeer) << request;
  EXPECT_NE(answer.status().message().find(words), std::string::npos) << answer.status().message();
}

TEST(OperatorClient, AServerThatIsSilentIsGivenUp) {
  const TestFolder folder;
  const HalfDeadServer server(folder.path("socket"), 0);
  for (const std::string request : {"status", "checkpoint", "reload"})
    expect_given_up(server.asked(), request, "no answer came within 100ms");
}

TEST(OperatorClient, AServerThatFallsSilentOverWhatItWasAskedIsGivenUp) {
  const TestFolder folder;
  const HalfDeadServer server(folder.path("socket"), 3);
  expect_given_up(server.asked(), "checkpoint", "no answer came within 100ms");
}

TEST(OperatorClient, AServerWithoutRoomForOneMoreIsGivenUp) {
  const TestFolder folder;
  const HalfDeadServer server(folder.path("socket"), 0, 0);
  const TcpClient waits_to_be_accepted(folder.path("socket"));
  expect_given_up(server.asked(), "status", "no server answers");
}

}  // namespace
}  // namespace clearline::test
