// Hashes: the only file that knows xxHash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "clearline/code.h"
#include "clearline/registry.h"

namespace clearline {

/// Finds damage, not forgery.
inline std::uint64_t checksum64(const void* data, std::size_t size) { return XXH3_64bits(data, size); }

/// A hash that who does not know the key cannot steer.
inline std::uint64_t keyed_hash64(std::string_view bytes, std::uint64_t key) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), key);
}

/// checksum64 of bytes that come in pieces.
class ChecksumStream {
 public:
  ChecksumStream() { XXH3_64bits_reset(&state_); }
  void add(const void* data, std::size_t size) { XXH3_64bits_update(&state_, data, size); }
  std::uint64_t value() const { return XXH3_64bits_digest(&state_); }

 private:
  XXH3_state_t state_;
};

/// Keyed 64-bit fingerprints of canonical names, bound to the code.
///
/// Two different names of one code have equal fingerprints with probability 2^-64 for someone who does not know the key
/// (XXH3 under a secret of 192 bytes drawn from the registry's random key, modelled as a random function). A
/// declaration is compared at most twice, so a false `same` has probability at most 2^-63: one in 9 * 10^18 mismatched
/// names. The value 0 marks an empty row and kNoPrint a name that is not on file; both are mapped away, which the bound
/// includes.
class NamePrinter {
 public:
  static constexpr std::uint64_t kNoPrint = 1;
  /// Writable bytes that must lie behind a name: the code is put there, so that name and code are hashed in one run.
  static constexpr std::size_t kSpareBytes = sizeof(std::uint64_t);

  explicit NamePrinter(const RegistryKey& key) { XXH3_generateSecret(secret_, sizeof secret_, key.data(), key.size()); }

  /// `name[size]` with kSpareBytes writable bytes behind it.
  std::uint64_t print(Code code, char* name, std::size_t size) const {
    std::memcpy(name + size, &code.digits, sizeof code.digits);
    const std::uint64_t hash = XXH3_64bits_withSecret(name, size + sizeof code.digits, secret_, sizeof secret_);
    return hash <= kNoPrint ? hash + 2 : hash;
  }

 private:
  alignas(64) unsigned char secret_[XXH3_SECRET_DEFAULT_SIZE];  // NOLINT(modernize-avoid-c-arrays)
};

}  // namespace clearline
