// Declaration: one import declaration as the screener sees it.
#pragma once

#include <optional>
#include <string_view>

#include "clearline/date.h"

namespace clearline {

/// Views of the declared texts, UTF-8, unescaped. Null, absent, empty and all-blank are the same: missing.
/// The texts outlive the call they are given to; nothing is copied.
struct Declaration {
  std::string_view code;
  std::string_view name;
  std::string_view zip;
  std::string_view phone;
  /// Chooses the rule and the date for expiry, and where it is asked for the registry of that moment; without it, the
  /// screener's `today`.
  std::optional<Moment> declared_at;
};

}  // namespace clearline
