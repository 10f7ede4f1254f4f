// Runs that are interrupted and go on: nothing twice, nothing lost, nothing of another input.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <functional>
#include <random>

#include "tests/support/files.h"
#include "tests/support/process.h"
#include "tests/support/random_input.h"

namespace clearline::test {
namespace {

class Resume : public testing::Test {
 protected:
  static constexpr const char* kCount = CLEARLINE_SANITIZED != 0 ? "8000" : "60000";
  Resume() {
    run({"generate", "registry", "--count", "3000", "--seed", "5", "-o", folder.path("r.csv")});
    run({"registry", "build", folder.path("r.csv"), "-o", image});
    for (const char* name : {"a.ndjson", "b.csv.gz", "c.ndjson.zst"}) {
      run({"generate", "declarations", "--count", kCount, "--seed", "6", "--registry-seed", "5", "--registry-count",
           "3000", "-o", folder.path(name)});
      inputs.push_back(folder.path(name));
    }
  }
  void run(const std::vector<std::string>& arguments) { EXPECT_EQ(run_clearline(arguments).exit_code, 0); }

  std::vector<std::string> arguments(const std::string& output, bool resume = true) const {
    std::vector<std::string> all{"screen", "-r", image, "-o", output, "--block-bytes", "70000", "--summary", "json"};
    all.insert(all.end(), inputs.begin(), inputs.end());
    if (resume) all.insert(all.end(), {"--resume", "--checkpoint-seconds", "0"});
    return all;
  }
  ProcessResult interrupted(const std::vector<std::string>& arguments, int after_ms, int signal) const {
    ProcessSetup setup;
    setup.signal_after_ms = after_ms;
    setup.signal = signal;
    return run_clearline(arguments, setup);
  }
  bool has_temporaries() const {
    const std::filesystem::directory_iterator files(folder.path(""));
    return std::any_of(begin(files), end(files),
                       [](const auto& file) { return file.path().string().find(".tmp") != std::string::npos; });
  }
  /// Whether a run has left a checkpoint to go on from, and not only the first one, of nothing.
  bool has_come_far(const std::string& name) const {
    const std::string checkpoint = read_file(folder.path(name + ".checkpoint"));
    return !checkpoint.empty() && checkpoint.find("\noutput 0 ") == std::string::npos;
  }
  /// What an output holds. Of an archive the text: how a piece of it is packed may differ in some bytes from run to run.
  std::string text_of(const std::string& path) const {
    std::string text;
    const gzFile file = gzopen(path.c_str(), "rb");  // reads what is no archive as it is
    EXPECT_NE(file, nullptr) << path;
    if (file == nullptr) return text;
    std::array<char, 65'536> piece{};
    for (int got = 0; (got = gzread(file, piece.data(), piece.size())) != 0;) {
      EXPECT_GT(got, 0) << path;
      if (got < 0) break;
      text.append(piece.data(), static_cast<std::size_t>(got));
    }
    EXPECT_EQ(gzclose(file), Z_OK) << path;
    return text;
  }
  bool exists(const std::string& name) const { return std::filesystem::exists(folder.path(name)); }

  TestFolder folder;
  std::string image = folder.path("r.img");
  std::vector<std::string> inputs;
};

TEST_F(Resume, RunsKilledAtRandomMomentsGiveTheOutputOfOne) {
  const std::uint64_t seed = test_seed();
  std::mt19937_64 random(seed);
  const auto start = std::chrono::steady_clock::now();
  run(arguments(folder.path("whole.csv"), false));
  // Machines and sanitizers differ: moments are those of a run here.
  const auto run_ms = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
  const std::uint64_t moments = 10 + static_cast<std::uint64_t>(run_ms.count()) * 5 / 4;
  run(arguments(folder.path("whole.csv.gz"), false));
  constexpr int kWanted = CLEARLINE_SANITIZED != 0 ? 8 : 25;  // of each form
  int interruptions = 0;
  int resumed = 0;
  for (const std::string name : {"v.csv", "w.csv.gz"}) {
    const std::string whole = text_of(folder.path(name == "v.csv" ? "whole.csv" : "whole.csv.gz"));
    for (int tries = 0; interruptions < (name == "v.csv" ? kWanted : 2 * kWanted); ++tries) {
      ASSERT_LT(tries, 500) << "runs are too short to be interrupted";
      const int after_ms = 1 + static_cast<int>(random() % moments);
      const int signal = random() % 2 == 0 ? SIGKILL : SIGINT;
      const auto result = interrupted(arguments(folder.path(name)), after_ms, signal);
      if (result.exit_code == 0) {
        ASSERT_TRUE(text_of(folder.path(name)) == whole) << "CLEARLINE_SEED=" << seed;
        ASSERT_FALSE(exists(name + ".part"));
        ASSERT_FALSE(exists(name + ".checkpoint"));
        ASSERT_FALSE(has_temporaries()) << "of the killed runs before";
        std::filesystem::remove(folder.path(name));
        continue;
      }
      // A signal that comes before main() has set its handlers ends the process as signals do.
      ASSERT_TRUE(result.exit_code == 128 + SIGKILL || result.exit_code == 7 || result.exit_code == 128 + SIGINT)
          << result.exit_code << result.err;
      ++interruptions;
      resumed += static_cast<int>(has_come_far(name));
    }
    const auto last = run_clearline(arguments(folder.path(name)));
    ASSERT_EQ(last.exit_code, 0) << last.err;
    ASSERT_TRUE(text_of(folder.path(name)) == whole) << "CLEARLINE_SEED=" << seed;
  }
  EXPECT_GT(resumed, kWanted / 5) << "some of them came far enough to leave a checkpoint";
}

/// Interrupts a run somewhere in its middle, for what comes then.
void interrupt_in_the_middle(const std::function<ProcessResult(int)>& start, const std::function<bool()>& is_open) {
  for (int after_ms = 5; after_ms < 2'000; after_ms += 5) {
    if (start(after_ms).exit_code == 128 + SIGKILL && is_open()) return;
  }
  FAIL() << "no run could be interrupted";
}

TEST_F(Resume, AChangedInputRegistryOutputOrOptionIsRefused) {
  const std::string output = folder.path("v.csv");
  const auto start = [&](int after_ms) { return interrupted(arguments(output), after_ms, SIGKILL); };
  interrupt_in_the_middle(start, [&] { return has_come_far("v.csv"); });
  ASSERT_TRUE(exists("v.csv.part"));

  auto other_options = arguments(output);
  other_options.push_back("--explain");
  EXPECT_EQ(run_clearline(other_options).exit_code, 2);

  const std::string text = read_file(inputs[0]);
  std::string changed = text;
  changed[20] ^= 1;
  folder.write("a.ndjson", changed);
  const auto refused = run_clearline(arguments(output));
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_NE(refused.err.find("a.ndjson: error: the input was changed"), std::string::npos) << refused.err;
  folder.write("a.ndjson", text);

  const std::string registry = read_file(image);
  run({"registry", "build", folder.path("r.csv"), "-o", image});
  EXPECT_EQ(run_clearline(arguments(output)).exit_code, 4) << "a registry with another identity";
  folder.write("r.img", registry);

  const std::string part = read_file(folder.path("v.csv.part"));
  std::string touched = part;
  touched[3] ^= 1;
  folder.write("v.csv.part", touched);
  EXPECT_EQ(run_clearline(arguments(output)).exit_code, 5);
  folder.write("v.csv.part", part);

  std::string checkpoint = read_file(folder.path("v.csv.checkpoint"));
  folder.write("v.csv.checkpoint", checkpoint + " ");
  EXPECT_EQ(run_clearline(arguments(output)).exit_code, 5);
  folder.write("v.csv.checkpoint", checkpoint);

  EXPECT_FALSE(exists("v.csv"));
  const auto done = run_clearline(arguments(output));
  EXPECT_EQ(done.exit_code, 0) << done.err;
  run(arguments(folder.path("whole.csv"), false));
  EXPECT_TRUE(read_file(output) == read_file(folder.path("whole.csv")));
  EXPECT_NE(done.err.find("\"resumed\":"), std::string::npos);
  EXPECT_EQ(done.err.find("\"resumed\":0,"), std::string::npos) << done.err;
}

TEST_F(Resume, OutputsOfTheirOwnAreEachWhole) {
  const auto own = arguments(folder.path("out-{name}.csv"));
  const auto start = [&](int after_ms) { return interrupted(own, after_ms, SIGKILL); };
  interrupt_in_the_middle(start, [&] { return exists("out-b.csv.part"); });
  EXPECT_TRUE(exists("out-a.csv"));
  const auto result = run_clearline(own);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const std::string all = std::to_string(3 * std::stoi(kCount));
  EXPECT_EQ(result.err.find("{\"declarations\":" + all + ","), 0U)
      << "those of the run before count too: " << result.err;
  for (const std::string name : {"a", "b", "c"}) {
    EXPECT_FALSE(exists("out-" + name + ".csv.checkpoint"));
    EXPECT_FALSE(exists("out-" + name + ".csv.part"));
  }
  auto again = arguments(folder.path("again-{name}.csv"), false);
  run(again);
  for (const std::string name : {"a", "b", "c"}) {
    EXPECT_TRUE(read_file(folder.path("again-" + name + ".csv")) == read_file(folder.path("out-" + name + ".csv")));
  }
}

TEST_F(Resume, APartWithoutACheckpointIsNeverTouched) {
  const std::string foreign = "rows of another program\n";
  folder.write("v.csv.part", foreign);
  folder.write("v-c.csv.part", foreign);
  for (const char* output : {"v.csv", "v-{name}.csv"}) {
    const auto refused = run_clearline(arguments(folder.path(output)));
    EXPECT_EQ(refused.exit_code, 5) << refused.err;
    EXPECT_NE(refused.err.find(".csv.part: error: "), std::string::npos) << refused.err;
    EXPECT_NE(refused.err.find("; move it away, or remove it"), std::string::npos) << refused.err;
  }
  EXPECT_EQ(read_file(folder.path("v.csv.part")), foreign);
  EXPECT_EQ(read_file(folder.path("v-c.csv.part")), foreign);
  EXPECT_FALSE(exists("v.csv"));
  EXPECT_FALSE(exists("v.csv.checkpoint"));
  EXPECT_FALSE(exists("v-a.csv")) << "before the work for the others";
  folder.write("v.csv.checkpoint", "clearline-checkpoint-2\n");
  EXPECT_EQ(run_clearline(arguments(folder.path("v.csv"))).exit_code, 5) << "beside one that is no good";
  EXPECT_EQ(read_file(folder.path("v.csv.part")), foreign);
  std::filesystem::remove(folder.path("v.csv.checkpoint"));
  std::filesystem::remove(folder.path("v.csv.part"));
  ASSERT_EQ(symlink("nowhere", folder.path("v.csv.part").c_str()), 0);
  EXPECT_EQ(run_clearline(arguments(folder.path("v.csv"))).exit_code, 5) << "a link, too";
  EXPECT_FALSE(exists("nowhere"));
}

TEST_F(Resume, AFinishedOutputThatIsGoneOrChangedIsNotTakenForDone) {
  for (const std::string ending : {".csv", ".csv.gz"}) {
    const std::string pattern = folder.path("out-{name}" + ending);
    const std::string first = folder.path("out-a" + ending);
    const auto start = [&](int after_ms) { return interrupted(arguments(pattern), after_ms, SIGKILL); };
    interrupt_in_the_middle(start, [&] { return exists("out-b" + ending + ".part"); });
    const std::string good = read_file(first);
    ASSERT_FALSE(good.empty());
    const std::string text = text_of(first);
    const auto refused = [&](const char* word) {
      const auto result = run_clearline(arguments(pattern));
      EXPECT_EQ(result.exit_code, 5) << result.err;
      EXPECT_NE(result.err.find("out-a" + ending + ": error: "), std::string::npos) << result.err;
      EXPECT_NE(result.err.find(word), std::string::npos) << result.err;
      EXPECT_NE(result.err.find("out-a" + ending + ".checkpoint to have it written again"), std::string::npos);
    };
    std::filesystem::remove(first);
    refused("removed");
    folder.write("out-a" + ending, "short\n");
    refused("changed");
    std::string other = good;
    other[other.size() / 2] ^= 1;
    folder.write("out-a" + ending, other);
    refused("changed");
    folder.write("out-a" + ending, good + "x");
    refused("changed");
    std::filesystem::remove(folder.path("out-a" + ending + ".checkpoint"));
    const auto mended = run_clearline(arguments(pattern));
    EXPECT_EQ(mended.exit_code, 0) << mended.err;
    EXPECT_TRUE(text_of(first) == text);
    EXPECT_FALSE(exists("out-a" + ending + ".checkpoint"));
  }
}

TEST_F(Resume, AnEmptyCompressedOutputIsFinishedToo) {
  inputs = {folder.write("none.csv", "id,code,name,zip\n"), inputs[0]};
  const std::string pattern = folder.path("out-{name}.ndjson.gz");
  const auto start = [&](int after_ms) { return interrupted(arguments(pattern), after_ms, SIGKILL); };
  interrupt_in_the_middle(start, [&] { return exists("out-a.ndjson.gz.part"); });
  ASSERT_TRUE(exists("out-none.ndjson.gz"));
  const auto result = run_clearline(arguments(pattern));
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST_F(Resume, AnInterruptedRunSaysHowToGoOn) {
  for (const int signal : {SIGINT, SIGTERM}) {
    bool was_heard = false;
    for (int after_ms = 5; after_ms < 2'000 && !was_heard; after_ms += 5) {
      for (const std::string left : {"v.csv.part", "v.csv.checkpoint"}) std::filesystem::remove(folder.path(left));
      const auto result = interrupted(arguments(folder.path("v.csv")), after_ms, signal);
      if (result.exit_code != 7 || !exists("v.csv.part")) continue;
      was_heard = true;
      EXPECT_NE(result.err.find("clearline: interrupted; give the same command again to go on"), std::string::npos)
          << result.err;
    }
    EXPECT_TRUE(was_heard) << "no run could be interrupted";
  }
  EXPECT_EQ(run_clearline(arguments(folder.path("v.csv"))).exit_code, 0);
}

TEST_F(Resume, ATemporaryThatAKilledRunLeftIsTakenAway) {
  folder.write("v.csv.checkpoint.tmp", "half a check");
  run(arguments(folder.path("v.csv")));
  EXPECT_FALSE(has_temporaries());
}

TEST_F(Resume, WhatCannotBeReadAgainOrCutIsRefused) {
  ProcessSetup from_stdin;
  from_stdin.input = "{}\n";
  EXPECT_EQ(run_clearline({"screen", "-r", image, "-o", folder.path("v"), "--resume"}, from_stdin).exit_code, 2);
  EXPECT_EQ(run_clearline({"screen", inputs[0], "-r", image, "--resume"}).exit_code, 2) << "stdout";
}

}  // namespace
}  // namespace clearline::test
