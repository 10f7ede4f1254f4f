// Of the journal, the only file that knows OpenSSL's libcrypto.
#include "io/store/chain.h"

#include <openssl/evp.h>

#include <bit>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <type_traits>

namespace clearline {
namespace {

static_assert(std::endian::native == std::endian::little, "hashed numbers are little-endian, as they lie in memory");

constexpr std::uint64_t kNoCode = ~std::uint64_t{0};
static_assert(kNoCode >= kCodeEnd);

/// SHA-256 of bytes that come in pieces; one at a time in a thread, as they share a context. Looking the algorithm up and
/// making a context cost more than hashing a row: the first is done once, the second once a thread. Each call of libcrypto
/// costs as much as hashing 30 bytes: pieces are gathered.
class Sha256 {
 public:
  void add(const void* data, std::size_t size) {
    if (size > gathered_.size() - size_) {
      flush();
      if (size > gathered_.size()) {
        require(EVP_DigestUpdate(context_, data, size) == 1);
        return;
      }
    }
    if (size != 0) std::memcpy(gathered_.data() + size_, data, size);
    size_ += size;
  }
  template <typename Number>
  void add(Number number) {
    static_assert(std::is_integral_v<Number>);
    add(&number, sizeof number);
  }
  template <std::size_t kSize>
  void add(const std::array<std::uint8_t, kSize>& bytes) {
    add(bytes.data(), bytes.size());
  }
  void add_sized(std::string_view bytes) {
    add(static_cast<std::uint32_t>(bytes.size()));
    add(bytes.data(), bytes.size());
  }
  Chain value() {
    flush();
    Chain hash;
    require(EVP_DigestFinal_ex(context_, hash.data(), nullptr) == 1);
    return hash;
  }

 private:
  void flush() {
    if (context_ == nullptr) {
      context_ = thread_context();
      require(EVP_DigestInit_ex2(context_, algorithm(), nullptr) == 1);
    }
    require(EVP_DigestUpdate(context_, gathered_.data(), size_) == 1);
    size_ = 0;
  }
  /// libcrypto without SHA-256, or no memory for a few hundred bytes: without hashes nothing can be kept or verified.
  static void require(bool holds) {
    if (holds) return;
    std::fputs("clearline: error: SHA-256 of libcrypto fails; repair the OpenSSL of this machine\n", stderr);
    std::abort();
  }
  static const EVP_MD* algorithm() {
    static const EVP_MD* const kAlgorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return kAlgorithm;
  }
  static EVP_MD_CTX* thread_context() {
    struct Free {
      void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    };
    static thread_local const std::unique_ptr<EVP_MD_CTX, Free> kContext(EVP_MD_CTX_new());
    require(kContext != nullptr);
    return kContext.get();
  }

  std::array<std::uint8_t, 1024> gathered_;  // more than most rows have
  std::size_t size_ = 0;
  EVP_MD_CTX* context_ = nullptr;  // from the first flush on
};

}  // namespace

Chain first_chain(const RegistryIdentity& identity) {
  static constexpr std::string_view kName = "clearline journal 1";
  Sha256 hash;
  hash.add(kName.data(), kName.size());
  hash.add(identity.uuid);
  hash.add(identity.incarnation);
  return hash.value();
}

std::array<std::uint8_t, 16> content_hash(const std::array<std::uint8_t, 16>& salt, std::string_view content) {
  Sha256 hash;
  hash.add(salt);
  hash.add(content.data(), content.size());
  const Chain whole = hash.value();
  std::array<std::uint8_t, 16> half;
  std::memcpy(half.data(), whole.data(), half.size());
  return half;
}

Chain data_hash(const JournalRow& row) {
  Sha256 hash;
  hash.add(row.salt);
  hash.add_sized(row.before);
  hash.add_sized(row.after);
  hash.add_sized(row.new_after);
  return hash.value();
}

Chain next_chain(const Chain& previous, const JournalRow& row) {
  const Chain data = row.erased_data ? *row.erased_data : data_hash(row);
  Sha256 hash;
  hash.add(previous);
  hash.add(row.seq);
  hash.add(row.at_us);
  hash.add(row.effective_us);
  hash.add(row.received_us);
  hash.add(static_cast<std::uint8_t>(row.op));
  hash.add(static_cast<std::uint8_t>(row.by));
  hash.add(row.code.digits);
  hash.add(row.new_code ? row.new_code->digits : kNoCode);
  hash.add_sized(row.change_id);
  hash.add_sized(row.actor);
  hash.add(row.content_hash);
  hash.add(data);
  return hash.value();
}

}  // namespace clearline
