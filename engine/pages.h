// Pages: zeroed anonymous memory on 2 MiB pages where the system grants them, kept out of core dumps: it holds a
// registry.
//
// Cost        touching memory that the machine has not used for a while is the price, 0.1 to 1 s a GiB; reserving it is
//             nothing. So what grows is grown here by moving page tables: no byte is copied, and none is touched twice.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <utility>

namespace clearline {

class Pages {
 public:
  static constexpr std::size_t kHugeBytes = std::size_t{2} << 20;
  static constexpr std::size_t kSlackBytes = 64;  ///< readable, behind the last byte

  Pages() = default;
  Pages(Pages&& other) noexcept
      : bytes_(std::exchange(other.bytes_, {})),
        mapped_bytes_(std::exchange(other.mapped_bytes_, 0)),
        usable_bytes_(std::exchange(other.usable_bytes_, 0)) {}
  Pages& operator=(Pages&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(mapped_bytes_, other.mapped_bytes_);
    std::swap(usable_bytes_, other.usable_bytes_);
    return *this;
  }
  ~Pages();

  /// `size` zero bytes; behind them zeros to the end of the 4 KiB page, and kSlackBytes readable ones at least. Nothing
  /// when memory lacks.
  static std::optional<Pages> create(std::size_t size);

  /// The same, with addresses for `reserved` bytes (at least `size`): extend() grows there in place. Addresses cost
  /// nothing, also where the system counts what it has promised.
  static std::optional<Pages> create_extensible(std::size_t size, std::size_t reserved);
  /// Makes `size` bytes of these, where they are; further ones are zero if nobody has written behind the end. False when
  /// memory lacks or the addresses end: then nothing has changed. Others may read the first bytes meanwhile.
  bool extend(std::size_t size);

  /// Makes `size` bytes of these: the first ones stay, further ones are zero if nobody has written behind the end. The
  /// bytes move to another place only when what is mapped does not suffice; then twice as much is. False when memory
  /// lacks: then nothing has changed.
  bool resize(std::size_t size);

  /// Gives back what is mapped behind the bytes.
  void trim();

  std::span<std::byte> bytes() { return bytes_; }
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  Pages(std::span<std::byte> bytes, std::size_t mapped_bytes, std::size_t usable_bytes)
      : bytes_(bytes), mapped_bytes_(mapped_bytes), usable_bytes_(usable_bytes) {}
  std::span<std::byte> bytes_;
  std::size_t mapped_bytes_ = 0;
  std::size_t usable_bytes_ = 0;  // of those; the rest are addresses alone
};

}  // namespace clearline
