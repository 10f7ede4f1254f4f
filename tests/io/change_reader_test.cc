#include "io/formats/change_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>

namespace clearline {
namespace {

/// A line of an op with code and change_id; `more` are further members.
std::string line_of(std::string_view op, std::string_view more = "") {
  std::string line = R"({"op":")" + std::string(op) + R"(","code":"P000000000007","change_id":"k-81")";
  if (!more.empty()) line += "," + std::string(more);
  return line + "}";
}

ChangeReader::Outcome read(std::string_view line) {
  ChangeReader reader;
  return reader.read(line);
}

/// The change of a line that has no fault.
Change change(std::string_view line) {
  const auto outcome = read(line);
  EXPECT_FALSE(outcome.fault) << line << ": " << outcome.fault.what;
  return outcome.change;
}

/// `column what` of a line's fault.
std::string fault(std::string_view line) {
  const auto outcome = read(line);
  return outcome.fault ? std::to_string(outcome.fault.column) + " " + std::string(outcome.fault.what) : "";
}

/// The same of line_of(op, more); the column counts from the first of `more`.
std::string fault_of(std::string_view op, std::string_view more) {
  const auto outcome = read(line_of(op, more));
  if (!outcome.fault) return "";
  EXPECT_EQ(outcome.change_id, "k-81") << more;
  const auto before = static_cast<std::uint32_t>(line_of(op).size());
  const std::uint32_t column = outcome.fault.column > before ? outcome.fault.column - before : 0;
  return std::to_string(column) + " " + std::string(outcome.fault.what);
}

TEST(ChangeReader, TakesEveryFieldOfAnIssue) {
  const Change got = change(
      R"({"name":"DE LA CRUZ, JUAN","name_ko":"홍길동","phone":"+82 10-1234-5678","zips":["04524"," 12345 "],)"
      R"("issued":"2020-02-29","changed":"2021-01-01","expires":"2030-01-01","status":"active","replaced_by":null,)"
      R"("at":" 2025-12-01T10:00:00.1234567+09:00\t","by":null,"code":" p123456789012\t","op":"issue","change_id":"k",)"
      R"("new_code":"","extra":null,"extra":null})");
  Change expected;
  expected.op = ChangeOp::kIssue;
  expected.code = *parse_code("P123456789012");
  expected.change_id = "k";
  expected.at_us = *parse_time_us("2025-12-01T10:00:00.123456+09:00");
  expected.name = "DE LA CRUZ, JUAN";
  expected.name_ko = "홍길동";
  expected.phone = "01012345678";
  expected.zips = {4524, 12345};
  expected.issued = parse_date("2020-02-29");
  expected.changed = parse_date("2021-01-01");
  expected.expires = parse_date("2030-01-01");
  EXPECT_EQ(got, expected);
}

TEST(ChangeReader, TakesTheSmallestOfEachOp) {
  Change expected;
  expected.code = Code{7};
  expected.change_id = "k-81";
  expected.op = ChangeOp::kIssue;
  EXPECT_EQ(change(line_of("issue")), expected);
  for (const ChangeOp op : {ChangeOp::kSuspend, ChangeOp::kResume, ChangeOp::kCancel}) {
    expected.op = op;
    EXPECT_EQ(change(line_of(to_string(op))), expected);
  }
  expected.op = ChangeOp::kRenew;
  expected.expires = parse_date("2030-01-01");
  EXPECT_EQ(change(line_of("renew", R"("expires":"2030-01-01")")), expected);
  expected.op = ChangeOp::kReissue;
  expected.expires.reset();
  expected.new_code = Code{8};
  EXPECT_EQ(change(line_of("reissue", R"("new_code":" p000000000008")")), expected);
  expected.op = ChangeOp::kAmend;
  expected.new_code.reset();
  expected.name = "KIM";
  EXPECT_EQ(change(line_of("amend", R"("name":"KIM")")), expected);
}

TEST(ChangeReader, MissingFieldsAreNotGiven) {
  for (const char* op : {"issue", "suspend", "resume", "cancel"}) {
    const std::string blank = line_of(
        op, R"("name":"\u3000","name_ko":" ","phone":"\t ","zips":[],"status":"","replaced_by":null,"issued":" ",)"
            R"("changed":null,"expires":"","at":" ","by":"","new_code":" ")");
    EXPECT_EQ(change(blank), change(line_of(op)));
    EXPECT_EQ(change(line_of(op, R"("name":null,"zips":" ","expires":null,"at":null,"by":null)")), change(line_of(op)));
  }
  EXPECT_EQ(change(line_of("reissue", R"("new_code":"P000000000008","name":null,"expires":"","zips":[])")),
            change(line_of("reissue", R"("new_code":"P000000000008")")))
      << "only amend clears";
}

TEST(ChangeReader, AmendClearsWhatIsThereAndMissing) {
  Change expected;
  expected.op = ChangeOp::kAmend;
  expected.code = Code{7};
  expected.change_id = "k-81";
  expected.name = "";
  expected.name_ko = "";
  expected.phone = "";
  expected.zips.emplace();
  expected.expires.emplace();
  EXPECT_EQ(change(line_of("amend", R"("name":null,"name_ko":null,"phone":null,"zips":null,"expires":null)")),
            expected);
  EXPECT_EQ(change(line_of("amend", R"("name":"","name_ko":"\u3000","phone":" ","zips":[],"expires":"\t")")), expected);
  expected = change(line_of("amend", R"("zips":[])"));
  EXPECT_EQ(expected.name, std::nullopt);
  EXPECT_EQ(expected.expires, std::nullopt);
  EXPECT_EQ(expected.zips, std::vector<std::uint32_t>{});
}

TEST(ChangeReader, EachOpTakesItsFieldsAndNoOthers) {
  struct Field {
    std::string_view member;
    std::initializer_list<std::string_view> ops;  // that take it
  };
  const Field fields[] = {
      {R"("name":"KIM")", {"issue", "amend", "reissue"}},
      {R"("name_ko":"김")", {"issue", "amend", "reissue"}},
      {R"("phone":"010")", {"issue", "amend", "reissue"}},
      {R"("zips":["12345"])", {"issue", "amend", "reissue"}},
      {R"("expires":"2030-01-01")", {"issue", "amend", "renew", "reissue"}},
      {R"("status":"active")", {"issue"}},
      {R"("issued":"2020-01-01")", {"issue"}},
      {R"("changed":"2020-01-01")", {"issue"}},
      {R"("replaced_by":"P000000000008")", {}},
      {R"("new_code":"P000000000008")", {"reissue"}},
      {R"("by":"ex_officio")", {"suspend", "cancel"}},
      {R"("at":"2025-12-01T00:00:00Z")", {"issue", "amend", "renew", "suspend", "resume", "cancel", "reissue"}},
  };
  for (const auto& [member, ops] : fields) {
    for (const std::string_view op : {"issue", "amend", "renew", "suspend", "resume", "cancel", "reissue"}) {
      // What the op needs, unless it is this field.
      std::string more(member);
      const auto need = [&](std::string_view by_op, std::string_view needed) {
        if (op == by_op && member.substr(0, 5) != needed.substr(0, 5)) more += "," + std::string(needed);
      };
      need("renew", R"("expires":"2031-01-01")");
      need("reissue", R"("new_code":"P000000000009")");
      need("amend", R"("phone":"011")");
      const bool takes = std::find(ops.begin(), ops.end(), op) != ops.end();
      EXPECT_EQ(fault_of(op, more), takes ? "" : "1 this op does not take this key; leave it out") << op << more;
    }
  }
}

TEST(ChangeReader, ByIsKeptWhereItMeansSomething) {
  for (const char* op : {"suspend", "cancel"}) {
    EXPECT_EQ(change(line_of(op, R"("by":"ex_officio")")).by, ChangeBy::kExOfficio);
    EXPECT_EQ(change(line_of(op, R"("by":"owner")")).by, ChangeBy::kOwner);
    EXPECT_EQ(change(line_of(op)).by, ChangeBy::kOwner);
  }
  EXPECT_EQ(fault_of("suspend", R"("by":"Owner")"), "1 by is neither owner nor ex_officio");
}

TEST(ChangeReader, AKeyThatNoChangeHasIsMalformed) {
  for (const std::string_view op : {"issue", "suspend", "resume", "cancel"}) {
    for (const std::string_view value : {"\"x\"", "\"\"", "1", "true", "{}", "[]"}) {
      EXPECT_EQ(fault_of(op, "\"actor\":" + std::string(value)), "1 a change has no such key; leave it out") << op;
    }
    EXPECT_EQ(fault_of(op, R"("actor":null,"wait":null)"), "") << "null is absent";
    EXPECT_EQ(fault_of(op, R"("wait":"fleet")"), "1 a change has no such key; leave it out");
  }
  EXPECT_EQ(fault_of("issue", R"("zip":"04524")"), "1 a change has no such key; did you mean zips?");
  EXPECT_EQ(fault_of("issue", R"("name":"KIM","Phone":"010")"), "14 a change has no such key; did you mean phone?");
  EXPECT_EQ(fault_of("issue", R"("phone":"010","Phone":"010")"), "15 a change has no such key; did you mean phone?")
      << "also beside the known one: what it holds would be lost";
  EXPECT_EQ(fault_of("suspend", R"("BY":"ex_officio")"), "1 a change has no such key; did you mean by?");
  EXPECT_EQ(fault_of("reissue", R"("new_code":"P000000000008","newCode":"P000000000009")"),
            "28 a change has no such key; did you mean new_code?");
}

TEST(ChangeReader, AnAmendThatWouldClearUnderANearNameIsMalformed) {
  EXPECT_EQ(fault_of("amend", R"("name":"KIM","Phone":null)"), "14 a change has no such key; did you mean phone?");
  EXPECT_EQ(fault_of("amend", R"("name":"KIM","other":null)"), "");
  EXPECT_EQ(fault_of("issue", R"("name":"KIM","Phone":null)"), "");
}

TEST(ChangeReader, AWrongOffsetIsNamed) {
  EXPECT_EQ(fault_of("suspend", R"("at":"2025-12-01T10:00:00")"),
            "1 at without an offset; write Z or +09:00 after the time");
  EXPECT_EQ(fault_of("suspend", R"("at":"2025-12-01 10:00:00.5+0900")"),
            "1 at with an offset without its colon; write +09:00");
}

TEST(ChangeReader, EveryOpHasItsNeeds) {
  EXPECT_EQ(fault(R"({"code":"P000000000007","change_id":"k"})"), "0 op is missing");
  EXPECT_EQ(fault(R"({"op":null,"code":"P000000000007","change_id":"k"})"), "2 op is missing");
  EXPECT_EQ(fault(line_of("Issue")), "2 op is none of issue, amend, renew, suspend, resume, cancel, reissue");
  EXPECT_EQ(fault(line_of("erase")), "2 op is none of issue, amend, renew, suspend, resume, cancel, reissue");
  EXPECT_EQ(fault(R"({"op":"resume","change_id":"k"})"), "0 code is missing");
  EXPECT_EQ(fault(R"({"op":"resume","change_id":"k","code":" "})"), "32 code is missing");
  EXPECT_EQ(fault(R"({"op":"resume","change_id":"k","code":"P1"})"), "32 code is not P and 12 digits");
  const std::string amend_needs = "0 amend needs one of name, name_ko, phone, zips, expires";
  EXPECT_EQ(fault_of("amend", ""), amend_needs);
  EXPECT_EQ(fault_of("amend", R"("status":null)"), amend_needs);
  EXPECT_EQ(fault_of("renew", ""), "0 renew needs expires, the new last day");
  EXPECT_EQ(fault_of("renew", R"("expires":null)"), "1 renew needs expires, the new last day");
  EXPECT_EQ(fault_of("reissue", ""), "0 reissue needs new_code");
  EXPECT_EQ(fault_of("reissue", R"("new_code":" ")"), "1 reissue needs new_code");
  EXPECT_EQ(fault_of("reissue", R"("new_code":"8")"), "1 new_code is not P and 12 digits");
  EXPECT_EQ(fault_of("issue", R"("status":"suspended")"), "1 an issued code is active; leave status out");
}

TEST(ChangeReader, AChangeIdHasOneToSixtyFourBytes) {
  const auto line = [](std::string_view id) {
    return R"({"op":"resume","code":"P000000000007","change_id":)" + std::string(id) + "}";
  };
  const auto quoted = [](std::size_t bytes) { return "\"" + std::string(bytes, 'x') + "\""; };
  EXPECT_EQ(change(line(quoted(1))).change_id, "x");
  EXPECT_EQ(change(line(quoted(64))).change_id, std::string(64, 'x'));
  EXPECT_EQ(change(line(R"(" k ")")).change_id, " k ") << "blanks count";
  EXPECT_EQ(change(line(R"("\u0000\"")")).change_id, std::string("\0\"", 2));
  EXPECT_EQ(fault(line(quoted(65))), "39 change_id is longer than 64 bytes");
  EXPECT_EQ(fault(line("\"" + std::string(63, 'x') + "é\"")), "39 change_id is longer than 64 bytes");
  for (const char* missing : {"null", "\"\"", "\" \\t\""}) {
    EXPECT_EQ(fault(line(missing)), "39 change_id is missing") << missing;
  }
  EXPECT_EQ(fault(line("81")), "39 a known key has no text");
  EXPECT_EQ(fault(R"({"op":"resume","code":"P000000000007"})"), "0 change_id is missing");
}

TEST(ChangeReader, AGoodChangeIdIsKnownWhereTheRestIsWrong) {
  const auto id = [](std::string_view line) { return read(line).change_id.value_or("none"); };
  EXPECT_EQ(id(R"({"op":1,"change_id":"k"})"), "k");
  EXPECT_EQ(id(R"({"op":"issue","op":"issue","change_id":"k"})"), "k");
  EXPECT_EQ(id(R"({"change_id":"k"})"), "k");
  EXPECT_EQ(id(R"({"change_id":"k","change_id":"k"})"), "none");
  EXPECT_EQ(id(R"({"change_id":"k","change_id":null})"), "none");
  EXPECT_EQ(id(R"({"change_id":1})"), "none");
  EXPECT_EQ(id(R"({"change_id":" "})"), "none");
  EXPECT_EQ(id(R"({"change_id":")" + std::string(65, 'x') + "\"}"), "none");
  EXPECT_EQ(id(R"({"change_id":"k")"), "none") << "no object";
}

TEST(ChangeReader, AtIsATimeWithOffset) {
  const auto at = [](std::string_view text) {
    return change(line_of("resume", R"("at":")" + std::string(text) + '"')).at_us;
  };
  EXPECT_EQ(at("2025-12-01T10:00:00+09:00"), 1'764'550'800'000'000);
  EXPECT_EQ(at("2025-12-01t01:00:00.9999999z"), 1'764'550'800'999'999) << "further digits are cut off";
  EXPECT_EQ(at("2025-12-01 01:00:00.5Z"), 1'764'550'800'500'000);
  EXPECT_EQ(at(" \\t2025-12-01T01:00:00Z "), 1'764'550'800'000'000) << "blanks around it are dropped";
  EXPECT_EQ(at(""), std::nullopt);
  for (const char* text : {"2025-12-01", "2025-02-30T10:00:00Z", "2025-02-30T10:00:00", "2025-12-01T10:00:00 Z",
                           "2025-12-01  10:00:00Z", "2025-12-01\\t10:00:00Z", "now"}) {
    EXPECT_EQ(fault_of("resume", R"("at":")" + std::string(text) + '"'), "1 at is no RFC 3339 time with an offset");
  }
  EXPECT_EQ(fault_of("resume", R"("at":1764550800)"), "1 a known key has no text");
  EXPECT_EQ(at("1999-12-31T15:00:00Z"), *parse_time_us("2000-01-01T00:00:00+09:00"));
  EXPECT_EQ(at("9999-12-31T23:59:59.999999+09:00"), *parse_time_us("9999-12-31T23:59:59.999999+09:00"));
  for (const char* text : {"1999-12-31T14:59:59.999999Z", "1999-12-31T23:59:59.999999+09:00",
                           "0000-01-01T00:00:00+09:01", "9999-12-31T15:00:00Z"}) {
    EXPECT_EQ(fault_of("resume", R"("at":")" + std::string(text) + '"'),
              "1 at is before 2000-01-01 or after 9999-12-31 in Korea");
  }
}

TEST(ChangeReader, FieldsObeyTheRulesOfEntries) {
  for (const char* op : {"issue", "amend"}) {
    const auto of = [&](std::string_view more) { return fault_of(op, more); };
    EXPECT_EQ(of(R"("name":"홍길동")"), "1 name holds Hangul; it belongs into name_ko");
    EXPECT_EQ(of(R"("name":"12")"), "1 name has no Latin letter");
    EXPECT_EQ(of(R"("name_ko":"HONG")"), "1 name_ko has no Hangul");
    EXPECT_EQ(of(R"("name_ko":"홍?동")"), "1 name_ko has lost a letter (U+FFFD, or ? beside a letter)");
    EXPECT_EQ(of(R"("name":"KIM \ufffd")"), "1 name has lost a letter (U+FFFD, or ? beside a letter)");
    EXPECT_EQ(of(R"("name":"KIM\u0000")"), "1 name holds a control character");
    EXPECT_EQ(of("\"name\":\"" + std::string(513, 'A') + "\""), "1 name is longer than 512 bytes");
    EXPECT_EQ(of("\"name\":\"" + std::string(512, 'A') + "\""), "");
    EXPECT_EQ(of(R"("phone":"none")"), "1 phone has no digit");
    EXPECT_EQ(of(R"("zips":["1234"])"), "1 zip is not five digits");
    EXPECT_EQ(of(R"("zips":["12345",""])"), "1 zip is not five digits");
    EXPECT_EQ(of(R"("zips":"12345")"), "1 zips is no array of strings");
    EXPECT_EQ(of(R"("zips":[12345])"), "1 zips is no array of strings");
    EXPECT_EQ(of(R"("name":["KIM"])"), "1 a known key has no text");
    EXPECT_EQ(of(R"("name":false)"), "1 a known key has no text");
    std::string zips = R"("zips":["00001")";
    for (int i = 1; i < 20; ++i) zips += R"(,"00001")";
    EXPECT_EQ(of(zips + "]"), "");
    EXPECT_EQ(of(zips + R"(,"00001"])"), "1 more than 20 zips");
    EXPECT_EQ(of(R"("expires":"2026-02-30")"), "1 expires is no real date");
    EXPECT_EQ(of(R"("expires":"2026-02-03T00:00:00Z")"), "1 expires is no real date");
  }
  EXPECT_EQ(fault_of("issue", R"("issued":"x")"), "1 issued is no real date");
  EXPECT_EQ(fault_of("issue", R"("changed":"2026-13-01")"), "1 changed is no real date") << "checked, if dropped";
  EXPECT_EQ(fault_of("issue", R"("status":"open")"), "1 status is none of active, suspended, cancelled, replaced");
}

TEST(ChangeReader, AReissueTakesNoNameThatLostALetter) {
  EXPECT_EQ(fault_of("reissue", R"("name_ko":"홍?동","new_code":"P000000000002")"),
            "1 name_ko has lost a letter (U+FFFD, or ? beside a letter)");
}

TEST(ChangeReader, TheWholeLineMustBeValid) {
  EXPECT_EQ(fault(""), "1 line is not a JSON object");
  EXPECT_EQ(fault("[]"), "1 line is not a JSON object");
  EXPECT_EQ(fault(R"({"op":"resume","code":"P000000000007","change_id":"k",})"),
            "55 a key in double quotes is missing");
  EXPECT_EQ(fault(line_of("resume", R"("x":"\ud800")")).substr(0, 3), "63 ");
  EXPECT_EQ(fault(line_of("resume", "\"x\":\"\xFF\"")), "63 a byte that is not UTF-8");
  for (const char* key : {"op", "code", "change_id", "at", "by", "new_code", "name", "name_ko", "phone", "zips",
                          "issued", "changed", "expires", "status", "replaced_by"}) {
    const std::string line = std::string("{\"") + key + "\":null,\"" + key + "\":null}";
    EXPECT_EQ(fault(line), std::to_string(10 + std::string_view(key).size()) + " a known key is there twice") << key;
  }
}

TEST(ChangeReader, ALineHasAtMostTheUsualBytes) {
  const std::size_t rest = line_of("resume", R"("by":"")").size();
  const auto line = [&](std::size_t bytes) {
    return line_of("resume", R"("by":")" + std::string(bytes - rest, ' ') + '"');
  };
  EXPECT_EQ(line(kLineBytesMaxDefault).size(), kLineBytesMaxDefault);
  EXPECT_EQ(fault(line(kLineBytesMaxDefault)), "");
  EXPECT_EQ(fault(line(kLineBytesMaxDefault + 1)), "0 line is longer than the limit");
  EXPECT_EQ(read(line(kLineBytesMaxDefault + 1)).change_id, std::nullopt);
}

TEST(ChangeReader, ALineLeavesTheNextAlone) {
  ChangeReader reader;
  const std::string full = line_of(
      "issue",
      R"("name":"KIM","name_ko":"김","phone":"010","zips":["12345"],"issued":"2020-01-01","expires":"2030-01-01")");
  for (const std::string& line :
       {full, line_of("amend", R"("name":null)"), std::string("{"), line_of("suspend", R"("by":"ex_officio")"),
        line_of("issue"), line_of("renew"), full}) {
    const auto fresh = read(line);
    const auto got = reader.read(line);
    EXPECT_EQ(got.fault.what, fresh.fault.what);
    EXPECT_EQ(got.change_id, fresh.change_id);
    if (!fresh.fault) {
      EXPECT_EQ(got.change, fresh.change);
    }
  }
}

std::string answered(const std::optional<std::string>& change_id, const ChangeAnswer& answer) {
  OutBuffer out;
  append_change_answer(change_id, 7, answer, out);
  return std::string(out.text());
}

TEST(ChangeAnswer, IsOneLine) {
  ChangeAnswer ok;
  ok.seq = 4813;
  EXPECT_EQ(answered("k-81", ok), "{\"change_id\":\"k-81\",\"ok\":true,\"seq\":4813}\n");
  ok.repeat = true;
  EXPECT_EQ(answered("\"\n\\", ok), "{\"change_id\":\"\\\"\\u000a\\\\\",\"ok\":true,\"seq\":4813,\"repeat\":true}\n");
  ChangeAnswer refused;
  refused.error = ChangeError::kNotActive;
  refused.detail = "only an active code can be suspended";
  EXPECT_EQ(answered("k-81", refused),
            "{\"change_id\":\"k-81\",\"ok\":false,\"error\":\"not_active\","
            "\"detail\":\"only an active code can be suspended\"}\n");
}

TEST(ChangeAnswer, OfAMalformedLineTellsThePlace) {
  EXPECT_EQ(answered("k", malformed_answer({"name has no Latin letter", 12})),
            "{\"change_id\":\"k\",\"ok\":false,\"error\":\"malformed\",\"detail\":\"column 12: name has no Latin "
            "letter\"}\n");
  EXPECT_EQ(
      answered({}, malformed_answer({"change_id is missing", 0})),
      "{\"change_id\":null,\"line\":7,\"ok\":false,\"error\":\"malformed\",\"detail\":\"change_id is missing\"}\n");
}

}  // namespace
}  // namespace clearline
