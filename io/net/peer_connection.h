// PeerConnection: a connected socket of a client, TCP or Unix, that never waits but in connect() and wait_for().
#pragma once

#include <poll.h>

#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

#include "io/net/peer_address.h"

namespace clearline {

class PeerConnection {
 public:
  PeerConnection() = default;
  PeerConnection(const PeerConnection&) = delete;
  PeerConnection& operator=(const PeerConnection&) = delete;
  ~PeerConnection() { close(); }

  /// Why it cannot be connected, after kConnectTimeout at most for each address; empty: it is.
  std::string connect(const PeerAddress& to);
  /// The same of a Unix socket.
  std::string connect(const std::string& path);

  /// Bytes that were taken; 0: none now, or none any more (the peer's answers can still be read then).
  std::size_t send(std::string_view bytes);
  bool can_send() const { return can_send_; }
  /// No more will be sent.
  void half_close();
  /// Bytes that came; 0: none now. lost() tells whether more can come.
  std::size_t receive(char* to, std::size_t size);
  /// Why nothing can come any more; empty: something can.
  const std::string& lost() const { return lost_; }
  int fd() const { return fd_; }

 private:
  std::string connect_to(const SocketAddress& to);
  void close();

  int fd_ = -1;
  bool can_send_ = true;
  std::string lost_;
};

/// Waits for one of two descriptors at most, or for a time.
void wait_for(std::initializer_list<pollfd> descriptors, std::chrono::nanoseconds patience);

}  // namespace clearline
