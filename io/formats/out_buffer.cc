#include "io/formats/out_buffer.h"

#include <algorithm>

namespace clearline {

void OutBuffer::grow(std::size_t bytes) {
  const std::size_t capacity = std::max(capacity_ * 2, size_ + bytes + 4096);
  std::unique_ptr<char[]> data(new char[capacity]);  // NOLINT(modernize-avoid-c-arrays)
  if (size_ != 0) std::memcpy(data.get(), data_.get(), size_);
  data_ = std::move(data);
  capacity_ = capacity;
}

}  // namespace clearline
