// OutBuffer: bytes on their way out, in memory that is reused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace clearline {

/// Bytes that grow to the size a block needs and stay there.
class OutBuffer {
 public:
  /// Room for `bytes` more; they count once they are committed with `advance`.
  char* reserve(std::size_t bytes) {
    if (capacity_ - size_ < bytes) grow(bytes);
    return data_.get() + size_;
  }
  void advance(std::size_t bytes) { size_ += bytes; }
  void append(std::string_view text) {
    if (text.empty()) return;  // memcpy may not see the null of an empty view
    std::memcpy(reserve(text.size()), text.data(), text.size());
    size_ += text.size();
  }
  /// The same for a literal: a few moves instead of a call.
  template <std::size_t kSize>
  void append_fixed(const char (&text)[kSize]) {  // NOLINT(modernize-avoid-c-arrays)
    std::memcpy(reserve(kSize - 1), text, kSize - 1);
    size_ += kSize - 1;
  }
  /// In decimal digits.
  void append_number(std::uint64_t value);
  void clear() { size_ = 0; }
  std::string_view text() const { return {data_.get(), size_}; }

 private:
  void grow(std::size_t bytes);
  std::unique_ptr<char[]> data_;  // NOLINT(modernize-avoid-c-arrays): a raw buffer
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace clearline
