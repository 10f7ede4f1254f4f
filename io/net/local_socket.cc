#include "io/net/local_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <cerrno>

#include "io/formats/errno_words.h"
#include "io/store/folders.h"

namespace clearline {
namespace {

using Local = asio::local::stream_protocol;

Status wrong_socket(const std::string& path, const std::string& what) {
  return {StatusKind::kConfig, "changes " + path + ": error: " + what};
}

/// Removes a socket that nobody listens on any more. Refused: one that is in use, and whatever is no socket.
Status clear_path(const std::string& path, const sockaddr_un& address) {
  struct stat found{};
  if (lstat(path.c_str(), &found) != 0) {
    return errno == ENOENT ? Status() : wrong_socket(path, "cannot look at it: " + errno_words(errno));
  }
  if (!S_ISSOCK(found.st_mode))
    return wrong_socket(path, "there is a file of that name; remove it or name another path");
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return wrong_socket(path, "cannot open a socket: " + errno_words(errno));
  const int error = connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
  close(probe);
  // EAGAIN: so many wait to be accepted that there is no room for one more.
  if (error == 0 || error == EAGAIN) return wrong_socket(path, "another program listens on it");
  if (error != ECONNREFUSED)
    return wrong_socket(path, "cannot tell whether another program listens on it: " + errno_words(error));
  if (unlink(path.c_str()) == 0) return {};
  return wrong_socket(path, "cannot remove the old socket: " + errno_words(errno));
}

}  // namespace

Result<StreamAcceptor> LocalSocket::listen(asio::io_context& io, const std::string& path, bool makes_folder) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return wrong_socket(path, "the path is longer than sockets may have");
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (makes_folder) {
    // Whatever the umask: other users reach the socket, and nobody else can put one there.
    const std::string folder = folder_of(path);
    if (mkdir(folder.c_str(), 0755) == 0) chmod(folder.c_str(), 0755);
  }
  if (Status status = clear_path(path, address); !status.ok()) return status;
  StreamAcceptor acceptor(io);
  error_code error;
  acceptor.open(Stream(Local()), error);
  // Before it has a name, so that nobody else can connect in between.
  if (!error) fchmod(acceptor.native_handle(), 0600);
  if (!error) acceptor.bind(Stream::endpoint(Local::endpoint(path)), error);
  if (error) return wrong_socket(path, "cannot make it: " + error.message());
  struct stat made{};
  if (lstat(path.c_str(), &made) != 0) return wrong_socket(path, "cannot look at it: " + errno_words(errno));
  path_ = path;
  device_ = made.st_dev;
  file_ = made.st_ino;
  let_others_in(false);
  acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return wrong_socket(path, "cannot listen: " + error.message());
  return acceptor;
}

void LocalSocket::let_others_in(bool may) const {
  if (is_ours()) chmod(path_.c_str(), may ? 0666 : 0600);
}

/// Somebody may have removed it, and another program may listen there since.
bool LocalSocket::is_ours() const {
  struct stat found{};
  return !path_.empty() && lstat(path_.c_str(), &found) == 0 && found.st_dev == device_ && found.st_ino == file_;
}

void LocalSocket::remove() {
  if (is_ours()) unlink(path_.c_str());
  path_.clear();
}

}  // namespace clearline
