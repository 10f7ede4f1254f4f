// VerdictWriter: verdicts as NDJSON lines or CSV records. No registered value is ever shown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "clearline/policy.h"
#include "clearline/registry.h"
#include "clearline/verdict.h"
#include "io/formats/decoded.h"
#include "io/formats/input_format.h"
#include "io/formats/out_buffer.h"

namespace clearline {

/// The header line of CSV output: `id,verdict,reasons,line,detail`, and with `explain` the further columns.
std::string csv_verdict_header(bool explain);

class VerdictWriter {
 public:
  /// `policy` outlives the writer; `identity` is shown by explained verdicts.
  VerdictWriter(Format format, bool explain, const Policy& policy, const RegistryIdentity& identity);

  /// Appends one verdict. `line.fault` gives the detail of a malformed one; `file` as in InputFormat.
  void write(const DecodedLine& line, std::string_view file, const Verdict& verdict, OutBuffer& out) const;

  /// The members that `explain` adds to an NDJSON verdict: `,"checks":{...},"fix":[...],"rule":"...",...` without
  /// braces.
  void write_explained(const Verdict& verdict, OutBuffer& out) const;

 private:
  void write_ndjson(const DecodedLine& line, std::string_view file, const Verdict& verdict, OutBuffer& out) const;
  void write_csv(const DecodedLine& line, std::string_view file, const Verdict& verdict, OutBuffer& out) const;

  Format format_;
  bool explain_;
  const Policy* policy_;
  std::string registry_members_;  // `,"registry":"uuid","incarnation":1`, behind the seq
  std::string registry_columns_;  // the same as CSV
};

/// Appends a text as the inside of a JSON string.
void append_json_text(std::string_view text, OutBuffer& out);

/// Appends a text as a CSV field, quoted where RFC 4180 wants it.
void append_csv_text(std::string_view text, OutBuffer& out);

/// The brace of an object about a line, and which one that is: `{"id":"..."`, or of one without `{"id":null,"line":7`, with
/// `"file":"..."` before the line where there are several inputs.
void append_json_id(const DecodedLine& line, std::string_view file, OutBuffer& out);

/// The place of a line without id as a CSV field: `7`, or `day2.ndjson:7`.
void append_csv_place(const DecodedLine& line, std::string_view file, OutBuffer& out);

/// The member `,"reasons":["a","b"]`; nothing when there are none.
void append_json_reasons(ReasonSet reasons, OutBuffer& out);

/// The reasons as a CSV field: `a;b`.
void append_csv_reasons(ReasonSet reasons, OutBuffer& out);

/// A UUID in its usual form.
std::string format_uuid(const RegistryIdentity& identity);

}  // namespace clearline
