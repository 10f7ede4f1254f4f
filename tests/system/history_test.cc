// registry history from the outside: what an auditor is told of one code, in each of its forms.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <sstream>
#include <string>
#include <vector>

#include "io/store/registry_directory.h"
#include "tests/support/change_line.h"
#include "tests/support/command_directory.h"

namespace clearline::test {
namespace {

class History : public testing::Test, protected CommandDirectory {
 protected:
  History()
      : CommandDirectory(
            "code,name,name_ko,phone,zips,status,issued,changed\n"
            "P000000000001,KIM A,김가,01012345678,04524;12345,active,2020-01-01,2020-01-01\n"
            "P000000000002,KIM B,,,,active,,\n"
            "P000000000003,KIM C,,,,suspended,,\n") {}
  ProcessResult history(std::uint64_t code, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments{"registry", "history", directory, code_text(code)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_clearline(arguments);
  }
  /// Lines of `export --journal` that name a code as the old or the new one.
  std::string exported(std::uint64_t code) const {
    const auto result = run_clearline({"registry", "export", directory, "--journal"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    std::istringstream whole(result.out);
    std::string lines;
    for (std::string line; std::getline(whole, line);) {
      const std::string head = line.substr(0, line.find(",\"change_id\":"));
      if (head.find(code_text(code)) != std::string::npos) lines += line + "\n";
    }
    return lines;
  }

  std::string actor = "uid:" + std::to_string(getuid());
};

void told(const ProcessResult& result, int exit_code, const std::string& words) {
  EXPECT_EQ(result.exit_code, exit_code) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_NE(result.err.find(words), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("error: "), std::string::npos) << result.err;
}

TEST_F(History, TellsWhatChangedWhenAndByWhom) {
  apply(change_at("amend", 1, "2025-11-30T09:30:00Z", R"(,"name":"KIM D","phone":null,"zips":["11111"])") +
        change_at("suspend", 1, "2025-11-30T23:59:59.999999+09:00", R"(,"by":"ex_officio")") +
        change_at("suspend", 2, "2025-12-01T00:00:00+09:00") + change_at("resume", 1, "2025-12-01T00:00:00+09:00"));
  const std::string pad(actor.size(), ' ');
  const std::string title = std::string("actor") + std::string(std::max<std::size_t>(actor.size(), 5) - 5, ' ');
  const auto result = history(1);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.out,
            "P000000000001: 3 changes in seq 1 to 4; now active\n\n"
            "seq  at (+09:00)          op       by          " +
                title +
                "  what changed\n"
                "  1  2025-11-30 18:30:00  amend    -           " +
                actor +
                "  name: KIM A -> KIM D\n"
                "                                               " +
                pad +
                "  phone: 01012345678 -> (not on file)\n"
                "                                               " +
                pad +
                "  zips: 04524;12345 -> 11111\n"
                "                                               " +
                pad +
                "  changed: 2020-01-01 -> 2025-11-30\n"
                "  2  2025-11-30 23:59:59  suspend  ex_officio  " +
                actor +
                "  status: active -> suspended\n"
                "  4  2025-12-01 00:00:00  resume   -           " +
                actor + "  status: suspended -> active\n");
  const auto by_option = run_clearline({"registry", "history", "p000000000001 ", "-r", directory});
  EXPECT_EQ(by_option.exit_code, 0);
  EXPECT_EQ(by_option.out, result.out);
}

TEST_F(History, AChainOfReissuesCanBeFollowed) {
  apply(change_at("reissue", 1, "2025-12-01T10:00:00+09:00", R"(,"new_code":"P000000000101")") +
        change_at("reissue", 101, "2025-12-02T10:00:00+09:00", R"(,"new_code":"P000000000102","phone":"01099998888")") +
        change_at("reissue", 102, "2025-12-03T10:00:00+09:00", R"(,"new_code":"P000000000103")"));
  const auto first = history(1).out;
  EXPECT_NE(first.find("now replaced by P000000000101"), std::string::npos) << first;
  EXPECT_NE(first.find("reissued as P000000000101, whose history goes on\n"), std::string::npos) << first;
  EXPECT_NE(first.find("status: active -> replaced\n"), std::string::npos) << first;
  const auto second = history(101).out;
  EXPECT_NE(second.find("P000000000101: 2 changes in seq 1 to 3; now replaced by P000000000102"), std::string::npos);
  EXPECT_NE(second.find("reissued from P000000000001, whose history comes before\n"), std::string::npos) << second;
  EXPECT_NE(second.find("code: P000000000001 -> P000000000101\n"), std::string::npos) << second;
  EXPECT_NE(second.find("issued: 2020-01-01 -> 2025-12-01\n"), std::string::npos) << second;
  EXPECT_NE(second.find("reissued as P000000000102, whose history goes on\n"), std::string::npos) << second;
  EXPECT_NE(history(102).out.find("phone: 01012345678 -> 01099998888\n"), std::string::npos);
  EXPECT_NE(history(103).out.find("P000000000103: 1 change in seq 1 to 3; now active"), std::string::npos);
  for (const std::uint64_t code : {1U, 101U, 102U, 103U}) {
    const auto lines = history(code, {"--format", "ndjson"});
    EXPECT_EQ(lines.exit_code, 0) << lines.err;
    EXPECT_EQ(lines.out, exported(code));
    EXPECT_NE(lines.out, "");
  }
}

TEST_F(History, AnIssueTellsWhatWasRegistered) {
  apply(change_at("issue", 9, "2025-12-01T10:00:00+09:00", R"(,"name":"LEE\u000bB\u0085C","zips":["04524"])"));
  const auto result = history(9).out;
  for (const char* line : {"name: LEE\\x0bB\\x85C\n", "zips: 04524\n", "status: active\n", "issued: 2025-12-01\n"}) {
    EXPECT_NE(result.find(line), std::string::npos) << line << " is not in " << result;
  }
  EXPECT_EQ(result.find('\x0b'), std::string::npos) << "it is a blank in a name, and moves a terminal's cursor";
}

TEST_F(History, ACodeWithoutChangesIsShownAsItIs) {
  apply(change_at("suspend", 2, "2025-12-01T10:00:00+09:00"));
  const auto result = history(1);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out,
            "P000000000001: no changes since seq 0; now active\n\n"
            "name: KIM A\nname_ko: 김가\nphone: 01012345678\nzips: 04524;12345\nstatus: active\n"
            "issued: 2020-01-01\nchanged: 2020-01-01\n");
  EXPECT_EQ(history(3).out, "P000000000003: no changes since seq 0; now suspended\n\nname: KIM C\nstatus: suspended\n");
  const auto lines = history(1, {"--format", "ndjson"});
  EXPECT_EQ(lines.exit_code, 0);
  EXPECT_EQ(lines.out, "");
}

TEST_F(History, AnUnknownCodeIsToldAsByLookup) {
  const auto result = history(777);
  EXPECT_EQ(result.exit_code, run_clearline({"lookup", code_text(777), "-r", directory}).exit_code);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.out, "P000000000777: unknown: there is no such code in the registry, nor in its journal\n");
  EXPECT_EQ(result.err, "");
  const auto lines = history(777, {"--format", "ndjson"});
  EXPECT_EQ(lines.exit_code, 1);
  EXPECT_EQ(lines.out, "");
}

TEST_F(History, ErasedDataIsTold) {
  apply(change_at("amend", 1, "2025-12-01T10:00:00+09:00", R"(,"name":"KIM D")"));
  std::string erase = "UPDATE changes SET salt = NULL, before = NULL, after = NULL, data_hash = x'";
  const auto append_hash = [&](const JournalRow& row) {
    for (const std::uint8_t byte : data_hash(row)) {
      erase += "0123456789ABCDEF"[byte >> 4];
      erase += "0123456789ABCDEF"[byte & 15];
    }
    return Status();
  };
  ASSERT_TRUE(RegistryDirectory(directory).read_changes(append_hash).ok());
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open((directory + "/journal.db").c_str(), &database), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(database, (erase + "'").c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(database);
  const auto result = history(1);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("; its data was erased\n"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("  (the data of this change was erased)\n"), std::string::npos) << result.out;
  EXPECT_EQ(history(1, {"--format", "ndjson"}).out, exported(1));
}

TEST_F(History, WrongUseIsTold) {
  for (const std::string bad : {"P5", "P00000000000x", "", "P0000000000011", "K000000000001"}) {
    const auto result = run_clearline({"registry", "history", directory, bad});
    told(result, 2, bad.empty() ? "CODE" : "is no code; give P and 12 digits");
    if (!bad.empty()) {
      EXPECT_EQ(result.err.find(bad), std::string::npos) << result.err;
    }
  }
  told(run_clearline({"registry", "history", image, code_text(1)}), 2, "an image has no journal");
  told(run_clearline({"registry", "history", code_text(1), "-r", image}), 2, "an image has no journal");
  told(run_clearline({"registry", "history", folder.path("none"), code_text(1)}), 4, "is not there");
  told(run_clearline({"registry", "history", directory}), 2, "CODE is required");
  told(run_clearline({"registry", "history"}), 2, "--help");
  told(run_clearline({"registry", "history", directory, code_text(1), "-r", directory}), 2, "too many");
  told(run_clearline({"registry", "history", directory, code_text(1), "--format", "csv"}), 2, "text|ndjson");
}

TEST_F(History, IsToldBesideAWriter) {
  Conversation writer({"registry", "apply", directory, "-"});
  for (int i = 1; i <= 3; ++i) {
    ASSERT_TRUE(writer.send(change_at(i % 2 == 1 ? "suspend" : "resume", 1, "2025-12-01T10:00:00+09:00")));
    ASSERT_TRUE(writer.read_line());
    EXPECT_NE(history(1).out.find(": " + std::to_string(i) + " change"), std::string::npos);
  }
  EXPECT_EQ(writer.end().exit_code, 0);
}

}  // namespace
}  // namespace clearline::test
