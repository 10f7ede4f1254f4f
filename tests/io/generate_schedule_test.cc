// Declarations of a day on which the registry changes: what the schedule knows of each moment, held against a registry to
// which the changes really come.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/registry_table.h"
#include "io/generate/changes.h"
#include "io/generate/declarations.h"
#include "io/generate/moments.h"
#include "io/generate/schedule.h"
#include "tests/support/live_registry.h"
#include "tests/support/made_up_registry.h"
#include "tests/support/screening.h"

namespace clearline::generate {
namespace {

constexpr std::uint64_t kPeople = 3000;
constexpr Date kDay{20'423};  // 2025-12-01

std::vector<Change> changes_for(const Registry& registry, const ChangesPlan& plan) {
  ChangeMaker maker(plan, registry, registry.table().codes_sorted(CodeStatus::kActive),
                    registry.table().codes_sorted(CodeStatus::kSuspended));
  std::vector<Change> changes;
  for (Change change; maker.next(change);) changes.push_back(change);
  return changes;
}

ChangesPlan some_days(Profile profile, std::uint64_t seed, double scale) {
  ChangesPlan plan;
  plan.seed = seed;
  plan.profile = profile;
  plan.from = Date{kDay.days - 4};
  plan.to = kDay;
  plan.scale = scale;
  return plan;
}

Schedule schedule_of(std::uint64_t seed, std::uint64_t people, const std::vector<Change>& changes) {
  Schedule schedule(seed, people);
  for (const Change& change : changes) {
    const auto fault = schedule.add(change);
    EXPECT_FALSE(fault) << *fault;
  }
  return schedule;
}

/// The first fault of changes that are made for one registry and taken for another.
bool is_refused(std::uint64_t seed, std::uint64_t people, const std::vector<Change>& changes) {
  Schedule schedule(seed, people);
  for (const Change& change : changes) {
    if (schedule.add(change)) return true;
  }
  return schedule.seems_of_smaller_registry();
}

TEST(Schedule, ChangesForAnotherSeedOrCountAreRefused) {
  const Registry registry = test::made_up_registry(7, kPeople);
  const auto changes = changes_for(registry, some_days(Profile::kQuiet, 3, 0.1));
  EXPECT_FALSE(is_refused(7, kPeople, changes));
  EXPECT_TRUE(is_refused(8, kPeople, changes)) << "another seed";
  EXPECT_TRUE(is_refused(7, kPeople / 2, changes)) << "fewer people";
  EXPECT_TRUE(is_refused(7, kPeople + kPeople / 4, changes)) << "more people";
  EXPECT_TRUE(is_refused(7, 1'000'000, changes));
  EXPECT_FALSE(is_refused(7, kPeople + 1, {changes.begin(), changes.begin() + 5})) << "too few to know by";
}

DeclarationsPlan plan_for(const Schedule& schedule, std::uint64_t seed, std::uint64_t people, std::uint64_t count) {
  DeclarationsPlan plan;
  plan.registry_seed = seed;
  plan.registry_count = people;
  plan.day = DayPlan{&schedule, kDay, count};
  return plan;
}

struct Line {
  std::int64_t moment_us = 0;
  std::string text;
  std::string expected;
};

/// The moment of a line; nothing where a broken one tells none.
std::optional<std::int64_t> moment_of(std::string_view line) {
  constexpr std::string_view kKey = "\"declared_at\":";
  const std::size_t key = line.find(kKey);
  if (key == std::string_view::npos) return std::nullopt;
  const std::size_t begin = line.find('"', key + kKey.size()) + 1;
  return parse_time_us(line.substr(begin, line.find('"', begin) - begin));
}

/// Lines without a moment are broken and get the verdict `error` from any registry.
std::vector<Line> lines_of(const DeclarationsPlan& plan) {
  std::vector<Line> lines(plan.day->count);
  for (std::uint64_t i = 0; i < lines.size(); ++i) {
    append_declaration(plan, i, lines[i].text, lines[i].expected);
    lines[i].moment_us = moment_of(lines[i].text).value_or(0);
  }
  return lines;
}

/// A registry to which changes come, without a journal.
class Replay {
 public:
  explicit Replay(std::uint64_t seed) : writer_(registry_.mutable_table()) {
    const People people(seed);
    for (std::uint64_t i = 0; i < kPeople; ++i) test::change(writer_, {people.person(i).entry});
  }
  const Registry& registry() const { return registry_; }
  void apply(const Change& change) {
    const auto new_before = change.new_code ? writer_.find(*change.new_code) : std::nullopt;
    const ChangeEffect effect =
        effect_of(change, korean_date(*change.at_us / 1'000'000), writer_.find(change.code), new_before);
    ASSERT_FALSE(effect.error);
    if (effect.new_after) {
      test::change(writer_, {effect.after, *effect.new_after});
    } else {
      test::change(writer_, {effect.after});
    }
  }

 private:
  Registry registry_ = test::make_live_registry();
  RegistryWriter writer_;
};

/// Screens lines of one registry and compares with what is expected of each.
void expect_verdicts(std::span<const Line> lines, const Registry& registry) {
  std::string text;
  for (const Line& line : lines) text += line.text;
  const auto rows = test::screen_to_rows(text, registry, {});
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto& row = (*rows)[i];
    std::string got = row.id.value_or("") + "," + row.verdict + ",";
    for (std::size_t k = 0; k < row.reasons.size(); ++k) got += (k == 0 ? "" : ";") + row.reasons[k];
    ASSERT_EQ(got + "\n", lines[i].expected) << format_time(lines[i].moment_us);
  }
}

/// Each declaration is screened when exactly the changes up to its moment have been applied.
void expect_as_replayed(std::uint64_t seed, std::vector<Change> changes, Style style, bool with_late_changes) {
  if (with_late_changes) {
    // Some are told an hour after they happened: they count from when those before them did.
    for (std::size_t i = 0; i < changes.size(); i += 7) *changes[i].at_us -= kHourUs;
  }
  const Schedule schedule = schedule_of(seed, kPeople, changes);
  DeclarationsPlan plan = plan_for(schedule, seed, kPeople, 4000);
  plan.style = style;
  plan.seed = seed;
  plan.day->turn_share = 0.3;
  plan.shares[static_cast<std::size_t>(Reason::kMalformed)] = 0.01;
  std::vector<Line> lines = lines_of(plan);
  std::sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) { return a.moment_us < b.moment_us; });
  Replay replay(seed);
  std::size_t applied = 0;
  std::int64_t effective_us = std::numeric_limits<std::int64_t>::min();
  std::size_t moments = 0;
  for (std::size_t begin = 0, end = 0; begin < lines.size(); begin = end) {
    for (; applied < changes.size(); ++applied) {
      const std::int64_t next_us = std::max(effective_us, *changes[applied].at_us);
      if (next_us > lines[begin].moment_us) break;
      effective_us = next_us;
      ASSERT_NO_FATAL_FAILURE(replay.apply(changes[applied]));
    }
    const std::int64_t until_us = applied == changes.size() ? std::numeric_limits<std::int64_t>::max()
                                                            : std::max(effective_us, *changes[applied].at_us);
    for (end = begin; end < lines.size() && lines[end].moment_us < until_us; ++end) {
    }
    ASSERT_NO_FATAL_FAILURE(expect_verdicts({lines.data() + begin, end - begin}, replay.registry())) << "seed " << seed;
    ++moments;
  }
  EXPECT_GT(moments, 200U) << "between changes";
}

TEST(Schedule, VerdictsAreThoseOfAReplayUpToEachMoment) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    const Registry registry = test::made_up_registry(seed, kPeople);
    for (const auto& [profile, scale] : {std::pair{Profile::kQuiet, 0.3}, std::pair{Profile::kSurge, 0.004}}) {
      const auto changes = changes_for(registry, some_days(profile, seed, scale));
      expect_as_replayed(seed, changes, seed % 2 == 0 ? Style::kShort : Style::kFull, seed == 3);
    }
  }
}

TEST(Schedule, WithoutChangesPeopleAreAsTheyWereRegistered) {
  const Schedule schedule(1, kPeople);
  const std::vector<Line> lines = lines_of(plan_for(schedule, 1, kPeople, 5000));
  expect_verdicts(lines, test::made_up_registry(1, kPeople));
}

TEST(Schedule, ADayIsNearlySortedAndOnTheDay) {
  const Registry registry = test::made_up_registry(1, kPeople);
  const Schedule schedule = schedule_of(1, kPeople, changes_for(registry, some_days(Profile::kSurge, 1, 0.004)));
  DeclarationsPlan plan = plan_for(schedule, 1, kPeople, 20'000);
  plan.shares[static_cast<std::size_t>(Reason::kMalformed)] = 0;
  std::int64_t latest = 0;
  std::uint64_t behind = 0;
  for (const Line& line : lines_of(plan)) {
    ASSERT_EQ(korean_date(line.moment_us / kSecondUs), kDay);
    ASSERT_GT(line.moment_us, latest - 2 * kHourUs);
    behind += static_cast<std::uint64_t>(line.moment_us < latest);
    latest = std::max(latest, line.moment_us);
  }
  EXPECT_GT(behind, 1000U) << "not sorted";
  EXPECT_LT(behind, 20'000U);
  EXPECT_GT(latest, start_of(kDay) + 23 * kHourUs);
}

TEST(Schedule, SameSeedSameDayInAnyOrder) {
  const Registry registry = test::made_up_registry(1, kPeople);
  const Schedule schedule = schedule_of(1, kPeople, changes_for(registry, some_days(Profile::kSurge, 1, 0.004)));
  const DeclarationsPlan plan = plan_for(schedule, 1, kPeople, 300);
  const std::vector<Line> lines = lines_of(plan);
  for (std::uint64_t i = lines.size(); i-- > 0;) {
    std::string text;
    std::string expected;
    append_declaration(plan, i, text, expected);
    ASSERT_EQ(text, lines[i].text);
    ASSERT_EQ(expected, lines[i].expected);
  }
}

/// How many lines are about a code that died, or was born, within a quarter of an hour before them or behind them.
struct NearTurns {
  int just_dead = 0;
  int soon_dead = 0;
  int just_born = 0;
  int soon_born = 0;
};

TEST(Schedule, SomeAreDeclaredWithinMinutesOfATurn) {
  constexpr std::uint64_t kMany = 20'000;
  const Registry registry = test::made_up_registry(1, kMany);
  const auto changes = changes_for(registry, some_days(Profile::kSurge, 1, 0.02));
  std::map<Code, std::int64_t> deaths;
  std::map<Code, std::int64_t> births;
  for (const Change& change : changes) {
    if (change.op == ChangeOp::kIssue) births[change.code] = *change.at_us;
    if (change.op == ChangeOp::kReissue) births[*change.new_code] = *change.at_us;
    if (change.op == ChangeOp::kReissue || change.op == ChangeOp::kSuspend || change.op == ChangeOp::kCancel) {
      deaths[change.code] = *change.at_us;
    }
  }
  const Schedule schedule = schedule_of(1, kMany, changes);
  DeclarationsPlan plan = plan_for(schedule, 1, kMany, 50'000);
  plan.style = Style::kShort;
  NearTurns near;
  for (const Line& line : lines_of(plan)) {
    const std::size_t at = line.text.find("\"P");
    const auto code = at == std::string::npos ? std::nullopt : parse_code(line.text.substr(at + 1, 13));
    if (!code) continue;
    constexpr std::int64_t kNear = kHourUs / 4;
    if (const auto death = deaths.find(*code); death != deaths.end()) {
      const std::int64_t since = line.moment_us - death->second;
      near.just_dead += static_cast<int>(since >= 0 && since <= kNear);
      near.soon_dead += static_cast<int>(since < 0 && since >= -kNear);
    }
    if (const auto birth = births.find(*code); birth != births.end()) {
      const std::int64_t since = line.moment_us - birth->second;
      near.just_born += static_cast<int>(since >= 0 && since <= kNear);
      near.soon_born += static_cast<int>(since < 0 && since >= -kNear);
    }
  }
  // Of a day of 490,000: ten times as many.
  EXPECT_GT(near.just_dead, 80);
  EXPECT_GT(near.soon_dead, 30);
  EXPECT_GT(near.just_born, 80);
  EXPECT_GT(near.soon_born, 15);
}

// ---- by hand

Change change_of(ChangeOp op, Code code, std::string_view at) {
  Change change;
  change.op = op;
  change.code = code;
  change.change_id = "k";
  change.at_us = parse_time_us(at);
  return change;
}

/// A person who is active, with this number or the next that is.
Code active_code(const People& people, std::uint64_t number = 0) {
  while (people.traits(number).status != CodeStatus::kActive) ++number;
  return people.code(number);
}

TEST(Schedule, AChangeCountsFromItsMomentOnAndTimeNeverFalls) {
  Schedule schedule(1, kPeople);
  const Code code = active_code(schedule.people());
  const Code next{123'456'789'012};
  EXPECT_FALSE(schedule.add(change_of(ChangeOp::kSuspend, code, "2025-12-01T10:00:00+09:00")));
  EXPECT_FALSE(schedule.add(change_of(ChangeOp::kResume, code, "2025-12-01T09:00:00+09:00")));
  Change reissue = change_of(ChangeOp::kReissue, code, "2025-12-01T11:00:00.5+09:00");
  reissue.new_code = next;
  EXPECT_FALSE(schedule.add(reissue));
  EXPECT_FALSE(schedule.add(change_of(ChangeOp::kCancel, next, "2025-12-01T12:00:00+09:00")));
  const auto status_at = [&](Code of, std::string_view at) -> std::optional<CodeStatus> {
    const auto holding = schedule.holding(*schedule.place(of), *parse_time_us(at));
    return holding ? std::optional(schedule.traits(*holding).status) : std::nullopt;
  };
  EXPECT_EQ(status_at(code, "2025-12-01T09:59:59.999999+09:00"), CodeStatus::kActive);
  EXPECT_EQ(status_at(code, "2025-12-01T10:00:00+09:00"), CodeStatus::kActive) << "resumed at the same moment";
  EXPECT_EQ(status_at(code, "2025-12-01T11:00:00.499999+09:00"), CodeStatus::kActive);
  EXPECT_EQ(status_at(code, "2025-12-01T11:00:00.5+09:00"), CodeStatus::kReplaced);
  EXPECT_EQ(status_at(next, "2025-12-01T11:00:00.499999+09:00"), std::nullopt);
  EXPECT_EQ(status_at(next, "2025-12-01T11:00:00.5+09:00"), CodeStatus::kActive);
  EXPECT_EQ(status_at(next, "2025-12-01T12:00:00+09:00"), CodeStatus::kCancelled);
  const Person old = schedule.person(schedule.last_holding(*schedule.place(code)));
  const Person now = schedule.person(schedule.last_holding(*schedule.place(next)));
  EXPECT_EQ(now.entry.code, next);
  EXPECT_EQ(now.entry.name, old.entry.name);
  EXPECT_EQ(now.family, old.family);
}

TEST(Schedule, ChangesOfAnotherRegistryAreRefused) {
  const auto fault_of = [](const Change& change) {
    Schedule schedule(1, kPeople);
    const auto fault = schedule.add(change);
    EXPECT_EQ(schedule.code_count(), kPeople + (fault || !change.name ? 0U : 1U));
    return std::string(fault.value_or(""));
  };
  const People people(1);
  const std::string at = "2025-12-01T10:00:00+09:00";
  const Code active = active_code(people);
  const Code nobody = people.code(kPeople);
  EXPECT_NE(fault_of(change_of(ChangeOp::kSuspend, nobody, at)).find("another registry"), std::string::npos);
  EXPECT_NE(fault_of(change_of(ChangeOp::kIssue, active, at)).find("another registry"), std::string::npos);
  EXPECT_NE(fault_of(change_of(ChangeOp::kResume, active, at)).find("would refuse"), std::string::npos);
  EXPECT_NE(fault_of(change_of(ChangeOp::kSuspend, active, "")).find("at is missing"), std::string::npos);
  Change reissue = change_of(ChangeOp::kReissue, active, at);
  reissue.new_code = active;
  EXPECT_NE(fault_of(reissue).find("new_code"), std::string::npos);
  Change issue = change_of(ChangeOp::kIssue, nobody, at);
  EXPECT_NE(fault_of(issue).find("name"), std::string::npos);
  issue.name = "MR KIM";
  EXPECT_NE(fault_of(issue).find("name"), std::string::npos);
  issue.name = "KIM GILDONG";
  EXPECT_EQ(fault_of(issue), "");
  issue.name_ko = "홍길동";
  EXPECT_NE(fault_of(issue).find("name"), std::string::npos) << "another family";
  issue.name_ko = "김길동";
  EXPECT_EQ(fault_of(issue), "");
  issue.phone = "12";
  EXPECT_NE(fault_of(issue).find("phone"), std::string::npos);
  issue.phone = "";
  issue.zips = {{70'000}};
  EXPECT_NE(fault_of(issue).find("zip"), std::string::npos);
}

TEST(People, TheNumberOfACodeIsFound) {
  for (const std::uint64_t seed : {0, 1, 77}) {
    const People people(seed);
    for (const std::uint64_t start : {std::uint64_t{0}, kPeopleMax - 1000, kNobody, kCodeEnd - 1000}) {
      for (std::uint64_t i = 0; i < 1000; ++i) ASSERT_EQ(people.number(people.code(start + i)), start + i);
    }
  }
}

TEST(People, TheirNamesAreRead) {
  const auto joined = [](const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += word;
    return text;
  };
  const People people(9);
  for (std::uint64_t i = 0; i < 50'000; ++i) {
    const Person person = people.person(i);
    if (person.entry.name.empty()) continue;
    Person read;
    read.entry = person.entry;
    ASSERT_TRUE(read_names(read)) << person.entry.name << person.entry.name_ko;
    ASSERT_EQ(read.family, person.family) << person.entry.name;
    ASSERT_EQ(joined(read.given), joined(person.given)) << person.entry.name;
    ASSERT_EQ(read.family_ko + read.given_ko, person.entry.name_ko);
  }
}

}  // namespace
}  // namespace clearline::generate
