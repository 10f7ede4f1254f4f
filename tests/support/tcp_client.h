// TcpClient: a peer of a test, on plain sockets, that can be as rude as a test wants. Unix sockets, too.
#pragma once

#include <sys/un.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace clearline::test {

/// The address of a Unix socket.
sockaddr_un unix_address(const std::string& path);

class TcpClient {
 public:
  /// Connects to `127.0.0.1:40123`, or to a Unix socket when there is no ':' (a path). Fails the test when it cannot.
  explicit TcpClient(const std::string& address, int receive_buffer = 0);
  TcpClient(TcpClient&& other) noexcept;
  TcpClient& operator=(TcpClient&& other) noexcept;
  ~TcpClient();

  /// Whether the connection was made.
  bool ok() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  /// Sends all; false when the peer does not take it any more. Answers that come meanwhile are kept, so that neither waits for
  /// the other.
  bool send(std::string_view text);
  /// Sends what goes without waiting; how much did.
  std::size_t send_some(std::string_view text);
  /// No more will be sent.
  void half_close();
  /// The next line without its end; nothing at the end, or when none comes in time.
  std::optional<std::string> read_line(std::chrono::milliseconds patience = std::chrono::seconds(20));
  /// All that comes until the peer closes.
  std::string read_all(std::chrono::milliseconds patience = std::chrono::seconds(60));
  /// Closes with a reset.
  void reset();
  void close();

 private:
  bool receive(std::chrono::steady_clock::time_point until);
  int fd_ = -1;
  std::string came_;
  bool at_end_ = false;
};

}  // namespace clearline::test
