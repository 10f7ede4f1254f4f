// Registry: all entries at one moment. Built once from entries, then read by any number of threads. A live one is changed
// by one thread meanwhile (engine/registry_writer.h); each answer is that of one seq.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clearline/code.h"
#include "clearline/date.h"
#include "clearline/status.h"

namespace clearline {

enum class CodeStatus : std::uint8_t { kActive, kSuspended, kCancelled, kReplaced };
std::string_view to_string(CodeStatus status);
std::optional<CodeStatus> parse_code_status(std::string_view text);

/// What the registry holds of one code. Empty texts and no zips mean: not on file.
struct Entry {
  Code code;
  std::string name;                 ///< Latin, family name first, in its spelling
  std::string name_ko;              ///< Hangul, in its spelling
  std::string phone;                ///< canonical digits, see canonical_phone()
  std::vector<std::uint32_t> zips;  ///< 0 to 20, each below 100,000
  CodeStatus status = CodeStatus::kActive;
  std::optional<Code> replaced_by;  ///< only with kReplaced
  std::optional<Date> issued;
  std::optional<Date> changed;  ///< last issue or information change
  std::optional<Date> expires;  ///< usable through this day
  friend bool operator==(const Entry&, const Entry&) = default;
};
inline constexpr std::size_t kZipsMax = 20;

/// Why an entry cannot be registered, as words for a person; nothing when it can. Holds no registered value.
std::optional<std::string_view> entry_fault(const Entry& entry);

/// All but ASCII digits and a leading `+` dropped; `+82` and `0082` become `0`, a `0` right behind not doubled.
std::string canonical_phone(std::string_view text);

/// Identifies a registry, so that a seq never means two things.
struct RegistryIdentity {
  std::array<std::uint8_t, 16> uuid{};
  std::uint32_t incarnation = 1;  ///< new after each restore from a backup
  friend bool operator==(const RegistryIdentity&, const RegistryIdentity&) = default;
};

/// The random key of the name fingerprints.
using RegistryKey = std::array<std::uint8_t, 32>;

class RegistryTable;  // engine/registry_table.h

class Registry {
 public:
  explicit Registry(std::unique_ptr<RegistryTable> table);
  Registry(Registry&&) noexcept;
  Registry& operator=(Registry&&) noexcept;
  ~Registry();

  std::uint64_t size() const;
  std::uint64_t seq() const;
  const RegistryIdentity& identity() const;

  /// The whole entry of a code; nothing if it is not there. For single look-ups, not for screening.
  std::optional<Entry> find(Code code) const;

  const RegistryTable& table() const { return *table_; }
  /// For the one who changes it.
  RegistryTable& mutable_table() { return *table_; }

 private:
  std::unique_ptr<RegistryTable> table_;
};

/// Gathers entries in any order and makes a Registry of them. Used by one thread at a time; what costs, folding the
/// entries, can be done by many, each with batches of its own.
class RegistryBuilder {
 public:
  /// `key` must come from a source of randomness: who knows it could prepare names with equal fingerprints.
  RegistryBuilder(const RegistryKey& key, const RegistryIdentity& identity);
  ~RegistryBuilder();

  /// Takes an entry without a fault (entry_fault); `ticket` is any number by which the caller knows it again, a line
  /// say.
  void add(const Entry& entry, std::uint64_t ticket = 0);

  /// Entries on their way to a builder, folded already. Used by one thread at a time, whichever thread the builder is
  /// used by. Its memory is reused.
  class Batch {
   public:
    Batch(Batch&&) noexcept;
    Batch& operator=(Batch&&) noexcept;
    ~Batch();

    /// Takes an entry, as RegistryBuilder::add; or says what entry_fault says, and takes nothing.
    std::optional<std::string_view> add(const Entry& entry, std::uint64_t ticket = 0);
    std::size_t size() const;
    void clear();

   private:
    friend class RegistryBuilder;
    struct State;
    explicit Batch(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
  };
  /// An empty batch for this builder and no other: the key is in its entries.
  Batch make_batch() const;
  /// Takes all entries of a batch, as if they were added now one after the other. The batch stays as it is.
  void add(const Batch& batch);

  /// One code that was added more than once: `first` and `again` are tickets in the order of adding.
  struct Duplicate {
    Code code;
    std::uint64_t first;
    std::uint64_t again;
  };
  enum class OnDuplicate { kRefuse, kKeepLast };

  /// The registry, at seq 0, filled by `threads` threads, the caller's included; the builder is empty afterwards. The
  /// same entries in the same order make the same registry, whatever the threads and batches. With kRefuse the doubles are listed (the first
  /// `listed_max` by ticket, all counted) and no registry is made; with kKeepLast the entry added last stays. A status
  /// that is not ok says that there was not enough memory.
  struct Outcome {
    Status status;
    std::optional<Registry> registry;
    std::vector<Duplicate> duplicates;
    std::uint64_t duplicate_count = 0;
  };
  Outcome build(OnDuplicate on_duplicate, std::size_t listed_max = 20, int threads = 1);

 private:
  struct State;
  std::unique_ptr<State> state_;
  Batch single_;  // for entries that come one by one
};

}  // namespace clearline
