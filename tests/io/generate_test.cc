#include <gtest/gtest.h>

#include <set>

#include "engine/hash.h"
#include "io/formats/registry_reader.h"
#include "io/generate/declarations.h"
#include "tests/support/screening.h"

namespace clearline::generate {
namespace {

struct Made {
  std::string registry;
  std::string declarations;
  std::string expected;
};

Made make(DeclarationsPlan plan, std::uint64_t count) {
  Made made;
  append_registry_header(plan.form, made.registry);
  for (std::uint64_t i = 0; i < plan.registry_count; ++i)
    append_registered(People(plan.registry_seed), i, plan.form, made.registry);
  append_header(plan, made.declarations);
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

TEST(Generate, VerdictsAreAsExpectedInEveryFormAndStyle) {
  for (const Form form : {Form::kNdjson, Form::kCsv}) {
    for (const Style style : {Style::kShort, Style::kFull}) {
      DeclarationsPlan plan;
      plan.seed = 11;
      plan.form = form;
      plan.style = style;
      plan.registry_count = 20'000;
      for (double& share : plan.shares) share = std::min(share * 3, 0.09);
      plan.shares[static_cast<std::size_t>(Reason::kMalformed)] = 0.05;
      const Made made = make(plan, 40'000);
      const Registry registry = registry_of(made, form);
      test::ScreenSetup setup;
      setup.format = format_of(form);
      const auto rows = test::screen_to_rows(made.declarations, registry, setup);
      ASSERT_TRUE(rows);
      std::string got;
      for (const auto& row : *rows) {
        got += row.id.value_or("") + "," + row.verdict + ",";
        for (std::size_t i = 0; i < row.reasons.size(); ++i) got += (i == 0 ? "" : ";") + row.reasons[i];
        got += "\n";
      }
      EXPECT_TRUE(got == made.expected) << "form " << static_cast<int>(form) << " style " << static_cast<int>(style);
    }
  }
}

TEST(Generate, SameSeedSameBytesEverywhere) {
  DeclarationsPlan plan;
  plan.registry_count = 100;
  const Made once = make(plan, 1000);
  const Made again = make(plan, 1000);
  EXPECT_EQ(once.registry, again.registry);
  EXPECT_EQ(once.declarations, again.declarations);
  plan.seed = 2;
  EXPECT_NE(make(plan, 1000).declarations, once.declarations);
}

TEST(Generate, CodesAreUnique) {
  const People people(3);
  std::set<Code> codes;
  for (std::uint64_t i = 0; i < 1'000'000; ++i) ASSERT_TRUE(codes.insert(people.code(i)).second) << i;
}

TEST(Generate, EveryReasonComesWithItsShare) {
  DeclarationsPlan plan;
  plan.registry_count = 20'000;
  const Made made = make(plan, 100'000);
  for (int i = 0; i < kReasonCount; ++i) {
    const auto reason = static_cast<Reason>(i);
    if (!can_be_wanted(reason)) continue;
    const std::string word(to_string(reason));
    std::uint64_t count = 0;
    for (std::size_t at = made.expected.find(word); at != std::string::npos; at = made.expected.find(word, at + 1))
      ++count;
    const double share = static_cast<double>(count) / 100'000;
    EXPECT_NEAR(share, plan.shares[static_cast<std::size_t>(i)], 0.002) << word;
  }
}

TEST(Generate, LinesHaveTheSizesThatAreMeasured) {
  DeclarationsPlan plan;
  plan.registry_count = 1000;
  EXPECT_NEAR(static_cast<double>(make(plan, 10'000).declarations.size()) / 10'000, 430, 20);
  plan.style = Style::kShort;
  EXPECT_NEAR(static_cast<double>(make(plan, 10'000).declarations.size()) / 10'000, 120, 5);
}

}  // namespace
}  // namespace clearline::generate
