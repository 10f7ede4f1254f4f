// LocalSocket: the file of a Unix socket that one server listens on.
#pragma once

#include <sys/types.h>

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
  /// Removes the file, if it is still the one that was made. To be called while somebody listens on it: as long as the system
  /// keeps it, no other file can pass for it.
  void remove();

 private:
  bool is_ours() const;

  std::string path_;  // empty: there is none
  dev_t device_ = 0;  // of the file that was made
  ino_t file_ = 0;
};

}  // namespace clearline
