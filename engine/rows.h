// Rows: an entry as its hot row, side row and text, and back.
#pragma once

#include <optional>
#include <span>

#include "engine/code_index.h"
#include "engine/entry.h"
#include "engine/hash.h"
#include "engine/name.h"
#include "engine/registry_table.h"

namespace clearline {

inline constexpr std::size_t kTextUnitBytes = 4;
/// What a side row can name.
inline constexpr std::uint64_t kTextBytesMax = (std::uint64_t{1} << 32) * kTextUnitBytes;
constexpr std::uint64_t to_text_unit(std::uint64_t bytes) {
  return (bytes + kTextUnitBytes - 1) / kTextUnitBytes * kTextUnitBytes;
}

/// What a hot row holds of a Latin name.
struct NameMark {
  std::uint64_t family;
  std::uint64_t print;
};
/// Writes behind the letters.
NameMark name_mark(Code code, NameLetters& letters, const NamePrinter& printer);

/// The head and name_print of an entry whose name has these letters. Writes behind the letters.
HotRow make_hot_row(const Entry& entry, NameLetters& letters, const NamePrinter& printer,
                    std::int32_t expiry_base_days);

/// `text_offset` is a multiple of kTextUnitBytes.
SideRow make_side_row(const Entry& entry, std::uint64_t text_offset);

/// Makes rows and texts of entries for one table. Used by one thread.
class RowMaker {
 public:
  RowMaker(const NamePrinter& printer, std::int32_t expiry_base_days)
      : printer_(printer), expiry_base_days_(expiry_base_days) {}

  /// What entry_fault says, or held_entry_fault. Without a fault the entry may be made next.
  std::optional<std::string_view> fault(const Entry& entry) { return entry_fault(entry, folder_, letters_); }
  std::optional<std::string_view> held_fault(const Entry& entry) { return held_entry_fault(entry, folder_, letters_); }

  struct Made {
    HotRow hot{};
    SideRow side{};
    char* text_end = nullptr;
  };
  /// The rows of the entry that fault() or held_fault() has just looked at; its text goes to `text`, entry_text_bytes_max(entry) bytes,
  /// which is `text_offset` behind the first of all texts, a multiple of kTextUnitBytes.
  Made make(const Entry& entry, char* text, std::uint64_t text_offset);

 private:
  NamePrinter printer_;
  std::int32_t expiry_base_days_;
  NameFolder folder_;
  NameLetters letters_;
};

/// The entry that two rows and their text hold; nothing if the text is none, the rows do not go with it, or there can be no such
/// entry.
std::optional<Entry> read_entry(Code code, const HotRow& hot, const SideRow& side, std::span<const std::byte> texts);

/// Whether a code has rows. One that has some, and whose entry is not found, has an entry that cannot be read: it is not unknown.
/// For the owner of the table: one that does not change, or the writer.
bool holds(const RegistryTable& table, Code code);

/// The text of a side row: from its place to the end of all texts; empty if its place is behind them.
inline std::span<const std::byte> text_of(const SideRow& side, std::span<const std::byte> texts) {
  return side.text_offset() <= texts.size() ? texts.subspan(side.text_offset()) : std::span<const std::byte>{};
}

}  // namespace clearline
