#include "engine/pages.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>

namespace clearline {
namespace {

constexpr std::size_t kHugeBytes = Pages::kHugeBytes;

std::size_t mapped_bytes_for(std::size_t size) {
  return (size + Pages::kSlackBytes + kHugeBytes - 1) / kHugeBytes * kHugeBytes;
}

/// `mapped` bytes from a multiple of kHugeBytes on, zero; nullptr when memory lacks.
std::byte* map_aligned(std::size_t mapped, int protection = PROT_READ | PROT_WRITE) {
  // One huge page more, so that an aligned start can be cut out: the kernel does not promise one.
  const std::size_t reserved = mapped + kHugeBytes;
  void* start = mmap(nullptr, reserved, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) return nullptr;
  const auto address = reinterpret_cast<std::uintptr_t>(start);
  const std::uintptr_t aligned = (address + kHugeBytes - 1) / kHugeBytes * kHugeBytes;
  if (aligned > address) munmap(start, aligned - address);
  const std::uintptr_t behind = aligned + mapped;
  auto* data = static_cast<std::byte*>(start) + (aligned - address);
  if (address + reserved > behind) munmap(data + mapped, address + reserved - behind);
  return data;
}

/// Advice only: without huge pages everything works, a fifth slower.
void advise(std::byte* data, std::size_t size, std::size_t mapped) {
  // What fills a small part of a huge page would touch 2 MiB for nothing.
  if (size >= kHugeBytes / 2) madvise(data, mapped, MADV_HUGEPAGE);
  madvise(data, mapped, MADV_DONTDUMP);
}

}  // namespace

std::optional<Pages> Pages::create(std::size_t size) {
  if (size > SIZE_MAX / 4) return std::nullopt;
  const std::size_t mapped = mapped_bytes_for(size);
  std::byte* data = map_aligned(mapped);
  if (data == nullptr) return std::nullopt;
  advise(data, size, mapped);
  return Pages({data, size}, mapped, mapped);
}

std::optional<Pages> Pages::create_extensible(std::size_t size, std::size_t reserved) {
  if (size > reserved || reserved > SIZE_MAX / 4) return std::nullopt;
  const std::size_t mapped = mapped_bytes_for(reserved);
  std::byte* data = map_aligned(mapped, PROT_NONE);
  if (data == nullptr) return std::nullopt;
  advise(data, reserved, mapped);
  Pages pages({data, 0}, mapped, 0);
  if (!pages.extend(size)) return std::nullopt;
  return pages;
}

bool Pages::extend(std::size_t size) {
  if (size > mapped_bytes_) return false;
  const std::size_t usable = mapped_bytes_for(size);
  if (usable > mapped_bytes_) return false;
  if (usable > usable_bytes_) {
    if (mprotect(bytes_.data() + usable_bytes_, usable - usable_bytes_, PROT_READ | PROT_WRITE) != 0) return false;
    usable_bytes_ = usable;
  }
  bytes_ = {bytes_.data(), size};
  return true;
}

bool Pages::resize(std::size_t size) {
  if (size > SIZE_MAX / 4) return false;
  std::byte* data = bytes_.data();
  if (mapped_bytes_for(size) > mapped_bytes_) {
    const std::size_t mapped = std::max(mapped_bytes_for(size), 2 * mapped_bytes_);
    data = map_aligned(mapped);
    if (data == nullptr) return false;
    if (mapped_bytes_ != 0 &&
        mremap(bytes_.data(), mapped_bytes_, mapped_bytes_, MREMAP_MAYMOVE | MREMAP_FIXED, data) == MAP_FAILED) {
      munmap(data, mapped);
      return false;
    }
    mapped_bytes_ = usable_bytes_ = mapped;
    advise(data, size, mapped);
  }
  bytes_ = {data, size};
  return true;
}

void Pages::trim() {
  const std::size_t needed = mapped_bytes_for(bytes_.size());
  if (needed >= mapped_bytes_) return;
  munmap(bytes_.data() + needed, mapped_bytes_ - needed);
  mapped_bytes_ = usable_bytes_ = needed;
}

Pages::~Pages() {
  if (bytes_.data() != nullptr) munmap(bytes_.data(), mapped_bytes_);
}

}  // namespace clearline
