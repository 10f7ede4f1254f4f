// Entry record: an entry as bytes that stand alone, for the journal.
//
//   version u8 | flags u8 | code | name: size, bytes | name_ko: size, bytes | phone: size, bytes | zips: count, numbers
//              | [issued] [changed] [expires] [replaced_by]
//
// Flags: the status in the two lowest bits; above it one bit each for what stands in brackets. Numbers, sizes and dates
// as in engine/pieces.h. (The record of engine/entry_text.h leaves out what rows hold, and cannot stand alone.)
//
// Each entry has one record and each record is of one entry: reading refuses whatever writing would not have written.
// Records are kept, so the form does not change; another one is another version.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "clearline/registry.h"

namespace clearline {

/// Appends the record of an entry without a fault (entry_fault), whose dates are from kDateMin to kDateMax. Texts are
/// stored as they are.
void append_entry_record(const Entry& entry, std::string& out);

/// The entry of a record; nothing if the bytes are none, hold more than one, are of a newer version, or of an entry that there
/// cannot be (engine/possible_entry.h).
std::optional<Entry> read_entry_record(std::string_view record);

}  // namespace clearline
