#include "io/cli/lookup_verb.h"

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "clearline/screener.h"
#include "io/cli/inputs.h"
#include "io/cli/machine.h"
#include "io/cli/options.h"
#include "io/cli/words.h"
#include "io/formats/utf8.h"
#include "io/formats/verdict_writer.h"
#include "io/store/output_file.h"

namespace clearline {
namespace {

struct LookupRequest {
  std::string code;
  std::string registry;
  std::optional<std::string> name;
  std::optional<std::string> zip;
  std::optional<std::string> phone;
  std::optional<std::string> date;
  std::optional<AsOf> as_of;
};

Status run_lookup(const LookupRequest& request, std::optional<int>& exit_code) {
  for (const auto& text : {std::optional(request.code), request.name, request.zip, request.phone}) {
    if (text && !is_utf8(*text)) return {StatusKind::kUsage, "lookup: the code or an item is not UTF-8; give it so"};
  }
  Declaration declaration;
  declaration.code = request.code;
  declaration.name = request.name ? std::string_view(*request.name) : std::string_view();
  declaration.zip = request.zip ? std::string_view(*request.zip) : std::string_view();
  declaration.phone = request.phone ? std::string_view(*request.phone) : std::string_view();
  if (request.date) {
    declaration.declared_at = parse_moment(*request.date);
    if (!declaration.declared_at)
      return {StatusKind::kUsage, "--date: no real date or time; write 2026-01-31 or 2026-01-31T10:00:00+09:00"};
  }
  // Only what is given is compared: a missing option is a question not asked, not a missing item.
  Policy policy = standard_policy();
  policy.rules[0].checks_name = request.name.has_value();
  policy.rules[0].checks_zip = request.zip.has_value();

  if (Status status = check_stdout(request.registry); !status.ok()) return status;
  std::vector<std::string> warnings;
  const auto opened = read_registry_as_of(request.registry, request.as_of, warnings);
  if (!opened.ok()) return opened.status();
  for (const std::string& warning : warnings) say("{}\n", warning);
  if (opened->past && !opened->past->seq_of(declaration.declared_at)) {
    return {StatusKind::kUsage, request.registry + ": error: --date: its history begins at " +
                                    format_time(*opened->history_us) + "; name that or what came later"};
  }
  const Registry& registry = *opened->registry;
  Screener screener(registry, policy, opened->today.value_or(korean_date(now_seconds())), opened->past.get());
  Verdict verdict;
  screener.screen({&declaration, 1}, {&verdict, 1});

  OutBuffer out;
  out.append("{\"code\":\"");
  append_json_text(request.code, out);
  out.append("\",\"verdict\":\"");
  out.append(to_string(verdict.outcome));
  out.append("\"");
  append_json_reasons(verdict.reasons, out);
  VerdictWriter(Format::kNdjson, true, policy, registry.identity()).write_explained(verdict, out);
  out.append("}\n");
  auto file = OutputFile::open("-", FileMode::kUsual);
  if (!file.ok()) return file.status();
  Status status = file->write(out.text());
  if (status.ok()) status = file->commit();
  if (file->pipe_closed()) status = {};
  if (verdict.outcome != Outcome::kClear) exit_code = 1;
  return status;
}

}  // namespace

void add_lookup_verb(Verb app, Command& command) {
  auto request = std::make_shared<LookupRequest>();
  const Verb verb = app.add_verb("lookup", "Look one code up, and compare the items that are given");
  verb.add_option("CODE", request->code, "P and 12 digits").required().type("");
  verb.add_option("-r,--registry", request->registry, "Registry: an image or a directory").required().type("REGISTRY");
  verb.add_option("--name", request->name, "Declared name, Latin or Hangul").type("NAME");
  verb.add_option("--zip", request->zip, "Declared zip").type("ZIP");
  verb.add_option("--phone", request->phone, "Declared phone").type("PHONE");
  verb.add_option("--date", request->date, "Day or time of the declaration; else today").type("DATE");
  add_as_of_option(verb, request->as_of);
  verb.footer(
      "Prints one JSON object; never a registered value.\n\nExamples:\n"
      "  clearline lookup P123456789012 -r registry.img\n"
      "  clearline lookup P123456789012 --name 'Gil-Dong Hong' --zip 04524 -r registry.img\n"
      "  clearline lookup P123456789012 -r live --as-of 2025-11-30    # what it was that evening\n\n"
      "Exit: 0 clear, 1 not clear, 2 wrong use, 4 registry missing or damaged.");
  verb.when_chosen(
      [request, &command] { command.run = [request, &command] { return run_lookup(*request, command.exit_code); }; });
}

}  // namespace clearline
