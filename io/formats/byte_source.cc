#include "io/formats/byte_source.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "io/formats/errno_words.h"

namespace clearline {
namespace {

class FileSource : public ByteSource {
 public:
  FileSource(int fd, std::string name, std::optional<std::uint64_t> size)
      : fd_(fd), name_(std::move(name)), size_(size) {}
  ~FileSource() override {
    if (fd_ != STDIN_FILENO) close(fd_);
  }

  Result<std::size_t> read(std::span<char> out) override {
    for (;;) {
      const ssize_t got = ::read(fd_, out.data(), out.size());
      if (got >= 0) {
        taken_ += static_cast<std::uint64_t>(got);
        return static_cast<std::size_t>(got);
      }
      if (errno != EINTR) return Status(StatusKind::kInput, name_ + ": error: cannot read: " + errno_words(errno));
    }
  }
  const std::string& name() const override { return name_; }
  std::optional<std::uint64_t> size() const override { return size_; }
  std::uint64_t bytes_taken() const override { return taken_; }
  bool may_wait() const override {
    pollfd wanted{fd_, POLLIN, 0};
    return poll(&wanted, 1, 0) == 0;
  }

 private:
  int fd_;
  std::string name_;
  std::optional<std::uint64_t> size_;
  std::uint64_t taken_ = 0;
};

}  // namespace

Result<std::unique_ptr<ByteSource>> open_file_source(const std::string& path) {
  if (path == "-")
    return std::unique_ptr<ByteSource>(std::make_unique<FileSource>(STDIN_FILENO, "<stdin>", std::nullopt));
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Status(StatusKind::kInput, path + ": error: cannot open: " + errno_words(errno));
  struct stat info{};
  if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
    close(fd);
    return Status(StatusKind::kInput, path + ": error: is a directory; name the files in it");
  }
  std::optional<std::uint64_t> size;
  if (S_ISREG(info.st_mode)) {
    size = static_cast<std::uint64_t>(info.st_size);
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  return std::unique_ptr<ByteSource>(std::make_unique<FileSource>(fd, path, size));
}

Result<std::unique_ptr<PeekedSource>> PeekedSource::open(std::unique_ptr<ByteSource> below, std::size_t bytes,
                                                         bool is_live) {
  std::unique_ptr<PeekedSource> source(new PeekedSource(std::move(below)));
  source->start_.resize(bytes);
  std::size_t size = 0;
  while (size < bytes) {
    const auto got = source->below().read(std::span(source->start_).subspan(size));
    if (!got.ok()) return got.status();
    if (*got == 0) break;
    size += *got;
    if (is_live && source->below().may_wait()) break;
  }
  source->start_.resize(size);
  return source;
}

Result<std::size_t> PeekedSource::read(std::span<char> out) {
  if (given_ == start_.size()) return below().read(out);
  const std::size_t size = std::min(out.size(), start_.size() - given_);
  std::memcpy(out.data(), start_.data() + given_, size);
  given_ += size;
  return size;
}

}  // namespace clearline
