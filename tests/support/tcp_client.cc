#include "tests/support/tcp_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace clearline::test {
namespace {

using Clock = std::chrono::steady_clock;

int milliseconds_until(Clock::time_point until) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
  return static_cast<int>(std::max<long>(left, 0));
}

}  // namespace

sockaddr_un unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

TcpClient::TcpClient(const std::string& address, int receive_buffer) {
  const std::size_t colon = address.rfind(':');
  const bool is_unix = colon == std::string::npos;
  const int fd = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    ADD_FAILURE() << "socket: " << errno;
    return;
  }
  if (receive_buffer != 0) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  int result = -1;
  if (is_unix) {
    const sockaddr_un to = unix_address(address);
    result = connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  } else {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::atoi(address.c_str() + colon + 1)));
    inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
    result = connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  }
  if (result != 0) {
    ADD_FAILURE() << "cannot connect to " << address << ": " << errno;
    ::close(fd);
    return;
  }
  const int one = 1;
  if (!is_unix) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  fd_ = fd;
}

TcpClient::TcpClient(TcpClient&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), came_(std::move(other.came_)), at_end_(other.at_end_) {}

TcpClient& TcpClient::operator=(TcpClient&& other) noexcept {
  close();
  fd_ = std::exchange(other.fd_, -1);
  came_ = std::move(other.came_);
  at_end_ = other.at_end_;
  return *this;
}

TcpClient::~TcpClient() { close(); }

std::size_t TcpClient::send_some(std::string_view text) {
  const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
  return sent < 0 ? 0 : static_cast<std::size_t>(sent);
}

bool TcpClient::send(std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      text.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno != EAGAIN && errno != EINTR) return false;
    pollfd wait{fd_, static_cast<short>(POLLOUT | (at_end_ ? 0 : POLLIN)), 0};
    if (poll(&wait, 1, 60'000) <= 0) return false;
    if ((wait.revents & POLLIN) != 0) receive(Clock::now());
  }
  return true;
}

void TcpClient::half_close() { shutdown(fd_, SHUT_WR); }

/// Takes what has come, or waits for it. False: nothing came.
bool TcpClient::receive(Clock::time_point until) {
  if (at_end_ || fd_ < 0) return false;
  for (;;) {
    std::array<char, 65'536> bytes;
    const ssize_t got = recv(fd_, bytes.data(), bytes.size(), 0);
    if (got > 0) {
      came_.append(bytes.data(), static_cast<std::size_t>(got));
      return true;
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      at_end_ = true;
      return false;
    }
    pollfd wait{fd_, POLLIN, 0};
    if (poll(&wait, 1, milliseconds_until(until)) <= 0) return false;
  }
}

std::optional<std::string> TcpClient::read_line(std::chrono::milliseconds patience) {
  const auto until = Clock::now() + patience;
  std::size_t seen = 0;
  for (;;) {
    const std::size_t end = came_.find('\n', seen);
    if (end != std::string::npos) {
      std::string line = came_.substr(0, end);
      came_.erase(0, end + 1);
      return line;
    }
    seen = came_.size();
    if (!receive(until)) return std::nullopt;
  }
}

std::string TcpClient::read_all(std::chrono::milliseconds patience) {
  const auto until = Clock::now() + patience;
  while (receive(until)) {
  }
  return std::exchange(came_, {});
}

void TcpClient::reset() {
  if (fd_ < 0) return;
  const linger now{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

void TcpClient::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

}  // namespace clearline::test
