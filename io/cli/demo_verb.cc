#include "io/cli/demo_verb.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/cli/generate_verb.h"
#include "io/cli/live_verbs.h"
#include "io/cli/options.h"
#include "io/cli/progress.h"
#include "io/cli/registry_verbs.h"
#include "io/cli/screen_verb.h"
#include "io/cli/stats_verb.h"
#include "io/cli/words.h"
#include "io/formats/errno_words.h"
#include "io/store/output_file.h"
#include "io/store/registry_directory.h"
#include "io/store/registry_store.h"

namespace clearline {
namespace {

namespace fs = std::filesystem;

struct DemoRequest {
  std::string keep;  ///< a folder to leave the files in; empty: a temporary one, removed
  std::uint64_t seed = 1;
  double scale = 1;  ///< of all counts
  int threads = 0;
};

// At scale 1, with the published counts: a day's declarations at Korea Customs, and enough people for the days of the surge.
constexpr double kPeople = 1'000'000;
constexpr double kDeclarations = 490'000;
constexpr const char* kSurgeDay = "2025-12-01";
constexpr const char* kEvening = "2025-11-30";
constexpr const char* kShownFrom = "2025-11-22";

constexpr const char* kRegistry = "registry.csv";
constexpr const char* kImage = "registry.img";
constexpr const char* kLive = "live";
constexpr const char* kChanges = "changes.ndjson";
constexpr const char* kAnswers = "answers.ndjson";
constexpr const char* kDay = "day.ndjson";
constexpr const char* kExpected = "expected.csv";
constexpr const char* kVerdicts = "verdicts.csv";
constexpr const char* kEveningVerdicts = "evening.csv";
constexpr std::array kFiles{kRegistry, kImage, kChanges, kAnswers, kDay, kExpected, kVerdicts, kEveningVerdicts};

/// The files of the registry directory, whose journal has more than one.
std::vector<std::string> live_files(const std::string& path) {
  const RegistryDirectory directory(path);
  return {directory.head_path(),
          directory.journal_path(),
          directory.journal_path() + "-wal",
          directory.journal_path() + "-shm",
          directory.lock_path(),
          directory.image_path(0),
          directory.image_part_path()};
}

/// What an interrupted demo must not leave behind: paths that a signal handler can unlink without asking for memory.
/// Written before the handlers are set and never changed.
std::string folder_to_remove;
std::string live_folder_to_remove;
std::vector<std::string> files_to_remove;
std::array<struct sigaction, NSIG> actions_before;

void remove_demo_folder(int number) {
  remove_pending_output_files();
  for (const std::string& file : files_to_remove) unlink(file.c_str());
  rmdir(live_folder_to_remove.c_str());
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
      const std::string live = (fs::path(keep) / kLive).string();
      if (fs::exists(live, error)) {
        return Status(StatusKind::kOutput, live + ": error: is there already; remove it, or name another folder");
      }
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
    live_folder_to_remove = file(kLive);
    files_to_remove = live_files(live_folder_to_remove);
    for (const char* name : kFiles) files_to_remove.push_back(file(name));
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

/// What the verdicts of the moments (CSV with line and detail) are, beside the expected ones and those of the evening.
struct Comparison {
  std::uint64_t rows = 0;
  std::uint64_t right = 0;      ///< id, verdict and reasons as expected
  std::uint64_t let_pass = 0;   ///< clear in the evening, and not at their moment
  std::uint64_t kept_back = 0;  ///< the other way round
};

Comparison compare(const std::string& verdicts_path, const std::string& expected_path,
                   const std::string& evening_path) {
  std::ifstream verdicts(verdicts_path);
  std::ifstream expected(expected_path);
  std::ifstream evening(evening_path);
  std::string verdict;
  std::string wanted;
  std::string then;
  std::getline(verdicts, verdict);
  std::getline(expected, wanted);
  std::getline(evening, then);
  Comparison result;
  for (; std::getline(expected, wanted); ++result.rows) {
    if (!std::getline(verdicts, verdict) || !std::getline(evening, then)) continue;
    result.right += static_cast<std::uint64_t>(verdict.starts_with(wanted + ","));
    const auto is_clear = [](std::string_view row) { return row.find(",clear,") != std::string_view::npos; };
    result.let_pass += static_cast<std::uint64_t>(is_clear(then) && !is_clear(verdict));
    result.kept_back += static_cast<std::uint64_t>(!is_clear(then) && is_clear(verdict));
  }
  if (std::getline(verdicts, verdict)) result.right = 0;  // one verdict too many
  return result;
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
  int step = 0;
  const auto show_step = [&](const std::string& what, const std::string& command) {
    show(fmt::format("\n{}. {}\n   $ {}\n", ++step, what, command));
  };
  const auto scaled = [&](double count) { return static_cast<std::uint64_t>(std::llround(count * request.scale)); };
  const std::uint64_t people_count = scaled(kPeople);
  const std::uint64_t declaration_count = scaled(kDeclarations);

  show_step(
      fmt::format("{} made-up people register their clearance codes.", with_commas(people_count)),
      fmt::format("clearline generate registry --count {} --seed {} -o registry.csv", people_count, request.seed));
  GenerateRegistryRequest people;
  people.count = people_count;
  people.seed = request.seed;
  people.output = path(kRegistry);
  if (Status status = run_generate_registry(people); !status.ok()) return status;

  show_step("The registry becomes an image, made to be read and used at once.",
            "clearline registry build registry.csv -o registry.img");
  BuildRequest build;
  build.input = people.output;
  build.image = path(kImage);
  BuildReport built;
  if (Status status = run_registry_build(build, built); !status.ok()) return status;
  show(fmt::format("   {} entries in {:.2f} s\n", with_commas(built.entries), built.seconds));

  show_step("And that a directory, which can be changed.", "clearline registry init live --from registry.img");
  const std::string live = path(kLive);
  if (Status status = RegistryStore::create(live, build.image); !status.ok()) return status;

  const std::string scale_words = request.scale == 1 ? "" : fmt::format(" --scale {}", request.scale);
  show_step("A year of quiet days; on the last two of them, 30 November and 1 December 2025, a leak becomes known.",
            fmt::format("clearline generate changes -r live --profile surge --seed {}{} -o changes.ndjson",
                        request.seed, scale_words));
  GenerateChangesRequest changes;
  changes.registry = live;
  changes.plan.profile = generate::Profile::kSurge;
  changes.plan.seed = request.seed;
  changes.plan.scale = request.scale;
  changes.output = path(kChanges);
  if (Status status = run_generate_changes(changes); !status.ok()) return status;

  show_step("The changes are applied. Each is answered when it is on disk.",
            "clearline registry apply live changes.ndjson > answers.ndjson");
  ApplyRequest apply{live, changes.output, path(kAnswers)};
  ApplyReport applied;
  if (Status status = run_apply(apply, applied); !status.ok()) return status;
  apply.directory = kLive;
  show("   " + apply_words(apply, applied));

  show_step(fmt::format("On 1 December {} parcels are declared, some with codes that died minutes before.",
                        with_commas(declaration_count)),
            fmt::format(
                "clearline generate declarations --count {} --seed {} --registry-count {} --registry-seed {} --day {} "
                "--changes changes.ndjson -o day.ndjson --expected expected.csv",
                declaration_count, request.seed, people_count, request.seed, kSurgeDay));
  GenerateDeclarationsRequest day;
  day.count = declaration_count;
  day.plan.seed = request.seed;
  day.plan.registry_seed = request.seed;
  day.plan.registry_count = people_count;
  day.day = parse_date(kSurgeDay);
  day.changes = changes.output;
  day.output = path(kDay);
  day.expected = path(kExpected);
  if (Status status = run_generate_declarations(day); !status.ok()) return status;

  const auto screen = [&](const char* as_of, const char* output, ScreenReport& report, std::string& summary) {
    ScreenRequest screening;
    screening.inputs = {day.output};
    screening.registry = live;
    screening.output = path(output);
    screening.threads = request.threads;
    screening.as_of = parse_as_of(as_of);
    Status status = run_screen(screening, report);
    if (status.ok()) summary = summary_text(screening, report);
    return status;
  };
  show_step("They are screened, each by the registry of its moment.",
            "clearline screen day.ndjson -r live -o verdicts.csv --as-of declared");
  ScreenReport screened;
  std::string summary;
  if (Status status = screen("declared", kVerdicts, screened, summary); !status.ok()) return status;
  show(summary);

  show_step("And once more by the registry as it was the evening before.",
            fmt::format("clearline screen day.ndjson -r live -o evening.csv --as-of {}", kEvening));
  ScreenReport evening;
  if (Status status = screen(kEvening, kEveningVerdicts, evening, summary); !status.ok()) return status;

  show_step("What the newspapers had: changes by day, beside all days before.",
            fmt::format("clearline registry stats live --by-day --from {}", kShownFrom));
  StatsRequest stats;
  stats.directory = live;
  stats.from = *parse_date(kShownFrom);
  if (told.ok()) {
    if (Status status = run_stats(stats); !status.ok()) return status;
  }

  show_step("The verdicts are compared with the expected ones, which the generator knows without matching anything.",
            "cut -d, -f1-3 verdicts.csv | diff - expected.csv");
  const Comparison result = compare(path(kVerdicts), day.expected, path(kEveningVerdicts));
  show(fmt::format("   {} of {} verdicts as expected.\n", with_commas(result.right), with_commas(result.rows)));
  show(
      fmt::format("   The registry of the evening before would have let pass {} parcels that are not clear, and kept "
                  "back {} that are.\n",
                  with_commas(result.let_pass), with_commas(result.kept_back)));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  show(fmt::format("   The demo took {:.1f} s.\n", seconds));
  if (!request.keep.empty()) show(fmt::format("   The files are in {}.\n", request.keep));
  if (result.right != declaration_count || result.rows != declaration_count) {
    return {StatusKind::kInternal, "demo: error: verdicts differ from the expected ones; look at them with --keep DIR"};
  }
  return told;
}

}  // namespace

void add_demo_verb(Verb app, Command& command) {
  auto request = std::make_shared<DemoRequest>();
  const Verb verb = app.add_verb("demo", "The whole story on made-up data, in under a minute");
  verb.add_option("--keep", request->keep, "Leave the files in this folder").not_empty().type("DIR");
  add_number(verb, "--seed", request->seed, 0, kNoLimit, "Other people, another day (default 1)");
  add_number(verb, "--scale", request->scale, 0.01, 10,
             "Times as many people, changes and declarations; 1: those of the surge (default 1)");
  add_threads_option(verb, request->threads);
  verb.footer("Examples:\n  clearline demo\n  clearline demo --keep /tmp/clearline-demo --seed 7");
  verb.when_chosen([request, &command] { command.run = [request] { return run_demo(*request); }; });
}

}  // namespace clearline
