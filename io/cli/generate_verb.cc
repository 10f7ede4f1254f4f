#include "io/cli/generate_verb.h"

#include <fmt/format.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "io/cli/inputs.h"
#include "io/cli/machine.h"
#include "io/cli/options.h"
#include "io/cli/progress.h"
#include "io/formats/input_format.h"
#include "io/store/compressed_output.h"

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
  const auto by_name = format_of_name(output);
  if (!by_name) return usual;
  return *by_name == Format::kCsv ? generate::Form::kCsv : generate::Form::kNdjson;
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

Status run_generate_declarations(const GenerateDeclarationsRequest& request) {
  if (Status status = check_outputs({}, {request.output, request.expected}); !status.ok()) return status;
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
  generate::append_declaration_header(request.plan.form, request.plan.style, text);
  Status status;
  for (std::uint64_t i = 0; i < request.count && status.ok(); ++i) {
    generate::append_declaration(request.plan, i, text, expected);
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

void add_generate_verb(CLI::App& app, Command& command) {
  using generate::Form;
  using generate::Style;
  auto* verb = app.add_subcommand("generate", "Make up registries and declarations, seeded, of any size");
  verb->require_subcommand(1);
  verb->footer(
      "Nobody in them exists. The same numbers give the same bytes on every machine.\n\n"
      "Examples:\n"
      "  clearline generate registry --count 300000 -o registry.csv\n"
      "  clearline generate declarations --count 490000 --registry-count 300000 -o day.ndjson --expected expected.csv");
  const std::vector<std::pair<std::string, Form>> forms{{"ndjson", Form::kNdjson}, {"csv", Form::kCsv}};

  auto registry_request = std::make_shared<GenerateRegistryRequest>();
  auto registry_form = std::make_shared<std::optional<Form>>();
  auto* registry = verb->add_subcommand("registry", "A registry of made-up people");
  add_number(*registry, "--count", registry_request->count, 1, generate::kPeopleMax, "Entries (default 300000)");
  add_number(*registry, "--seed", registry_request->seed, 0, kNoLimit, "Same seed, same people (default 1)");
  add_choice<Form>(*registry, "--format", *registry_form, forms, "Format; else by -o, else csv");
  registry->add_option("-o,--output", registry_request->output, "Where it goes; - is stdout (default)")
      ->check(not_empty)
      ->type_name("FILE");
  registry->footer(
      "Examples:\n"
      "  clearline generate registry --count 26000000 -o registry.csv\n"
      "  clearline generate registry --count 5 --seed 7 --format ndjson");
  registry->callback([registry_request, registry_form, &command] {
    registry_request->form = chosen_form(*registry_form, registry_request->output, Form::kCsv);
    command.run = [registry_request] { return run_generate_registry(*registry_request); };
  });

  auto request = std::make_shared<GenerateDeclarationsRequest>();
  auto form = std::make_shared<std::optional<Form>>();
  auto shares = std::make_shared<std::vector<std::string>>();
  auto malformed = std::make_shared<std::string>();
  auto* declarations = verb->add_subcommand("declarations", "Declarations of people of a made-up registry");
  add_number(*declarations, "--count", request->count, 0, kNoLimit, "Declarations (default 100000)");
  add_number(*declarations, "--seed", request->plan.seed, 0, kNoLimit, "Same seed, same declarations (default 1)");
  add_number(*declarations, "--registry-count", request->plan.registry_count, 1, generate::kPeopleMax,
             "Entries of the registry (default 300000)");
  add_number(*declarations, "--registry-seed", request->plan.registry_seed, 0, kNoLimit,
             "Seed of the registry (default 1)");
  add_choice<Form>(*declarations, "--format", *form, forms, "Format; else by -o, else ndjson");
  add_choice<Style>(*declarations, "--style", request->plan.style, {{"full", Style::kFull}, {"short", Style::kShort}},
                    "full: 16 fields, about 430 bytes (default); short: needed fields, about 120 bytes");
  declarations->add_option("-o,--output", request->output, "Where they go; - is stdout (default)")
      ->check(not_empty)
      ->type_name("FILE");
  declarations
      ->add_option("--expected", request->expected, "Where the expected verdicts go, as CSV: id,verdict,reasons")
      ->check(not_empty)
      ->type_name("FILE");
  declarations
      ->add_option("--share", *shares, "Wanted share of a reason: zip_mismatch=2%; may be repeated; defaults below")
      ->type_name("REASON=N%");
  declarations->add_option("--malformed", *malformed, "The same as --share malformed=N%")->type_name("N%");
  declarations->footer(
      "The verdicts are those of the policy standard on any day. A reason that no entry of a small registry fits comes "
      "less often.\n\n"
      "Default shares:\n" +
      shares_text(generate::usual_shares()) +
      "\nExamples:\n"
      "  clearline generate declarations --count 1000 --style short | head -3\n"
      "  clearline generate declarations --count 490000 -o day.csv --expected expected.csv --share zip_mismatch=5%");
  declarations->callback([request, form, shares, malformed, &command] {
    request->plan.form = chosen_form(*form, request->output, Form::kNdjson);
    if (!malformed->empty()) shares->push_back("malformed=" + *malformed);
    for (const std::string& share : *shares) {
      if (const auto wrong = take_share(share, request->plan.shares)) throw CLI::ValidationError("--share", *wrong);
    }
    if (!generate::can_be_had(request->plan.shares)) {
      throw CLI::ValidationError("--share",
                                 "a declaration has one reason of its code, one of its name, one of its phone "
                                 "and one of its zip: the shares of each add up to more than 100%");
    }
    command.run = [request] { return run_generate_declarations(*request); };
  });
}

}  // namespace clearline
