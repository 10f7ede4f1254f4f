// KeyNames: which of the names in use a key or column name is, or nearly is.
//
// A column `Phone` that nobody reads lets a wrong phone pass in silence. So whatever looks like a known name without being it
// is found here, and refused by who reads it, unless the user has said that it is to be ignored.
//
//   known    equal after NFC; of a CSV header, without the blanks around it
//   near     equal after NFC, without White_Space, format characters (Cf), `_` and `-`, with ASCII letters in lower case, and
//            not to be ignored. `zip` and `zips` are near each other
//   other    everything else
//
// Cost     a look at the first byte for most other names; a memo of some others; NFC only where a name is not ASCII. Linear
//          in the name's bytes: beyond what could fold into a known name, runs of marks are not put in order.
// Threads  one at a time: the memo is written.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "clearline/status.h"

namespace clearline {

/// The NFC form of a UTF-8 text without the blanks around it: what names of columns are compared by.
std::string normal_name(std::string_view name);

/// Names that are ignored however near they are to known ones; each as normal_name() gives it.
using IgnoredNames = std::vector<std::string>;

/// Reads `--ignore`: `Phone,zip code`. kUsage for a name that is empty.
Result<IgnoredNames> parse_ignore(std::string_view text);

class KeyNames {
 public:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  /// `known`: the names in use, up to 32, each as normal_name() gives it.
  KeyNames(std::vector<std::string> known, IgnoredNames ignored);
  ~KeyNames();
  KeyNames(KeyNames&&) noexcept;
  KeyNames& operator=(KeyNames&&) noexcept;

  struct Match {
    std::size_t known = kNone;  ///< the number of the name that the key is
    std::uint32_t near = 0;     ///< otherwise a bit for each name that it nearly is
    bool is_other() const { return known == kNone && near == 0; }
  };
  /// What a key is. Nothing is allocated once the buffers have the size that keys need.
  Match match(std::string_view key);

  /// Whether match() finds neither for any key that starts so, however it goes on. `start` may end inside a character.
  bool is_start_of_others(std::string_view start);

 private:
  struct Scratch;
  /// A key that was looked at. Keys repeat from line to line.
  struct Seen {
    static constexpr std::size_t kBytesMax = 47;
    Match match;
    unsigned char size = 0;
    std::array<char, kBytesMax> bytes;
  };
  Match search(std::string_view key);
  Seen& seen_at(std::string_view key);
  std::size_t number_of(std::string_view name) const;

  std::vector<std::string> known_;
  IgnoredNames ignored_;
  struct Near {
    std::string folded;
    std::size_t known;
  };
  std::vector<Near> near_;
  std::size_t bytes_max_ = 0;          // what is kept of a key that may be near; more cannot fold into a known name
  std::array<bool, 256> may_start_{};  // by the first byte: whether a known or near name may start so
  std::array<Seen, 64> seen_{};
  std::unique_ptr<Scratch> scratch_;
};

/// A name as words for a person: what cannot be seen is written as <U+00A0>.
std::string visible_name(std::string_view name);

}  // namespace clearline
