// Entries as the records of a registry file, such as registry_reader reads.
#pragma once

#include <string_view>

#include "clearline/registry.h"
#include "io/formats/verdict_writer.h"

namespace clearline {

inline constexpr std::string_view kRegistryCsvHeader =
    "code,name,name_ko,phone,zips,status,replaced_by,issued,changed,expires\n";

void append_entry_csv(const Entry& entry, OutBuffer& out);
/// One JSON object, without a line end. What is not on file is left out.
void append_entry_object(const Entry& entry, OutBuffer& out);
/// The same as a line.
void append_entry_ndjson(const Entry& entry, OutBuffer& out);

}  // namespace clearline
