// The built program, from the outside: formats, exit codes, whole files, silence about people.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "tests/support/files.h"
#include "tests/support/process.h"

namespace clearline::test {
namespace {

const std::string kRegistryCsv =
    "code,name,name_ko,phone,zips,status\n"
    "P123456789012,HONG GILDONG,홍길동,01098765432,04524;12345,active\n"
    "P222222222222,KIM CHULSOO,,,,suspended\n";
const std::string kDay = R"({"id":"D1","code":"P123456789012","name":"Gil-Dong Hong","zip":"04524"})"
                         "\n"
                         R"({"id":"D2","code":"P222222222222","name":"KIM CHULSOO","zip":"04524"})"
                         "\n"
                         R"({"id":"D3","code":"P123456789012","name":"HONG GILDONG","zip":"99999"})"
                         "\n{\"id\":\"D4\n";
const std::string kVerdicts =
    R"({"id":"D1","verdict":"clear"})"
    "\n"
    R"({"id":"D2","verdict":"hold","reasons":["code_suspended","zip_not_on_file"]})"
    "\n"
    R"({"id":"D3","verdict":"hold","reasons":["zip_mismatch"]})"
    "\n"
    R"({"id":null,"line":4,"verdict":"error","reasons":["malformed"],"detail":"column 7: string is not closed"})"
    "\n";

/// The same as one of several inputs: a line without id names its file.
std::string named(std::string verdicts, const std::string& file) {
  const std::string line = R"({"id":null,)";
  return verdicts.insert(verdicts.find(line) + line.size(), R"("file":")" + file + R"(",)");
}

class Program : public testing::Test {
 protected:
  Program()
      : registry(folder.write("registry.csv", kRegistryCsv)),
        image(folder.path("registry.img")),
        day(folder.write("day.ndjson", kDay)) {
    EXPECT_EQ(run_clearline({"registry", "build", registry, "-o", image}).exit_code, 0);
    files = folder.file_count();
  }
  ProcessResult screen(std::vector<std::string> more, const ProcessSetup& setup = {}) const {
    std::vector<std::string> arguments{"screen", "-r", image};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_clearline(arguments, setup);
  }

  TestFolder folder;
  std::string registry;
  std::string image;
  std::string day;
  std::size_t files = 0;
};

TEST_F(Program, ScreensFilesAndStdinToStdoutAndFiles) {
  const auto direct = screen({day});
  EXPECT_EQ(direct.exit_code, 0);
  EXPECT_EQ(direct.out, kVerdicts);
  ProcessSetup from_stdin;
  from_stdin.input = kDay;
  EXPECT_EQ(screen({}, from_stdin).out, kVerdicts);
  EXPECT_EQ(screen({"-"}, from_stdin).out, kVerdicts);
  const auto to_file = screen({day, "-o", folder.path("v.ndjson")});
  EXPECT_EQ(to_file.exit_code, 0);
  EXPECT_EQ(to_file.out, "");
  EXPECT_EQ(read_file(folder.path("v.ndjson")), kVerdicts);
}

TEST_F(Program, ScreensSeveralInputsInTheirOrder) {
  const std::string more = folder.write("more.csv", "id,code\nE1,P1\n");
  EXPECT_EQ(screen({day, more}).out,
            named(kVerdicts, "day.ndjson") + "{\"id\":\"E1\",\"verdict\":\"hold\",\"reasons\":[\"code_malformed\"]}\n");
}

TEST_F(Program, OfSeveralInputsALineWithoutIdNamesItsFile) {
  const auto bad = [&](const std::string& name) { return folder.write(name, "{\"id\n"); };
  std::filesystem::create_directories(folder.path("other"));
  const std::string one = bad("one.ndjson");
  const auto csv = screen({one, bad("b,ad.ndjson"), "--output-format", "csv"}).out;
  EXPECT_NE(csv.find("\n,error,malformed,one.ndjson:1,"), std::string::npos) << csv;
  EXPECT_NE(csv.find("\n,error,malformed,\"b,ad.ndjson:1\","), std::string::npos) << csv;
  const std::string other = bad("other/one.ndjson");
  const auto both = screen({one, other}).out;
  EXPECT_NE(both.find(R"("file":")" + one + R"(","line":1)"), std::string::npos) << both;
  EXPECT_NE(both.find(R"("file":")" + other + R"(","line":1)"), std::string::npos) << "which of the two is said";
  const auto foreign = screen({one, bad("\xff.ndjson")}).out;
  EXPECT_NE(foreign.find(R"("file":"?.ndjson")"), std::string::npos) << "verdicts are UTF-8, whatever names are";
  EXPECT_EQ(screen({one}).out.find("file"), std::string::npos) << "one input needs no name";
}

TEST_F(Program, AFolderIsItsFilesInTheirOrder) {
  std::filesystem::create_directories(folder.path("days/older"));
  folder.write("days/2.ndjson", kDay);
  folder.write("days/10.csv", "id,code\nE1,P1\n");
  folder.write("days/.hidden", "not read");
  const std::string e1 = "{\"id\":\"E1\",\"verdict\":\"hold\",\"reasons\":[\"code_malformed\"]}\n";
  EXPECT_EQ(screen({folder.path("days")}).out, e1 + named(kVerdicts, "2.ndjson"));
  const auto empty = screen({folder.path("days/older")});
  EXPECT_EQ(empty.exit_code, 3);
  EXPECT_NE(empty.err.find("there is no file in the folder"), std::string::npos);

  EXPECT_EQ(screen({folder.path("days"), "-o", folder.path("out-{name}.ndjson.gz")}).exit_code, 0);
  EXPECT_EQ(screen({folder.path("days"), "-o", folder.path("{name}-{name}.ndjson")}).exit_code, 0);
  EXPECT_EQ(read_file(folder.path("2-2.ndjson")), kVerdicts);
  EXPECT_EQ(read_file(folder.path("10-10.ndjson")), e1);
  EXPECT_TRUE(std::filesystem::exists(folder.path("out-10.ndjson.gz")));
}

TEST_F(Program, DevStdoutAndDevStderrAreWrittenStraight) {
  EXPECT_EQ(screen({day, "-o", "/dev/stdout"}).out, kVerdicts);
  EXPECT_EQ(screen({day, "-o", "/dev/stderr", "--summary", "none"}).err, kVerdicts);
  EXPECT_EQ(screen({day, "-o", "/dev/fd/1"}).out, kVerdicts);
  ProcessSetup to_file;
  to_file.output_path = folder.write("out", "");
  const int reader = open(to_file.output_path.c_str(), O_RDONLY);
  EXPECT_EQ(screen({day, "-o", "/dev/stdout"}, to_file).exit_code, 0);
  std::string seen(kVerdicts.size() + 1, ' ');
  seen.resize(static_cast<std::size_t>(read(reader, seen.data(), seen.size())));
  close(reader);
  EXPECT_EQ(seen, kVerdicts) << "in the same file, not in one of the same name";
}

TEST_F(Program, AnOutputIsNeverAnInputOrTwice) {
  const std::string before = read_file(day);
  EXPECT_EQ(screen({day, "-o", day}).exit_code, 2);
  EXPECT_EQ(screen({day, "-o", folder.path("{name}.ndjson")}).exit_code, 2);
  EXPECT_EQ(screen({day, folder.write("day.csv", "id\n1\n"), "-o", folder.path("v-{name}")}).exit_code, 2);
  EXPECT_EQ(read_file(day), before);

  const std::string part = folder.write("v.part", kDay);
  std::filesystem::create_hard_link(day, folder.path("day2"));
  std::filesystem::create_symlink(image, folder.path("link"));
  files = folder.file_count();
  const std::string image_before = read_file(image);
  const std::string registry_before = read_file(registry);
  EXPECT_EQ(screen({day, "-o", image}).exit_code, 2);
  EXPECT_EQ(screen({day, "-o", folder.path("link")}).exit_code, 2);
  EXPECT_EQ(screen({day, "-o", folder.path("day2")}).exit_code, 2);
  EXPECT_EQ(screen({part, "-o", folder.path("v"), "--resume"}).exit_code, 2);
  ProcessSetup from_day;
  from_day.input_path = day;
  EXPECT_EQ(screen({"-o", day}, from_day).exit_code, 2);
  EXPECT_EQ(run_clearline({"registry", "build", "-", "-o", day}, from_day).exit_code, 2);
  const std::string out = folder.path("out");
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"registry", "build", registry, "-o", registry},
        {"registry", "build", registry, "-o", out, "--rejects", registry},
        {"registry", "build", registry, "-o", out, "--rejects", out},
        {"registry", "export", image, "-o", image},
        {"generate", "changes", "-r", image, "--profile", "quiet", "-o", image},
        {"generate", "declarations", "--count", "1", "-o", out, "--expected", out},
        {"generate", "declarations", "--count", "1", "--expected", "-"}}) {
    const auto result = run_clearline(arguments);
    EXPECT_EQ(result.exit_code, 2) << arguments[1];
    EXPECT_NE(result.err.find("give it another name"), std::string::npos) << result.err;
  }
  EXPECT_EQ(read_file(day), before);
  EXPECT_EQ(read_file(part), kDay);
  EXPECT_EQ(read_file(image), image_before);
  EXPECT_EQ(read_file(registry), registry_before);
  EXPECT_EQ(folder.file_count(), files);
}

TEST_F(Program, TwoNamesOfOneFileThatIsNotThereYetAreOneOutput) {
  std::filesystem::create_directory(folder.path("in"));
  std::filesystem::create_symlink("target", folder.path("a.ndjson"));
  std::filesystem::create_symlink("target", folder.path("b.ndjson"));
  std::filesystem::create_symlink("a.ndjson", folder.path("c.ndjson"));
  std::filesystem::create_symlink("in", folder.path("in2"));
  std::filesystem::create_symlink("in2/../in/deep", folder.path("d.ndjson"));
  const std::string b = folder.write("b.csv", "id,code\nE1,P1\n");
  const std::string a = folder.write("a.csv", "id,code\nE1,P1\n");
  files = folder.file_count();
  EXPECT_EQ(screen({a, b, "-o", folder.path("{name}.ndjson")}).exit_code, 2) << "two links to one target";
  for (const auto& [first, second] : {std::pair{"a.ndjson", "b.ndjson"},
                                      {"c.ndjson", "target"},
                                      {"c.ndjson", "a.ndjson"},
                                      {"in/v", "in2/v"},
                                      {"in/deep", "d.ndjson"},
                                      {"v", "in/../v"}}) {
    const auto result = run_clearline(
        {"generate", "declarations", "--count", "1", "-o", folder.path(first), "--expected", folder.path(second)});
    EXPECT_EQ(result.exit_code, 2) << first << " " << second;
    EXPECT_EQ(run_clearline({"registry", "build", registry, "-o", folder.path(first), "--rejects", folder.path(second)})
                  .exit_code,
              2)
        << first << " " << second;
  }
  EXPECT_EQ(folder.file_count(), files);
}

TEST_F(Program, StdoutThatIsTheInputOrTheRegistryIsRefused) {
  const std::string live = folder.path("live");
  ASSERT_EQ(run_clearline({"registry", "init", live, "--from", image}).exit_code, 0);
  const std::string change = folder.write("c", R"({"op":"resume","code":"P222222222222","change_id":"k-1"})"
                                               "\n");
  const auto refuses = [&](const std::vector<std::string>& arguments, const std::string& file, bool is_stdin = false) {
    const std::string before = read_file(file);
    ProcessSetup setup;
    setup.output_path = file;
    setup.output_appends = true;
    if (is_stdin) setup.input_path = file;
    const auto result = run_clearline(arguments, setup);
    EXPECT_EQ(result.exit_code, 2) << arguments[0] << " " << arguments[1] << result.err;
    EXPECT_NE(result.err.find("give it another name"), std::string::npos) << result.err;
    EXPECT_EQ(read_file(file), before) << arguments[0] << " " << arguments[1];
  };
  refuses({"registry", "apply", live, change}, change);
  refuses({"registry", "apply", live, "-"}, change, true);
  refuses({"registry", "apply", live, "/dev/stdin"}, change, true);
  refuses({"screen", "-", "-r", image}, day, true);
  refuses({"screen", day, "-r", image}, day);
  refuses({"screen", day, "-r", image, "-o", "/dev/stdout"}, day);
  refuses({"screen", day, "-r", image}, image);
  for (const std::string& file : {live + "/head", live + "/journal.db", live + "/lock"}) {
    refuses({"screen", day, "-r", live}, file);
    refuses({"registry", "apply", live, change}, file);
    refuses({"registry", "impact", live, "--since", "0", day}, file);
    refuses({"registry", "export", live, "--journal"}, file);
    refuses({"registry", "history", live, "P222222222222"}, file);
    refuses({"registry", "stats", live, "--by-day"}, file);
    refuses({"registry", "info", live}, file);
    refuses({"registry", "verify", live}, file);
    refuses({"lookup", "P222222222222", "-r", live}, file);
    refuses({"generate", "changes", "-r", live, "--profile", "quiet"}, file);
  }
  EXPECT_EQ(run_clearline({"screen", day, "-r", live, "-o", live + "/journal.db-wal"}).exit_code, 2)
      << "a file that comes and goes";
  EXPECT_EQ(run_clearline({"registry", "verify", live}).exit_code, 0);
}

TEST_F(Program, TheFileBehindAnotherProcessIsNotReplaced) {
  const std::string other = "/proc/" + std::to_string(getpid());
  const int fd = open(folder.path("out").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  struct stat before{};
  ASSERT_EQ(fstat(fd, &before), 0);
  EXPECT_EQ(screen({day, "-o", other + "/fd/" + std::to_string(fd)}).exit_code, 0);
  struct stat after{};
  ASSERT_EQ(stat(folder.path("out").c_str(), &after), 0);
  close(fd);
  EXPECT_EQ(after.st_ino, before.st_ino);
  EXPECT_EQ(read_file(folder.path("out")), kVerdicts);
}

TEST_F(Program, AReplacedOutputKeepsItsMode) {
  const std::string output = folder.write("v.ndjson", "old");
  for (const mode_t mode : {0600U, 0640U}) {
    ASSERT_EQ(chmod(output.c_str(), mode), 0);
    for (const bool resume : {false, true}) {
      std::vector<std::string> arguments{day, "-o", output};
      if (resume) arguments.emplace_back("--resume");
      ASSERT_EQ(screen(arguments).exit_code, 0);
      struct stat info{};
      ASSERT_EQ(stat(output.c_str(), &info), 0);
      EXPECT_EQ(info.st_mode & 0777U, mode);
      EXPECT_EQ(read_file(output), kVerdicts);
    }
  }
}

TEST_F(Program, AnOutputNameMayBeAsLongAsANameMayBe) {
  for (const std::size_t bytes : {240U, 244U, 250U, 255U}) {
    const std::string output = folder.path(std::string(bytes - 4, 'n') + ".csv");
    EXPECT_EQ(screen({day, "-o", output}).exit_code, 0) << bytes;
    EXPECT_EQ(screen({day, "-o", output, "--resume"}).exit_code, 0) << bytes;
    EXPECT_EQ(run_clearline({"registry", "build", registry, "-o", output}).exit_code, 0) << bytes;
    std::filesystem::remove(output);
    EXPECT_EQ(folder.file_count(), files);
  }
}

TEST_F(Program, AMissingFolderOfAnOutputIsNamedWithHowToMendIt) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"screen", day, "-r", image},
                                                    {"screen", day, "-r", image, "--resume"},
                                                    {"registry", "build", registry},
                                                    {"registry", "export", image},
                                                    {"generate", "registry", "--count", "1"}}) {
    std::vector<std::string> all = arguments;
    all.insert(all.end(), {"-o", folder.path("no/v")});
    const auto result = run_clearline(all);
    EXPECT_EQ(result.exit_code, 5) << arguments[0];
    EXPECT_NE(result.err.find("its folder " + folder.path("no") + " does not exist; make it (mkdir -p)"),
              std::string::npos)
        << result.err;
  }
}

TEST_F(Program, ReadsAndWritesCompressedFiles) {
  for (const std::string name : {"day2.ndjson.gz", "day2.ndjson.zst"}) {
    // A screening of nothing else but text makes an archive of our own; the next one reads it.
    EXPECT_EQ(screen({day, "-o", folder.path(name)}).exit_code, 0);
    const auto result = screen({folder.path(name)});
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 4);
    const std::string packed = read_file(folder.path(name));
    const auto cut = screen({folder.write("cut", packed.substr(0, packed.size() - 3)), "-o", folder.path("v")});
    EXPECT_EQ(cut.exit_code, 3);
    EXPECT_NE(cut.err.find("cut: error: the "), std::string::npos) << cut.err;
    EXPECT_NE(cut.err.find("data is cut off at byte "), std::string::npos) << cut.err;
    EXPECT_FALSE(std::filesystem::exists(folder.path("v")));
  }
  EXPECT_EQ(run_clearline({"registry", "export", image, "-o", folder.path("r.csv.gz")}).exit_code, 0);
  EXPECT_EQ(run_clearline({"registry", "build", folder.path("r.csv.gz"), "-o", folder.path("r2.img")}).exit_code, 0);
  EXPECT_EQ(run_clearline({"registry", "export", folder.path("r2.img")}).out,
            run_clearline({"registry", "export", image}).out);
}

TEST_F(Program, WritesCsvByOptionOrName) {
  const std::string csv =
      "id,verdict,reasons,line,detail\nD1,clear,,,\nD2,hold,code_suspended;zip_not_on_file,,\nD3,hold,zip_mismatch,,\n"
      ",error,malformed,4,column 7: string is not closed\n";
  EXPECT_EQ(screen({day, "--output-format", "csv"}).out, csv);
  EXPECT_EQ(screen({day, "-o", folder.path("v.csv")}).exit_code, 0);
  EXPECT_EQ(read_file(folder.path("v.csv")), csv);
}

TEST_F(Program, NoCommasAreWrittenToATsv) {
  EXPECT_EQ(screen({day, "-o", folder.path("v.tsv")}).exit_code, 0);
  EXPECT_EQ(read_file(folder.path("v.tsv")), kVerdicts);
}

TEST_F(Program, EmitsFlaggedOnlyAndExplains) {
  EXPECT_EQ(screen({day, "--emit", "flagged"}).out, kVerdicts.substr(kVerdicts.find('\n') + 1));
  const std::string explained = screen({day, "--explain"}).out;
  EXPECT_NE(
      explained.find(
          R"({"id":"D1","verdict":"clear","checks":{"code":"active","name":"same:given_first","phone":"not_checked","zip":"same"},"fix":[],"rule":"standard","registry_seq":0)"),
      std::string::npos)
      << explained;
}

TEST_F(Program, SummaryAccountsForEveryDeclaration) {
  const std::string json = screen({day, "--summary", "json"}).err;
  EXPECT_EQ(
      json.find(
          R"({"declarations":4,"clear":1,"review":0,"hold":2,"error":1,"reasons":{"malformed":1,"code_suspended":1,"zip_mismatch":1,"zip_not_on_file":1},"fields":{"id":3,"code":3,"name":3,"zip":3,"phone":0,"declared_at":0},"policy":"standard","registry_seq":0,)"),
      0U)
      << json;
  const std::string text = screen({day}).err;
  EXPECT_NE(text.find("4 declarations"), std::string::npos);
  EXPECT_NE(text.find("\n  given in id 3, code 3, name 3, zip 3, phone 0, declared_at 0\n"), std::string::npos) << text;
  EXPECT_EQ(screen({day, "--summary", "none"}).err, "");
}

TEST_F(Program, SummarySaysInHowManyDeclarationsAFieldWasGiven) {
  const std::string some =
      folder.write("some.ndjson",
                   "{\"id\":\"1\",\"code\":null,\"name\":\"\\u3000\",\"zip\":\" \",\"phone\":\"0\"}\n"
                   "{\"id\":\" \",\"code\":\" P1\",\"name\":\"\\u3000A\",\"declared_at\":\"2025-12-01\"}\n"
                   "{\"id\":\"3\",\"code\":\"P1\",\"declared_at\":\"x\"}\n");
  const std::string json = screen({some, "--summary", "json"}).err;
  EXPECT_NE(json.find(R"("fields":{"id":1,"code":1,"name":1,"zip":0,"phone":1,"declared_at":1})"), std::string::npos)
      << json;
}

TEST_F(Program, AColumnThatNearlyIsAKnownOneIsRefusedUnlessItIsIgnored) {
  const std::string phones =
      folder.write("phones.csv", "id,code,name,zip,Phone\n1,P123456789012,HONG GILDONG,04524,01099998888\n");
  const std::string out = folder.path("out.ndjson");
  const auto refused = screen({phones, "-o", out});
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_NE(refused.err.find("phones.csv:1:18: error: the CSV header has a column 'Phone' and no 'phone'; did you mean "
                             "'phone'?"),
            std::string::npos)
      << refused.err;
  EXPECT_FALSE(std::filesystem::exists(out));
  const auto ignored = screen({phones, "--ignore", "x,Phone"});
  EXPECT_EQ(ignored.exit_code, 0) << ignored.err;
  EXPECT_EQ(ignored.out, "{\"id\":\"1\",\"verdict\":\"clear\"}\n");
  EXPECT_EQ(screen({phones, "--ignore", "a,,b"}).exit_code, 2);
}

TEST_F(Program, ARegistryColumnThatNearlyIsAKnownOneIsRefusedAndTheOldImageStays) {
  const std::string near = folder.write("near.csv",
                                        "code,name,phone,zips,Status\n"
                                        "P123456789012,HONG GILDONG,01098765432,04524,suspended\n");
  const std::string before = read_file(image);
  const auto refused = run_clearline({"registry", "build", near, "-o", image});
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_NE(refused.err.find("did you mean 'status'?"), std::string::npos) << refused.err;
  EXPECT_EQ(read_file(image), before);
  EXPECT_EQ(run_clearline({"registry", "build", near, "-o", image, "--ignore", "Status"}).exit_code, 0);
  const std::string lines =
      folder.write("near.ndjson", "{\"code\":\"P123456789012\",\"name\":\"HONG\",\"zip\":\"04524\"}\n");
  const auto bad = run_clearline({"registry", "build", lines, "-o", image});
  EXPECT_EQ(bad.exit_code, 3);
  EXPECT_NE(bad.err.find("did you mean zips?"), std::string::npos) << bad.err;
}

TEST_F(Program, SummaryCountsTheBytesOfTheFiles) {
  std::string many;
  for (int i = 0; i < 5000; ++i) many += kDay;
  const std::string large = folder.write("large.ndjson", many);
  const std::string packed = folder.path("v.ndjson.gz");
  EXPECT_EQ(screen({large, "-o", packed}).exit_code, 0);
  const std::string tiny = folder.write("tiny.ndjson", "{\"id\":\"D1\"}\n");
  for (const std::vector<std::string>& inputs :
       {std::vector<std::string>{tiny}, {large}, {packed}, {tiny, packed, day}}) {
    std::uint64_t bytes = 0;
    for (const std::string& input : inputs) bytes += std::filesystem::file_size(input);
    auto arguments = inputs;
    arguments.insert(arguments.end(), {"--summary", "json", "-o", folder.path("out")});
    const std::string json = screen(arguments).err;
    EXPECT_NE(json.find(",\"bytes\":" + std::to_string(bytes) + ","), std::string::npos) << json;
  }
}

TEST_F(Program, FailOnSetsExitCodeOne) {
  EXPECT_EQ(screen({day, "--fail-on", "hold"}).exit_code, 1);
  EXPECT_EQ(screen({day, "--fail-on", "hold:75%"}).exit_code, 0) << "75 % are not more than 75 %";
  EXPECT_EQ(screen({day, "--fail-on", "hold:74.9%"}).exit_code, 1);
  EXPECT_EQ(screen({day, "--fail-on", "error"}).exit_code, 1);
  EXPECT_EQ(screen({day, "--fail-on", "error:25%"}).exit_code, 0);
  EXPECT_EQ(screen({day, "--fail-on", "hold"}).out, kVerdicts) << "the verdicts are written all the same";
}

TEST_F(Program, KernelsAreChosenByNameAndTold) {
  const char* const before = std::getenv("CLEARLINE_ISA");
  const std::string kept = before == nullptr ? "" : before;
  setenv("CLEARLINE_ISA", "scalar", 1);
  EXPECT_NE(run_clearline({"version"}).out.find("kernels scalar"), std::string::npos);
  setenv("CLEARLINE_ISA", "mmx", 1);
  const auto unknown = run_clearline({"version"});
  EXPECT_EQ(unknown.exit_code, 78);
  EXPECT_NE(unknown.err.find("CLEARLINE_ISA: error: "), std::string::npos) << unknown.err;
  setenv("CLEARLINE_ISA", kept.c_str(), 1);  // empty is not set
}

TEST_F(Program, MapsColumns) {
  const std::string csv =
      folder.write("k.csv", "주문,개인통관고유부호,수취인명,우편번호\nK1,P123456789012,홍길동,12345\n");
  const auto result = screen({csv, "--columns", "id=주문,code=개인통관고유부호,name=수취인명,zip=우편번호"});
  EXPECT_EQ(result.out, "{\"id\":\"K1\",\"verdict\":\"clear\"}\n");
  EXPECT_EQ(screen({csv}).exit_code, 3);
  EXPECT_NE(screen({csv}).err.find("k.csv:1:1: error: the CSV header has no column 'id'"), std::string::npos);
}

TEST_F(Program, WrongUseIsTwoWithAHint) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{},
        {"scren"},
        {"screen"},
        {"screen", day, "-r", image, "--nope"},
        {"screen", day, "-r", image, "-j", "0"},
        {"screen", day, "-r", image, "--fail-on", "clear"},
        {"screen", day, "-r", image, "--emit", "some"},
        {"screen", day, "-r", image, "--columns", "x=y"},
        {"registry"},
        {"generate", "registry", "--count", "x"},
        {"generate", "changes", "-r", image},
        {"generate", "changes", "--profile", "quiet"},
        {"generate", "changes", "-r", image, "--profile", "quiet", "--from", "2025-02-29"},
        {"generate", "changes", "-r", image, "--profile", "quiet", "--to", "2024-12-01"},
        {"generate", "changes", "-r", image, "--profile", "quiet", "--scale", "0"},
        {"generate", "changes", "-r", image, "--profile", "surge"},
        {"generate", "declarations", "--share", "internal=1%"}}) {
    const auto result = run_clearline(arguments);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_NE(result.err.find("error: "), std::string::npos);
    EXPECT_EQ(result.out, "");
  }
}

TEST_F(Program, WrongUseNeverRepeatsAValue) {
  const std::string code = "P987654321098";
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"lookup", code, "--nam", "HONG SECRET", "-r", image},
        {"lookup", code, "--nam=HONG SECRET", "-r", image},
        {"lookup", code, "--nameHONG", "-r", image},
        {"lookup", code, "--HONG", "-r", image},
        {"lookup", code, "-nHONG", "-r", image},
        {"lookup", code, "HONG", "-r", image},
        {"lookup", code, "--", "HONG", "-r", image},
        {"lookup", code, "--name", "HONG", "--name", "SECRET", "-r", image},
        {"lookup", code, "--name", "HONG"},
        {"lookup", code, "--date", "HONG", "-r", image},
        {"lookup", code, "--name", "HONG\xff", "-r", image},
        {"lookup", "--name", "HONG", "-r", image},
        {"lookup", "-r", "HONG", "--zip", "SECRET"},
        {code},
        {"HONG", "SECRET"},
        {"--name", "HONG", "lookup", code},
        {"registry", code},
        {"registry", "info", image, "--json=HONG"},
        {"registry", "info", image, "HONG"},
        {"screen", day, "-r", image, "--explain=HONG"},
        {"screen", day, "-r", image, "-j", "HONG"},
        {"screen", day, "-r", image, "--checkpoint-seconds", "HONG"},
        {"screen", day, "-r", image, "--emit", "HONG"},
        {"screen", day, "-r", image, "--fail-on", "HONG"},
        {"screen", day, "-r", image, "--columns", "HONG"},
        {"screen", day, "-r", image, "--columns", "HONG=SECRET"},
        {"screen", day, "-r", image, "--columns", "zip=HONG,code=HONG"},
        {"generate", "registry", "--count", "HONG"},
        {"generate", "changes", "-r", image, "--profile", "quiet", "--from", "HONG"},
        {"generate", "changes", "-r", image, "--profile", "HONG"},
        {"generate", "declarations", "--share", "HONG=1%"},
        {"generate", "declarations", "--share", "malformed=HONG"},
        {"demo", "--seed", "HONG"}}) {
    const auto result = run_clearline(arguments);
    EXPECT_EQ(result.exit_code, 2) << arguments[0] << result.err;
    for (const std::string secret : {"HONG", "SECRET", code.c_str()}) {
      EXPECT_EQ(result.err.find(secret), std::string::npos) << result.err;
    }
    EXPECT_NE(result.err.find("error: "), std::string::npos) << result.err;
  }
}

TEST_F(Program, WrongUseNamesTheNearestWord) {
  for (const auto& [arguments, words] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"lookup", "P1", "--nam", "X", "-r", image},
            "unknown option --nam (did you mean --name?); see 'clearline lookup --help'"},
           {{"screen", day, "--registy", image}, "unknown option --registy (did you mean --registry?)"},
           {{"screen", day, "-r", image, "--out", "x"}, "unknown option --out (did you mean"},
           {{"screen", day, "-r", image, "--frobnicate"}, "unknown option --frobnicate; see"},
           {{"screen", day, "-r", image, "-x"}, "unknown option -x; see"},
           {{"scren", day}, "unknown verb (did you mean 'clearline screen'?); see 'clearline --help'"},
           {{"registry", "biuld", registry, "-o", "x"}, "unknown verb (did you mean 'clearline registry build'?)"},
           {{"frobnicate"}, "unknown verb; see"},
           {{"registry"}, "a verb is missing; see 'clearline registry --help'"},
           {{"screen", day, "-r", image, "-j", "0"}, "--threads: is no number from 1 to 1024"}}) {
    const auto result = run_clearline(arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_NE(result.err.find(words), std::string::npos) << result.err;
  }
}

TEST_F(Program, EmptyValuesAreWrongUse) {
  for (const std::vector<std::string>& more : {std::vector<std::string>{"-o", ""},
                                               {"--fail-on", ""},
                                               {"--columns", ""},
                                               {"--columns", "code=a,"},
                                               {"--columns", ",code=a"},
                                               {"--policy", ""}}) {
    std::vector<std::string> arguments{day};
    arguments.insert(arguments.end(), more.begin(), more.end());
    EXPECT_EQ(screen(arguments).exit_code, 2) << more[0] << more[1];
  }
  EXPECT_EQ(run_clearline({"registry", "build", registry, "-o", ""}).exit_code, 2);
  EXPECT_EQ(run_clearline({"registry", "build", registry, "-o", image, "--rejects", ""}).exit_code, 2);
  EXPECT_EQ(run_clearline({"registry", "export", image, "-o", ""}).exit_code, 2);
  EXPECT_EQ(run_clearline({"generate", "declarations", "-o", ""}).exit_code, 2);
  EXPECT_EQ(run_clearline({"lookup", "P123456789012", "--name", "", "-r", image}).exit_code, 1)
      << "an empty name is missing";
}

TEST_F(Program, EveryVerbHasHelpWithExamples) {
  for (const std::vector<std::string>& verb : {std::vector<std::string>{"screen"},
                                               {"registry"},
                                               {"registry", "build"},
                                               {"registry", "verify"},
                                               {"registry", "info"},
                                               {"registry", "export"},
                                               {"registry", "init"},
                                               {"registry", "apply"},
                                               {"registry", "checkpoint"},
                                               {"registry", "history"},
                                               {"registry", "impact"},
                                               {"registry", "stats"},
                                               {"lookup"},
                                               {"config"},
                                               {"config", "init"},
                                               {"config", "check"},
                                               {"config", "show"},
                                               {"generate"},
                                               {"generate", "registry"},
                                               {"generate", "changes"},
                                               {"generate", "declarations"},
                                               {"demo"},
                                               {}}) {
    auto arguments = verb;
    arguments.emplace_back("--help");
    const auto result = run_clearline(arguments);
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_NE(result.out.find("Example"), std::string::npos) << result.out;
  }
}

TEST_F(Program, MissingOrUnreadableInputIsThreeAndLeavesNothing) {
  EXPECT_EQ(screen({folder.path("none"), "-o", folder.path("v")}).exit_code, 3);
  EXPECT_EQ(screen({day, folder.path("none"), "-o", folder.path("v")}).exit_code, 3);
  EXPECT_EQ(screen({folder.path(""), "-o", folder.path("v")}).exit_code, 3);
  EXPECT_EQ(run_clearline({"registry", "build", folder.path("none"), "-o", folder.path("n.img")}).exit_code, 3);
  EXPECT_EQ(folder.file_count(), files);
}

TEST_F(Program, MissingOrDamagedRegistryIsFour) {
  EXPECT_EQ(run_clearline({"screen", day, "-r", folder.path("none")}).exit_code, 4);
  EXPECT_EQ(run_clearline({"generate", "changes", "-r", folder.path("none"), "--profile", "quiet"}).exit_code, 4);
  std::string bytes = read_file(image);
  bytes[bytes.size() / 2] ^= 1;
  const std::string damaged = folder.write("damaged.img", bytes);
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"screen", day, "-r", damaged},
                                                    {"lookup", "P123456789012", "-r", damaged},
                                                    {"registry", "verify", damaged},
                                                    {"registry", "export", damaged}}) {
    const auto result = run_clearline(arguments);
    EXPECT_EQ(result.exit_code, 4) << arguments[0];
    EXPECT_EQ(result.out, "");
    EXPECT_NE(result.err.find(" at byte "), std::string::npos);
  }
  EXPECT_EQ(run_clearline({"registry", "verify", image}).exit_code, 0);
}

TEST_F(Program, FullDiskIsFiveAndLeavesTheOldFile) {
  EXPECT_EQ(screen({day, "-o", "/dev/full"}).exit_code, 5);
  ProcessSetup full;
  full.output_path = "/dev/full";
  EXPECT_EQ(screen({day}, full).exit_code, 5);
  EXPECT_EQ(screen({day, "-o", folder.path("no/folder/v")}).exit_code, 5);
  if (geteuid() != 0) GTEST_SKIP() << "a small file system can only be mounted by root";
  const std::string small = folder.path("small");
  std::filesystem::create_directory(small);
  if (mount("tmpfs", small.c_str(), "tmpfs", 0, "size=64k") != 0) GTEST_SKIP() << "tmpfs cannot be mounted here";
  std::string many;
  for (int i = 0; i < 5000; ++i) many += kDay;
  const std::string large = folder.write("large.ndjson", many);
  const auto result = screen({large, "-o", small + "/v"});
  const auto left = std::distance(std::filesystem::directory_iterator(small), {});
  umount(small.c_str());
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_NE(result.err.find("/v: error: cannot write: No space left"), std::string::npos) << result.err;
  EXPECT_EQ(left, 0);
}

TEST_F(Program, AFileThatMayNotGrowIsFiveAndLeavesNothing) {
  std::string many;
  for (int i = 0; i < 2000; ++i) many += kDay;
  const std::string large = folder.write("large.ndjson", many);
  ProcessSetup limited;
  limited.file_bytes_max = 100'000;
  EXPECT_EQ(screen({large, "-o", folder.path("v")}, limited).exit_code, 5);
  EXPECT_EQ(screen({large, "-o", folder.path("v.gz"), "--block-bytes", "66000"}, limited).exit_code, 0);
  EXPECT_EQ(run_clearline({"registry", "build", registry, "-o", folder.path("b.img")}, limited).exit_code, 5);
  EXPECT_EQ(run_clearline({"generate", "registry", "-o", folder.path("g.csv")}, limited).exit_code, 5);
  EXPECT_EQ(folder.file_count(), files + 2) << "large.ndjson and v.gz";
}

TEST_F(Program, AStderrThatIsClosedOrFullChangesNothing) {
  ProcessSetup closed;
  closed.closed = {2};
  ProcessSetup full;
  full.error_path = "/dev/full";
  const std::string bad = folder.write("bad.csv", kRegistryCsv + "P12,X,,,,\n");
  for (const ProcessSetup& setup : {closed, full}) {
    EXPECT_EQ(screen({folder.path("none")}, setup).exit_code, 3);
    EXPECT_EQ(screen({day, "--nope"}, setup).exit_code, 2);
    EXPECT_EQ(run_clearline({"screen", day, "-r", folder.path("none")}, setup).exit_code, 4);
    EXPECT_EQ(screen({day, "-o", "/dev/full"}, setup).exit_code, 5);
    EXPECT_EQ(run_clearline({"registry", "build", bad, "-o", folder.path("b.img")}, setup).exit_code, 3);
    EXPECT_EQ(run_clearline({"registry", "build", registry, "-o", folder.path("b.img")}, setup).exit_code, 0);
    EXPECT_EQ(screen({day}, setup).out, kVerdicts);
    EXPECT_EQ(screen({day, "-o", folder.path("v")}, setup).exit_code, 0);
    EXPECT_EQ(read_file(folder.path("v")), kVerdicts) << "no words in it, although its descriptor was free";
  }
}

TEST_F(Program, AStdoutThatIsClosedOrFullIsFiveWithWords) {
  ProcessSetup closed;
  closed.closed = {1};
  ProcessSetup all_closed;
  all_closed.closed = {0, 1, 2};
  ProcessSetup full;
  full.output_path = "/dev/full";
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"screen", day, "-r", image},
        {"lookup", "P123456789012", "-r", image},
        {"registry", "info", image},
        {"registry", "verify", image},
        {"registry", "export", image},
        {"generate", "registry", "--count", "10"},
        {"generate", "changes", "-r", image, "--profile", "quiet", "--scale", "0.001"},
        {"version"},
        {"--version"},
        {"--help"},
        {"screen", "--help"}}) {
    for (const ProcessSetup& setup : {closed, full}) {
      const auto result = run_clearline(arguments, setup);
      EXPECT_EQ(result.exit_code, 5) << arguments[0];
      EXPECT_NE(result.err.find("<stdout>: error: cannot write: "), std::string::npos) << arguments[0] << result.err;
    }
    EXPECT_EQ(run_clearline(arguments, all_closed).exit_code, 5) << arguments[0];
  }
}

TEST_F(Program, AClosedPipeEndsQuietly) {
  std::string many;
  for (int i = 0; i < 50'000; ++i) many += kDay;
  ProcessSetup closing;
  closing.close_stdout_early = true;
  const std::string large = folder.write("large.ndjson", many);
  for (const auto& [condition, exit_code] : {std::pair{"hold", 1}, {"hold:90%", 0}}) {
    const auto result = screen({large, "--fail-on", condition}, closing);
    EXPECT_EQ(result.exit_code, exit_code) << condition;
    EXPECT_EQ(result.err, "");
  }
  EXPECT_EQ(screen({large}, closing).exit_code, 0);
}

TEST_F(Program, InterruptIsSevenAndLeavesNothing) {
  ProcessSetup interrupted;
  interrupted.input = kDay;
  interrupted.signal_after_ms = 500;
  const auto result = screen({"-o", folder.path("v")}, interrupted);
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_NE(result.err.find("interrupted: each output file is whole, or as it was before"), std::string::npos);
  EXPECT_EQ(folder.file_count(), files);
}

TEST_F(Program, BadRegistryRecordsAreRefusedWithPlacesAndTheOldImageStays) {
  const std::string before = read_file(image);
  const std::string bad = folder.write("bad.csv", kRegistryCsv + "P12,X,,,,\nP123456789012,LEE MINHO,,,,\n");
  const auto refused = run_clearline({"registry", "build", bad, "-o", image});
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_NE(refused.err.find("bad.csv:4:1: error: code is not P and 12 digits"), std::string::npos) << refused.err;
  EXPECT_EQ(read_file(image), before);
  const std::string twice = folder.write("twice.csv", kRegistryCsv + "P123456789012,LEE MINHO,,,,\n");
  const auto doubled = run_clearline({"registry", "build", twice, "-o", image});
  EXPECT_EQ(doubled.exit_code, 3);
  EXPECT_NE(doubled.err.find("twice.csv:4:1: error: this code is there already, at line 2"), std::string::npos)
      << doubled.err;
  EXPECT_EQ(read_file(image), before);
  EXPECT_NE(
      refused.err.find("1 bad record and 1 doubled code among 4 records; no image was written; mend the file, or say "
                       "--rejects FILE and --on-duplicate last\n"),
      std::string::npos)
      << refused.err;
  EXPECT_EQ(doubled.err.find("--rejects"), std::string::npos) << "only what helps: " << doubled.err;
  const auto still_bad = run_clearline({"registry", "build", bad, "-o", image, "--on-duplicate", "last"});
  EXPECT_NE(
      still_bad.err.find("1 bad record among 4 records; no image was written; mend the file, or say --rejects FILE\n"),
      std::string::npos)
      << still_bad.err;
  const auto kept = run_clearline(
      {"registry", "build", bad, "-o", image, "--on-duplicate", "last", "--rejects", folder.path("rejects.csv")});
  EXPECT_EQ(kept.exit_code, 0) << kept.err;
  EXPECT_EQ(read_file(folder.path("rejects.csv")), "code,name,name_ko,phone,zips,status\nP12,X,,,,\n");
  struct stat info{};
  ASSERT_EQ(stat(folder.path("rejects.csv").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  EXPECT_EQ(run_clearline({"lookup", "P123456789012", "--name", "Minho Lee", "-r", image}).exit_code, 0);
}

TEST_F(Program, EveryErrorSaysHowToMendIt) {
  std::string bad = "code,name,name_ko,phone,zips,status,replaced_by,issued\n";
  for (const std::string record :
       {"P12,,,,,,,", ",,,,,,,", "P1,\"", "P000000000001,1,,,,,,", "P000000000001,홍,,,,,,", "P000000000001,,A,,,,,",
        "P000000000001,,,x,,,,", "P000000000001,,,,1,,,", "P000000000001,,,,,x,,", "P000000000001,,,,,,P1,",
        "P000000000001,,,,,,P000000000002,", "P000000000001,,,,,,,1", "P000000000001,,,,,,,", "P000000000001,,,,,,,"}) {
    bad += record + "\n";
  }
  for (int i = 0; i < 30; ++i) bad += "P12,,,,,,,\n";
  const std::string bad_path = folder.write("bad.csv", bad);
  std::filesystem::create_directory(folder.path("empty"));
  int errors = 0;
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"screen", folder.path("none"), "-r", image},
        {"screen", folder.path("empty"), "-r", image},
        {"screen", day, "-r", folder.path("none")},
        {"screen", day, "-r", registry},
        {"screen", day, "-r", folder.path("empty")},
        {"screen", day, "-r", image, "-o", folder.path("no/v")},
        {"screen", day, "-r", image, "-o", folder.path("empty")},
        {"screen", day, "-r", image, "-o", "/dev/full"},
        {"screen", day, "-r", image, "-o", "/proc/v"},
        {"registry", "build", bad_path, "-o", folder.path("b.img")}}) {
    const std::string words = run_clearline(arguments).err;
    for (std::size_t at = 0; at < words.size(); at = words.find('\n', at) + 1, ++errors) {
      const std::string line = words.substr(at, words.find('\n', at) - at);
      EXPECT_NE(line.find(": error: "), std::string::npos) << line;
      EXPECT_NE(line.find("; ", line.find(": error: ")), std::string::npos) << line;
    }
  }
  EXPECT_GT(errors, 40);
}

TEST_F(Program, ExportsWhatItBuiltSortedAndBuildsItAgain) {
  const std::string expected =
      "code,name,name_ko,phone,zips,status,replaced_by,issued,changed,expires\n"
      "P123456789012,HONG GILDONG,홍길동,01098765432,04524;12345,active,,,,\n"
      "P222222222222,KIM CHULSOO,,,,suspended,,,,\n";
  EXPECT_EQ(run_clearline({"registry", "export", image}).out, expected);
  const std::string ndjson = folder.path("out.ndjson");
  EXPECT_EQ(run_clearline({"registry", "export", image, "-o", ndjson}).exit_code, 0);
  EXPECT_EQ(run_clearline({"registry", "build", ndjson, "-o", folder.path("again.img")}).exit_code, 0);
  EXPECT_EQ(run_clearline({"registry", "export", folder.path("again.img")}).out, expected);
}

TEST_F(Program, LooksUpOneCodeAndComparesWhatIsGiven) {
  const auto look = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments{"lookup", "-r", image};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_clearline(arguments);
  };
  EXPECT_EQ(look({"P123456789012"}).exit_code, 0);
  EXPECT_EQ(look({"P123456789012", "--name", "Gildong Hong", "--zip", "04524", "--phone", "010-9876-5432"}).exit_code,
            0);
  EXPECT_EQ(look({"P123456789012"}).out.find(R"({"code":"P123456789012","verdict":"clear","checks":{)"), 0U);
  const auto held = look({"P123456789012", "--zip", "11111"});
  EXPECT_EQ(held.exit_code, 1);
  EXPECT_EQ(
      held.out.find(
          R"({"code":"P123456789012","verdict":"hold","reasons":["zip_mismatch"],"checks":{"code":"active","name":"not_checked","phone":"not_checked","zip":"mismatch"},"fix":["check_zip"],"rule":"standard","registry_seq":0)"),
      0U)
      << held.out;
  EXPECT_EQ(look({"P222222222222"}).exit_code, 1);
  EXPECT_EQ(look({"P999999999999"}).exit_code, 1);
  EXPECT_EQ(look({"nonsense"}).exit_code, 1);
}

TEST_F(Program, LooksUpADeclarationFromStdin) {
  const auto look = [&](const std::string& line, std::vector<std::string> more = {}) {
    ProcessSetup setup;
    setup.input = line;
    std::vector<std::string> arguments{"lookup", "-", "-r", image};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_clearline(arguments, setup);
  };
  const auto by_options = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments{"lookup", "-r", image, "P123456789012"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_clearline(arguments);
  };
  // The same answers as by options, for what is given and for what is given without a value.
  for (const auto& [items, options] :
       {std::pair<std::string, std::vector<std::string>>{"", {}},
        {R"(,"name":"Gildong Hong","zip":"04524")", {"--name", "Gildong Hong", "--zip", "04524"}},
        {R"(,"zip":"11111","phone":"010-9876-5432")", {"--zip", "11111", "--phone", "010-9876-5432"}},
        {R"(,"name":"","zip":null)", {"--name", "", "--zip", ""}},
        {R"(,"n\u0061me":"KIM")", {"--name", "KIM"}},
        {R"(,"declared_at":"2031-01-01")", {"--date", "2031-01-01"}}}) {
    const auto given = look(R"({"id":"D1","code":"P123456789012")" + items + "}\n");
    const auto expected = by_options(options);
    EXPECT_EQ(given.out, expected.out) << items;
    EXPECT_EQ(given.exit_code, expected.exit_code) << items;
    EXPECT_EQ(given.err, "") << items;
  }
  const std::string good = R"({"code":"P123456789012"})";
  for (const std::string& line : {good, "\n\r\n" + good + "\r\n\n", "\xEF\xBB\xBF" + good + "\n"}) {
    EXPECT_EQ(look(line).exit_code, 0) << line;
  }
  EXPECT_EQ(look(good, {"--date", "2031-01-01"}).exit_code, 0);
  EXPECT_EQ(look(R"({"id":"D1"})").out.find(R"({"code":"","verdict":"hold","reasons":["code_missing"])"), 0U);
  const auto malformed = look(R"({"code":"P123456789012)" + std::string("\n"));
  EXPECT_EQ(malformed.exit_code, 1);
  EXPECT_EQ(malformed.out,
            R"({"code":null,"verdict":"error","reasons":["malformed"],"detail":"column 9: string is not closed"})"
            "\n");
  EXPECT_EQ(look(R"({"code":"P123456789012","declared_at":"2025-02-30"})").exit_code, 1);
  EXPECT_EQ(look(R"({"code":")" + std::string(70'000, 'P') + "\"}").exit_code, 1);
  EXPECT_EQ(look("").exit_code, 3);
  EXPECT_EQ(look(" \n\n").exit_code, 3);
  const auto two = look(good + "\n\n" + good);
  EXPECT_EQ(two.exit_code, 3);
  EXPECT_EQ(two.err.find("<stdin>:3:1: error: a second line; "), 0U) << two.err;
  EXPECT_EQ(two.out, "");
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{"P123456789012"}, {"--name", "HONG"}, {"--zip=04524"}, {"--phone", "01098765432"}}) {
    EXPECT_EQ(look(good, more).exit_code, 2) << more[0];
  }
}

TEST_F(Program, NoPersonIsSeenInTheListOfProcesses) {
  const std::string live = folder.path("live");
  ASSERT_EQ(run_clearline({"registry", "init", live, "--from", image}).exit_code, 0);
  // A stdout that is full holds the program: it has read its arguments, and does not end.
  const std::string full = folder.path("full");
  ASSERT_EQ(mkfifo(full.c_str(), 0600), 0);
  ProcessSetup setup;
  setup.output_path = full;
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"lookup", "P123456789012", "--name", "SECRETA", "--zip=04524", "--phone",
                                 "01098765432", "--registry=" + image},
        {"lookup", "-r", image, "--date", "2025-12-02", "--name=SECRETB", "--zip", "04524", "--phone=01098765432", "--",
         "P123456789012"},
        {"registry", "history", live, "P123456789012"},
        {"registry", "history", "P123456789012", "-r", live, "--format", "ndjson"},
        {"registry", "history", "P222222222222", "-r", live}}) {
    const int reader = open(full.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    const std::string piece(4096, ' ');
    while (write(reader, piece.data(), piece.size()) > 0) continue;
    Conversation process(arguments, setup);
    const auto start = std::chrono::steady_clock::now();
    std::string seen;
    const auto is_shown = [&] {
      seen = read_file("/proc/" + std::to_string(process.pid()) + "/cmdline");
      for (const char* secret : {"P123456789012", "P222222222222", "SECRET", "04524", "01098765432"}) {
        if (seen.find(secret) != std::string::npos) return true;
      }
      return seen.find(arguments[0]) == std::string::npos;
    };
    while (is_shown() && std::chrono::steady_clock::now() - start < std::chrono::minutes(1)) usleep(1'000);
    EXPECT_FALSE(is_shown()) << seen;
    if (arguments[0] == "lookup") {
      EXPECT_NE(seen.find(image), std::string::npos) << "what is about nobody stays: " << seen;
    }
    process.kill();
    close(reader);
  }
}

TEST_F(Program, NeverShowsARegisteredValueOrADeclaredOneInWords) {
  const std::string secrets = folder.write("secret.csv",
                                           "code,name,name_ko,phone,zips,status\n"
                                           "P777777777771,SECRETFAMILY GIVEN,비밀,01077771111,77711,active\n"
                                           "P777777777772,SECRETBAD,SECRETKO,01077772222,7771,active\n"
                                           "P777777777771,SECRETAGAIN,,,,\n");
  const std::string declared = folder.write(
      "declared.csv",
      "id,code,name,zip,phone\nS1,P777777777771,SECRETOTHER,77799,01077773333\nS2,P777777777771,\"SECRETX\"x,1,2\n");
  const std::string secret_image = folder.path("s.img");
  std::string words;
  const auto hear = [&](const ProcessResult& result) { words += result.err + result.out; };
  hear(run_clearline({"registry", "build", secrets, "-o", secret_image}));
  hear(run_clearline(
      {"registry", "build", secrets, "-o", secret_image, "--on-duplicate", "last", "--rejects", folder.path("r.csv")}));
  hear(run_clearline({"registry", "info", secret_image}));
  hear(run_clearline({"registry", "verify", secret_image}));
  hear(run_clearline({"screen", declared, "-r", secret_image, "--explain"}));
  hear(run_clearline({"screen", declared, "-r", secret_image, "--output-format", "csv", "--summary", "json"}));
  for (const std::string secret : {"SECRET", "비밀", "P7777777", "0107777", "7771", "77799"})
    EXPECT_EQ(words.find(secret), std::string::npos) << secret << "\n" << words;
}

TEST_F(Program, TheDemoIsAsExpected) {
  const auto result = run_clearline({"demo", "--scale", "0.05"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("24,500 of 24,500 verdicts as expected"), std::string::npos) << result.out;
  // The published counts, scaled.
  for (const char* count : {"6,165*", "14,937*", "193*", "566*", "226*", "316*"}) {
    EXPECT_NE(result.out.find(count), std::string::npos) << count << "\n" << result.out;
  }
  // The evening before, some that are not clear were.
  const std::string let_pass = "would have let pass ";
  const std::size_t at = result.out.find(let_pass);
  ASSERT_NE(at, std::string::npos) << result.out;
  EXPECT_GT(std::stoi(result.out.substr(at + let_pass.size())), 50);
}

TEST_F(Program, AnInterruptedDemoLeavesNothing) {
  const TestFolder temporary;
  const char* const before = std::getenv("TMPDIR");
  setenv("TMPDIR", temporary.path("").c_str(), 1);
  for (const int after_ms : {20, 100, 300, 600, 1000, 1500}) {
    ProcessSetup setup;
    setup.signal_after_ms = after_ms;
    const auto result = run_clearline({"demo", "--scale", "0.3"}, setup);
    // 130: the signal came before the program had set its handlers.
    EXPECT_TRUE(result.exit_code == 7 || result.exit_code == 0 || result.exit_code == 130) << result.exit_code << "\n"
                                                                                           << result.err;
    EXPECT_EQ(temporary.file_count(), 0U) << "after " << after_ms << " ms";
  }
  if (before != nullptr) {
    setenv("TMPDIR", before, 1);
  } else {
    unsetenv("TMPDIR");
  }
}

TEST_F(Program, TheDemoKeepsItsFilesWhereItIsTold) {
  const std::string kept = folder.path("kept");
  const std::vector<std::string> arguments{"demo", "--scale", "0.01", "--keep", kept};
  EXPECT_EQ(run_clearline(arguments).exit_code, 0);
  EXPECT_EQ(run_clearline({"registry", "verify", kept + "/live"}).exit_code, 0);
  const auto again = run_clearline(arguments);
  EXPECT_EQ(again.exit_code, 5) << "nothing that is there is touched";
  EXPECT_NE(again.err.find("is there already"), std::string::npos) << again.err;
}

/// id, verdict and reasons of CSV verdicts.
std::string first_three_columns(const std::string& csv) {
  std::string out;
  for (std::size_t at = 0; at < csv.size();) {
    const std::size_t end = csv.find('\n', at);
    std::string row = csv.substr(at, end - at);
    if (row.ends_with('\r')) row.pop_back();
    std::size_t third = row.find(',', row.find(',', row.find(',') + 1) + 1);
    out += row.substr(0, third) + "\n";
    at = end + 1;
  }
  return out;
}

TEST_F(Program, ShippedSampleIsAsExpected) {
  const std::filesystem::path data = std::filesystem::path(CLEARLINE_SOURCE) / "tests/data/sample";
  ASSERT_EQ(run_clearline({"registry", "build", data / "registry.csv", "-o", image}).exit_code, 0);
  for (const std::string form : {"ndjson", "csv"}) {
    const auto result = screen({data / ("declarations." + form), "--output-format", "csv"});
    EXPECT_EQ(first_three_columns(result.out), read_file(data / ("expected_" + form + ".csv"))) << form;
  }
}

TEST_F(Program, RealDeclarationsAreAsExpected) {
  const char* given = std::getenv("CLEARLINE_KCS_DATA");
  const std::filesystem::path data =
      given != nullptr ? std::filesystem::path(given) : std::filesystem::path(CLEARLINE_SOURCE) / "../shared/data/kcs";
  if (!std::filesystem::exists(data / "declarations.csv"))
    GTEST_SKIP() << "no customs data at " << data << "; set CLEARLINE_KCS_DATA";
  ASSERT_EQ(run_clearline({"registry", "build", data / "registry.csv", "-o", image}).exit_code, 0);
  const std::string columns =
      "id=Declaration ID,code=개인통관고유부호,name=수취인명,zip=우편번호,phone=수취인연락처1,declared_at=신고일";
  const std::string expected = first_three_columns(read_file(data / "expected.csv"));
  for (const std::string threads : {"1", "2", "7"}) {
    ASSERT_EQ(
        screen({data / "declarations.csv", "-o", folder.path("v.csv"), "-j", threads, "--columns", columns}).exit_code,
        0);
    EXPECT_EQ(first_three_columns(read_file(folder.path("v.csv"))), expected);
  }
  ProcessSetup from_stdin;
  from_stdin.input = read_file(data / "declarations.csv");
  EXPECT_EQ(first_three_columns(screen({"--columns", columns, "--output-format", "csv"}, from_stdin).out), expected);
}

}  // namespace
}  // namespace clearline::test
