#include "io/formats/verdict_writer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "engine/words.h"

namespace clearline {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

template <typename Use>
void for_each_reason(ReasonSet reasons, const Use& use) {
  for (std::uint32_t bits = reasons.bits(); bits != 0; bits &= bits - 1) {
    use(static_cast<Reason>(std::countr_zero(bits)));
  }
}

/// What the sender can do about a reason, as a stable word.
std::string_view fix_of(Reason reason) {
  switch (reason) {
    case Reason::kMalformed:
      return "mend_line";
    case Reason::kInternal:
      return "send_again";
    case Reason::kCodeMissing:
    case Reason::kCodeMalformed:
    case Reason::kCodeUnknown:
      return "check_code";
    case Reason::kCodeCancelled:
    case Reason::kCodeReplaced:
      return "ask_new_code";
    case Reason::kCodeSuspended:
      return "ask_resume_code";
    case Reason::kCodeExpired:
      return "ask_renew_code";
    case Reason::kNameMissing:
    case Reason::kNameMismatch:
    case Reason::kNameVariant:
      return "check_name";
    case Reason::kNameNotOnFile:
      return "ask_register_name";
    case Reason::kPhoneMissing:
    case Reason::kPhoneMismatch:
      return "check_phone";
    case Reason::kPhoneVirtual:
      return "give_own_phone";
    case Reason::kPhoneNotOnFile:
      return "ask_register_phone";
    case Reason::kZipMissing:
    case Reason::kZipMalformed:
    case Reason::kZipMismatch:
      return "check_zip";
    case Reason::kZipNotOnFile:
      return "ask_register_zip";
  }
  return "send_again";
}

/// `column 57: `, or nothing for a fault without a place.
void append_column(std::uint32_t column, OutBuffer& out) {
  if (column == 0) return;
  out.append("column ");
  out.append_number(column);
  out.append(": ");
}

bool wants_quotes(std::string_view text) { return text.find_first_of("\",\r\n") != std::string_view::npos; }

void append_doubling_quotes(std::string_view text, OutBuffer& out) {
  for (std::size_t quote = text.find('"'); quote != std::string_view::npos; quote = text.find('"')) {
    out.append(text.substr(0, quote + 1));
    out.append("\"");
    text.remove_prefix(quote + 1);
  }
  out.append(text);
}

std::string_view detail_of(const DecodedLine& line, const Verdict& verdict) {
  if (line.fault) return line.fault.what;
  return verdict.reasons.has(Reason::kInternal) ? "the declaration could not be judged" : std::string_view{};
}

/// The `fix` words of the reasons, each once, in the order of the reasons.
template <typename Use>
void for_each_fix(ReasonSet reasons, const Use& use) {
  std::array<std::string_view, kReasonCount> seen;
  std::size_t count = 0;
  for_each_reason(reasons, [&](Reason reason) {
    const std::string_view fix = fix_of(reason);
    if (std::find(seen.begin(), seen.begin() + count, fix) != seen.begin() + count) return;
    seen[count++] = fix;
    use(fix);
  });
}

}  // namespace

namespace {

/// Copies a text of eight bytes and more unless `is_special(eight bytes)` of any of it is not zero.
template <typename IsSpecial>
bool append_plain(std::string_view text, OutBuffer& out, IsSpecial is_special) {
  constexpr std::size_t kWord = 8;
  if (text.size() < kWord) return false;
  char* const to = out.reserve(text.size());
  std::uint64_t special = 0;
  const auto take = [&](std::size_t at) {
    const std::uint64_t bytes = load8(text.data() + at);
    special |= is_special(bytes);
    std::memcpy(to + at, &bytes, sizeof bytes);
  };
  for (std::size_t at = 0; at + kWord <= text.size(); at += kWord) take(at);
  take(text.size() - kWord);  // overlaps the last one
  if (special != 0) return false;
  out.advance(text.size());
  return true;
}

bool append_plain_json(std::string_view text, OutBuffer& out) {
  return append_plain(text, out, [](std::uint64_t bytes) {
    const std::uint64_t control = (bytes - 0x2020202020202020) & ~bytes & 0x8080808080808080;
    return control | equal_bytes(bytes, '"') | equal_bytes(bytes, '\\');
  });
}

bool append_plain_csv(std::string_view text, OutBuffer& out) {
  return append_plain(text, out, [](std::uint64_t bytes) {
    return equal_bytes(bytes, '"') | equal_bytes(bytes, ',') | equal_bytes(bytes, '\r') | equal_bytes(bytes, '\n');
  });
}

}  // namespace

void append_json_text(std::string_view text, OutBuffer& out) {
  if (append_plain_json(text, out)) return;
  constexpr std::size_t kEscapedBytesMax = 6;
  char* const begin = out.reserve(text.size() * kEscapedBytesMax);
  char* p = begin;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && c != '"' && c != '\\') [[likely]] {
      *p++ = c;
    } else if (byte >= 0x20) {
      *p++ = '\\';
      *p++ = c;
    } else {
      p = std::copy_n("\\u00", 4, p);
      *p++ = kHexDigits[byte >> 4];
      *p++ = kHexDigits[byte & 0xF];
    }
  }
  out.advance(static_cast<std::size_t>(p - begin));
}

void append_csv_text(std::string_view text, OutBuffer& out) {
  if (append_plain_csv(text, out)) return;
  const std::string_view quote = wants_quotes(text) ? "\"" : "";
  out.append(quote);
  append_doubling_quotes(text, out);
  out.append(quote);
}

void append_json_reasons(ReasonSet reasons, OutBuffer& out) {
  if (reasons.empty()) return;
  std::string_view separator = ",\"reasons\":[\"";
  for_each_reason(reasons, [&](Reason reason) {
    out.append(separator);
    out.append(to_string(reason));
    separator = "\",\"";
  });
  out.append("\"]");
}

void append_csv_reasons(ReasonSet reasons, OutBuffer& out) {
  std::string_view separator;
  for_each_reason(reasons, [&](Reason reason) {
    out.append(separator);
    out.append(to_string(reason));
    separator = ";";
  });
}

std::string format_uuid(const RegistryIdentity& identity) {
  std::string text;
  for (std::size_t i = 0; i < identity.uuid.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kHexDigits[identity.uuid[i] >> 4];
    text += kHexDigits[identity.uuid[i] & 0xF];
  }
  return text;
}

std::string csv_verdict_header(bool explain) {
  std::string header = "id,verdict,reasons,line,detail";
  if (explain) header += ",code,name,phone,zip,fix,rule,registry_seq,registry,incarnation";
  return header + "\n";
}

void append_json_id(const DecodedLine& line, std::string_view file, OutBuffer& out) {
  if (line.has_id) {
    out.append("{\"id\":\"");
    append_json_text(line.id, out);
    out.append("\"");
  } else {
    out.append("{\"id\":null,");
    if (!file.empty()) {
      out.append("\"file\":\"");
      append_json_text(file, out);
      out.append("\",");
    }
    out.append("\"line\":");
    out.append_number(line.line);
  }
}

void append_csv_place(const DecodedLine& line, std::string_view file, OutBuffer& out) {
  if (line.has_id) return;
  const std::string_view quote = wants_quotes(file) ? "\"" : "";
  out.append(quote);
  append_doubling_quotes(file, out);
  if (!file.empty()) out.append(":");
  out.append_number(line.line);
  out.append(quote);
}

VerdictWriter::VerdictWriter(Format format, bool explain, const Policy& policy, const RegistryIdentity& identity)
    : format_(format), explain_(explain), policy_(&policy) {
  const std::string incarnation = std::to_string(identity.incarnation);
  registry_members_ = ",\"registry\":\"" + format_uuid(identity) + "\",\"incarnation\":" + incarnation;
  registry_columns_ = "," + format_uuid(identity) + "," + incarnation;
}

void VerdictWriter::write(const DecodedLine& line, std::string_view file, const Verdict& verdict,
                          OutBuffer& out) const {
  if (verdict.outcome == Outcome::kClear && line.has_id && !explain_) {  // most of them
    if (format_ == Format::kNdjson) {
      out.append_fixed("{\"id\":\"");
      append_json_text(line.id, out);
      out.append_fixed("\",\"verdict\":\"clear\"}\n");
    } else {
      append_csv_text(line.id, out);
      out.append_fixed(",clear,,,\n");
    }
    return;
  }
  if (format_ == Format::kNdjson) {
    write_ndjson(line, file, verdict, out);
  } else {
    write_csv(line, file, verdict, out);
  }
}

void VerdictWriter::write_ndjson(const DecodedLine& line, std::string_view file, const Verdict& verdict,
                                 OutBuffer& out) const {
  append_json_id(line, file, out);
  out.append(",\"verdict\":\"");
  out.append(to_string(verdict.outcome));
  out.append("\"");
  append_json_reasons(verdict.reasons, out);
  if (const std::string_view detail = detail_of(line, verdict); !detail.empty()) {
    out.append(",\"detail\":\"");
    append_column(line.fault.column, out);
    append_json_text(detail, out);
    out.append("\"");
  }
  if (explain_) write_explained(verdict, out);
  out.append("}\n");
}

void VerdictWriter::write_explained(const Verdict& verdict, OutBuffer& out) const {
  out.append(",\"checks\":{\"code\":\"");
  out.append(to_string(verdict.code));
  out.append("\",\"name\":\"");
  out.append(to_string(verdict.name));
  out.append("\",\"phone\":\"");
  out.append(to_string(verdict.phone));
  out.append("\",\"zip\":\"");
  out.append(to_string(verdict.zip));
  out.append("\"},\"fix\":[");
  std::string_view separator = "\"";
  for_each_fix(verdict.reasons, [&](std::string_view fix) {
    out.append(separator);
    out.append(fix);
    separator = "\",\"";
  });
  if (!verdict.reasons.empty()) out.append("\"");
  out.append("],\"rule\":\"");
  append_json_text(policy_->rules[verdict.rule].name, out);
  out.append("\",\"registry_seq\":");
  out.append_number(verdict.registry_seq);
  out.append(registry_members_);
}

void VerdictWriter::write_csv(const DecodedLine& line, std::string_view file, const Verdict& verdict,
                              OutBuffer& out) const {
  if (line.has_id) append_csv_text(line.id, out);
  out.append(",");
  out.append(to_string(verdict.outcome));
  out.append(",");
  append_csv_reasons(verdict.reasons, out);
  out.append(",");
  append_csv_place(line, file, out);
  out.append(",");
  // A column is no reason for quotes, but it stands within those of its detail.
  const std::string_view detail = detail_of(line, verdict);
  const std::string_view quote = wants_quotes(detail) ? "\"" : "";
  out.append(quote);
  append_column(line.fault.column, out);
  append_doubling_quotes(detail, out);
  out.append(quote);
  if (explain_) {
    for (const std::string_view check :
         {to_string(verdict.code), to_string(verdict.name), to_string(verdict.phone), to_string(verdict.zip)}) {
      out.append(",");
      out.append(check);
    }
    std::string_view separator = ",";
    for_each_fix(verdict.reasons, [&](std::string_view fix) {
      out.append(separator);
      out.append(fix);
      separator = ";";
    });
    if (verdict.reasons.empty()) out.append(",");
    out.append(",");
    append_csv_text(policy_->rules[verdict.rule].name, out);
    out.append(",");
    out.append_number(verdict.registry_seq);
    out.append(registry_columns_);
  }
  out.append("\n");
}

}  // namespace clearline
