#include "io/formats/entry_writer.h"

#include <fmt/format.h>

namespace clearline {
namespace {

std::string zip_text(std::uint32_t zip) { return fmt::format("{:05}", zip); }

/// The canonical phone, written so that it is canonical again when it is read: one that starts like a country code
/// would lose it.
std::string phone_text(const Entry& entry) {
  return entry.phone.starts_with("0082") ? "+82" + entry.phone : entry.phone;
}

}  // namespace

void append_entry_csv(const Entry& entry, OutBuffer& out) {
  const auto date = [&](const std::optional<Date>& value) {
    out.append(",");
    if (value) out.append(format_date(*value));
  };
  out.append(format_code(entry.code));
  const std::string phone = phone_text(entry);
  for (const std::string_view text :
       {std::string_view(entry.name), std::string_view(entry.name_ko), std::string_view(phone)}) {
    out.append(",");
    append_csv_text(text, out);
  }
  std::string_view separator = ",";
  for (const std::uint32_t zip : entry.zips) {
    out.append(separator);
    out.append(zip_text(zip));
    separator = ";";
  }
  if (entry.zips.empty()) out.append(",");
  out.append(",");
  out.append(to_string(entry.status));
  out.append(",");
  if (entry.replaced_by) out.append(format_code(*entry.replaced_by));
  date(entry.issued);
  date(entry.changed);
  date(entry.expires);
  out.append("\n");
}

void append_entry_object(const Entry& entry, OutBuffer& out) {
  const auto text = [&](std::string_view key, std::string_view value) {
    if (value.empty()) return;
    out.append(",\"");
    out.append(key);
    out.append("\":\"");
    append_json_text(value, out);
    out.append("\"");
  };
  const auto date = [&](std::string_view key, const std::optional<Date>& value) {
    if (value) text(key, format_date(*value));
  };
  out.append("{\"code\":\"");
  out.append(format_code(entry.code));
  out.append("\"");
  text("name", entry.name);
  text("name_ko", entry.name_ko);
  text("phone", phone_text(entry));
  std::string_view separator = ",\"zips\":[\"";
  for (const std::uint32_t zip : entry.zips) {
    out.append(separator);
    out.append(zip_text(zip));
    separator = "\",\"";
  }
  if (!entry.zips.empty()) out.append("\"]");
  text("status", to_string(entry.status));
  if (entry.replaced_by) text("replaced_by", format_code(*entry.replaced_by));
  date("issued", entry.issued);
  date("changed", entry.changed);
  date("expires", entry.expires);
  out.append("}");
}

void append_entry_ndjson(const Entry& entry, OutBuffer& out) {
  append_entry_object(entry, out);
  out.append("\n");
}

}  // namespace clearline
