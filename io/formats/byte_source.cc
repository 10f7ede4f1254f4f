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

/// Of a regular file the size at its opening is what it has to give. One that ends before was cut while it was read, and
/// what is there looks whole. One that grows is read to its new end: somebody appends to it, and no line of it is lost.
class FileSource : public ByteSource {
 public:
  /// size: of a regular file, behind where its reading starts.
  FileSource(int fd, std::string name, std::optional<std::uint64_t> size)
      : fd_(fd), name_(std::move(name)), size_(size) {}
  ~FileSource() override {
    if (fd_ != STDIN_FILENO) close(fd_);
  }

  Result<std::size_t> read(std::span<char> out) override {
    for (;;) {
      const ssize_t got = ::read(fd_, out.data(), out.size());
      if (got == 0 && !out.empty() && taken_ < size_.value_or(0)) return cut_short();
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
  Status cut_short() const {
    return {StatusKind::kInput, name_ + ": error: the input was cut short while it was read: it ends after " +
                                    std::to_string(taken_) + " bytes, and had " + std::to_string(*size_) +
                                    " when it was opened; run again once nobody writes it"};
  }

  int fd_;
  std::string name_;
  std::optional<std::uint64_t> size_;
  std::uint64_t taken_ = 0;
};

/// What a regular file has to give from where it is read on; nothing of anything else.
std::optional<std::uint64_t> bytes_left(int fd) {
  struct stat info{};
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  const off_t at = lseek(fd, 0, SEEK_CUR);  // of stdin, another program may have read some
  return static_cast<std::uint64_t>(std::max<off_t>(info.st_size - std::max<off_t>(at, 0), 0));
}

}  // namespace

Result<std::unique_ptr<ByteSource>> open_file_source(const std::string& path) {
  if (path == "-") {
    return std::unique_ptr<ByteSource>(std::make_unique<FileSource>(STDIN_FILENO, "<stdin>", bytes_left(STDIN_FILENO)));
  }
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Status(StatusKind::kInput, path + ": error: cannot open: " + errno_words(errno));
  struct stat info{};
  if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
    close(fd);
    return Status(StatusKind::kInput, path + ": error: is a directory; name the files in it");
  }
  const auto size = bytes_left(fd);
  if (size) posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
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
    source->is_all_ = *got == 0;
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
