#include "io/formats/out_buffer.h"

#include <algorithm>
#include <charconv>

namespace clearline {

void OutBuffer::grow(std::size_t bytes) {
  const std::size_t capacity = std::max(capacity_ * 2, size_ + bytes + 4096);
  std::unique_ptr<char[]> data(new char[capacity]);  // NOLINT(modernize-avoid-c-arrays)
  if (size_ != 0) std::memcpy(data.get(), data_.get(), size_);
  data_ = std::move(data);
  capacity_ = capacity;
}

void OutBuffer::append_number(std::uint64_t value) {
  constexpr std::size_t kDigitsMax = 20;
  char* begin = reserve(kDigitsMax);
  advance(static_cast<std::size_t>(std::to_chars(begin, begin + kDigitsMax, value).ptr - begin));
}

}  // namespace clearline
