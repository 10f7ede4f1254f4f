// As-of: a registry as it was at an earlier change or moment.
//
//   seq:N     with all changes up to N
//   TIME      with all changes whose `effective` is not behind TIME, what had taken effect then; a date alone is the end
//             of its day
//   known:TIME  with all changes that were received by TIME, what was known then: a change that came late is not among
//             them. Where `received` fell (journals of older versions), the largest one so far counts
//   declared  as each declaration's own moment found it; those without one, as it is
//
// How         from the good image nearest to N: changes are replayed into one that is older; one that is younger gets the
//             entries "before" of the changes in between beside it (engine/past_rows.h). For `declared`, the newest one
//             with all changes of the journal beside it. The journal is read forwards, each row's chain checked: the first
//             "before" of a code behind N is what reading it backwards would end with.
// The base    what was before the journal's first change is asked for like any other moment, where the image that the
//             directory was made of did not itself have changes: then nothing tells what was before those.
// Errors      kUsage for what this directory cannot tell, with what it can; else as RegistryDirectory::open.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clearline/date.h"
#include "clearline/registry.h"
#include "clearline/status.h"
#include "engine/past_rows.h"
#include "io/formats/impact_block.h"

namespace clearline {

struct AsOf {
  enum class Kind : std::uint8_t { kSeq, kTime, kKnown, kDeclared };
  Kind kind = Kind::kDeclared;
  std::uint64_t seq = 0;  ///< kSeq
  Moment moment;          ///< kTime, kKnown
};

/// Reads `seq:N`, a date or an RFC 3339 time with offset, `known:` before one of these two, or `declared`.
std::optional<AsOf> parse_as_of(std::string_view text);

/// A registry, and how it is to be read.
struct RegistryAsOf {
  std::unique_ptr<Registry> registry;      ///< where it does not move
  std::unique_ptr<PastRows> past;          ///< null: as the registry is
  std::uint64_t seq = 0;                   ///< the last change that counts; with kDeclared, of those without a moment
  std::uint64_t entries = 0;               ///< at that seq
  std::optional<Date> today;               ///< the day of the question; nothing: the clock's
  std::optional<std::int64_t> history_us;  ///< moments before are not known
  std::vector<SeenChange> changes;         ///< read_registry_since(): those behind `seq`
};

/// The registry of a path, as it was; nothing: as it is. An image has no history, so that only its own seq can be asked
/// for. Warnings are appended.
Result<RegistryAsOf> read_registry_as_of(const std::string& path, const std::optional<AsOf>& as_of,
                                         std::vector<std::string>& warnings);

/// The registry of a directory as it is, and beside it, also where nothing has changed, what the codes that changed behind a
/// seq or a moment held then. `seq` is that one; `entries` and `today` are of now.
Result<RegistryAsOf> read_registry_since(const std::string& path, const AsOf& since,
                                         std::vector<std::string>& warnings);

}  // namespace clearline
