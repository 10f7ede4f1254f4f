// What a live registry tells of its past: its journal, verdicts as of a moment, and whom changes hit.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/live_fixture.h"

namespace clearline::test {
namespace {

class LivePast : public Live {};

TEST_F(LivePast, JournalExportAnswersAuditors) {
  const auto at = [](const std::string& time) { return R"(,"at":")" + time + "\""; };
  const auto reissue = [&](std::uint64_t code, const std::string& time) {
    return change_line("reissue", code, "r-" + std::to_string(code),
                       R"(,"new_code":")" + code_text(code + 100) + "\"" + at(time));
  };
  const auto answers =
      applied(change_line("suspend", 1, "k-81", R"(,"by":"ex_officio")" + at("2025-12-01T10:00:00+09:00")) +
              change_line("suspend", 4, "k-82", at("2025-12-01T11:00:00+09:00")) +
              reissue(2, "2025-11-30T23:59:59+09:00") + reissue(3, "2025-12-01T00:00:00+09:00") +
              reissue(4, "2025-12-01T14:59:59Z") + reissue(5, "2025-12-01T15:00:00Z") +
              change_line("amend", 7, "k-83", R"(,"zips":["11111","22222"])" + at("2025-12-02T09:00:00+09:00")) +
              change_line("amend", 7, "k-84", R"(,"name":"KIM B")" + at("2025-12-03T09:00:00+09:00")));
  for (const std::string& answer : answers) EXPECT_TRUE(is_ok(answer)) << answer;
  const auto result = run_clearline({"registry", "export", directory, "--journal"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto changes = lines_of(result.out);
  ASSERT_EQ(changes.size(), 8U);
  for (std::size_t i = 0; i < changes.size(); ++i) EXPECT_EQ(number_of(changes[i], "seq"), i + 1) << "oldest first";

  // Who suspended this code, and when?
  std::vector<std::string> suspensions;
  for (const std::string& change : changes) {
    if (value_of(change, "op") != "suspend" || value_of(change, "code") != code_text(1)) continue;
    suspensions.push_back(value_of(change, "by") + " through " + value_of(change, "actor") + ", " +
                          value_of(change, "at").substr(0, 19) + ", " + value_of(change, "change_id"));
  }
  EXPECT_EQ(suspensions, (std::vector<std::string>{"ex_officio through uid:" + std::to_string(getuid()) +
                                                   ", 2025-12-01T10:00:00, k-81"}));
  // How many codes were reissued on that day?
  EXPECT_EQ(std::count_if(changes.begin(), changes.end(),
                          [](const std::string& change) {
                            return value_of(change, "op") == "reissue" &&
                                   value_of(change, "at").starts_with("2025-12-01");
                          }),
            2);
  // What was the zip of this code before it was amended?
  std::vector<std::string> zips;
  for (const std::string& change : changes) {
    if (value_of(change, "op") != "amend" || value_of(change, "code") != code_text(7)) continue;
    const std::string before = value_of(value_of(change, "before"), "zips");
    if (before != value_of(value_of(change, "after"), "zips")) zips.push_back(before);
  }
  EXPECT_EQ(zips, (std::vector<std::string>{R"(["00007"])"}));
}

/// What a screening of codes 1 to 3, each as registered, says of them.
std::vector<std::string> verdict_words(const ProcessResult& result) {
  std::vector<std::string> words;
  for (const std::string& line : lines_of(result.out)) {
    words.push_back(value_of(line, "verdict") == "clear" ? "clear" : value_of(line, "reasons"));
  }
  return words;
}

TEST_F(LivePast, IsReadAsItWas) {
  const auto at = [](const std::string& time) { return ",\"at\":\"2025-12-01T" + time + "+09:00\""; };
  applied(change_line("suspend", 1, "a", at("10:00:00")) + change_line("cancel", 2, "b", at("11:00:00")) +
          change_line("resume", 1, "c", at("12:00:00")));
  std::string declarations;
  for (const auto& [code, time] :
       std::vector<std::pair<int, std::string>>{{1, "10:30:00"}, {2, "10:59:59"}, {1, "12:00:00"}}) {
    declarations += R"({"id":"D","code":")" + code_text(code) + R"(","name":"A)" + std::to_string(code) +
                    R"( KIM","zip":")" + zip_text(code) + R"(","declared_at":"2025-12-01T)" + time + "+09:00\"}\n";
  }
  const std::string day = folder.write("day.ndjson", declarations);
  const auto screened = [&](const std::string& as_of, const std::string& registry) {
    return run_clearline({"screen", day, "-r", registry, "--summary", "none", "--explain", "--as-of", as_of});
  };
  using Words = std::vector<std::string>;
  const std::string suspended = R"(["code_suspended"])";
  const std::string cancelled = R"(["code_cancelled"])";
  EXPECT_EQ(verdict_words(screened("2025-11-30", directory)), (Words{"clear", "clear", "clear"}));
  EXPECT_EQ(verdict_words(screened("seq:1", directory)), (Words{suspended, "clear", suspended}));
  EXPECT_EQ(verdict_words(screened("2025-12-01T11:00:00+09:00", directory)), (Words{suspended, cancelled, suspended}));
  EXPECT_EQ(verdict_words(screened("2025-12-01", directory)), (Words{"clear", cancelled, "clear"}));
  const auto each = screened("declared", directory);
  EXPECT_EQ(verdict_words(each), (Words{suspended, "clear", "clear"}));
  const auto lines = lines_of(each.out);
  EXPECT_EQ(number_of(lines[0], "registry_seq"), 1U);
  EXPECT_EQ(number_of(lines[2], "registry_seq"), 3U);

  const auto lookup_at = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments{"lookup", code_text(1), "-r", directory};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_clearline(arguments);
  };
  EXPECT_EQ(lookup_at({}).exit_code, 0);
  const auto then = lookup_at({"--as-of", "2025-12-01T10:00:00+09:00"});
  EXPECT_EQ(then.exit_code, 1);
  EXPECT_EQ(value_of(then.out, "reasons"), suspended);
  EXPECT_EQ(number_of(then.out, "registry_seq"), 1U);
  EXPECT_EQ(lookup_at({"--as-of", "declared", "--date", "2025-12-01T09:59:59+09:00"}).exit_code, 0);
  EXPECT_EQ(lookup_at({"--as-of", "declared", "--date", "2025-12-01T10:00:00+09:00"}).exit_code, 1);

  for (const char* as_of : {"seq:4", "yesterday", "seq:", "2025-12-01T10:00", "known:", "known:seq:1"}) {
    const auto refused = screened(as_of, directory);
    EXPECT_EQ(refused.exit_code, 2) << as_of;
    EXPECT_NE(refused.err.find("--as-of"), std::string::npos) << refused.err;
    EXPECT_TRUE(refused.out.empty());
  }
  EXPECT_EQ(screened("seq:0", image).exit_code, 0);
  const auto without = screened("declared", image);
  EXPECT_EQ(without.exit_code, 2);
  EXPECT_NE(without.err.find("has a history"), std::string::npos) << without.err;
}

TEST_F(LivePast, TheSummarySaysByWhichDayAndSeqItJudged) {
  applied(change_line("suspend", 1, "a", R"(,"at":"2025-12-01T10:00:00+09:00")"));
  const std::string day = folder.write("day.ndjson", R"({"id":"D"})");
  const auto summary = [&](const std::string& as_of, const std::string& form) {
    return run_clearline({"screen", day, "-r", directory, "--as-of", as_of, "--summary", form}).err;
  };
  const std::string json = summary("2025-12-02", "json");
  EXPECT_EQ(value_of(json, "day"), "2025-12-02") << json;
  EXPECT_EQ(number_of(json, "registry_seq"), 1U) << json;
  const std::string text = summary("seq:1", "text");
  EXPECT_NE(text.find("registry seq 1 ("), std::string::npos) << text;
  EXPECT_NE(text.find(" codes), on 2025-12-01 unless dated\n"), std::string::npos) << text;
}

TEST_F(LivePast, WhatHadTakenEffectIsNotWhatWasKnown) {
  applied(change_line("suspend", 1, "late", R"(,"at":"2025-12-01T10:00:00+09:00")"));
  const auto look_up = [&](const std::string& as_of) {
    return run_clearline({"lookup", code_text(1), "-r", directory, "--as-of", as_of});
  };
  const auto effective = look_up("2025-12-02");
  EXPECT_EQ(effective.exit_code, 1);
  EXPECT_EQ(number_of(effective.out, "registry_seq"), 1U);
  const auto known = look_up("known:2025-12-02");
  EXPECT_EQ(known.exit_code, 0) << "nobody knew of it then";
  EXPECT_EQ(number_of(known.out, "registry_seq"), 0U);
  EXPECT_EQ(look_up("known:9999-12-31").exit_code, 1);
  const std::string day = folder.write(
      "known.ndjson", R"({"id":"D","code":")" + code_text(1) + R"(","name":"A1 KIM","zip":")" + zip_text(1) + "\"}\n");
  const auto screen = [&](const std::string& as_of) {
    return verdict_words(run_clearline({"screen", day, "-r", directory, "--summary", "none", "--as-of", as_of}));
  };
  EXPECT_EQ(screen("known:2025-12-01T10:00:00+09:00"), std::vector<std::string>{"clear"});
  EXPECT_NE(screen("2025-12-01T10:00:00+09:00"), std::vector<std::string>{"clear"});
  EXPECT_EQ(run_clearline({"registry", "impact", directory, "--since", "known:2025-12-02", day, "-o", "-"}).exit_code,
            0);
}

TEST_F(LivePast, ALookUpBeforeTheHistoryNamesTheOldestMoment) {
  applied(change_line("suspend", 1, "a", R"(,"at":"2025-12-01T10:00:00+09:00")"));
  ASSERT_EQ(run_clearline({"registry", "checkpoint", directory}).exit_code, 0);
  const std::string younger = folder.path("younger");
  const std::string of = directory + "/image-00000000000000000001.img";
  ASSERT_EQ(run_clearline({"registry", "init", younger, "--from", of}).exit_code, 0);
  const auto lookup_on = [&](const char* date) {
    return run_clearline({"lookup", code_text(1), "-r", younger, "--as-of", "declared", "--date", date});
  };
  const auto refused = lookup_on("2025-12-01T09:59:59+09:00");
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_TRUE(refused.out.empty()) << refused.out;
  EXPECT_NE(refused.err.find("2025-12-01T10:00:00.000000+09:00"), std::string::npos) << refused.err;
  const auto known = lookup_on("2025-12-01T10:00:00+09:00");
  EXPECT_EQ(known.exit_code, 1);
  EXPECT_EQ(value_of(known.out, "reasons"), R"(["code_suspended"])");
}

TEST_F(LivePast, AnInterruptedRunGoesOnWithTheSameAsOfAlone) {
  applied(change_line("suspend", 1, "a") + change_line("resume", 1, "b"));
  const std::string day = "id,code,name,zip\nD," + code_text(1) + ",A1 KIM,00001\n";
  const std::string first = folder.write("first.csv", day);
  const std::string second = folder.write("second.csv", "no header\n");
  const auto run = [&](const std::string& as_of) {
    return run_clearline(
        {"screen", first, second, "-r", directory, "-o", folder.path("{name}.out"), "--resume", "--as-of", as_of});
  };
  EXPECT_EQ(run("seq:1").exit_code, 3) << "the first is done, the second is not";
  folder.write("second.csv", day);
  EXPECT_EQ(run("seq:2").exit_code, 2);
  EXPECT_EQ(run("seq:1").exit_code, 0);
  for (const char* name : {"first.out", "second.out"}) {
    EXPECT_NE(read_file(folder.path(name)).find("code_suspended"), std::string::npos) << name;
  }
}

TEST_F(LivePast, TellsWhomChangesHit) {
  const auto at = [](const std::string& time) { return ",\"at\":\"2025-12-01T" + time + "+09:00\""; };
  applied(change_line("suspend", 3, "z", at("09:00:00")) + change_line("suspend", 1, "a", at("10:00:00")) +
          change_line("amend", 2, "b", at("11:00:00") + ",\"phone\":\"01012345678\""));
  std::string declarations = "id,code,name,zip\n";
  for (int i = 0; i < 5; ++i) {
    declarations += "D" + std::to_string(i) + "," + code_text(static_cast<std::uint64_t>(i)) + ",A" +
                    std::to_string(i) + " KIM," + zip_text(static_cast<std::uint64_t>(i)) + "\n";
  }
  const std::string day = folder.write("day.csv", declarations);
  const auto impact = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments{"registry", "impact", directory, day};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_clearline(arguments);
  };
  const std::string suspended =
      R"({"id":"D1","verdict_changed":true,"before":{"verdict":"clear"},"after":{"verdict":"hold","reasons":["code_suspended"]},)"
      R"("changes":[{"seq":2,"op":"suspend","at":"2025-12-01T10:00:00.000000+09:00","by":"owner","fields":["status"]}]})"
      "\n";
  for (const char* since : {"1", "seq:1", "2025-12-01T09:00:00+09:00"}) {
    const auto result = impact({"--since", since});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const auto lines = lines_of(result.out);
    ASSERT_EQ(lines.size(), 2U) << since;
    EXPECT_EQ(lines[0] + "\n", suspended);
    EXPECT_EQ(value_of(lines[1], "verdict_changed"), "false");
    EXPECT_NE(lines[1].find(R"("fields":["phone","changed"])"), std::string::npos) << lines[1];
    EXPECT_EQ(result.out.find("010"), std::string::npos) << "no value is shown";
    EXPECT_NE(result.err.find("clear to hold"), std::string::npos) << result.err;
  }
  const auto changed = impact({"--since", "1", "--emit", "changed", "--summary", "json"});
  EXPECT_EQ(changed.out, suspended);
  EXPECT_EQ(number_of(changed.err, "lines"), 5U) << "the header is none of them";
  EXPECT_EQ(number_of(changed.err, "touched"), 2U);
  EXPECT_EQ(number_of(changed.err, "verdict_changed"), 1U);
  EXPECT_EQ(number_of(changed.err, "changes"), 2U);
  const auto csv = impact({"--since", "1", "--output-format", "csv"});
  EXPECT_EQ(csv.out,
            "id,line,verdict_changed,before,before_reasons,after,after_reasons,seqs,ops,fields\n"
            "D1,,true,clear,,hold,code_suspended,2,suspend,status\n"
            "D2,,false,clear,,clear,,3,amend,phone+changed\n");
  const auto none = impact({"--since", "3"});
  EXPECT_EQ(none.exit_code, 0);
  EXPECT_TRUE(none.out.empty());
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{}, {"--since", "declared"}, {"--since", "4"}, {"--since", "soon"}}) {
    const auto refused = impact(wrong);
    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_NE(refused.err.find("--since"), std::string::npos) << refused.err;
  }
  const auto of_image = run_clearline({"registry", "impact", image, day, "--since", "0"});
  EXPECT_EQ(of_image.exit_code, 2);
  EXPECT_NE(of_image.err.find("an image has no journal"), std::string::npos) << of_image.err;
}

}  // namespace
}  // namespace clearline::test
