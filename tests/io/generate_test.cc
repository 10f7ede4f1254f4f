#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "io/formats/registry_reader.h"
#include "io/generate/declarations.h"
#include "tests/support/files.h"
#include "tests/support/screening.h"

namespace clearline::generate {
namespace {

struct Made {
  std::string registry;
  std::string declarations;
  std::string expected;
};

Made make(const DeclarationsPlan& plan, std::uint64_t count, Form registry_form = Form::kCsv) {
  Made made;
  append_registry_header(registry_form, made.registry);
  const People people(plan.registry_seed);
  for (std::uint64_t i = 0; i < plan.registry_count; ++i) {
    append_entry(people.person(i).entry, registry_form, made.registry);
  }
  append_declaration_header(plan.form, plan.style, made.declarations);
  for (std::uint64_t i = 0; i < count; ++i) append_declaration(plan, i, made.declarations, made.expected);
  return made;
}

Format format_of(Form form) { return form == Form::kCsv ? Format::kCsv : Format::kNdjson; }

Registry registry_of(const Made& made, Form form) {
  RegistryBuilder builder(RegistryKey{5}, {});
  RegistryRead read;
  EXPECT_TRUE(read_registry(test::text_source(made.registry), format_of(form), builder, read, {}, {}).ok());
  EXPECT_EQ(read.bad.count(), 0U);
  return std::move(*builder.build(RegistryBuilder::OnDuplicate::kRefuse).registry);
}

std::size_t count_of(std::string_view text, std::string_view word) {
  std::size_t count = 0;
  for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

double& share_of(DeclarationsPlan& plan, Reason reason) { return plan.shares[static_cast<std::size_t>(reason)]; }

/// Expects the verdicts of the fast path to be the expected ones; names the first line that differs.
void expect_as_expected(const DeclarationsPlan& plan, std::uint64_t count, Form registry_form) {
  const Made made = make(plan, count, registry_form);
  test::ScreenSetup setup;
  setup.format = format_of(plan.form);
  const auto rows = test::screen_to_rows(made.declarations, registry_of(made, registry_form), setup);
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), count);
  std::size_t at = 0;
  for (const auto& row : *rows) {
    std::string got = row.id.value_or("") + "," + row.verdict + ",";
    for (std::size_t i = 0; i < row.reasons.size(); ++i) got += (i == 0 ? "" : ";") + row.reasons[i];
    const std::size_t end = made.expected.find('\n', at);
    ASSERT_EQ(got, made.expected.substr(at, end - at))
        << "line " << row.line << ", form " << static_cast<int>(plan.form) << ", style " << static_cast<int>(plan.style)
        << ", seed " << plan.seed << ", people " << plan.registry_count;
    at = end + 1;
  }
}

TEST(Generate, VerdictsAreAsExpectedInEveryFormAndStyle) {
  for (const Form form : {Form::kNdjson, Form::kCsv}) {
    for (const Style style : {Style::kShort, Style::kFull}) {
      DeclarationsPlan plan;
      plan.seed = 11;
      plan.form = form;
      plan.style = style;
      plan.registry_count = 20'000;
      for (double& share : plan.shares) share = std::min(share * 3, 0.09);
      share_of(plan, Reason::kMalformed) = 0.05;
      share_of(plan, Reason::kNameMismatch) = 0.2;
      expect_as_expected(plan, 40'000, form);
    }
  }
}

TEST(Generate, VerdictsAreAsExpectedWhereNobodyFits) {
  for (const std::uint64_t people : {1, 2, 5, 40}) {
    DeclarationsPlan plan;
    plan.registry_count = people;
    plan.registry_seed = people;
    for (double& share : plan.shares) share = 0.1;
    expect_as_expected(plan, 5000, Form::kCsv);
  }
}

TEST(Generate, DamageStaysInItsOwnLine) {
  for (const Form form : {Form::kNdjson, Form::kCsv}) {
    for (const double malformed : {0.5, 1.0}) {
      DeclarationsPlan plan;
      plan.form = form;
      plan.registry_count = 100;
      share_of(plan, Reason::kMalformed) = malformed;
      expect_as_expected(plan, 10'000, Form::kCsv);
    }
  }
}

TEST(Generate, SameSeedSameBytesInAnyOrder) {
  DeclarationsPlan plan;
  plan.registry_count = 100;
  const Made once = make(plan, 200);
  EXPECT_EQ(make(plan, 200).registry, once.registry);
  EXPECT_EQ(make(plan, 200).declarations, once.declarations);
  std::string backwards;
  for (std::uint64_t i = 200; i-- > 0;) {
    std::string one;
    std::string ignored;
    append_declaration(plan, i, one, ignored);
    backwards.insert(0, one);
  }
  EXPECT_EQ(backwards, once.declarations);
  plan.seed = 2;
  EXPECT_NE(make(plan, 200).declarations, once.declarations);
  plan.registry_seed = 2;
  EXPECT_NE(make(plan, 200).registry, once.registry);
}

TEST(Generate, CodesAreUnique) {
  const People people(3);
  std::set<Code> codes;
  for (std::uint64_t i = 0; i < 1'000'000; ++i) {
    const Code code = people.code(i);
    ASSERT_LT(code.digits, kCodeEnd);
    ASSERT_TRUE(codes.insert(code).second) << i;
  }
  for (std::uint64_t i = 0; i < 1000; ++i) {
    EXPECT_FALSE(codes.contains(people.code(kNobody + i)));
    EXPECT_FALSE(codes.contains(people.code(kSuccessors + i)));
  }
}

TEST(Generate, EveryEntryCanBeRegistered) {
  const People people(4);
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    const Entry entry = people.person(i).entry;
    ASSERT_FALSE(entry_fault(entry)) << *entry_fault(entry);
    for (const std::uint32_t zip : entry.zips) ASSERT_TRUE(zip >= 1000 && zip <= 63'644) << zip;
    if (entry.issued && entry.changed) {
      ASSERT_LE(*entry.issued, *entry.changed);
    }
    if (entry.changed && entry.expires) {
      ASSERT_LT(*entry.changed, *entry.expires);
    }
  }
}

TEST(Generate, TraitsAreThoseOfThePerson) {
  const People people(4);
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    const Traits traits = people.traits(i);
    const Entry entry = people.person(i).entry;
    ASSERT_EQ(traits.status, entry.status);
    ASSERT_EQ(traits.expires, entry.expires);
    ASSERT_EQ(traits.has_latin, !entry.name.empty());
    ASSERT_EQ(traits.has_hangul, !entry.name_ko.empty());
    ASSERT_EQ(traits.has_phone, !entry.phone.empty());
    ASSERT_EQ(traits.has_zip, !entry.zips.empty());
  }
}

TEST(Generate, EveryReasonComesWithItsShare) {
  DeclarationsPlan plan;
  plan.registry_count = 20'000;
  const Made made = make(plan, 100'000);
  for (int i = 0; i < kReasonCount; ++i) {
    const auto reason = static_cast<Reason>(i);
    if (!can_be_wanted(reason)) continue;
    const double share = static_cast<double>(count_of(made.expected, to_string(reason))) / 100'000;
    EXPECT_NEAR(share, share_of(plan, reason), 0.002) << to_string(reason);
    EXPECT_GT(share, 0) << to_string(reason);
  }
  share_of(plan, Reason::kZipMismatch) = 0.4;
  share_of(plan, Reason::kMalformed) = 0.25;
  const Made wanted = make(plan, 20'000);
  EXPECT_NEAR(static_cast<double>(count_of(wanted.expected, "malformed\n")) / 20'000, 0.25, 0.02);
  EXPECT_NEAR(static_cast<double>(count_of(wanted.expected, "zip_mismatch")) / 20'000, 0.75 * 0.4, 0.02);
}

TEST(Generate, SharesOfOneItemAreNoMoreThanAll) {
  DeclarationsPlan plan;
  EXPECT_TRUE(can_be_had(plan.shares));
  share_of(plan, Reason::kZipMismatch) = 0.5;
  EXPECT_TRUE(can_be_had(plan.shares));
  share_of(plan, Reason::kZipMissing) = 0.51;
  EXPECT_FALSE(can_be_had(plan.shares));
}

TEST(Generate, LinesHaveTheSizesThatAreMeasured) {
  DeclarationsPlan plan;
  plan.registry_count = 1000;
  EXPECT_NEAR(static_cast<double>(make(plan, 10'000).declarations.size()) / 10'000, 430, 20);
  plan.style = Style::kShort;
  EXPECT_NEAR(static_cast<double>(make(plan, 10'000).declarations.size()) / 10'000, 120, 5);
}

// ---- the sample that is shipped

std::string sample_file(const std::string& name) {
  return test::read_file(std::string(CLEARLINE_SOURCE) + "/tests/data/sample/" + name);
}

/// The plan that the commands in the sample's README ask for.
DeclarationsPlan sample_plan(Form form) {
  DeclarationsPlan plan;
  plan.seed = form == Form::kNdjson ? 16 : 17;
  plan.registry_seed = 37;
  plan.registry_count = 400;
  plan.form = form;
  share_of(plan, Reason::kMalformed) = 0.05;
  share_of(plan, Reason::kCodeMissing) = 0.01;
  share_of(plan, Reason::kCodeMalformed) = 0.02;
  share_of(plan, Reason::kNameMismatch) = 0.1;
  share_of(plan, Reason::kPhoneVirtual) = 0.02;
  share_of(plan, Reason::kZipMalformed) = 0.02;
  return plan;
}

TEST(Sample, IsWhatItsCommandsMake) {
  for (const auto& [form, name] : {std::pair{Form::kNdjson, "ndjson"}, std::pair{Form::kCsv, "csv"}}) {
    const Made made = make(sample_plan(form), 1000);
    EXPECT_TRUE(made.registry == sample_file("registry.csv"));
    EXPECT_TRUE(made.declarations == sample_file(std::string("declarations.") + name)) << name;
    EXPECT_TRUE(std::string(kExpectedHeader) + made.expected == sample_file(std::string("expected_") + name + ".csv"))
        << name;
  }
}

TEST(Sample, HasEveryReason) {
  for (const char* name : {"expected_ndjson.csv", "expected_csv.csv"}) {
    const std::string expected = sample_file(name);
    for (int i = 0; i < kReasonCount; ++i) {
      const auto reason = static_cast<Reason>(i);
      if (!can_be_wanted(reason)) continue;
      EXPECT_GT(count_of(expected, to_string(reason)), 0U) << to_string(reason);
    }
    EXPECT_GT(count_of(expected, ";"), 10U) << "reasons together";
    EXPECT_GT(count_of(expected, "\n,error,malformed\n"), 0U) << "without an id that can be read";
  }
}

TEST(Sample, HasEverySpelling) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 46> kSpellings{{
      {"<<", "passport form"},
      {"\xEF\xBC\xAD", "full-width M"},
      {"\xEF\xBC\x8C", "full-width comma"},
      {"MR ", "title"},
      {"mrs ", "title"},
      {"Miss ", "title"},
      {"Dr. ", "title"},
      {", Mrs.", "title behind"},
      {"'", "apostrophe"},
      {"`", "apostrophe"},
      {"´", "apostrophe"},
      {"‘", "apostrophe"},
      {"’", "apostrophe"},
      {"‛", "apostrophe"},
      {"ʻ", "apostrophe"},
      {"ʼ", "apostrophe"},
      {"′", "apostrophe"},
      {"＇", "apostrophe"},
      {"Ü", "mark"},
      {"\u0301", "combining mark"},
      {"Ø", "letter that is no mark"},
      {"\u2010", "hyphen"},
      {"\u2013", "dash"},
      {"\u00a0", "no-break blank"},
      {"\u2003", "em blank"},
      {"\u3000", "ideographic blank"},
      {"\u200b", "zero-width space"},
      {"\u200d", "zero-width joiner"},
      {"\u00ad", "soft hyphen"},
      {"\u200e", "bidi mark"},
      {"\xE1\x84", "Hangul taken apart"},
      {" (김", "both scripts"},
      {" / 김", "both scripts"},
      {"（김", "both scripts"},
      {"К", "Cyrillic"},
      {"\x07", "control character"},
      {"???", "no letter"},
      {"+82-10-", "phone"},
      {"0082 10 ", "phone"},
      {"+82 010-", "phone"},
      {"(010) ", "phone"},
      {"T05:05:09.25Z", "time in UTC"},
      {"T09:59:59-05:00", "time with offset"},
      {"\nline two", "line end in quotes"},
      {"\"\"fragile\"\"", "doubled quotes"},
      {",p", "lower-case code"},
  }};
  const std::string csv = sample_file("declarations.csv");
  const std::string ndjson = sample_file("declarations.ndjson");
  for (const auto& [spelling, what] : kSpellings) {
    EXPECT_GT(count_of(csv, spelling) + count_of(ndjson, spelling), 0U) << what << ": " << spelling;
  }
  for (const std::string_view escape : {"\\u", "\\/", "\\n", "\\\"", "\\ud83c\\udf81", "\\u0007", "\"\\u007aip\""}) {
    EXPECT_GT(count_of(ndjson, escape), 0U) << escape;
  }
}

}  // namespace
}  // namespace clearline::generate
