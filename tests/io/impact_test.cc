// impact_block against its slow twin, and against two screenings.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "engine/isa.h"
#include "io/formats/impact_block.h"
#include "tests/support/random_input.h"
#include "tests/support/screening.h"

namespace clearline::test {
namespace {

/// People, some of whom were other people before, or nobody.
struct TwoDays {
  explicit TwoDays(const std::vector<reference::Registered>& people, std::uint64_t seed)
      : now(make_registry(people)), past(now.table()) {
    std::mt19937_64 random(seed);
    std::vector<reference::Registered> before;
    std::vector<Code> changed_codes;
    for (reference::Registered person : people) {
      const bool is_changed = random() % 3 == 0;
      if (is_changed) changed_codes.push_back(*parse_code(person.code));
      const auto what = is_changed ? random() % 4 : 9;
      if (what == 0) continue;  // was not there
      if (what == 1) person.status = person.status == "active" ? "suspended" : "active";
      if (person.status == "active") person.replaced_by.clear();
      if (what == 2) person.zips = {"99999"};
      before.push_back(person);
    }
    then.emplace(make_registry(before));
    for (const Code code : changed_codes) {
      for (std::uint64_t i = random() % 3; i < 3; ++i) {
        SeenChange change{
            static_cast<std::int64_t>(random() % 1'000'000'000'000'000), ChangeOp::kAmend, ChangeBy::kOwner, {}};
        change.op = static_cast<ChangeOp>(1 + random() % 7);
        if (random() % 2 == 0) change.fields.add(EntryField::kZips);
        if (random() % 2 == 0) change.fields.add(EntryField::kStatus);
        changes.push_back(change);
        EXPECT_TRUE(past.add(changes.size(), code, then->find(code)).ok());
      }
    }
    past.finish(now.seq(), 0);
  }

  Registry now;
  PastRows past;
  std::optional<Registry> then;
  std::vector<SeenChange> changes;
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream whole(text);
  for (std::string line; std::getline(whole, line);) lines.push_back(line);
  return lines;
}

/// What the verdicts of two screenings make of a line; nothing when they are the same.
std::optional<std::string> changed_line(const std::string& before, const std::string& after) {
  if (before == after) return std::nullopt;
  const auto split = [](const std::string& line) { return line.find(",\"verdict\":"); };
  const auto verdict = [&](const std::string& line) { return "{" + line.substr(split(line) + 1); };
  return before.substr(0, split(before)) + R"(,"verdict_changed":true,"before":)" + verdict(before) + R"(,"after":)" +
         verdict(after);
}

class Impact : public testing::Test {
 protected:
  static void check(const std::string& text, const TwoDays& days, ScreenSetup setup) {
    std::vector<std::string> expected;
    const auto before = lines_of(*screen_to_text(text, *days.then, setup));
    const auto after = lines_of(*screen_to_text(text, days.now, setup));
    ASSERT_EQ(before.size(), after.size());
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (const auto line = changed_line(before[i], after[i])) expected.push_back(*line);
    }
    ImpactOptions options;
    options.today = *parse_date(setup.today);
    for (const ImpactEmit emit : {ImpactEmit::kChanged, ImpactEmit::kTouched}) {
      for (const Format format : {Format::kNdjson, Format::kCsv}) {
        options.emit = emit;
        options.output_format = format;
        options.decodes_all = true;
        const ImpactText slow = impact_to_text(text, days.now, days.past, days.changes, setup, options);
        options.decodes_all = false;
        const ImpactText fast = impact_to_text(text, days.now, days.past, days.changes, setup, options);
        ASSERT_EQ(fast.lines, slow.lines);
        ASSERT_EQ(fast.tally, slow.tally);
        ASSERT_EQ(fast.tally.changed, expected.size());
        if (format == Format::kCsv) {
          // An id may hold line ends.
          ASSERT_GE(static_cast<std::uint64_t>(std::count(fast.lines.begin(), fast.lines.end(), '\n')),
                    emit == ImpactEmit::kChanged ? fast.tally.changed : fast.tally.touched);
        } else if (emit == ImpactEmit::kChanged) {
          const auto got = lines_of(fast.lines);
          ASSERT_EQ(got.size(), expected.size());
          for (std::size_t i = 0; i < got.size(); ++i)
            ASSERT_TRUE(got[i].starts_with(expected[i] + ",\"changes\":[{")) << got[i];
        }
      }
    }
  }
};

TEST_F(Impact, IsWhatTwoScreeningsDiffer) {
  const std::uint64_t seed = test_seed();
  std::mt19937_64 random(seed);
  for (int round = 0; round < (CLEARLINE_SANITIZED != 0 ? 10 : 60); ++round) {
    RandomInput input(random());
    const TwoDays days(input.people(), random());
    ScreenSetup setup;
    setup.block_bytes = round % 2 == 0 ? 65'536 + 4 : 256 << 10;
    check(input.ndjson(300), days, setup);
    setup.format = Format::kCsv;
    check(input.csv(300), days, setup);
  }
}

TEST_F(Impact, FindsCodesHoweverTheyAreWritten) {
  const std::string code = "P123456789012";
  std::vector<reference::Registered> people{{code, "HONG GILDONG", "", "", {"04524"}}};
  const Registry now = make_registry(people);
  people[0].status = "suspended";
  const Registry then = make_registry(people);
  PastRows past(now.table());
  ASSERT_TRUE(past.add(1, *parse_code(code), then.find(*parse_code(code))).ok());
  past.finish(now.seq(), 0);
  const std::vector<SeenChange> changes{{0, ChangeOp::kResume, ChangeBy::kOwner, {}}};
  const auto touched = [&](const std::string& text, Format format) {
    ScreenSetup setup;
    setup.format = format;
    ImpactOptions options;
    options.today = *parse_date(setup.today);
    return impact_to_text(text, now, past, changes, setup, options).tally.touched;
  };
  const std::string rest = R"(","name":"GILDONG HONG","zip":"04524"})";
  for (const char* written : {"P123456789012", "p123456789012", " P123456789012\\t", "\\u0050123456789012",
                              "P\\u003123456789012", "P12345678901\\u0032", "\\u0070\\u0031\\u0032\\u0033456789012"}) {
    // At every place of a word, among others' lines, with and without a line end behind it.
    for (std::size_t shift = 0; shift < 64; ++shift) {
      const std::string other = R"({"id":")" + std::string(shift, 'x') +
                                R"(","code":"P123456789011"})"
                                "\n";
      const std::string line = R"({"id":"D","code":")" + std::string(written) + rest;
      ASSERT_EQ(touched(other + line + "\n" + other, Format::kNdjson), 1U) << written << " " << shift;
      ASSERT_EQ(touched(other + line, Format::kNdjson), 1U) << written << " " << shift;
    }
  }
  const std::string header = "id,code,name,zip\n";
  EXPECT_EQ(touched(header + "D,P123456789012,HONG,04524\n", Format::kCsv), 1U);
  EXPECT_EQ(touched(header + "D,\"P123456789012\",HONG,04524\nE,P1,,\n", Format::kCsv), 1U);
  EXPECT_EQ(touched(header + "D,\"P123456789012\",\"HONG\nGILDONG\",04524\n", Format::kCsv), 1U);
  EXPECT_EQ(touched(header + "\"a\nP123456789012\nb\",P123456789012,X,04524\n", Format::kCsv), 1U);
  EXPECT_EQ(touched(header + "\"a\nP123456789012\nb\",P1,X,04524\n", Format::kCsv), 0U);
  EXPECT_EQ(touched(header + "D,P1,P123456789012,04524\n", Format::kCsv), 0U) << "another field";
}

TEST_F(Impact, TellsWhatChangedByNameAlone) {
  const std::string code = "P123456789012";
  const Registry now = make_registry({{code, "HONG GILDONG", "", "", {"04524"}, "cancelled"}});
  PastRows past(now.table());
  Entry entry = *now.find(*parse_code(code));
  ASSERT_TRUE(past.add(8, entry.code, std::nullopt).ok());
  entry.status = CodeStatus::kActive;
  ASSERT_TRUE(past.add(10, entry.code, entry).ok());
  past.finish(now.seq(), 7);
  SeenChange issue{*parse_time_us("2025-12-01T10:00:00+09:00"), ChangeOp::kIssue, ChangeBy::kOwner, {}};
  SeenChange cancel{*parse_time_us("2025-12-01T11:00:00+09:00"), ChangeOp::kCancel, ChangeBy::kExOfficio, {}};
  cancel.fields.add(EntryField::kStatus);
  cancel.fields.add(EntryField::kZips);
  const std::vector<SeenChange> changes{issue, issue, cancel};
  ScreenSetup setup;
  ImpactOptions options;
  options.today = *parse_date(setup.today);
  const std::string text = R"({"id":"D","code":"P123456789012","name":"GILDONG HONG","zip":"04524"})"
                           "\n"
                           R"({"code":"P123456789012","name":"GILDONG HONG","zip":"04524"})"
                           "\n";
  const std::string rest =
      R"(,"verdict_changed":true,"before":{"verdict":"hold","reasons":["code_unknown"]},)"
      R"("after":{"verdict":"hold","reasons":["code_cancelled"]},"changes":[)"
      R"({"seq":8,"op":"issue","at":"2025-12-01T10:00:00.000000+09:00","fields":["code"]},)"
      R"({"seq":10,"op":"cancel","at":"2025-12-01T11:00:00.000000+09:00","by":"ex_officio","fields":["zips","status"]}]})"
      "\n";
  EXPECT_EQ(impact_to_text(text, now, past, changes, setup, options).lines,
            R"({"id":"D")" + rest + R"({"id":null,"line":2)" + rest);
  options.output_format = Format::kCsv;
  const std::string columns = ",true,hold,code_unknown,hold,code_cancelled,8;10,issue;cancel,code;zips+status\n";
  EXPECT_EQ(impact_to_text(text, now, past, changes, setup, options).lines, "D," + columns + ",2" + columns);
}

}  // namespace
}  // namespace clearline::test
