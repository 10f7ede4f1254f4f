#include "io/cli/options.h"

#include <fmt/format.h>

#include <charconv>
#include <system_error>

namespace clearline {
namespace {

template <typename Target>
Option add_date_to(Verb verb, const std::string& name, Target& target, const std::string& help) {
  const auto read = [&target](const std::string& text) {
    const auto date = parse_date(text);
    if (date) target = *date;
    return date ? "" : "is no day that exists; write 2025-12-01";
  };
  return verb.add_read_option(name, read, help).type("DATE");
}

}  // namespace

template <typename Number>
Option add_number(Verb verb, const std::string& name, Number& target, std::type_identity_t<Number> min,
                  std::type_identity_t<Number> max, const std::string& help) {
  const auto read = [&target, min, max](const std::string& text) -> std::string {
    const char* const end = text.data() + text.size();
    Number number{};
    const auto [at, error] = std::from_chars(text.data(), end, number);
    const bool is_good = error == std::errc() && at == end && number >= min && number <= max;  // false of a NaN
    if (!is_good) return fmt::format("is no number from {} to {}", min, max);
    target = number;
    return {};
  };
  return verb.add_read_option(name, read, help).type("N");
}
template Option add_number(Verb, const std::string&, int&, int, int, const std::string&);
template Option add_number(Verb, const std::string&, std::uint64_t&, std::uint64_t, std::uint64_t, const std::string&);
template Option add_number(Verb, const std::string&, double&, double, double, const std::string&);

Option add_date(Verb verb, const std::string& name, Date& target, const std::string& help) {
  return add_date_to(verb, name, target, help);
}

Option add_date(Verb verb, const std::string& name, std::optional<Date>& target, const std::string& help) {
  return add_date_to(verb, name, target, help);
}

Option add_as_of_option(Verb verb, std::optional<AsOf>& as_of) {
  const auto read = [&as_of](const std::string& text) {
    as_of = parse_as_of(text);
    return as_of ? ""
                 : "is none of seq:4813, 2025-12-01 (the end of that day), 2025-12-01T10:00:00+09:00, known: before "
                   "one of these "
                   "two, declared";
  };
  return verb
      .add_read_option("--as-of", read,
                       "By the registry as it was: by what had taken effect at a time or at the end of a day; known: "
                       "before it: by what had been received then; with all changes to N (the day of that also stands "
                       "for a missing date); declared: at the moment of each declaration")
      .type("TIME|known:TIME|seq:N|declared");
}

Option add_since_option(Verb verb, std::optional<AsOf>& since) {
  const auto read = [&since](const std::string& text) {
    const bool is_number = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    since = parse_as_of(is_number ? "seq:" + text : text);
    const bool is_good = since && since->kind != AsOf::Kind::kDeclared;
    return is_good
               ? ""
               : "is none of 4813, 2025-12-01 (the end of that day), 2025-12-01T10:00:00+09:00, known: before one of "
                 "these two";
  };
  return verb
      .add_read_option(
          "--since", read,
          "Changes behind this seq, that took effect behind this time, or (known:) that were received behind it")
      .type("SEQ|TIME|known:TIME");
}

Option add_format_option(Verb verb, const std::string& name, std::optional<Format>& format, const std::string& help) {
  return add_choice<Format>(verb, name, format, {{"ndjson", Format::kNdjson}, {"csv", Format::kCsv}}, help);
}

Option add_encoding_option(Verb verb, Encoding& encoding) {
  return add_choice<Encoding>(
      verb, "--encoding", encoding,
      {{"utf-8", Encoding::kUtf8},
       {"cp949", Encoding::kCp949},
       {"utf-16", Encoding::kUtf16},
       {"auto", Encoding::kAuto}},
      "Encoding of the input; auto: UTF-16 by its BOM, CP949 for a CSV whose lines of the first "
      "64 KiB are mostly CP949 and not UTF-8, else UTF-8. utf-16 without BOM is little-endian");
}

Option add_inputs_option(Verb verb, std::vector<std::string>& inputs) {
  return verb
      .add_option(
          "INPUT", inputs,
          "Declaration files, NDJSON or CSV, plain, .gz or .zst; a folder is the files in it; none or - is stdin")
      .type("");
}

Option add_columns_option(Verb verb, std::string& columns) {
  return verb.add_option("--columns", columns, "Read known fields under other names: code=NAME,zip=NAME")
      .not_empty()
      .type("LIST");
}

Option add_ignore_option(Verb verb, IgnoredNames& ignored) {
  const auto read = [&ignored](const std::string& text) -> std::string {
    auto names = parse_ignore(text);
    if (!names.ok()) return "holds an empty name; write Phone,Zip";
    ignored = std::move(*names);
    return {};
  };
  return verb
      .add_read_option("--ignore", read,
                       "Pass over these keys or columns, which nearly are known ones, instead of refusing them")
      .type("NAME,...");
}

Option add_summary_option(Verb verb, SummaryForm& form) {
  return add_choice<SummaryForm>(
      verb, "--summary", form,
      {{"text", SummaryForm::kText}, {"json", SummaryForm::kJson}, {"none", SummaryForm::kNone}},
      "Summary on stderr: text, json or none");
}

Option add_threads_option(Verb verb, int& threads) {
  return add_number(verb, "-j,--threads", threads, 1, 1024, "Threads; else as many processors as may be used");
}

}  // namespace clearline
