#include "bench/made_up.h"

#include <cstdio>
#include <cstdlib>

#include "io/generate/people.h"
#include "tests/support/reference.h"
#include "tests/support/screening.h"

namespace clearline::bench {
namespace {

const std::string kToday = "2026-01-15";

/// `id,verdict,reasons` of rows, as the generator writes them.
std::string as_expected(const std::vector<reference::Row>& rows) {
  std::string text;
  for (const reference::Row& row : rows) {
    text += row.id.value_or("") + "," + row.verdict + ",";
    for (std::size_t i = 0; i < row.reasons.size(); ++i) text += (i == 0 ? "" : ";") + row.reasons[i];
    text += "\n";
  }
  return text;
}

Format format_of(generate::Form form) { return form == generate::Form::kNdjson ? Format::kNdjson : Format::kCsv; }

}  // namespace

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "bench: wrong result, nothing is measured: %s\n", what);
  std::exit(1);
}

std::uint64_t codes_wanted() {
  const char* text = std::getenv("CLEARLINE_BENCH_CODES");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 2'000'000;
}

Registry made_up_registry(std::uint64_t count) {
  RegistryKey key{};
  key[0] = 1;
  RegistryBuilder builder(key, {});
  const generate::People people(1);
  for (std::uint64_t i = 0; i < count; ++i) builder.add(people.person(i).entry);
  auto outcome = builder.build(RegistryBuilder::OnDuplicate::kRefuse);
  require(outcome.registry && outcome.registry->size() == count, "the registry");
  return std::move(*outcome.registry);
}

Day made_up_day(generate::Form form, generate::Style style, std::uint64_t codes, std::uint64_t count) {
  generate::DeclarationsPlan plan;
  plan.seed = 5;
  plan.registry_seed = 1;
  plan.registry_count = codes;
  plan.style = style;
  plan.form = form;
  Day day;
  day.count = count;
  generate::append_declaration_header(form, style, day.text);
  for (std::uint64_t i = 0; i < count; ++i) generate::append_declaration(plan, i, day.text, day.expected);
  return day;
}

void check_day(const Day& day, generate::Form form, const Registry& registry) {
  test::ScreenSetup setup;
  setup.format = format_of(form);
  setup.threads = 2;
  const auto rows = test::screen_to_rows(day.text, registry, setup);
  require(rows && as_expected(*rows) == day.expected, "verdicts differ from the generator's expected ones");
}

void check_against_twin(generate::Form form, generate::Style style) {
  constexpr std::uint64_t kCodes = 3'000;
  const generate::People people(1);
  std::vector<reference::Registered> registered;
  for (std::uint64_t i = 0; i < kCodes; ++i) {
    const Entry entry = people.person(i).entry;
    reference::Registered person;
    person.code = format_code(entry.code);
    person.name = entry.name;
    person.name_ko = entry.name_ko;
    person.phone = entry.phone;
    for (const std::uint32_t zip : entry.zips) {
      const std::string digits = std::to_string(zip);
      person.zips.push_back(std::string(5 - digits.size(), '0') + digits);
    }
    person.status = to_string(entry.status);
    if (entry.expires) person.expires = format_date(*entry.expires);
    registered.push_back(person);
  }
  const Registry registry = test::make_registry(registered);
  const reference::Reference twin(registered, kToday);
  const Day day = made_up_day(form, style, kCodes, 5'000);
  test::ScreenSetup setup;
  setup.format = format_of(form);
  const auto got = test::screen_to_rows(day.text, registry, setup);
  const auto expected =
      form == generate::Form::kNdjson ? std::optional(twin.screen_ndjson(day.text)) : twin.screen_csv(day.text);
  require(got && expected && test::first_difference(*expected, *got).empty(), "verdicts differ from the slow twin's");
}

}  // namespace clearline::bench
