// Pages: zeroed anonymous memory on 2 MiB pages where the system grants them, kept out of core dumps: it holds a
// registry.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <utility>

namespace clearline {

class Pages {
 public:
  Pages() = default;
  Pages(Pages&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  Pages& operator=(Pages&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Pages();

  /// `size` zero bytes, and at least 64 readable ones behind them. Nothing when memory lacks.
  static std::optional<Pages> create(std::size_t size);

  std::span<std::byte> bytes() { return bytes_; }
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  explicit Pages(std::span<std::byte> bytes) : bytes_(bytes) {}
  std::span<std::byte> bytes_;
};

}  // namespace clearline
