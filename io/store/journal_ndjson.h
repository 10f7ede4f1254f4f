// Journal rows as NDJSON, for auditors: who changed what, when, from what to what.
#pragma once

#include "io/formats/out_buffer.h"
#include "io/store/journal.h"

namespace clearline {

/// Appends one line:
///   {"seq":4813,"at":"2025-12-01T10:00:00.000000+09:00","effective":"...","received":"...","op":"suspend","by":"owner",
///    "code":"P...","change_id":"k-81","actor":"uid:1000","before":{...},"after":{...},"chain":"<64 hex digits>"}
/// `by` stands with suspend and cancel; `new_code` and `new_after` with reissue; `before` is null for an issue. Entries have
/// the fields of a registry file. Holds personal data. False when a record cannot be read.
bool append_journal_row(const JournalRow& row, OutBuffer& out);

}  // namespace clearline
