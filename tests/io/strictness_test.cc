// Each sentence of the input rules, with results written by hand, for the fast path and for the reference.
#include <gtest/gtest.h>

#include "io/formats/block_reader.h"
#include "tests/support/reference.h"
#include "tests/support/screening.h"

namespace clearline::test {
namespace {

const std::vector<reference::Registered> kPeople{
    {"P123456789012", "HONG GILDONG", "홍길동", "01012345678", {"04524", "12345"}, "active", ""}};

/// `id verdict reasons`, or `null@line ...`, of each row, by the fast path; the reference must say the same.
std::vector<std::string> rows(std::string_view text, Format format = Format::kNdjson, const std::string& columns = "") {
  static const Registry registry = make_registry(kPeople);
  static const reference::Reference twin(kPeople, "2026-01-15");
  ScreenSetup setup;
  setup.format = format;
  setup.columns = columns;
  setup.block_bytes = 1;
  const auto got = screen_to_rows(text, registry, setup);
  std::map<std::string, std::string> map;
  for (std::string rest = columns; !rest.empty();) {
    const std::string pair = rest.substr(0, rest.find(','));
    rest.erase(0, pair.size() + 1);
    map[pair.substr(0, pair.find('='))] = pair.substr(pair.find('=') + 1);
  }
  const auto expected = format == Format::kNdjson ? twin.screen_ndjson(text, map) : twin.screen_csv(text, map);
  EXPECT_EQ(expected.has_value(), got.has_value());
  if (!expected || !got) return {"refused"};
  EXPECT_EQ(first_difference(*expected, *got), "");
  std::vector<std::string> texts;
  for (const auto& row : *got) texts.push_back(to_text(row));
  return texts;
}
using Texts = std::vector<std::string>;

std::string good(const std::string& id, const std::string& extra = "") {
  return R"({"id":")" + id + R"(","code":"P123456789012","name":"HONG GILDONG","zip":"04524")" + extra + "}";
}
/// The one row of a line.
std::string row(const std::string& line) {
  const Texts all = rows(line + "\n");
  return all.size() == 1 ? all[0] : std::to_string(all.size()) + " rows";
}
const std::string kMalformed = "null@1 error malformed";

TEST(Ndjson, BadLineLeavesNeighboursAlone) {
  for (const std::string bad :
       {"{", "}", "{\"id\":\"x", "{\"id\":\"x\\", "\"", "x", "{\"a\":\"\xff\"}", "[1]", "null", "{}{}", "{\"a\":1,}"}) {
    EXPECT_EQ(rows(good("a") + "\n" + bad + "\n" + good("b") + "\n"),
              (Texts{"a clear", "null@2 error malformed", "b clear"}))
        << bad;
  }
}

TEST(Ndjson, DamageInAnIgnoredFieldIsMalformed) {
  for (const std::string value :
       {"tru",         "01",    "1.",    "-",       "+1",         ".5",    "1e",  "nul", "\"\\x\"",
        "\"\\u12g4\"", "[1,]",  "[1 2]", "{\"a\"}", "{\"a\":1,}", "{a:1}", "'x'", "NaN", "\"a\tb\"",
        "\"a\x01\"",   "[\"a]", "[}",    ""}) {
    EXPECT_EQ(row(good("a", ",\"note\":" + value)), kMalformed) << value;
    EXPECT_EQ(row("{\"note\":" + value + "," + good("a").substr(1)), kMalformed) << value;
  }
}

TEST(Ndjson, IgnoredFieldsMayHoldAnyValidJson) {
  for (const std::string value :
       {"true", "false", "null", "0", "-0", "-0.5e+10", "123456789012345678901234567890", "\"\\u0000\"",
        "\"\\ud83d\\ude00\"", "\"\\/\\b\\f\\n\\r\\t\\\\\\\"\"", "[]", "{}", "[ 1 , { \"id\" : \"z\" } ]", "\"한\""}) {
    EXPECT_EQ(row(good("a", ",\"note\":" + value)), "a clear") << value;
  }
}

TEST(Ndjson, TextBehindTheObjectIsMalformed) {
  EXPECT_EQ(row(good("a") + "x"), kMalformed);
  EXPECT_EQ(row(good("a") + good("b")), kMalformed);
  EXPECT_EQ(row(good("a") + " \t\r"), "a clear");
}

TEST(Ndjson, UnpairedSurrogateAnywhereIsMalformed) {
  for (const std::string escape :
       {"\\ud800", "\\udfff", "\\ud800\\u0041", "\\ud800x", "\\udc00\\ud800", "\\ud800\\ud800"}) {
    EXPECT_EQ(row(good("a", ",\"note\":\"" + escape + "\"")), kMalformed) << escape;
    EXPECT_EQ(row(good("a", ",\"" + escape + "\":1")), kMalformed) << escape;
    EXPECT_EQ(row(good("a", ",\"note\":[{\"x\":\"" + escape + "\"}]")), kMalformed) << escape;
  }
}

TEST(Ndjson, InvalidUtf8AnywhereIsMalformed) {
  for (const std::string bytes :
       {"\xff", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80"}) {
    EXPECT_EQ(row(good("a", ",\"note\":\"" + bytes + "\"")), kMalformed);
  }
}

TEST(Ndjson, NulByteIsMalformedAndEscapedNulIsNot) {
  EXPECT_EQ(row(good("a", std::string(",\"n\":\"\0\"", 8))), kMalformed);
  EXPECT_EQ(row(good("a") + std::string(1, '\0')), kMalformed);
  EXPECT_EQ(row(good("a", ",\"n\":\"\\u0000\"")), "a clear");
}

TEST(Ndjson, KnownKeyTwiceIsMalformedAndUnknownTwiceIsNot) {
  EXPECT_EQ(row(good("a", ",\"zip\":\"04524\"")), "a error malformed");
  EXPECT_EQ(row(good("a", ",\"zip\":null")), "a error malformed");
  EXPECT_EQ(row(good("a", ",\"z\\u0069p\":null")), "a error malformed") << "keys are compared after unescaping";
  EXPECT_EQ(row(good("a", ",\"id\":\"b\"")), kMalformed);
  EXPECT_EQ(row(good("a", ",\"x\":1,\"x\":2")), "a clear");
  EXPECT_EQ(row(good("a", ",\"x\":{\"zip\":1,\"id\":2}")), "a clear") << "on the top level only";
}

TEST(Ndjson, KnownFieldOfAnotherTypeIsMalformed) {
  for (const std::string value : {"1", "true", "[]", "{}"}) {
    EXPECT_EQ(row("{\"id\":\"a\",\"code\":" + value + "}"), "a error malformed");
    EXPECT_EQ(row("{\"id\":\"a\",\"phone\":" + value + "}"), "a error malformed");
    EXPECT_EQ(row("{\"id\":" + value + "}"), kMalformed);
  }
}

TEST(Ndjson, NullAbsentEmptyAndBlankAreTheSame) {
  const std::string expected = "a hold name_missing zip_missing";
  EXPECT_EQ(row(R"({"id":"a","code":"P123456789012"})"), expected);
  EXPECT_EQ(row(R"({"id":"a","code":"P123456789012","name":null,"zip":null,"phone":null,"declared_at":null})"),
            expected);
  EXPECT_EQ(row(R"({"id":"a","code":"P123456789012","name":"","zip":"","phone":"","declared_at":""})"), expected);
  EXPECT_EQ(row(R"({"id":"a","code":"P123456789012","name":" \u3000","zip":"\t","phone":" ","declared_at":" "})"),
            expected);
}

TEST(Ndjson, DepthSixteenPassesAndSeventeenDoesNot) {
  for (const bool object : {false, true}) {
    const auto nested = [&](int depth) {
      std::string open;
      std::string close;
      for (int i = 1; i < depth; ++i) {
        open += object ? "{\"k\":" : "[";
        close += object ? "}" : "]";
      }
      return good("a", ",\"n\":" + open + "1" + close);
    };
    EXPECT_EQ(row(nested(16)), "a clear");
    EXPECT_EQ(row(nested(17)), kMalformed);
  }
  EXPECT_EQ(row(good("a", ",\"n\":" + std::string(15, '[') + std::string(15, ']'))), "a clear");
  EXPECT_EQ(row(good("a", ",\"n\":" + std::string(16, '[') + std::string(16, ']'))), kMalformed);
}

TEST(Ndjson, LineOf65536BytesPassesAndOneMoreDoesNot) {
  for (const std::string end : {"\n", "\r\n", ""}) {
    const auto line = [](std::size_t size) {
      const std::string empty = good("a", ",\"n\":\"\"");
      return good("a", ",\"n\":\"" + std::string(size - empty.size(), 'x') + "\"");
    };
    ASSERT_EQ(line(65'536).size(), 65'536U);
    EXPECT_EQ(rows(line(65'536) + end), (Texts{"a clear"}));
    EXPECT_EQ(rows(line(65'537) + end), (Texts{kMalformed}));
    EXPECT_EQ(rows(line(65'537) + "\n" + good("b") + end), (Texts{kMalformed, "b clear"}));
    EXPECT_EQ(rows(line(1'000'000) + "\n" + good("b") + end), (Texts{kMalformed, "b clear"}));
    // A carriage return where a too long line is cut must not make it short enough.
    EXPECT_EQ(rows(line(65'536) + "\r" + std::string(100'000, ' ') + "\n" + good("b") + end),
              (Texts{kMalformed, "b clear"}));
  }
}

TEST(Ndjson, BlankLinesAreSkippedAndCounted) {
  EXPECT_EQ(rows("\n \t\n\r\n" + good("a") + "\n\n{\n"), (Texts{"a clear", "null@6 error malformed"}));
  EXPECT_EQ(rows(""), Texts{});
  EXPECT_EQ(rows("\n\n"), Texts{});
}

TEST(Ndjson, LastLineNeedsNoLineEndAndCrlfEndsALine) {
  EXPECT_EQ(rows(good("a") + "\r\n" + good("b")), (Texts{"a clear", "b clear"}));
  EXPECT_EQ(rows(good("a") + "\n" + "{\"id\":"), (Texts{"a clear", "null@2 error malformed"}));
}

TEST(Ndjson, OneByteOrderMarkIsDroppedAtTheVeryStartOnly) {
  EXPECT_EQ(rows("\xEF\xBB\xBF" + good("a") + "\n"), (Texts{"a clear"}));
  EXPECT_EQ(rows("\xEF\xBB\xBF\xEF\xBB\xBF" + good("a") + "\n"), (Texts{kMalformed}));
  EXPECT_EQ(rows(good("a") + "\n\xEF\xBB\xBF" + good("b") + "\n"), (Texts{"a clear", "null@2 error malformed"}));
}

TEST(Ndjson, IdOfSixtyFourBytesIsGivenAndALongerOneIsNot) {
  const std::string id(64, 'i');
  EXPECT_EQ(row(good(id)), id + " clear");
  EXPECT_EQ(row(good(id + "i")), "null@1 clear");
  EXPECT_EQ(row(R"({"code":"P123456789012","name":"HONG GILDONG","zip":"04524"})"), "null@1 clear");
  EXPECT_EQ(row(good(" ")), "null@1 clear");
  EXPECT_EQ(row(good("\\u0041\\n\\\"")), "A\n\" clear");
}

TEST(Ndjson, DeclaredAtThatIsNoRealDateIsMalformed) {
  for (const std::string date :
       {"2026-02-30", "2026-13-01", "2026-1-01", "20260101", "2026-01-01T25:00:00Z", "2026-01-01T10:00:00",
        "2026-01-01T10:00Z", "2026 -01-01", "today", "2026-01-01T10:00:00+9:00"}) {
    EXPECT_EQ(row(good("a", ",\"declared_at\":\"" + date + "\"")), "a error malformed") << date;
  }
  for (const std::string date :
       {"2026-02-28", "2024-02-29", "2026-01-01T10:00:00Z", "2026-01-01T10:00:00.123456+09:00", " 2026-01-01\\t"}) {
    EXPECT_EQ(row(good("a", ",\"declared_at\":\"" + date + "\"")), "a clear") << date;
  }
}

/// The detail of the one line of a text.
std::string detail(const std::string& text, Format format = Format::kNdjson) {
  static const Registry registry = make_registry(kPeople);
  ScreenSetup setup;
  setup.format = format;
  const std::string out = screen_to_text(text, registry, setup).value_or("refused");
  const std::size_t at = out.find("\"detail\":\"");
  return at == std::string::npos ? out : out.substr(at + 10, out.size() - at - 13);
}

TEST(Ndjson, AWrongOffsetIsNamed) {
  const auto of = [](const std::string& date) { return detail(good("a", ",\"declared_at\":\"" + date + "\"")); };
  EXPECT_EQ(of("2025-12-01 10:00:00"), "declared_at without an offset; write Z or +09:00 after the time");
  EXPECT_EQ(of("2025-12-01T10:00:00.5"), "declared_at without an offset; write Z or +09:00 after the time");
  for (const char* date : {"2025-12-01T10:00:00+0900", "2025-12-01T10:00:00-09"}) {
    EXPECT_EQ(of(date), "declared_at with an offset without its colon; write +09:00") << date;
  }
  for (const char* date : {"2025-02-30T10:00:00", "2025-12-01T10:00:00+2500", "2025-12-01T10:00:00+09:0"}) {
    EXPECT_EQ(of(date), "declared_at is no real date") << date;
  }
  EXPECT_EQ(detail("id,declared_at\na,2025-12-01T10:00:00+0900\n", Format::kCsv),
            "column 3: declared_at with an offset without its colon; write +09:00");
}

TEST(Ndjson, AKeyThatNearlyIsAMissingFieldIsMalformed) {
  for (const char* key : {"Phone", "PHONE", "pho_ne", "pho-ne", " phone", "phone\\t", "\\u0050hone", "pho\u200Bne"}) {
    EXPECT_EQ(row(good("a", std::string(",\"") + key + R"(":"01099998888")")), "a error malformed") << key;
    EXPECT_EQ(row(good("a", std::string(",\"") + key + R"(":null)")), "a error malformed") << key;
    EXPECT_EQ(row(good("a", std::string(",\"") + key + R"(":1,"phone":null)")), "a error malformed") << key;
    EXPECT_EQ(row(good("a", std::string(",\"") + key + R"(":"x","phone":" ")")), "a error malformed") << key;
    EXPECT_EQ(row(good("a", std::string(",\"phone\":\"01012345678\",\"") + key + R"(":"01099998888")")), "a clear")
        << key;
  }
  EXPECT_EQ(row(R"({"ID":"a","code":"P123456789012","name":"HONG GILDONG","zip":"04524"})"), kMalformed);
  EXPECT_EQ(row(R"({"id":"a","code":"P123456789012","name":"HONG GILDONG","zips":"04524"})"), "a error malformed");
  EXPECT_EQ(row(good("a", R"(,"declaredAt":"2020-01-01")")), "a error malformed");
  EXPECT_EQ(row(good("a", R"(,"inside":{"Phone":"01099998888"},"telephone":"1","phones":2)")), "a clear");
  EXPECT_EQ(detail(good("a", R"(,"Phone":"01099998888")")),
            "column 70: a key that nearly is that of phone, which is missing; did you mean phone?");
}

TEST(Ndjson, ABrokenLineTeachesNothingOfKeys) {
  // Up to the byte that closes it, a key of the broken line begins as "Phone" does.
  const std::string broken = std::string(R"({"id":"b","Phone")") + '\0' + R"("":,"":})" + "\n";
  const std::string near = good("a", R"(,"Phone":"01099998888")") + "\n";
  EXPECT_EQ(rows(broken + near + near, Format::kNdjson), (Texts{kMalformed, "a error malformed", "a error malformed"}));
}

TEST(Columns, ANameIsNearTheNamesInUse) {
  const std::string columns = "phone=Tel,zip=우편번호";
  const auto one = [&](const std::string& more) {
    return rows(R"({"id":"a","code":"P123456789012","name":"HONG GILDONG","우편번호":"04524")" + more + "}\n",
                Format::kNdjson, columns);
  };
  EXPECT_EQ(one(R"(,"Phone":"1","Zip":"1","zips":2)"), (Texts{"a clear"}));
  EXPECT_EQ(one(R"(,"TEL":"1")"), (Texts{"a error malformed"}));
  EXPECT_EQ(one(R"(,"TEL":"1","Tel":"01012345678")"), (Texts{"a clear"}));
  EXPECT_EQ(rows("id,Tel,우편번호,phone,Zip\n", Format::kCsv, columns), Texts());
  EXPECT_EQ(rows("id,TEL,우편번호\n", Format::kCsv, columns), (Texts{"refused"}));
}

TEST(Columns, NamesAreComparedAfterNfc) {
  const std::string columns = "name=수취인명";
  const std::string pieces = "\u1109\u116E\u110E\u1171\u110B\u1175\u11AB\u1106\u1167\u11BC";
  EXPECT_EQ(rows("id,code,zip," + pieces + "\na,P123456789012,04524,홍길동\n", Format::kCsv, columns),
            (Texts{"a clear"}));
  const std::string line = R"({"id":"a","code":"P123456789012","zip":"04524",")" + pieces + R"(":"홍길동")";
  EXPECT_EQ(rows(line + "}\n", Format::kNdjson, columns), (Texts{"a clear"}));
  EXPECT_EQ(rows(line + R"(,"수취인명":"홍길동"})" + "\n", Format::kNdjson, columns), (Texts{"a error malformed"}))
      << "twice";
  EXPECT_EQ(parse_columns("name= " + pieces + "\t")->at(static_cast<std::size_t>(Field::kName)), "수취인명");
  EXPECT_FALSE(parse_columns("name= ").ok());
  EXPECT_FALSE(parse_columns("name=" + pieces + ",zip=수취인명").ok());
}

TEST(Columns, AMappedOneMustBeInACsvHeaderUnderItsOwnNameToo) {
  const auto opened = [](const std::string& text, const std::string& columns) {
    InputOptions options;
    options.format = Format::kCsv;
    options.names = *parse_columns(columns);
    return BlockReader::open(test::text_source(text), options, std::size_t{1} << 16).status();
  };
  const std::string without = "id,code,zip\na,P123456789012,04524\n";
  EXPECT_TRUE(opened(without, "").ok());
  const Status status = opened(without, "name=name");
  EXPECT_EQ(status.kind(), StatusKind::kInput);
  EXPECT_NE(status.message().find("1:1: error: the CSV header has no column 'name'; mend --columns"), std::string::npos)
      << status.message();
  EXPECT_TRUE(opened("id,code,zip,name\n", "name=name").ok());
}

/// The rows of a text with some names to be ignored; the reference knows no such names.
std::string ignoring(const std::string& names, const std::string& text, Format format) {
  static const Registry registry = make_registry(kPeople);
  ScreenSetup setup;
  setup.format = format;
  setup.ignore = names;
  return screen_to_text(text, registry, setup).value_or("refused");
}

TEST(Ignore, NamesAreNotTakenForSlips) {
  const std::string clear = "{\"id\":\"a\",\"verdict\":\"clear\"}\n";
  const std::string line = good("a", R"(,"Phone":"01099998888")") + "\n";
  EXPECT_EQ(ignoring("x,Phone", line, Format::kNdjson), clear);
  EXPECT_NE(ignoring("PHONE", line, Format::kNdjson), clear);
  const std::string csv = "id,code,name,zip, Phone \na,P123456789012,HONG GILDONG,04524,01099998888\n";
  EXPECT_EQ(ignoring("Phone", csv, Format::kCsv), clear);
  EXPECT_EQ(ignoring("", csv, Format::kCsv), "refused");
}

TEST(Columns, GiveAFieldAnotherNameInsteadOfItsOwn) {
  const std::string columns = "id=주문,zip=우편번호";
  EXPECT_EQ(rows(R"({"주문":"a","id":7,"code":"P123456789012","name":"HONG GILDONG","우편번호":"04524","zip":[1]})",
                 Format::kNdjson, columns),
            (Texts{"a clear"}));
  EXPECT_EQ(rows("주문,id,code,name,우편번호\na,b,P123456789012,HONG GILDONG,04524\n", Format::kCsv, columns),
            (Texts{"a clear"}));
  EXPECT_EQ(rows("id,code\na,P123456789012\n", Format::kCsv, columns), (Texts{"refused"}));
}

const std::string kHeader = "id,code,name,zip,note\n";
std::string record(const std::string& id, const std::string& note = "") {
  return id + ",P123456789012,HONG GILDONG,04524," + note;
}
Texts csv(const std::string& body) { return rows(kHeader + body, Format::kCsv); }

TEST(Csv, HeaderMustHaveIdAndNoKnownColumnTwice) {
  EXPECT_EQ(rows("code,name\n", Format::kCsv), (Texts{"refused"}));
  EXPECT_EQ(rows("id,zip,zip\n", Format::kCsv), (Texts{"refused"}));
  EXPECT_EQ(rows("", Format::kCsv), (Texts{"refused"}));
  EXPECT_EQ(rows("id,x,x\na,1,2\n", Format::kCsv), (Texts{"a hold code_missing"}));
  EXPECT_EQ(rows("\n\xEF\xBB\xBFid,x\n", Format::kCsv), (Texts{"refused"}));
  EXPECT_EQ(rows("\xEF\xBB\xBFid,code\r\na,P1\r\n", Format::kCsv), (Texts{"a hold code_malformed"}));
}

TEST(Csv, BlanksAroundNamesInTheHeaderDoNotCount) {
  EXPECT_EQ(rows(" id,code\t\na,P1\n", Format::kCsv), (Texts{"a hold code_malformed"}));
  EXPECT_EQ(rows("id,\" code\"\na,P1\n", Format::kCsv, "code= code"), (Texts{"a hold code_malformed"}));
  EXPECT_EQ(rows("id,id \n", Format::kCsv), (Texts{"refused"})) << "twice";
}

TEST(Csv, AColumnThatNearlyIsAMissingOneIsRefused) {
  for (const char* header : {"id,code,name,zip,Phone", "id,Code", "ID", "id,zips", "id,declared-at", "id,na me",
                             "id,\"pho\nne\"", "id,phone\u00A0", "\"\uFEFF\"id,code", "ID2,id,Code,name,zip"}) {
    EXPECT_EQ(rows(std::string(header) + "\n", Format::kCsv), (Texts{"refused"})) << header;
  }
  EXPECT_EQ(rows("id,ID,code,Code,phone,Phone\na,1,P1,2,,3\n", Format::kCsv), (Texts{"a hold code_malformed"}));
}

TEST(Csv, QuotesLineEndsAndDoubledQuotes) {
  EXPECT_EQ(csv(record("\"a\"", "\"x, \"\"y\"\"\nz\"") + "\r\n" + record("b") + "\n{"),
            (Texts{"a clear", "b clear", "null@5 error malformed"}));
  EXPECT_EQ(csv("\"a\"\"b\",P123456789012,\"HONG, GILDONG\",\"04524\",\n"), (Texts{"a\"b clear"}));
}

TEST(Csv, WrongRecordMakesItsFirstLineMalformedAndReadingStartsAtTheNext) {
  for (const std::string& bad : {record("x", "a\"b"), record("x", "\"a\"b"), std::string("x,y"), record("x", "1,2"),
                                 record("x", "\xff"), record("x", "\"open")}) {
    EXPECT_EQ(csv(record("a") + "\n" + bad + "\n" + record("b") + "\n" + record("c", "\"q\"") + "\n"),
              (Texts{"a clear", "null@3 error malformed", "b clear", "c clear"}))
        << bad;
  }
  EXPECT_EQ(csv("x,\"y\nz\"\n" + record("b") + "\n"),
            (Texts{"null@2 error malformed", "null@3 error malformed", "b clear"}))
      << "too few fields over two lines: the second is read as a record of its own";
}

TEST(Csv, QuoteOpenAfterSixteenLineEndsIsWrong) {
  const auto body = [](int line_ends) {
    return record("a", "\"" + std::string(static_cast<std::size_t>(line_ends), '\n') + "\"") + "\n";
  };
  EXPECT_EQ(csv(body(15)), (Texts{"a clear"}));
  EXPECT_EQ(csv(body(16)), (Texts{"null@2 error malformed", "null@18 error malformed"}));
}

TEST(Csv, RecordOf65536BytesPassesAndOneMoreDoesNot) {
  for (const bool quoted : {false, true}) {
    const auto of_size = [&](std::size_t size) {
      const std::string quote = quoted ? "\"" : "";
      return record("a", quote + std::string(size - record("a", quote + quote).size(), 'x') + quote);
    };
    EXPECT_EQ(csv(of_size(65'536) + "\n" + record("b")), (Texts{"a clear", "b clear"}));
    EXPECT_EQ(csv(of_size(65'537) + "\n" + record("b")), (Texts{"null@2 error malformed", "b clear"}));
    EXPECT_EQ(csv(of_size(300'000) + "\n" + record("b")), (Texts{"null@2 error malformed", "b clear"}));
  }
}

TEST(Csv, BlankLinesAreSkippedAndMissingColumnsAreMissingFields) {
  EXPECT_EQ(csv("\n \t\r\n" + record("a") + "\n\n{\n"), (Texts{"a clear", "null@6 error malformed"}));
  EXPECT_EQ(rows("id\na\n", Format::kCsv), (Texts{"a hold code_missing"}));
}

}  // namespace
}  // namespace clearline::test
