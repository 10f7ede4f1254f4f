// LocalSocket: the file of a Unix socket that one server listens on.
#pragma once

#include <string>

#include "clearline/status.h"
#include "io/net/asio_parts.h"

namespace clearline {

class LocalSocket {
 public:
  LocalSocket() = default;
  LocalSocket(const LocalSocket&) = delete;
  LocalSocket& operator=(const LocalSocket&) = delete;
  ~LocalSocket() { remove(); }

  /// Binds and listens; only this user may connect. A socket that is left from before is replaced. kConfig: it is in use, the path is
  /// of something else, too long, or cannot be made. `makes_folder`: the last folder of the path, too, open to others.
  Result<StreamAcceptor> listen(asio::io_context& io, const std::string& path, bool makes_folder);
  /// Whether other users may connect; the peer's uid decides then.
  void let_others_in(bool may) const;
  /// To be called before nobody listens on it any more: from then on it may be another server's.
  void remove();

 private:
  std::string path_;  // empty: there is none
};

}  // namespace clearline
