#include "io/cli/generate_verb.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <vector>

#include "io/cli/machine.h"
#include "io/cli/options.h"
#include "io/cli/progress.h"
#include "io/store/output_file.h"

namespace clearline {
namespace {

constexpr std::size_t kWriteBytes = std::size_t{1} << 20;

/// Writes what has gathered, when that is enough or the last of it.
Status flush(OutputFile& file, std::string& text, bool last) {
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
      return "'" + text + "' is not REASON=N%";
    }
    shares[static_cast<std::size_t>(i)] = percent / 100;
    return std::nullopt;
  }
  return "unknown reason '" + word + "'";
}

}  // namespace

Status run_generate_registry(const GenerateRegistryRequest& request) {
  auto file = OutputFile::open(request.output, FileMode::kUsual);
  if (!file.ok()) return file.status();
  const generate::People people(request.seed);
  Progress progress("entries", std::nullopt, stderr_is_terminal());
  std::string text;
  std::uint64_t bytes = 0;
  generate::append_registry_header(request.form, text);
  Status status;
  for (std::uint64_t i = 0; i < request.count && status.ok(); ++i) {
    generate::append_registered(people, i, request.form, text);
    if (text.size() >= kWriteBytes) progress.update(i, bytes += text.size());
    status = flush(*file, text, false);
  }
  if (status.ok()) status = flush(*file, text, true);
  if (file->pipe_closed()) return {};
  return status.ok() ? file->commit() : status;
}

Status run_generate_declarations(const GenerateDeclarationsRequest& request) {
  auto file = OutputFile::open(request.output, FileMode::kUsual);
  if (!file.ok()) return file.status();
  std::optional<OutputFile> expected_file;
  if (!request.expected.empty()) {
    auto opened = OutputFile::open(request.expected, FileMode::kUsual);
    if (!opened.ok()) return opened.status();
    expected_file = std::move(*opened);
  }
  Progress progress("declarations", std::nullopt, stderr_is_terminal());
  std::string text;
  std::string expected(generate::kExpectedHeader);
  std::uint64_t bytes = 0;
  generate::append_header(request.plan, text);
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
  auto* verb = app.add_subcommand("generate", "Make up registries and declarations, seeded, of any size");
  verb->require_subcommand(1);
  verb->footer(
      "Examples:\n"
      "  clearline generate registry --count 300000 -o registry.csv\n"
      "  clearline generate declarations --count 490000 --registry-count 300000 -o day.ndjson --expected expected.csv");
  const std::vector<std::pair<std::string, generate::Form>> forms{{"ndjson", generate::Form::kNdjson},
                                                                  {"csv", generate::Form::kCsv}};

  auto registry_request = std::make_shared<GenerateRegistryRequest>();
  auto* registry = verb->add_subcommand("registry", "A registry of made-up people");
  registry->add_option("--count", registry_request->count, "Entries (default 300000)")->type_name("N");
  registry->add_option("--seed", registry_request->seed, "Same seed, same people (default 1)")->type_name("N");
  add_choice<generate::Form>(*registry, "--format", registry_request->form, forms, "Format (default csv)");
  registry->add_option("-o,--output", registry_request->output, "Where it goes; - is stdout")->type_name("FILE");
  registry->footer("Example:\n  clearline generate registry --count 26000000 -o registry.csv");
  registry->callback([registry_request, &command] {
    command.run = [registry_request] { return run_generate_registry(*registry_request); };
  });

  auto request = std::make_shared<GenerateDeclarationsRequest>();
  auto shares = std::make_shared<std::vector<std::string>>();
  auto malformed = std::make_shared<std::string>();
  auto* declarations = verb->add_subcommand("declarations", "Declarations of people of a made-up registry");
  declarations->add_option("--count", request->count, "Declarations (default 100000)")->type_name("N");
  declarations->add_option("--seed", request->plan.seed, "Same seed, same declarations (default 1)")->type_name("N");
  declarations->add_option("--registry-count", request->plan.registry_count, "Entries of the registry (default 300000)")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 37))
      ->type_name("N");
  declarations->add_option("--registry-seed", request->plan.registry_seed, "Seed of the registry (default 1)")
      ->type_name("N");
  add_choice<generate::Form>(*declarations, "--format", request->plan.form, forms, "Format (default ndjson)");
  add_choice<generate::Style>(*declarations, "--style", request->plan.style,
                              {{"full", generate::Style::kFull}, {"short", generate::Style::kShort}},
                              "full: 16 fields, about 430 bytes (default); short: needed fields, about 120 bytes");
  declarations->add_option("-o,--output", request->output, "Where they go; - is stdout")->type_name("FILE");
  declarations->add_option("--expected", request->expected, "Where the expected verdicts go, as CSV")
      ->type_name("FILE");
  declarations->add_option("--share", *shares, "Wanted share of a reason: zip_mismatch=2%; may be repeated")
      ->type_name("REASON=N%");
  declarations->add_option("--malformed", *malformed, "The same as --share malformed=N%")->type_name("N%");
  declarations->footer(
      "Examples:\n"
      "  clearline generate declarations --count 1000 --style short | head -3\n"
      "  clearline generate declarations --count 490000 -o day.csv --format csv --expected expected.csv --share "
      "zip_mismatch=5%");
  declarations->callback([request, shares, malformed, &command] {
    if (!malformed->empty()) shares->push_back("malformed=" + *malformed);
    for (const std::string& share : *shares) {
      if (const auto wrong = take_share(share, request->plan.shares)) throw CLI::ValidationError("--share", *wrong);
    }
    command.run = [request] { return run_generate_declarations(*request); };
  });
}

}  // namespace clearline
