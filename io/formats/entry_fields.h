// Entry fields: the texts of one entry, whichever form they came in, become an Entry. Shared by registries and changes,
// so that both take and refuse the same.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "clearline/registry.h"
#include "io/formats/json_object.h"
#include "io/formats/key_names.h"

namespace clearline {

enum class EntryField : unsigned char {
  kCode,
  kName,
  kNameKo,
  kPhone,
  kZips,
  kStatus,
  kReplacedBy,
  kIssued,
  kChanged,
  kExpires,
};
inline constexpr std::size_t kEntryFieldCount = 10;
std::string_view to_string(EntryField field);
std::optional<EntryField> parse_entry_field(std::string_view word);
/// The words of all fields, in their order.
std::span<const std::string_view, kEntryFieldCount> entry_field_words();

/// The names of fields, by their numbers.
KeyNames entry_key_names(const IgnoredNames& ignored);
/// The fault of a key that nearly is that of a field, where that field is missing.
std::string_view near_key_fault(EntryField field);

/// What is wrong with an entry, and with which field of it. The words hold no registered value.
struct EntryFault {
  std::string_view what;  ///< empty: nothing
  EntryField field = EntryField::kCode;
  explicit operator bool() const { return !what.empty(); }
};

/// Faults of keys that hold for other keys than those of entries too.
inline constexpr std::string_view kKeyTwice = "a known key is there twice";
inline constexpr std::string_view kKeyWithoutText = "a known key has no text";

/// Whether a text is absent, empty or blank; of names is_blank_name tells.
bool is_missing(std::string_view text);

/// The texts of one entry. Views into what they were taken from.
struct EntryTexts {
  std::array<std::string_view, kEntryFieldCount> values;
  std::vector<std::string_view> zips;  ///< instead of values[kZips]

  void clear() {
    values = {};
    zips.clear();
  }
  std::string_view operator[](EntryField field) const { return values[static_cast<std::size_t>(field)]; }
  /// Takes the value of a JSON member; returns what is wrong with it, or nothing.
  std::string_view take(EntryField field, const JsonObject::Member& member);
  /// Whether a field is not missing.
  bool has(EntryField field) const;
};

/// Turns texts into an entry. `entry` is reused from one to the next: all of it is set, unless there is a fault. Faults
/// that cost folding names are left to entry_fault().
EntryFault make_entry(const EntryTexts& texts, Entry& entry);

/// What entry_fault() or a builder says of an entry: the words start with the field they are about.
EntryFault to_entry_fault(std::string_view words);

}  // namespace clearline
