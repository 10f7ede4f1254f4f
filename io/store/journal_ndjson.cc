#include "io/store/journal_ndjson.h"

#include <string>
#include <string_view>

#include "engine/entry_record.h"
#include "io/formats/entry_writer.h"
#include "io/formats/verdict_writer.h"

namespace clearline {
namespace {

bool append_record(std::string_view key, std::string_view record, OutBuffer& out) {
  out.append(",\"");
  out.append(key);
  out.append("\":");
  if (record.empty()) {
    out.append("null");
    return true;
  }
  const auto entry = read_entry_record(record);
  if (entry) append_entry_object(*entry, out);
  return entry.has_value();
}

}  // namespace

bool append_journal_row(const JournalRow& row, OutBuffer& out) {
  const auto text = [&](std::string_view key, std::string_view value) {
    out.append(",\"");
    out.append(key);
    out.append("\":\"");
    append_json_text(value, out);
    out.append("\"");
  };
  out.append("{\"seq\":");
  out.append_number(row.seq);
  text("at", format_time(row.at_us));
  text("effective", format_time(row.effective_us));
  text("received", format_time(row.received_us));
  text("op", to_string(row.op));
  if (row.op == ChangeOp::kSuspend || row.op == ChangeOp::kCancel) text("by", to_string(row.by));
  text("code", format_code(row.code));
  if (row.new_code) text("new_code", format_code(*row.new_code));
  text("change_id", row.change_id);
  text("actor", row.actor);
  bool is_read = append_record("before", row.before, out) && append_record("after", row.after, out);
  if (row.new_code) is_read = is_read && append_record("new_after", row.new_after, out);
  constexpr std::string_view kHexDigits = "0123456789abcdef";
  std::string hex;
  for (const std::uint8_t byte : row.chain) {
    hex += kHexDigits[byte >> 4];
    hex += kHexDigits[byte & 0xF];
  }
  text("chain", hex);
  out.append("}\n");
  return is_read;
}

}  // namespace clearline
