#include "io/cli/generate_verb.h"

#include <fmt/format.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/registry_table.h"
#include "io/cli/inputs.h"
#include "io/cli/machine.h"
#include "io/cli/options.h"
#include "io/cli/progress.h"
#include "io/cli/words.h"
#include "io/formats/byte_source.h"
#include "io/formats/change_lines.h"
#include "io/formats/input_format.h"
#include "io/store/compressed_output.h"
#include "io/store/registry_directory.h"

namespace clearline {
namespace {

constexpr std::size_t kWriteBytes = std::size_t{1} << 20;

/// Writes what has gathered, when that is enough or the last of it.
Status flush(CompressedOutput& file, std::string& text, bool last) {
  if (text.size() < kWriteBytes && !last) return {};
  Status status = file.write(text);
  text.clear();
  return status;
}

/// `REASON=P%` into shares.
std::optional<std::string> take_share(const std::string& text, generate::Shares& shares) {
  const std::size_t equals = text.find('=');
  const std::string word = text.substr(0, equals);
  for (int i = 0; i < kReasonCount; ++i) {
    const auto reason = static_cast<Reason>(i);
    if (to_string(reason) != word) continue;
    if (!generate::can_be_wanted(reason)) return "the standard policy never gives " + word;
    char* end = nullptr;
    const std::string number = equals == std::string::npos ? "" : text.substr(equals + 1);
    const double percent = std::strtod(number.c_str(), &end);
    if (end == number.c_str() || std::string_view(end) != "%" || percent < 0 || percent > 100) {
      return word + " has no share; write REASON=N%";
    }
    shares[static_cast<std::size_t>(i)] = percent / 100;
    return std::nullopt;
  }
  return "unknown reason; the help lists them";
}

/// `  code_missing 0.1%, code_malformed 0.1% ...`, a few a line.
std::string shares_text(const generate::Shares& shares) {
  std::string text;
  int in_line = 0;
  for (int i = 0; i < kReasonCount; ++i) {
    const auto reason = static_cast<Reason>(i);
    if (!generate::can_be_wanted(reason)) continue;
    text += fmt::format("{}{} {:g}%", in_line == 0 ? "  " : ", ", to_string(reason),
                        shares[static_cast<std::size_t>(i)] * 100);
    if (++in_line < 4) continue;
    text += "\n";
    in_line = 0;
  }
  return in_line == 0 ? text : text + "\n";
}

/// As the user says, else by the name of the output, else the usual one.
generate::Form chosen_form(std::optional<generate::Form> wanted, const std::string& output, generate::Form usual) {
  if (wanted) return *wanted;
  const auto by_name = output_format_of_name(output);
  if (!by_name) return usual;
  return *by_name == Format::kCsv ? generate::Form::kCsv : generate::Form::kNdjson;
}

/// `active`: how many codes are so at first.
Status too_few_codes(const std::string& registry, const generate::ChangesPlan& plan, std::uint64_t active,
                     const generate::Shortage& shortage) {
  std::string mend = "take a larger registry";
  for (const double scale : {50.0, 20.0, 10.0, 5.0, 2.0, 1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001}) {
    generate::ChangesPlan smaller = plan;
    smaller.scale = scale;
    if (scale >= plan.scale || generate::shortage_of(smaller, active)) continue;
    mend += fmt::format(", or say --scale {:g}", scale);
    break;
  }
  return {StatusKind::kUsage,
          fmt::format("{}: error: too few active codes: {} would change {}, and {} are left; {}", registry,
                      format_date(shortage.day), with_commas(shortage.needed), with_commas(shortage.active), mend)};
}

/// Takes the changes of a file.
Status read_schedule(const std::string& path, generate::Schedule& schedule) {
  auto file = open_file_source(path);
  if (!file.ok()) return file.status();
  const std::string name = (*file)->name();
  Progress progress("changes", (*file)->size(), stderr_is_terminal() && (*file)->size());
  const ByteSource& source = **file;
  Status status = read_changes(std::move(*file), [&](std::uint64_t line, Change& change) -> Status {
    progress.update(line, source.bytes_taken());
    const auto fault = schedule.add(change);
    if (!fault) return {};
    return {StatusKind::kInput, fmt::format("{}:{}:1: error: {}", name, line, *fault)};
  });
  if (!status.ok() || !schedule.seems_of_smaller_registry()) return status;
  return {StatusKind::kInput,
          name +
              ": error: the changes were made for a registry of fewer people; give the --registry-count and "
              "--registry-seed that they were made for"};
}

}  // namespace

Status run_generate_registry(const GenerateRegistryRequest& request) {
  auto file = CompressedOutput::open(request.output, FileMode::kUsual);
  if (!file.ok()) return file.status();
  const generate::People people(request.seed);
  Progress progress("entries", std::nullopt, stderr_is_terminal());
  std::string text;
  std::uint64_t bytes = 0;
  generate::append_registry_header(request.form, text);
  Status status;
  for (std::uint64_t i = 0; i < request.count && status.ok(); ++i) {
    generate::append_entry(people.person(i).entry, request.form, text);
    if (text.size() >= kWriteBytes) progress.update(i, bytes += text.size());
    status = flush(*file, text, false);
  }
  if (status.ok()) status = flush(*file, text, true);
  if (file->pipe_closed()) return {};
  return status.ok() ? file->commit() : status;
}

Status run_generate_changes(const GenerateChangesRequest& request) {
  if (Status status = check_outputs(registry_files(request.registry), {request.output}); !status.ok()) return status;
  std::vector<std::string> warnings;
  const auto registry = read_any_registry(request.registry, warnings);
  if (!registry.ok()) return registry.status();
  for (const std::string& warning : warnings) say("{}\n", warning);
  std::vector<Code> active = registry->table().codes_sorted(CodeStatus::kActive);
  if (const auto shortage = generate::shortage_of(request.plan, active.size())) {
    return too_few_codes(request.registry, request.plan, active.size(), *shortage);
  }
  generate::ChangeMaker maker(request.plan, *registry, std::move(active),
                              registry->table().codes_sorted(CodeStatus::kSuspended));
  // The registry need not be made up, and its codes are in the changes.
  auto file = CompressedOutput::open(request.output, FileMode::kPrivate);
  if (!file.ok()) return file.status();
  Progress progress("changes", std::nullopt, stderr_is_terminal());
  std::string text;
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;
  Change change;
  Status status;
  while (status.ok() && maker.next(change)) {
    generate::append_change(change, text);
    ++count;
    if (text.size() >= kWriteBytes) progress.update(count, bytes += text.size());
    status = flush(*file, text, false);
  }
  if (status.ok()) status = flush(*file, text, true);
  if (file->pipe_closed()) return {};
  return status.ok() ? file->commit() : status;
}

Status run_generate_declarations(const GenerateDeclarationsRequest& request) {
  std::vector<std::string> reads;
  if (!request.changes.empty()) reads.push_back(request.changes);
  if (Status status = check_outputs(reads, {request.output, request.expected}); !status.ok()) return status;
  generate::DeclarationsPlan plan = request.plan;
  generate::Schedule schedule(plan.registry_seed, plan.registry_count);
  if (request.day) plan.day = generate::DayPlan{&schedule, *request.day, request.count};
  if (!request.changes.empty()) {
    if (Status status = read_schedule(request.changes, schedule); !status.ok()) return status;
  }
  auto file = CompressedOutput::open(request.output, FileMode::kUsual);
  if (!file.ok()) return file.status();
  std::optional<CompressedOutput> expected_file;
  if (!request.expected.empty()) {
    auto opened = CompressedOutput::open(request.expected, FileMode::kUsual);
    if (!opened.ok()) return opened.status();
    expected_file = std::move(*opened);
  }
  Progress progress("declarations", std::nullopt, stderr_is_terminal());
  std::string text;
  std::string expected(generate::kExpectedHeader);
  std::uint64_t bytes = 0;
  generate::append_declaration_header(plan.form, plan.style, text);
  Status status;
  for (std::uint64_t i = 0; i < request.count && status.ok(); ++i) {
    generate::append_declaration(plan, i, text, expected);
    if (text.size() >= kWriteBytes) progress.update(i, bytes += text.size());
    status = flush(*file, text, false);
    if (!expected_file) {
      expected.clear();
    } else if (status.ok()) {
      status = flush(*expected_file, expected, false);
    }
  }
  if (status.ok()) status = flush(*file, text, true);
  if (status.ok() && expected_file) status = flush(*expected_file, expected, true);
  if (file->pipe_closed()) return {};
  if (status.ok() && expected_file) status = expected_file->commit();
  return status.ok() ? file->commit() : status;
}

void add_generate_verb(Verb app, Command& command) {
  using generate::Form;
  using generate::Profile;
  using generate::Style;
  const Verb verb = app.add_verb("generate", "Make up registries, changes and declarations, seeded, of any size");
  verb.needs_verb();
  verb.footer(
      "Nobody in them exists. The same numbers give the same bytes on every machine.\n\n"
      "Examples:\n"
      "  clearline generate registry --count 300000 -o registry.csv\n"
      "  clearline generate changes -r registry.img --profile quiet --from 2025-11-01 --to 2025-11-30 -o "
      "changes.ndjson\n"
      "  clearline generate declarations --count 490000 --registry-count 300000 -o day.ndjson --expected expected.csv");
  const std::vector<std::pair<std::string, Form>> forms{{"ndjson", Form::kNdjson}, {"csv", Form::kCsv}};

  auto registry_request = std::make_shared<GenerateRegistryRequest>();
  auto registry_form = std::make_shared<std::optional<Form>>();
  const Verb registry = verb.add_verb("registry", "A registry of made-up people");
  add_number(registry, "--count", registry_request->count, 1, generate::kPeopleMax, "Entries (default 300000)");
  add_number(registry, "--seed", registry_request->seed, 0, kNoLimit, "Same seed, same people (default 1)");
  add_choice<Form>(registry, "--format", *registry_form, forms, "Format; else by -o, else csv");
  registry.add_option("-o,--output", registry_request->output, "Where it goes; - is stdout (default)")
      .not_empty()
      .type("FILE");
  registry.footer(
      "Examples:\n"
      "  clearline generate registry --count 26000000 -o registry.csv\n"
      "  clearline generate registry --count 5 --seed 7 --format ndjson");
  registry.when_chosen([registry_request, registry_form, &command] {
    registry_request->form = chosen_form(*registry_form, registry_request->output, Form::kCsv);
    command.run = [registry_request] { return run_generate_registry(*registry_request); };
  });

  auto changes_request = std::make_shared<GenerateChangesRequest>();
  generate::ChangesPlan& plan = changes_request->plan;
  const Verb changes = verb.add_verb("changes", "A stream of changes to any registry, such as 'registry apply' reads");
  changes.add_option("-r,--registry", changes_request->registry, "Registry: an image or a directory")
      .required()
      .not_empty()
      .type("REGISTRY");
  add_date(changes, "--from", plan.from, "First Korean day (default 2024-12-02)");
  add_date(changes, "--to", plan.to, "Last Korean day, included (default 2025-12-01)");
  add_choice<Profile>(changes, "--profile", plan.profile, {{"quiet", Profile::kQuiet}, {"surge", Profile::kSurge}},
                      "What the days are like, see below")
      .required();
  add_number(changes, "--seed", plan.seed, 0, kNoLimit, "Same seed and registry, same changes (default 1)");
  add_number(changes, "--scale", plan.scale, 0.0001, 100, "Times the daily counts, which are then rounded (default 1)");
  changes.add_option("-o,--output", changes_request->output, "Where they go, mode 0600; - is stdout (default)")
      .not_empty()
      .type("FILE");
  changes.footer(
      "Applied in their order to this registry they are all accepted, as soon as their time has come: `at` follows\n"
      "office hours and never falls. Codes that are issued are new to the registry; some are reissued again and "
      "again.\n\n"
      "Profiles, by day:\n"
      "  quiet  10-20 cancellations, 85-115 suspensions, 250-450 reissues; with issues, amendments, renewals and\n"
      "         resumptions some 2,000 changes\n"
      "  surge  quiet days, but for the last two, which have the published counts of 2025-11-30 and 2025-12-01: "
      "123,302\n"
      "         and 298,742 reissues, 3,851 and 11,312 cancellations, 4,514 and 6,322 suspensions\n\n"
      "Examples:\n"
      "  clearline generate changes -r registry.img --profile surge -o year.ndjson.zst\n"
      "  clearline generate changes -r live --profile quiet --from 2025-12-02 --to 2025-12-02 --scale 0.1 --seed 7");
  changes.when_chosen([changes_request, &command] {
    if (changes_request->plan.from > changes_request->plan.to) wrong_use("--from", "is behind --to");
    command.run = [changes_request] { return run_generate_changes(*changes_request); };
  });

  auto request = std::make_shared<GenerateDeclarationsRequest>();
  auto form = std::make_shared<std::optional<Form>>();
  auto shares = std::make_shared<std::vector<std::string>>();
  auto malformed = std::make_shared<std::string>();
  const Verb declarations = verb.add_verb("declarations", "Declarations of people of a made-up registry");
  add_number(declarations, "--count", request->count, 0, kNoLimit, "Declarations (default 100000)");
  add_number(declarations, "--seed", request->plan.seed, 0, kNoLimit, "Same seed, same declarations (default 1)");
  add_number(declarations, "--registry-count", request->plan.registry_count, 1, generate::kPeopleMax,
             "Entries of the registry (default 300000)");
  add_number(declarations, "--registry-seed", request->plan.registry_seed, 0, kNoLimit,
             "Seed of the registry (default 1)");
  add_choice<Form>(declarations, "--format", *form, forms, "Format; else by -o, else ndjson");
  add_choice<Style>(declarations, "--style", request->plan.style, {{"full", Style::kFull}, {"short", Style::kShort}},
                    "full: 16 fields, about 430 bytes (default); short: needed fields, about 120 bytes");
  declarations.add_option("-o,--output", request->output, "Where they go; - is stdout (default)")
      .not_empty()
      .type("FILE");
  declarations.add_option("--expected", request->expected, "Where the expected verdicts go, as CSV: id,verdict,reasons")
      .not_empty()
      .type("FILE");
  declarations
      .add_option("--share", *shares, "Wanted share of a reason: zip_mismatch=2%; may be repeated; defaults below")
      .type("REASON=N%");
  add_date(declarations, "--day", request->day,
           "Declared at moments of this Korean day, in a day file's order; else on days without a time");
  declarations
      .add_option(
          "--changes", request->changes,
          "With --day: verdicts by the registry of the declared moment, to which these changes come; - is stdin")
      .not_empty()
      .type("FILE");
  declarations.add_option("--malformed", *malformed, "The same as --share malformed=N%").type("N%");
  declarations.footer(
      "The verdicts are those of the policy standard on any day. A reason that no entry of a small registry fits comes "
      "less often.\n\n"
      "With --changes FILE, from 'generate changes' for this made-up registry, each verdict is that of the registry of "
      "its\n"
      "moment: after all changes with `effective` up to `declared_at`. Of the declarations 0.6% are made within "
      "minutes\n"
      "of a change that matters: with codes just gone or about to go, just issued or not yet.\n\n"
      "Default shares:\n" +
      shares_text(generate::usual_shares()) +
      "\nExamples:\n"
      "  clearline generate declarations --count 1000 --style short | head -3\n"
      "  clearline generate declarations --count 490000 -o day.csv --expected expected.csv --share zip_mismatch=5%\n"
      "  clearline generate declarations --day 2025-12-01 --changes year.ndjson.zst -o day.ndjson --expected "
      "expected.csv");
  declarations.when_chosen([request, form, shares, malformed, &command] {
    request->plan.form = chosen_form(*form, request->output, Form::kNdjson);
    if (!request->changes.empty() && !request->day) {
      wrong_use("--changes", "needs --day, the day of the declarations");
    }
    if (!malformed->empty()) shares->push_back("malformed=" + *malformed);
    for (const std::string& share : *shares) {
      if (const auto wrong = take_share(share, request->plan.shares)) wrong_use("--share", *wrong);
    }
    if (!generate::can_be_had(request->plan.shares)) {
      wrong_use("--share",
                "a declaration has one reason of its code, one of its name, one of its phone "
                "and one of its zip: the shares of each add up to more than 100%");
    }
    command.run = [request] { return run_generate_declarations(*request); };
  });
}

}  // namespace clearline
