// Changes as NDJSON lines, and their answers.
//
//   {"op":"suspend","code":"P000000000007","at":"2025-12-01T10:00:00+09:00","change_id":"k-81"}
//
// Known keys: op, change_id, at, by, new_code, and those of an entry (io/formats/entry_fields.h). A line is valid by
// the rules of declarations; a known key may not be there twice. Null, absent, empty, blank and [] are the same, missing, but
// for amend, where such a key clears what it names.
//
//   op, code, change_id  needed. A change_id counts as it stands, blanks included, unless it is nothing but blanks
//   at                   RFC 3339 with offset, from 2000-01-01 on in Korea
//   by                   `owner` or `ex_officio`; of suspend and cancel alone
//   issue                status only `active`; `changed` is checked and dropped, because the change sets it
//
// A value under a key that the op does not take, known or unknown, makes the line malformed: dropped silently, it would be a
// lost change. An unknown key that is null is absent; in an amend, which clears what is null, not one that nearly is a known
// key.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "clearline/change.h"
#include "io/formats/decoded.h"
#include "io/formats/out_buffer.h"

namespace clearline {

/// Reads lines one by one; its memory is reused. Used by one thread at a time.
class ChangeReader {
 public:
  ChangeReader();
  ~ChangeReader();
  ChangeReader(ChangeReader&&) noexcept;
  ChangeReader& operator=(ChangeReader&&) noexcept;

  struct Outcome {
    /// Without a fault: the change, well-formed.
    Change change;
    /// Why the line is `malformed`; the words tell the mend. No byte of the input is in them.
    LineFault fault;
    /// With a fault: the change_id, where the line is an object that holds a good one.
    std::optional<std::string> change_id;
  };
  /// `line` without its line end, up to kLineBytesMaxDefault bytes (a longer one is a fault).
  Outcome read(std::string_view line);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The answer to one change.
struct ChangeAnswer {
  std::optional<ChangeError> error;  ///< none: ok
  std::uint64_t seq = 0;             ///< with ok
  bool repeat = false;               ///< with ok: the first answer, given again
  std::string detail;                ///< with an error; never a registered value
};

/// The answer to a line with a fault.
ChangeAnswer malformed_answer(const LineFault& fault);

/// Appends one line. `change_id` is nothing when the line could not be read: then `line` says which.
///   {"change_id":"k-81","ok":true,"seq":4813}                                   (and "repeat":true)
///   {"change_id":"k-81","ok":false,"error":"not_active","detail":"..."}
///   {"change_id":null,"line":7,"ok":false,"error":"malformed","detail":"column 12: ..."}
void append_change_answer(const std::optional<std::string>& change_id, std::uint64_t line, const ChangeAnswer& answer,
                          OutBuffer& out);

}  // namespace clearline
