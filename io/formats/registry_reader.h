// Registry files: CSV or NDJSON records become entries. A bad record is told with its place and reason, and never
// guessed at.
//
// Blocks are read in order, decoded on several threads, and given to the builder in order: what is told, and which of
// two records of a code is the last, does not depend on the threads.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clearline/registry.h"
#include "clearline/status.h"
#include "io/formats/block_reader.h"
#include "io/formats/decoded.h"

namespace clearline {

/// A record that cannot be registered. `what` never holds a registered value.
struct BadRecord {
  std::uint64_t line = 0;
  std::uint32_t column = 0;  ///< from 1; 0 when only the line is known
  std::string_view what;
};

/// What was found wrong: of each kind the first kListedMax and the count of all.
class BadRecords {
 public:
  static constexpr std::size_t kListedMax = 20;
  struct Kind {
    std::uint64_t count = 0;
    std::vector<BadRecord> listed;
  };

  void add(const BadRecord& record);
  std::uint64_t count() const { return count_; }
  const std::vector<Kind>& kinds() const { return kinds_; }

 private:
  std::vector<Kind> kinds_;
  std::uint64_t count_ = 0;
};

struct RegistryRead {
  std::uint64_t records = 0;  ///< good and bad
  std::uint64_t bytes = 0;
  BadRecords bad;
  Encoding encoding = Encoding::kUtf8;  ///< that was taken
  std::uint64_t utf8_lines = 0;         ///< that failed as CP949, and are UTF-8
  std::uint64_t cp949_lines = 0;        ///< that failed as UTF-8, and are CP949
};

/// Reads a registry file into `builder`, with the line as the ticket of an entry. Memory independent of the file's
/// size. The callbacks and the builder are used by one thread at a time.
///   ignored     keys and columns that are not taken for a slip of a known one
///   on_reject   sees each bad record as it stands in UTF-8 (the CSV header first); may be empty
///   on_progress sees the bytes of the file read so far, now and then; may be empty
/// kInput when the file cannot be read or its CSV header is wrong; bad records are in `read.bad` and no failure here.
Status read_registry(std::unique_ptr<ByteSource> source, std::optional<Format> format, RegistryBuilder& builder,
                     RegistryRead& read, const std::function<Status(std::string_view)>& on_reject,
                     const std::function<Status(std::uint64_t)>& on_progress, int threads = 1,
                     Encoding encoding = Encoding::kAuto, IgnoredNames ignored = {});

}  // namespace clearline
