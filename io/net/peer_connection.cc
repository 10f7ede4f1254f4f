#include "io/net/peer_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <system_error>
#include <thread>

namespace clearline {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kConnectTimeout{5'000};
constexpr milliseconds kConnectAgain{10};

std::string system_words(int error) { return std::generic_category().message(error); }

}  // namespace

std::string PeerConnection::connect(const PeerAddress& to) {
  std::string why;
  for (const Address& address : to.addresses) {
    why = connect_to(socket_address(address));
    if (!why.empty()) continue;
    // Pieces are as large as they should be already; and a host that is gone must show.
    const int one = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd_, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    return why;
  }
  return why;
}

std::string PeerConnection::connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return "the path is longer than sockets may have";
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  SocketAddress to;
  to.size = sizeof address;
  std::memcpy(&to.storage, &address, sizeof address);
  return connect_to(to);
}

std::string PeerConnection::connect_to(const SocketAddress& to) {
  close();
  fd_ = socket(to.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd_ < 0) return system_words(errno);
  const auto until = Clock::now() + kConnectTimeout;
  // EAGAIN: as many wait at a Unix socket as may, of a server that is stopped say.
  while (::connect(fd_, reinterpret_cast<const sockaddr*>(&to.storage), to.size) != 0) {
    if (errno == EINPROGRESS) {
      pollfd wanted{fd_, POLLOUT, 0};
      if (poll(&wanted, 1, static_cast<int>(kConnectTimeout.count())) <= 0) return system_words(ETIMEDOUT);
      int error = 0;
      socklen_t size = sizeof error;
      getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
      return error == 0 ? std::string() : system_words(error);
    }
    if (errno != EAGAIN) return system_words(errno);
    if (Clock::now() >= until) return system_words(ETIMEDOUT);
    std::this_thread::sleep_for(kConnectAgain);
  }
  return {};
}

void PeerConnection::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

std::size_t PeerConnection::send(std::string_view bytes) {
  const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent < 0) can_send_ = can_send_ && (errno == EAGAIN || errno == EINTR);
  return sent < 0 ? 0 : static_cast<std::size_t>(sent);
}

void PeerConnection::half_close() {
  shutdown(fd_, SHUT_WR);
  can_send_ = false;
}

std::size_t PeerConnection::receive(char* to, std::size_t size) {
  const ssize_t got = recv(fd_, to, size, 0);
  if (got == 0) lost_ = "the peer closed the connection";
  if (got < 0 && errno != EAGAIN && errno != EINTR) lost_ = system_words(errno);
  return got < 0 ? 0 : static_cast<std::size_t>(got);
}

void wait_for(std::initializer_list<pollfd> descriptors, std::chrono::nanoseconds patience) {
  std::array<pollfd, 2> wanted{};
  std::copy(descriptors.begin(), descriptors.end(), wanted.begin());
  patience = std::max(patience, std::chrono::nanoseconds(0));
  const auto seconds = std::chrono::floor<std::chrono::seconds>(patience);
  const timespec timeout{seconds.count(), (patience - seconds).count()};
  (void)ppoll(wanted.data(), descriptors.size(), &timeout, nullptr);  // a signal is as good as a time that is over
}

}  // namespace clearline
