// Inputs that are refused or cut short: exit 3, by name, no output, and the old image stays.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "tests/support/command_directory.h"

namespace clearline::test {
namespace {

const std::string kRegistryCsv = "code,name,zips\nP123456789012,HONG GILDONG,04524\n";
const std::string kDay = R"({"id":"D1","code":"P123456789012","name":"HONG GILDONG","zip":"04524"})"
                         "\n";
const std::string kVerdict = R"({"id":"D1","verdict":"clear"})"
                             "\n";

class Inputs : public testing::Test {
 protected:
  Inputs() { EXPECT_EQ(build(kRegistryCsv, "registry.csv").exit_code, 0); }

  ProcessResult build(const std::string& text, const std::string& name,
                      const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{"registry", "build", folder.write(name, text), "-o", image};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_clearline(arguments);
  }
  ProcessResult screen(const std::vector<std::string>& more, const ProcessSetup& setup = {}) const {
    std::vector<std::string> arguments{"screen", "-r", image, "--summary", "none"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_clearline(arguments, setup);
  }

  TestFolder folder;
  std::string image = folder.path("registry.img");
};

TEST_F(Inputs, ARefusedInputIsThreeAndLeavesNothing) {
  const std::vector<std::pair<std::string, std::string>> texts{
      {"id,code\r1,P1\r", "CR without LF"},     {"id,code\f1,P1\f", "form feed"},
      {"id,code", "does not end in LF"},        {"id\tcode\n1\tP1\n", "tabs"},
      {"[\n" + kDay + "]\n", "JSON array"},     {"{\n\"id\":\"1\"\n}\n", "pretty-printed"},
      {"PK\x03\x04[Content_Types].xml", "xlsx"}};
  const std::string out = folder.path("out.ndjson");
  for (const auto& [text, word] : texts) {
    const std::string path = folder.write("day", text);
    const auto result = screen({path, "-o", out, "--fail-on", "review"});
    EXPECT_EQ(result.exit_code, 3) << word;
    EXPECT_NE(result.err.find(word), std::string::npos) << result.err;
    EXPECT_FALSE(std::filesystem::exists(out)) << word;
    ProcessSetup from_stdin;
    from_stdin.input = text;
    EXPECT_EQ(screen({"--emit", "flagged"}, from_stdin).exit_code, 3) << word;
    const auto fed = run_clearline({"feed", path, "--to", "127.0.0.1:1", "-o", out});
    EXPECT_EQ(fed.exit_code, 3) << "before anybody is connected to: " << fed.err;
    EXPECT_FALSE(std::filesystem::exists(out)) << word;
  }
}

TEST_F(Inputs, ARefusedRegistryLeavesTheOldImage) {
  const std::string before = read_file(image);
  for (const std::string text : {"code,name\rP123456789013,A B\r", "code,name", "PK\x03\x04[Content_Types].xml",
                                 "[{\"code\":\"P123456789013\"}]\n", "code;name\nP123456789013;A B\n"}) {
    EXPECT_EQ(build(text, "new").exit_code, 3) << text;
    EXPECT_EQ(read_file(image), before);
  }
}

TEST_F(Inputs, ARegistryWithoutARecordIsRefusedUnlessItMayBeEmpty) {
  const std::string before = read_file(image);
  for (const std::string name : {"new.csv", "new.ndjson"}) {
    const std::string text = name == "new.csv" ? "code,name\n\n" : "\n";
    const auto refused = build(text, name);
    EXPECT_EQ(refused.exit_code, 3);
    EXPECT_NE(refused.err.find("there is no record; no image was written; name the whole file, or say --allow-empty"),
              std::string::npos)
        << refused.err;
    EXPECT_EQ(read_file(image), before);
  }
  const std::vector<std::string> rejects{"--rejects", folder.path("rejects")};
  EXPECT_EQ(build("code,name\nbad,A B\n", "new.csv", rejects).exit_code, 3) << "nothing is left of it";
  EXPECT_EQ(read_file(image), before);
  EXPECT_FALSE(std::filesystem::exists(folder.path("rejects")));
  EXPECT_EQ(build("code,name\n", "new.csv", {"--allow-empty"}).exit_code, 0);
  EXPECT_NE(run_clearline({"registry", "info", image}).out.find("entries        0\n"), std::string::npos);
}

TEST_F(Inputs, OfAFolderOnlyFilesAreRead) {
  std::filesystem::create_directories(folder.path("day/older"));
  folder.write("day/a.ndjson", kDay);
  ASSERT_EQ(mkfifo(folder.path("day/pipe").c_str(), 0600), 0);
  std::filesystem::create_symlink(folder.write("b", kDay), folder.path("day/link.ndjson"));
  std::filesystem::create_symlink(folder.path("none"), folder.path("day/dangling"));
  std::filesystem::create_symlink("/dev/zero", folder.path("day/zero"));
  std::filesystem::create_symlink("loop", folder.path("day/loop"));
  const auto result = screen({folder.path("day")});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out, kVerdict + kVerdict);
  for (const std::string words :
       {"pipe: passed over: a pipe", "older: passed over: a folder", "dangling: passed over: a link to nothing",
        "loop: passed over: a link to nothing", "zero: passed over: a device"}) {
    EXPECT_NE(result.err.find("day/" + words), std::string::npos) << result.err;
  }
  std::filesystem::remove(folder.path("day/a.ndjson"));
  std::filesystem::remove(folder.path("day/link.ndjson"));
  EXPECT_EQ(screen({folder.path("day")}).exit_code, 3) << "no file is left";
}

TEST_F(Inputs, AnInputThatShrinksWhileItIsScreenedIsThree) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += kDay;
  const std::string path = folder.write("day.ndjson", text);
  // Nobody reads more than a line of its verdicts, so it waits with most of the input unread.
  Conversation run({"screen", path, "-r", image, "-j", "1"});
  ASSERT_TRUE(run.read_line());
  std::filesystem::resize_file(path, kDay.size() * 190'000);
  const auto result = run.end();
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.err.find("cut short"), std::string::npos) << result.err;

  ProcessSetup from_file;
  from_file.input_path = path;
  EXPECT_EQ(screen({"--emit", "flagged"}, from_file).exit_code, 0) << "a file on stdin is whole by its size, too";
}

TEST_F(Inputs, ARegistryThatShrinksWhileItIsBuiltLeavesTheOldImage) {
  const std::string before = read_file(image);
  std::string text = kRegistryCsv;
  const std::string bad = "P1,A B,04524\n";
  for (int i = 0; i < 1'000'000; ++i) text += bad;
  const std::string path = folder.write("new.csv", text);
  const std::string rejects = folder.path("rejects");
  ASSERT_EQ(mkfifo(rejects.c_str(), 0600), 0);
  Conversation run({"registry", "build", path, "-o", image, "--rejects", rejects});
  // It opens the pipe behind its input, and waits once the pipe is full.
  const int pipe = open(rejects.c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(pipe, 0);
  std::filesystem::resize_file(path, text.size() - bad.size() * 1'000);
  std::thread drain([&] {
    std::string bytes(1 << 16, '\0');
    while (read(pipe, bytes.data(), bytes.size()) > 0) {
    }
  });
  const auto result = run.end();
  drain.join();
  close(pipe);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.err.find("cut short"), std::string::npos) << result.err;
  EXPECT_EQ(read_file(image), before);
}

TEST_F(Inputs, TheSummaryNamesAnEncodingThatIsNotUtf8) {
  const std::string name = "\xC8\xAB\xB1\xE6\xB5\xBF";
  const std::string row = ",P123456789012,HONG GILDONG,04524,";
  const std::string cp949 =
      folder.write("cp949.csv", "id,code,name,zip,memo\n1" + row + name + "\x80\n2" + row + name + "\n");
  const auto text = run_clearline({"screen", "-r", image, cp949});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_EQ(text.out,
            "{\"id\":null,\"line\":2,\"verdict\":\"error\",\"reasons\":[\"malformed\"],\"detail\":\"column 45: a byte "
            "that is "
            "not CP949\"}\n{\"id\":\"2\",\"verdict\":\"clear\"}\n");
  EXPECT_NE(text.err.find("the input was read as CP949\n"), std::string::npos) << text.err;
  const auto json = run_clearline({"screen", "-r", image, cp949, "--summary", "json"});
  EXPECT_NE(json.err.find(",\"encoding\":\"cp949\"}"), std::string::npos) << json.err;
  const auto failed = run_clearline({"screen", "-r", image, cp949, "--encoding", "utf-8"});
  EXPECT_NE(failed.err.find("1 lines failed as UTF-8 and would have passed as CP949"), std::string::npos) << failed.err;

  std::string utf16 = "\xFF\xFE";
  for (const char c : "id,code,name,zip\r\n1,P123456789012,HONG GILDONG,04524\r\n") {
    if (c != '\0') utf16 += {c, '\0'};
  }
  const std::string path = folder.write("utf16.csv", utf16);
  const auto both = run_clearline({"screen", "-r", image, cp949, path});
  EXPECT_NE(both.err.find("1 of 2 inputs were read as CP949\n  1 of 2 inputs were read as UTF-16\n"), std::string::npos)
      << both.err;
  EXPECT_EQ(screen({folder.write("utf16.csv", utf16.substr(2))}).exit_code, 3);
  EXPECT_EQ(screen({path, "--encoding", "utf-16"}).out, "{\"id\":\"1\",\"verdict\":\"clear\"}\n");
}

TEST_F(Inputs, ChangesOfAnotherKindAreThreeAndChangeNothing) {
  const CommandDirectory live(kRegistryCsv);
  const std::string change = R"({"op":"suspend","code":"P123456789012","change_id":"k-1"})";
  const std::string path = live.folder.write("changes.json", "[\n" + change + "\n]\n");
  const auto result = run_clearline({"registry", "apply", live.directory, path});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.out, "");
  EXPECT_NE(result.err.find("JSON array"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace clearline::test
