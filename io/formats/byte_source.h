// ByteSource: where the bytes of an input come from. Sources stack: a file, what it holds compressed, that as UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "clearline/status.h"

namespace clearline {

class ByteSource {
 public:
  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;

  /// Fills the front of `out`; 0 at the end of the input.
  virtual Result<std::size_t> read(std::span<char> out) = 0;
  /// For errors: the path, or `<stdin>`.
  virtual const std::string& name() const = 0;
  /// Bytes of the file in all when it was opened, when the system knows.
  virtual std::optional<std::uint64_t> size() const { return std::nullopt; }
  /// Bytes of the file that were read so far: what `size` is compared with.
  virtual std::uint64_t bytes_taken() const { return 0; }
  /// Whether the next read() may have to wait for whoever writes.
  virtual bool may_wait() const { return false; }
};

/// A source on top of another one; what it does not say itself, that one says.
class StackedSource : public ByteSource {
 public:
  explicit StackedSource(std::unique_ptr<ByteSource> below) : below_(std::move(below)) {}
  const std::string& name() const override { return below_->name(); }
  std::optional<std::uint64_t> size() const override { return below_->size(); }
  std::uint64_t bytes_taken() const override { return below_->bytes_taken(); }
  bool may_wait() const override { return below_->may_wait(); }

 protected:
  ByteSource& below() { return *below_; }
  const ByteSource& below() const { return *below_; }

 private:
  std::unique_ptr<ByteSource> below_;
};

/// A source whose first bytes can be looked at before it is read.
class PeekedSource : public StackedSource {
 public:
  /// Reads up to `bytes` ahead; fewer only when the input has no more, or, of one that `is_live`, none for now.
  static Result<std::unique_ptr<PeekedSource>> open(std::unique_ptr<ByteSource> below, std::size_t bytes,
                                                    bool is_live = false);
  /// What was read ahead and is not given yet.
  std::string_view start() const { return {start_.data() + given_, start_.size() - given_}; }
  /// Whether start() is all there is: the input has ended behind it.
  bool is_all() const { return is_all_; }
  /// Drops the first `bytes` of start().
  void skip(std::size_t bytes) { given_ += bytes; }
  Result<std::size_t> read(std::span<char> out) override;
  bool may_wait() const override { return start().empty() && below().may_wait(); }

 private:
  using StackedSource::StackedSource;
  std::vector<char> start_;
  std::size_t given_ = 0;
  bool is_all_ = false;
};

/// A file, or stdin for `-`. kInput when it cannot be opened; a folder is no file. A regular file that ends before the size it
/// had when it was opened gives kInput in place of an end.
Result<std::unique_ptr<ByteSource>> open_file_source(const std::string& path);

}  // namespace clearline
