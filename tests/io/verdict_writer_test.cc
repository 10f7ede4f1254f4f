#include "io/formats/verdict_writer.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include "tests/support/screening.h"

namespace clearline {
namespace {

std::string written(Format format, bool explain, const DecodedLine& line, const Verdict& verdict) {
  const Policy policy = standard_policy();
  OutBuffer out;
  VerdictWriter(format, explain, policy, {}).write(line, "", verdict, out);
  return std::string(out.text());
}

DecodedLine line_of(std::string_view id) {
  DecodedLine line;
  line.id = id;
  line.has_id = !id.empty();
  line.line = 1842;
  return line;
}

Verdict hold() {
  Verdict verdict;
  verdict.reasons = {};
  verdict.reasons.add(Reason::kZipMismatch);
  verdict.reasons.add(Reason::kCodeSuspended);
  verdict.outcome = Outcome::kHold;
  verdict.code = CodeCheck::kSuspended;
  verdict.name = ItemCheck::kSameGivenFirst;
  verdict.zip = ItemCheck::kMismatch;
  return verdict;
}

Verdict clear() {
  Verdict verdict;
  verdict.reasons = {};
  verdict.outcome = Outcome::kClear;
  return verdict;
}

TEST(VerdictWriter, NdjsonHasTheShapeOfTheContract) {
  EXPECT_EQ(written(Format::kNdjson, false, line_of("D1"), hold()),
            "{\"id\":\"D1\",\"verdict\":\"hold\",\"reasons\":[\"code_suspended\",\"zip_mismatch\"]}\n");
  EXPECT_EQ(written(Format::kNdjson, false, line_of("D1"), clear()), "{\"id\":\"D1\",\"verdict\":\"clear\"}\n");
  DecodedLine bad = line_of("");
  bad.fault = {"string is not closed", 57};
  Verdict malformed;
  malformed.reasons = {};
  malformed.reasons.add(Reason::kMalformed);
  EXPECT_EQ(written(Format::kNdjson, false, bad, malformed),
            "{\"id\":null,\"line\":1842,\"verdict\":\"error\",\"reasons\":[\"malformed\"],\"detail\":\"column 57: "
            "string is not closed\"}\n");
  EXPECT_EQ(written(Format::kCsv, false, bad, malformed), ",error,malformed,1842,column 57: string is not closed\n");
  bad.fault = {"one thing, and another", 0};
  EXPECT_EQ(written(Format::kCsv, false, bad, malformed), ",error,malformed,1842,\"one thing, and another\"\n");
}

TEST(VerdictWriter, OfSeveralInputsALineWithoutIdNamesItsFile) {
  const Policy policy = standard_policy();
  DecodedLine line;
  line.line = 1842;
  const auto written_of = [&](Format format, std::string_view file) {
    OutBuffer out;
    VerdictWriter(format, false, policy, {}).write(line, file, Verdict{}, out);
    return std::string(out.text());
  };
  EXPECT_TRUE(written_of(Format::kNdjson, "day2.ndjson")
                  .starts_with(R"({"id":null,"file":"day2.ndjson","line":1842,"verdict":)"));
  EXPECT_TRUE(written_of(Format::kNdjson, R"(a"b)").starts_with(R"({"id":null,"file":"a\"b","line":1842,)"));
  EXPECT_NE(written_of(Format::kCsv, "day2.ndjson").find(",day2.ndjson:1842,"), std::string::npos);
  EXPECT_NE(written_of(Format::kCsv, "a,b").find(",\"a,b:1842\","), std::string::npos);
  EXPECT_NE(written_of(Format::kCsv, "").find(",1842,"), std::string::npos);
  line = line_of("D1");
  EXPECT_EQ(written_of(Format::kNdjson, "day2.ndjson").find("file"), std::string::npos);
  EXPECT_EQ(written_of(Format::kCsv, "day2.ndjson").find("day2"), std::string::npos);
}

TEST(VerdictWriter, DetailsAreEscapedLikeAnyText) {
  DecodedLine bad = line_of("");
  bad.fault = {"a \"b\\c\", d", 3};
  Verdict malformed;
  EXPECT_NE(written(Format::kNdjson, false, bad, malformed).find(R"("detail":"column 3: a \"b\\c\", d"})"),
            std::string::npos);
  EXPECT_NE(written(Format::kCsv, false, bad, malformed).find(R"(,"column 3: a ""b\c"", d")"), std::string::npos);
}

TEST(VerdictWriter, EachFaultOfALineMakesAVerdictThatParses) {
  const std::string faults =
      "{\"a\":\"\\u12\"}\n{\"a\":\"\\x\"}\n{\"a\":\"\\ud800\"}\n{\"a\":\"\x01\"}\n{\"a\":\"\n{\"a\"\n{\"a\":\n"
      "{\"a\":1\n{a\n[]\n{} "
      "x\n{\"a\":01}\n{\"a\":1.}\n{\"a\":tru}\n{\"a\":\"\xff\"}\n{\"id\":1}\n{\"id\":\"1\",\"id\":\"1\"}\n";
  const auto verdicts = test::screen_to_text(faults, test::make_registry({}), {});
  ASSERT_TRUE(verdicts);
  simdjson::dom::parser parser;
  std::size_t lines = 0;
  for (std::size_t at = 0; at < verdicts->size(); at = verdicts->find('\n', at) + 1, ++lines) {
    const std::string line = verdicts->substr(at, verdicts->find('\n', at) - at);
    simdjson::dom::element verdict;
    std::string_view detail;
    ASSERT_EQ(parser.parse(line).get(verdict), simdjson::SUCCESS) << line;
    ASSERT_EQ(verdict["detail"].get(detail), simdjson::SUCCESS) << line;
    EXPECT_EQ(detail.find('\\'), std::string_view::npos) << detail;
  }
  EXPECT_EQ(lines, 17U);
}

TEST(VerdictWriter, InternalErrorsHaveADetail) {
  EXPECT_EQ(written(Format::kNdjson, false, line_of("D1"), Verdict{}),
            "{\"id\":\"D1\",\"verdict\":\"error\",\"reasons\":[\"internal\"],\"detail\":\"the declaration could not be "
            "judged\"}\n");
}

TEST(VerdictWriter, ExplainedVerdictsTellChecksFixesRuleAndRegistry) {
  const auto at_seq = [](Verdict verdict) {
    verdict.registry_seq = 7;
    return verdict;
  };
  EXPECT_EQ(written(Format::kNdjson, true, line_of("D1"), at_seq(hold())),
            "{\"id\":\"D1\",\"verdict\":\"hold\",\"reasons\":[\"code_suspended\",\"zip_mismatch\"],\"checks\":{"
            "\"code\":\"suspended\","
            "\"name\":\"same:given_first\",\"phone\":\"not_checked\",\"zip\":\"mismatch\"},\"fix\":[\"ask_resume_"
            "code\",\"check_zip\"],"
            "\"rule\":\"standard\",\"registry_seq\":7,\"registry\":\"00000000-0000-0000-0000-000000000000\","
            "\"incarnation\":1}\n");
  EXPECT_EQ(written(Format::kCsv, true, line_of("D1"), at_seq(clear())),
            "D1,clear,,,,not_checked,not_checked,not_checked,not_checked,,standard,7,00000000-0000-0000-0000-"
            "000000000000,1\n");
}

TEST(VerdictWriter, IdsAreEscaped) {
  EXPECT_EQ(written(Format::kNdjson, false, line_of("a\"\\\n\x01é"), clear()),
            "{\"id\":\"a\\\"\\\\\\u000a\\u0001é\",\"verdict\":\"clear\"}\n");
  EXPECT_EQ(written(Format::kCsv, false, line_of("a,\"b\""), clear()), "\"a,\"\"b\"\"\",clear,,,\n");
}

TEST(VerdictWriter, EveryReasonHasAWordAndAFix) {
  for (int i = 0; i < kReasonCount; ++i) {
    Verdict verdict;
    verdict.reasons = {};
    verdict.reasons.add(static_cast<Reason>(i));
    const std::string text = written(Format::kNdjson, true, line_of("D"), verdict);
    EXPECT_NE(text.find("\"reasons\":[\"" + std::string(to_string(static_cast<Reason>(i))) + "\"]"), std::string::npos);
    EXPECT_EQ(text.find("\"fix\":[]"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace clearline
