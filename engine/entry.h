// Entry checks that keep what they had to find out: a name that is checked is folded, and whoever registers it wants
// the folded letters.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/name.h"

namespace clearline {

/// The letters of a registered Latin name: FG, with NamePrinter::kSpareBytes writable bytes behind them. Empty when
/// there is no name.
class NameLetters {
 public:
  void assign(const RegisteredName& name);
  void clear() { size_ = family_size_ = 0; }

  char* data() { return letters_.data(); }
  std::size_t size() const { return size_; }
  std::size_t family_size() const { return family_size_; }

 private:
  std::vector<char> letters_;
  std::size_t size_ = 0;
  std::size_t family_size_ = 0;
};

/// entry_fault(entry), with the folder of the caller; `letters` are those of the entry's name afterwards, if it has no
/// fault.
std::optional<std::string_view> entry_fault(const Entry& entry, NameFolder& folder, NameLetters& letters);

}  // namespace clearline
