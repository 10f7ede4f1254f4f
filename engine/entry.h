// Entry checks that keep what they had to find out: a name that is checked is folded, and whoever registers it wants
// the folded letters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/name.h"

namespace clearline {

/// The letters of a registered Latin name: FG, with NamePrinter::kSpareBytes writable bytes behind them.
class NameLetters {
 public:
  enum class Kind : std::uint8_t {
    kNone,       ///< no name is on file
    kUnmatched,  ///< one is, and it is never the same as a declared one: the rules of today would not take it
    kLetters,
  };

  void assign(const RegisteredName& name);
  void set_unmatched() { reset(Kind::kUnmatched); }
  void clear() { reset(Kind::kNone); }

  Kind kind() const { return kind_; }

  char* data() { return letters_.data(); }
  std::size_t size() const { return size_; }
  std::size_t family_size() const { return family_size_; }

 private:
  void reset(Kind kind) {
    kind_ = kind;
    size_ = family_size_ = 0;
  }

  std::vector<char> letters_;
  std::size_t size_ = 0;
  std::size_t family_size_ = 0;
  Kind kind_ = Kind::kNone;
};

/// Why a text can be no registered Latin name, as words for a person; nothing when it can, or is empty. `letters` are its letters
/// afterwards.
std::optional<std::string_view> name_fault(std::string_view name, NameFolder& folder, NameLetters& letters);

/// entry_fault(entry), with the folder of the caller; `letters` are those of the entry's name afterwards, if it has no
/// fault.
std::optional<std::string_view> entry_fault(const Entry& entry, NameFolder& folder, NameLetters& letters);

/// The same of an entry that an image or a journal holds already. Rules of names have become stricter: one that was taken once is
/// no fault, and `letters` say that it is never the same as a declared one. (Hangul names are folded when they are compared.)
std::optional<std::string_view> held_entry_fault(const Entry& entry, NameFolder& folder, NameLetters& letters);

}  // namespace clearline
