// Changes: any line is read or refused, and a change that was read is read again from what it wants. Entry records: any
// bytes are refused, or the one record of the entry that they give.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "engine/entry_record.h"
#include "io/formats/change_reader.h"
#include "io/formats/verdict_writer.h"

namespace {

using namespace clearline;

/// A change as a line, from its values alone.
class ChangeWriter {
 public:
  std::string write(const Change& change) {
    text("{\"op", to_string(change.op));
    text(",\"code", format_code(change.code));
    text(",\"change_id", change.change_id);
    if (change.op == ChangeOp::kSuspend || change.op == ChangeOp::kCancel) text(",\"by", to_string(change.by));
    if (change.at_us) text(",\"at", format_time(*change.at_us));
    if (change.new_code) text(",\"new_code", format_code(*change.new_code));
    if (change.name) text(",\"name", *change.name);
    if (change.name_ko) text(",\"name_ko", *change.name_ko);
    // One that starts like a country code would lose it when it is read.
    if (change.phone) text(",\"phone", (change.phone->starts_with("0082") ? "+82" : "") + *change.phone);
    if (change.zips) zips(*change.zips);
    if (change.issued) text(",\"issued", format_date(*change.issued));
    if (change.changed) text(",\"changed", format_date(*change.changed));
    if (change.expires) text(",\"expires", *change.expires ? format_date(**change.expires) : "");
    out_.append("}");
    return std::string(out_.text());
  }

 private:
  void text(std::string_view begin, std::string_view value) {
    out_.append(begin);
    out_.append("\":\"");
    append_json_text(value, out_);
    out_.append("\"");
  }
  void zips(const std::vector<std::uint32_t>& zips) {
    std::string_view separator = ",\"zips\":[\"";
    for (const std::uint32_t zip : zips) {
      out_.append(separator);
      out_.append(std::to_string(100'000 + zip).substr(1));
      separator = "\",\"";
    }
    out_.append(zips.empty() ? ",\"zips\":[]" : "\"]");
  }

  OutBuffer out_;
};

void fail(const char* what, const std::string& line) {
  std::fprintf(stderr, "%s: %s\n", what, line.c_str());
  std::abort();
}

void check_line(ChangeReader& reader, std::string_view line) {
  const auto outcome = reader.read(line);
  if (outcome.fault) {
    if (outcome.fault.column > line.size() + 1) fail("the column is behind the line", std::string(line));
    OutBuffer answer;
    append_change_answer(outcome.change_id, 1, malformed_answer(outcome.fault), answer);
    if (std::count(answer.text().begin(), answer.text().end(), '\n') != 1) fail("no line", std::string(answer.text()));
    return;
  }
  const std::size_t id_bytes = outcome.change.change_id.size();
  if (id_bytes == 0 || id_bytes > kChangeIdBytesMax) fail("a wrong change_id", std::string(line));
  const std::string again = ChangeWriter().write(outcome.change);
  const auto second = reader.read(again);
  if (second.fault) fail(std::string(second.fault.what).c_str(), again);
  if (!(second.change == outcome.change)) fail("another change", again);
  std::string first_content;
  std::string second_content;
  append_change_content(outcome.change, first_content);
  append_change_content(second.change, second_content);
  if (first_content != second_content) fail("other content", again);
}

void check_record(std::string_view record) {
  const auto entry = read_entry_record(record);
  if (!entry) return;
  std::string again;
  append_entry_record(*entry, again);
  if (again != record) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static ChangeReader reader;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  check_record(text);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    check_line(reader, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return 0;
}
