// Block: whole lines on their way through the pipeline, and the verdict lines that travel with them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace clearline {

struct InputFormat;

inline constexpr std::string_view kBom = "\xEF\xBB\xBF";  ///< dropped at the start of an input

/// Bytes behind the last one of a block, all zero: vector loads may run over its end, and a parser stops there by
/// itself.
inline constexpr std::size_t kBlockPadding = 128;

/// A fixed buffer of `capacity` bytes and padding. Holds whole lines; a last line may lack its line end at the input's
/// end.
struct Block {
  explicit Block(std::size_t capacity_bytes)
      : data(new char[capacity_bytes + kBlockPadding]()), capacity(capacity_bytes) {}

  std::string_view text() const { return {data.get(), size}; }
  /// Sets the size and clears the padding behind.
  void set_size(std::size_t bytes) {
    size = bytes;
    std::memset(data.get() + size, 0, kBlockPadding);
  }

  std::unique_ptr<char[]> data;  // NOLINT(modernize-avoid-c-arrays): a raw buffer, sized once
  std::size_t capacity;
  std::size_t size = 0;
  std::uint64_t first_line = 1;         ///< number of its first physical line in its input, from 1
  const InputFormat* format = nullptr;  ///< of its input
};

}  // namespace clearline
