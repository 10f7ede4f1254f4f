// main: the verbs, and what a Status becomes: words on stderr and an exit code.

#include <fmt/format.h>

#include <cstdlib>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "engine/isa.h"
#include "io/cli/command.h"
#include "io/cli/config_verb.h"
#include "io/cli/demo_verb.h"
#include "io/cli/feed_verb.h"
#include "io/cli/generate_verb.h"
#include "io/cli/lookup_verb.h"
#include "io/cli/machine.h"
#include "io/cli/operator_verbs.h"
#include "io/cli/private_arguments.h"
#include "io/cli/registry_verbs.h"
#include "io/cli/screen_verb.h"
#include "io/cli/serve_verb.h"
#include "io/cli/verb.h"
#include "io/cli/words.h"
#include "io/store/image.h"

namespace clearline {
namespace {

std::string version_words() {
  return fmt::format("clearline {} (image version {}, kernels {})", CLEARLINE_VERSION, kImageVersion,
                     to_string(isa_in_use()));
}

/// CLEARLINE_ISA=NAME picks other kernels than the machine's best; empty is not set.
Status choose_kernels() {
  const char* name = std::getenv("CLEARLINE_ISA");  // NOLINT(concurrency-mt-unsafe): there is one thread yet
  if (name == nullptr || *name == '\0') return {};
  const auto isa = forced_isa(name);
  if (!isa.ok()) return {isa.status().kind(), "CLEARLINE_ISA: error: " + isa.status().message()};
  use_isa(*isa);
  return {};
}

int fail(const Status& status) {
  say("{}{}\n", status.message().find(": error: ") == std::string::npos ? "clearline: error: " : "", status.message());
  return static_cast<int>(status.kind());
}

int run(const std::vector<std::string>& arguments) {
  if (const Status status = choose_kernels(); !status.ok()) return fail(status);
  const CommandLine line(
      "clearline", "Checks import declarations against the registry of Korean customs clearance codes.", version_words);
  const Verb app = line.root();
  app.needs_verb();
  app.footer(
      "Examples:\n"
      "  clearline demo\n"
      "  clearline registry build registry.csv -o registry.img\n"
      "  clearline screen day.ndjson -r registry.img -o verdicts.ndjson\n\n"
      "'clearline VERB --help' tells more. Data goes to stdout, words to stderr.\n"
      "CLEARLINE_ISA=scalar|sse2|avx2|avx512 picks the kernels; without it the best ones of the machine run.\n"
      "Exit: 0 done, 1 a --fail-on condition, 2 wrong use, 3 input, 4 registry, 5 output, 6 peer, 7 interrupted, "
      "70 a bug, 78 configuration or policy.");
  Command command;
  add_screen_verb(app, command);
  add_registry_verbs(app, command);
  add_lookup_verb(app, command);
  add_config_verb(app, command);
  add_serve_verb(app, command);
  add_feed_verb(app, command);
  add_operator_verbs(app, command);
  add_generate_verb(app, command);
  add_demo_verb(app, command);
  app.add_verb("version", "Show the version").when_chosen([&command] {
    command.run = [] { return tell(version_words() + "\n"); };
  });

  const LineRead read = line.read(arguments);
  if (read.kind == LineRead::Kind::kWrong) {
    say(read.words);
    return static_cast<int>(StatusKind::kUsage);
  }
  if (read.kind == LineRead::Kind::kAnswer) command.run = [&read] { return tell(read.words); };
  if (const Status status = command.run(); !status.ok()) return fail(status);
  return command.exit_code.value_or(0);
}

}  // namespace
}  // namespace clearline

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> arguments = clearline::take_arguments(argc, argv);
    clearline::prepare_process();
    return clearline::run(arguments);
  } catch (const std::bad_alloc&) {
    clearline::say("clearline: error: not enough memory; use fewer threads or a larger machine\n");
  } catch (const std::exception& error) {
    // what() of the libraries used here names an operation, never data.
    clearline::say("clearline: error: a bug: {}\n", error.what());
  }
  return static_cast<int>(clearline::StatusKind::kInternal);
}
