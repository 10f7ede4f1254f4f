// Chain: what ties the rows of a journal together, so that a removed, altered or swapped row shows.
//
//   data hash  SHA-256( salt:16 | size:4 before | size:4 after | size:4 new_after )
//   chain      SHA-256( previous chain:32 | seq:8 | at:8 | effective:8 | received:8 | op:1 | by:1 | code:8 | new_code:8
//                       | size:4 change_id | size:4 actor | content hash:16 | data hash:32 )
//   first      SHA-256( "clearline journal 1" | UUID:16 | incarnation:4 )
//
// Numbers are little-endian; a missing new_code is all ones, which no code is; sizes stand before what has no fixed one,
// so no two rows are the same bytes. A person's data enters by its salted hash alone: once before, after, new_after and
// the salt are erased, the hash stays in their place, says nothing of them (128 random bits are gone), and the chain
// still verifies. The content hash is salted by the same salt.
//
// Against whom  whoever changes some rows and cannot rewrite all that follow, `head` and the copies others keep of a
//               chain. It is no signature: who may write the whole folder can make another history.
// Threads       any; each has a context of its own.
// Costs         half a microsecond a row for both hashes with SHA instructions (bench/journal_bench).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "clearline/change.h"
#include "clearline/registry.h"

namespace clearline {

using Chain = std::array<std::uint8_t, 32>;

/// Of one row: which change of which code it is, and when it was.
struct JournalBrief {
  std::uint64_t seq = 0;
  std::int64_t at_us = 0;         ///< when it happened, Unix time
  std::int64_t effective_us = 0;  ///< never falls along seq
  ChangeOp op = ChangeOp::kIssue;
  ChangeBy by = ChangeBy::kOwner;
  Code code;
  std::optional<Code> new_code;
};

/// One row. Records are engine/entry_record.h; the journal does not look into them. Views live as long as what they
/// were made of, or until the next row is read.
struct JournalRow : JournalBrief {
  std::int64_t received_us = 0;
  std::string_view change_id;
  std::string_view actor;                       ///< who sent it: "uid:1000"
  std::array<std::uint8_t, 16> salt{};          ///< random; of the hashes of what is personal
  std::array<std::uint8_t, 16> content_hash{};  ///< of what was wanted, salted: content_hash()
  std::string_view before;                      ///< record of `code`; empty: there was none, or it was erased
  std::string_view after;
  std::string_view new_after;        ///< record of `new_code`; empty: none
  std::optional<Chain> erased_data;  ///< the data hash in the place of data that was erased; the journal sets it
  Chain chain{};
};

/// The chain before the first change of a registry.
Chain first_chain(const RegistryIdentity& identity);

/// The first 16 bytes of SHA-256 over salt and append_change_content().
std::array<std::uint8_t, 16> content_hash(const std::array<std::uint8_t, 16>& salt, std::string_view content);

/// The salted hash of a row's personal data: salt, before, after, new_after.
Chain data_hash(const JournalRow& row);

/// The chain of a row behind `previous`; all of it but `chain` is set.
Chain next_chain(const Chain& previous, const JournalRow& row);

}  // namespace clearline
