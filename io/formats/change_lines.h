// The lines of an input of changes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "clearline/change.h"
#include "clearline/status.h"
#include "io/formats/byte_source.h"

namespace clearline {

/// Cuts an input into lines as it comes: whoever waits for an answer before sending more gets it.
class ChangeLines {
 public:
  /// A line that is not blank, without its end, and its number. Of one that is too long only so much is there that
  /// ChangeReader sees it is.
  using Use = std::function<void(std::uint64_t number, std::string_view line)>;

  /// Takes further bytes; `is_end`: there are no more.
  void take(std::string_view bytes, bool is_end, const Use& use);

  std::uint64_t count() const { return count_; }

 private:
  void keep(std::string_view piece);
  void give(std::string_view line, const Use& use);

  std::string rest_;  // of a line whose end has not come yet
  std::uint64_t count_ = 0;
};

/// The plain bytes of an input of changes, compressed or not. kInput for a file of another kind, which is no changes at all.
/// Waits for the first bytes.
Result<std::unique_ptr<ByteSource>> open_changes(std::unique_ptr<ByteSource> file);

/// Reads a whole input, compressed or not, in which every line is a change; `use` may refuse one. kInput with the place
/// where a line is none.
Status read_changes(std::unique_ptr<ByteSource> file,
                    const std::function<Status(std::uint64_t line, Change& change)>& use);

}  // namespace clearline
