#include "io/cli/demo_verb.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "io/cli/generate_verb.h"
#include "io/cli/options.h"
#include "io/cli/progress.h"
#include "io/cli/registry_verbs.h"
#include "io/cli/screen_verb.h"
#include "io/cli/words.h"
#include "io/formats/errno_words.h"
#include "io/store/output_file.h"

namespace clearline {
namespace {

namespace fs = std::filesystem;

struct DemoRequest {
  std::string keep;  ///< a folder to leave the files in; empty: a temporary one, removed
  std::uint64_t seed = 1;
  int threads = 0;
};

constexpr std::uint64_t kPeople = 300'000;
constexpr std::uint64_t kDeclarations = 490'000;

constexpr const char* kRegistry = "registry.csv";
constexpr const char* kImage = "registry.img";
constexpr const char* kDay = "day.ndjson";
constexpr const char* kExpected = "expected.csv";
constexpr const char* kVerdicts = "verdicts.csv";
constexpr std::array kFiles{kRegistry, kImage, kDay, kExpected, kVerdicts};

/// What an interrupted demo must not leave behind: paths that a signal handler can unlink without asking for memory.
/// Written before the handlers are set and never changed.
std::string folder_to_remove;
std::array<std::string, kFiles.size()> files_to_remove;
std::array<struct sigaction, NSIG> actions_before;

void remove_demo_folder(int number) {
  remove_pending_output_files();
  for (const std::string& file : files_to_remove) unlink(file.c_str());
  rmdir(folder_to_remove.c_str());
  const auto& before = actions_before[static_cast<std::size_t>(number)];
  if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) before.sa_handler(number);
  _exit(static_cast<int>(StatusKind::kInterrupted));
}

/// A folder for the demo's files: the user's, or a private one that goes with it, also when a signal ends the demo.
class DemoFolder {
 public:
  static Result<std::unique_ptr<DemoFolder>> make(const std::string& keep) {
    std::error_code error;
    if (!keep.empty()) {
      fs::create_directories(keep, error);
      if (error) return Status(StatusKind::kOutput, keep + ": error: cannot create: " + errno_words(error.value()));
      return std::unique_ptr<DemoFolder>(new DemoFolder(keep, false));
    }
    const fs::path parent = fs::temp_directory_path(error);
    std::string path = (parent / "clearline-demo-XXXXXX").string();
    if (error || mkdtemp(path.data()) == nullptr) {  // mode 0700
      return Status(StatusKind::kOutput, path + ": error: cannot create a temporary folder; say --keep DIR");
    }
    return std::unique_ptr<DemoFolder>(new DemoFolder(path, true));
  }
  DemoFolder(const DemoFolder&) = delete;
  DemoFolder& operator=(const DemoFolder&) = delete;
  ~DemoFolder() {
    std::error_code ignored;
    if (temporary_) fs::remove_all(path_, ignored);
  }

  std::string file(const char* name) const { return (fs::path(path_) / name).string(); }

 private:
  DemoFolder(std::string path, bool temporary) : path_(std::move(path)), temporary_(temporary) {
    if (!temporary_) return;
    folder_to_remove = path_;
    for (std::size_t i = 0; i < kFiles.size(); ++i) files_to_remove[i] = file(kFiles[i]);
    struct sigaction action{};
    action.sa_handler = remove_demo_folder;
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
      struct sigaction& before = actions_before[static_cast<std::size_t>(number)];
      if (sigaction(number, nullptr, &before) == 0 && before.sa_handler != SIG_IGN) sigaction(number, &action, nullptr);
    }
  }
  std::string path_;
  bool temporary_;
};

/// How many of the verdicts (CSV with line and detail) have the id, verdict and reasons of the expected ones.
std::uint64_t count_as_expected(const std::string& verdicts_path, const std::string& expected_path,
                                std::uint64_t& rows) {
  std::ifstream verdicts(verdicts_path);
  std::ifstream expected(expected_path);
  std::string verdict;
  std::string wanted;
  std::getline(verdicts, verdict);
  std::getline(expected, wanted);
  std::uint64_t right = 0;
  for (rows = 0; std::getline(expected, wanted); ++rows) {
    if (!std::getline(verdicts, verdict)) continue;
    right += static_cast<std::uint64_t>(verdict.starts_with(wanted + ","));
  }
  if (std::getline(verdicts, verdict)) return 0;  // one verdict too many
  return right;
}

Status run_demo(const DemoRequest& request) {
  const auto start = std::chrono::steady_clock::now();
  auto folder = DemoFolder::make(request.keep);
  if (!folder.ok()) return folder.status();
  const auto path = [&](const char* name) { return (*folder)->file(name); };
  Status told;
  const auto show = [&](const std::string& text) {
    if (told.ok()) told = tell(text);
  };
  const auto show_step = [&](int step, const std::string& what, const std::string& command) {
    show(fmt::format("\n{}. {}\n   $ {}\n", step, what, command));
  };

  show_step(1, fmt::format("{} made-up people register their clearance codes.", with_commas(kPeople)),
            fmt::format("clearline generate registry --count {} --seed {} -o registry.csv", kPeople, request.seed));
  GenerateRegistryRequest people;
  people.count = kPeople;
  people.seed = request.seed;
  people.output = path(kRegistry);
  if (Status status = run_generate_registry(people); !status.ok()) return status;

  show_step(2, "The registry becomes an image, made to be read and used at once.",
            "clearline registry build registry.csv -o registry.img");
  BuildRequest build;
  build.input = people.output;
  build.image = path(kImage);
  BuildReport built;
  if (Status status = run_registry_build(build, built); !status.ok()) return status;
  show(fmt::format("   {} entries in {:.2f} s\n", with_commas(built.entries), built.seconds));

  show_step(
      3,
      fmt::format("A day's {} parcels are declared: honest, mistyped, stolen and damaged ones.",
                  with_commas(kDeclarations)),
      fmt::format(
          "clearline generate declarations --count {} --seed {} --registry-count {} --registry-seed {} -o day.ndjson "
          "--expected expected.csv",
          kDeclarations, request.seed, kPeople, request.seed));
  GenerateDeclarationsRequest day;
  day.count = kDeclarations;
  day.plan.seed = request.seed;
  day.plan.registry_seed = request.seed;
  day.plan.registry_count = kPeople;
  day.output = path(kDay);
  day.expected = path(kExpected);
  if (Status status = run_generate_declarations(day); !status.ok()) return status;

  show_step(4, "They are screened.", "clearline screen day.ndjson -r registry.img -o verdicts.csv");
  ScreenRequest screen;
  screen.inputs = {day.output};
  screen.registry = build.image;
  screen.output = path(kVerdicts);
  screen.threads = request.threads;
  ScreenReport screened;
  if (Status status = run_screen(screen, screened); !status.ok()) return status;
  show(summary_text(screen, screened));

  show_step(5, "The verdicts are compared with the expected ones, which the generator knows without matching anything.",
            "cut -d, -f1-3 verdicts.csv | diff - expected.csv");
  std::uint64_t rows = 0;
  const std::uint64_t right = count_as_expected(screen.output, day.expected, rows);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  show(fmt::format("   {} of {} verdicts as expected. The demo took {:.1f} s.\n", with_commas(right), with_commas(rows),
                   seconds));
  if (!request.keep.empty()) show(fmt::format("   The files are in {}.\n", request.keep));
  if (right != kDeclarations || rows != kDeclarations) {
    return {StatusKind::kInternal, "demo: error: verdicts differ from the expected ones; look at them with --keep DIR"};
  }
  return told;
}

}  // namespace

void add_demo_verb(CLI::App& app, Command& command) {
  auto request = std::make_shared<DemoRequest>();
  auto* verb = app.add_subcommand("demo", "The whole story on made-up data, in under a minute");
  verb->add_option("--keep", request->keep, "Leave the files in this folder")->check(not_empty)->type_name("DIR");
  add_number(*verb, "--seed", request->seed, 0, kNoLimit, "Other people, another day (default 1)");
  add_threads_option(*verb, request->threads);
  verb->footer("Examples:\n  clearline demo\n  clearline demo --keep /tmp/clearline-demo --seed 7");
  verb->callback([request, &command] { command.run = [request] { return run_demo(*request); }; });
}

}  // namespace clearline
