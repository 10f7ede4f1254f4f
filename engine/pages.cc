#include "engine/pages.h"

#include <sys/mman.h>

#include <cstdint>

namespace clearline {
namespace {

constexpr std::size_t kHugeBytes = std::size_t{2} << 20;
constexpr std::size_t kSlackBytes = 64;

std::size_t mapped_bytes(std::size_t size) { return (size + kSlackBytes + kHugeBytes - 1) / kHugeBytes * kHugeBytes; }

}  // namespace

std::optional<Pages> Pages::create(std::size_t size) {
  if (size > SIZE_MAX / 2) return std::nullopt;
  const std::size_t mapped = mapped_bytes(size);
  // One huge page more, so that an aligned start can be cut out: the kernel does not promise one.
  const std::size_t reserved = mapped + kHugeBytes;
  void* start = mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) return std::nullopt;
  const auto address = reinterpret_cast<std::uintptr_t>(start);
  const std::uintptr_t aligned = (address + kHugeBytes - 1) / kHugeBytes * kHugeBytes;
  if (aligned > address) munmap(start, aligned - address);
  const std::uintptr_t behind = aligned + mapped;
  auto* data = static_cast<std::byte*>(start) + (aligned - address);
  if (address + reserved > behind) munmap(data + mapped, address + reserved - behind);
  // Advice only: without huge pages everything works, a fifth slower.
  madvise(data, mapped, MADV_HUGEPAGE);
  madvise(data, mapped, MADV_DONTDUMP);
  return Pages({data, size});
}

Pages::~Pages() {
  if (bytes_.data() != nullptr) munmap(bytes_.data(), mapped_bytes(bytes_.size()));
}

}  // namespace clearline
