#include "io/generate/declarations.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <span>

#include "io/generate/moments.h"
#include "io/generate/random.h"
#include "io/generate/spellings.h"

namespace clearline::generate {
namespace {

using enum Reason;

// Reasons of one item exclude each other. NOLINTBEGIN(modernize-avoid-c-arrays)
constexpr Reason kOfCode[] = {kCodeMissing,  kCodeMalformed, kCodeUnknown, kCodeCancelled,
                              kCodeReplaced, kCodeSuspended, kCodeExpired};
constexpr Reason kOfName[] = {kNameMissing, kNameMismatch, kNameNotOnFile};
constexpr Reason kOfPhone[] = {kPhoneMismatch, kPhoneVirtual};
constexpr Reason kOfZip[] = {kZipMissing, kZipMalformed, kZipMismatch, kZipNotOnFile};
// NOLINTEND(modernize-avoid-c-arrays)

double share_of(const Shares& shares, std::span<const Reason> item) {
  double sum = 0;
  for (const Reason reason : item) sum += shares[static_cast<std::size_t>(reason)];
  return sum;
}

/// One reason of an item or none, by their shares.
std::optional<Reason> draw(const Shares& shares, std::span<const Reason> item, Random& random) {
  double at = random.fraction();
  for (const Reason reason : item) {
    at -= shares[static_cast<std::size_t>(reason)];
    if (at < 0) return reason;
  }
  return std::nullopt;
}

/// The reasons that a declaration is to have.
struct Drawn {
  std::optional<Reason> code;
  std::optional<Reason> name;
  std::optional<Reason> phone;
  std::optional<Reason> zip;
};

Drawn draw_reasons(const DeclarationsPlan& plan, Random& random) {
  Drawn drawn;
  drawn.code = draw(plan.shares, kOfCode, random);
  drawn.name = draw(plan.shares, kOfName, random);
  if (plan.style == Style::kFull) drawn.phone = draw(plan.shares, kOfPhone, random);
  drawn.zip = draw(plan.shares, kOfZip, random);
  return drawn;
}

/// `on`: the day of the declaration, or the first of those that it can have.
bool fits(const Drawn& drawn, const Traits& traits, Date on) {
  const bool expired = traits.expires && *traits.expires < on;
  CodeStatus status = CodeStatus::kActive;
  if (drawn.code == kCodeCancelled) status = CodeStatus::kCancelled;
  if (drawn.code == kCodeReplaced) status = CodeStatus::kReplaced;
  if (drawn.code == kCodeSuspended) status = CodeStatus::kSuspended;
  if (traits.status != status) return false;
  if (status == CodeStatus::kActive && expired != (drawn.code == kCodeExpired)) return false;
  if ((traits.has_latin || traits.has_hangul) == (drawn.name == kNameNotOnFile)) return false;
  if (drawn.phone && !traits.has_phone) return false;
  return traits.has_zip != (drawn.zip == kZipNotOnFile);
}

/// Whom a declaration is about, and as of when.
struct Subject {
  Person person;
  bool has_entry = true;                  ///< false: the code is not issued yet
  std::optional<std::int64_t> moment_us;  ///< Unix time; without one the registry stays as it is
};

/// How often somebody is looked for whom the drawn reasons fit, where `count` are there. Traits are cheap, so people are
/// tried: a trait that one in a thousand has takes a thousand tries.
std::uint64_t tries_max(std::uint64_t count) { return std::min<std::uint64_t>(200'000, 20 * count); }

/// Somebody of the registry whom the drawn reasons fit; or, where it is so small that there is none, somebody else.
Subject find_person(const DeclarationsPlan& plan, const Drawn& drawn, Random& random) {
  const People people(plan.registry_seed);
  std::uint64_t who = random.below(plan.registry_count);
  for (std::uint64_t tries = 1;
       tries < tries_max(plan.registry_count) && !fits(drawn, people.traits(who), kFirstDeclared); ++tries) {
    who = random.below(plan.registry_count);
  }
  return {people.person(who), true, std::nullopt};
}

/// What a code holds at a moment; before it is issued, the one who will have it.
Subject subject_of(const Schedule& schedule, std::uint64_t place, std::int64_t moment_us) {
  const auto holding = schedule.holding(place, moment_us);
  return {schedule.person(holding.value_or(schedule.last_holding(place))), holding.has_value(), moment_us};
}

/// The moment at which declaration `number` was declared, a whole second. It is in the file where it was received.
std::int64_t declared_moment(const DayPlan& plan, std::uint64_t number, Random& random) {
  assert(number < plan.count);
  const std::int64_t received = moment_in(kDeclarationHours, number, plan.count) / kSecondUs;
  const std::uint64_t late_max = random.chance(0.9) ? 60 : 1800;
  const auto late = static_cast<std::int64_t>(random.below(late_max));
  return start_of(plan.day) + std::max<std::int64_t>(received - late, 0) * kSecondUs;
}

/// A moment near a turn, before or behind it; nothing where that would be another day.
std::optional<std::int64_t> moment_near(const Schedule::Turn& turn, const DayPlan& plan, Random& random) {
  const bool is_behind = random.chance(0.75);
  // Sooner more often than later; in whole seconds, as senders write them, but for some at the very turn.
  std::int64_t moment = is_behind ? turn.effective_us : turn.effective_us - 1;
  if (random.chance(0.9)) {
    const std::uint64_t seconds_max = 1 + random.below(900);
    const auto away = static_cast<std::int64_t>(random.below(seconds_max)) * kSecondUs;
    moment -= moment % kSecondUs;
    moment += is_behind ? kSecondUs + away : -away;
  }
  const std::int64_t start = start_of(plan.day);
  if (moment < start || moment >= start + kDayUs) return std::nullopt;
  return moment;
}

/// Of the codes that are registered at a moment of the day, one that the drawn reasons fit, if there is one; or one that
/// turns near that moment.
Subject find_subject(const DayPlan& plan, const Drawn& drawn, std::uint64_t number, Random& random) {
  const Schedule& schedule = *plan.schedule;
  const std::int64_t moment = declared_moment(plan, number, random);
  if (random.chance(plan.turn_share)) {
    const std::int64_t end = std::min(moment + kHourUs / 2, start_of(plan.day) + kDayUs);
    // One of the next few: a reissue is two turns at one moment.
    const auto turn = schedule.turn(moment, end, random.below(4));
    const auto near = turn ? moment_near(*turn, plan, random) : std::nullopt;
    if (near) return subject_of(schedule, turn->place, *near);
  }
  const std::uint64_t tries = tries_max(schedule.code_count());
  for (std::uint64_t i = 1;; ++i) {
    const std::uint64_t place = random.below(schedule.code_count());
    const auto holding = schedule.holding(place, moment);
    const bool is_it = holding && fits(drawn, schedule.traits(*holding), plan.day);
    if (is_it || i == tries) return subject_of(schedule, place, moment);
  }
}

/// A day of the period; now and then the day on which the code's expiry turns.
Date choose_date(const Entry& entry, Random& random) {
  if (entry.expires && random.chance(0.02)) {
    return Date{entry.expires->days + (*entry.expires < kFirstDeclared ? 1 : 0)};
  }
  constexpr std::uint64_t kDays = kLastDeclared.days - kFirstDeclared.days + 1;
  return Date{kFirstDeclared.days + static_cast<std::int32_t>(random.below(kDays))};
}

/// The day alone, or a time whose Korean day it is.
std::string date_text(Date date, Random& random) {
  std::string day = format_date(date);
  switch (random.below(20)) {
    case 0:
      return day + "T14:05:09+09:00";
    case 1:
      return day + "T05:05:09.25Z";
    case 2:
      return format_date(Date{date.days - 1}) + "T15:00:00Z";  // midnight in Korea
    case 3:
      return day + "T09:59:59-05:00";  // a second before the next one
    default:
      return day;
  }
}

/// A moment in Korean time, without a fraction where it is a whole second; full styles tell some in UTC.
std::string moment_text(std::int64_t unix_us, Style style, Random& random) {
  const bool has_utc = unix_us - 9 * kHourUs >= start_of(kDateMin);  // in year 0000 some have none
  const bool in_utc = style == Style::kFull && random.chance(0.05) && has_utc;
  const std::string text = format_time(in_utc ? unix_us - 9 * kHourUs : unix_us);
  const std::size_t time_size = unix_us % kSecondUs == 0 ? text.find('.') : text.find('+');
  return text.substr(0, time_size) + (in_utc ? "Z" : "+09:00");
}

std::optional<std::string> id_text(const DeclarationsPlan& plan, std::uint64_t number, Random& random) {
  // As long as ids of customs systems are; the longer one makes a short line 120 bytes.
  std::string id = "D";
  if (plan.style == Style::kShort) {
    std::string day = plan.day ? format_date(plan.day->day) : "2026-01-15";
    std::erase(day, '-');
    id += day + "0";
  }
  id += zip_text(number / 100'000 % 100'000) + zip_text(number % 100'000);
  if (!random.chance(0.0005)) return id;
  if (random.chance(0.5)) return std::nullopt;
  return id + std::string(65 - id.size(), 'x');  // a byte longer than is echoed
}

/// A code that nobody has or will have.
Code unknown_code(const DeclarationsPlan& plan, const People& people, std::uint64_t number) {
  Code code = people.code(kNobody + number);
  // One in a million was given to somebody by a change; the neighbour's will do.
  while (plan.day && plan.day->schedule->place(code)) code = people.code(kNobody + ++number);
  return code;
}

/// Makes the texts that the drawn reasons ask for; returns the reasons that then hold, which are fewer or others where
/// a small registry had nobody who fits.
ReasonSet make_texts(const DeclarationsPlan& plan, const Drawn& drawn, std::uint64_t number, Random& random,
                     DeclaredTexts& texts) {
  const People people(plan.registry_seed);
  const Subject subject = plan.day ? find_subject(*plan.day, drawn, number, random) : find_person(plan, drawn, random);
  const Person& person = subject.person;
  const Entry& entry = person.entry;
  const bool full = plan.style == Style::kFull;

  ReasonSet reasons;
  texts.id = id_text(plan, number, random);
  Date date;
  if (subject.moment_us) {
    date = plan.day->day;
    texts.declared_at = moment_text(*subject.moment_us, plan.style, random);
  } else {
    // Without a date the day of the run decides on the expiry, which then must be the same on any day.
    date = choose_date(entry, random);
    const bool needs_date = entry.expires && *entry.expires >= kLongAgo && *entry.expires < kFarAway;
    if (!full || needs_date || random.chance(0.9)) {
      texts.declared_at = full ? date_text(date, random) : format_date(date);
    }
  }

  bool is_known = false;
  if (drawn.code == kCodeMissing) {
    if (random.chance(0.5)) texts.code = random.chance(0.5) ? "" : " \t";
    reasons.add(kCodeMissing);
  } else if (drawn.code == kCodeMalformed) {
    texts.code = malformed_code(entry.code, random);
    reasons.add(kCodeMalformed);
  } else if (drawn.code == kCodeUnknown) {
    texts.code = equal_code(unknown_code(plan, people, number), random);
    reasons.add(kCodeUnknown);
  } else if (!subject.has_entry) {
    texts.code = equal_code(entry.code, random);
    reasons.add(kCodeUnknown);
  } else {
    is_known = true;
    texts.code = equal_code(entry.code, random);
    if (entry.status == CodeStatus::kCancelled) reasons.add(kCodeCancelled);
    if (entry.status == CodeStatus::kReplaced) reasons.add(kCodeReplaced);
    if (entry.status == CodeStatus::kSuspended) reasons.add(kCodeSuspended);
    if (entry.status == CodeStatus::kActive && entry.expires && *entry.expires < date) reasons.add(kCodeExpired);
  }
  // Nothing else is compared for a code that is not there.
  const auto note = [&](Reason reason) {
    if (is_known) reasons.add(reason);
  };

  if (drawn.name == kNameMissing) {
    if (random.chance(0.7)) texts.name = blank_name(random);
    note(kNameMissing);
  } else if (entry.name.empty() && entry.name_ko.empty()) {
    texts.name = equal_name(person, full, random);
    note(kNameNotOnFile);
  } else if (drawn.name == kNameMismatch) {
    texts.name = other_name(people, person, full, random);
    note(kNameMismatch);
  } else {
    texts.name = equal_name(person, full, random);
  }

  if (full && (drawn.phone || random.chance(0.7))) {
    if (entry.phone.empty()) {
      texts.phone = "010-1234-5678";
    } else if (drawn.phone == kPhoneVirtual) {
      texts.phone = equal_phone("050" + std::to_string(random.between(10'000'000, 99'999'999)), random);
      note(kPhoneVirtual);
    } else if (drawn.phone == kPhoneMismatch) {
      std::string other = entry.phone;
      other[5] = static_cast<char>('0' + (other[5] - '0' + 1 + static_cast<int>(random.below(8))) % 10);
      texts.phone = random.chance(0.1) ? "unknown" : equal_phone(other, random);
      note(kPhoneMismatch);
    } else {
      texts.phone = equal_phone(entry.phone, random);
    }
  }

  if (drawn.zip == kZipMissing) {
    if (random.chance(0.5)) texts.zip = " ";
    note(kZipMissing);
  } else if (drawn.zip == kZipMalformed) {
    texts.zip = malformed_zip(random);
    note(kZipMalformed);
  } else if (entry.zips.empty()) {
    texts.zip = "04524";
    note(kZipNotOnFile);
  } else if (drawn.zip == kZipMismatch) {
    texts.zip = zip_text(random.between(kZipEnd, 99'999));
    note(kZipMismatch);
  } else {
    texts.zip = zip_text(random.pick(entry.zips));
    if (random.chance(0.03)) texts.zip = " " + *texts.zip + "\t";
  }
  return reasons;
}

Outcome outcome_of(ReasonSet reasons) {
  if (reasons.has(kMalformed)) return Outcome::kError;
  ReasonSet mild;
  for (const Reason reason : {kNameNotOnFile, kPhoneVirtual, kZipNotOnFile}) mild.add(reason);
  if ((reasons.bits() & ~mild.bits()) != 0) return Outcome::kHold;
  return reasons.empty() ? Outcome::kClear : Outcome::kReview;
}

void append_expected(std::string_view id, ReasonSet reasons, std::string& expected) {
  expected += id;
  expected += ',';
  expected += to_string(outcome_of(reasons));
  char separator = ',';
  for (int i = 0; i < kReasonCount; ++i) {
    if (!reasons.has(static_cast<Reason>(i))) continue;
    expected += separator;
    expected += to_string(static_cast<Reason>(i));
    separator = ';';
  }
  if (separator == ',') expected += ',';
  expected += '\n';
}

}  // namespace

Shares usual_shares() {
  Shares shares{};
  const auto set = [&](Reason reason, double percent) { shares[static_cast<std::size_t>(reason)] = percent / 100; };
  set(kMalformed, 0.1);
  set(kCodeMissing, 0.1);
  set(kCodeMalformed, 0.1);
  set(kCodeUnknown, 0.4);
  set(kCodeCancelled, 1.5);
  set(kCodeReplaced, 1);
  set(kCodeSuspended, 1.6);
  set(kCodeExpired, 6);
  set(kNameMissing, 0.2);
  set(kNameMismatch, 1.2);
  set(kNameNotOnFile, 0.5);
  set(kPhoneMismatch, 1);
  set(kPhoneVirtual, 0.5);
  set(kZipMissing, 0.6);
  set(kZipMalformed, 0.1);
  set(kZipMismatch, 1.9);
  set(kZipNotOnFile, 0.6);
  return shares;
}

bool can_be_had(const Shares& shares) {
  constexpr double kAll = 1 + 1e-9;  // 33.3 % + 33.3 % + 33.4 % may add up to a little more
  return share_of(shares, kOfCode) <= kAll && share_of(shares, kOfName) <= kAll && share_of(shares, kOfPhone) <= kAll &&
         share_of(shares, kOfZip) <= kAll;
}

bool can_be_wanted(Reason reason) {
  return reason != kInternal && reason != kNameVariant && reason != kPhoneMissing && reason != kPhoneNotOnFile;
}

void append_declaration(const DeclarationsPlan& plan, std::uint64_t number, std::string& out, std::string& expected) {
  Random random(plan.seed ^ 0x64656320, number);  // other numbers than those of people of the same seed
  DeclaredTexts texts;
  const Drawn drawn = draw_reasons(plan, random);
  ReasonSet reasons = make_texts(plan, drawn, number, random, texts);
  bool id_is_given = texts.id && texts.id->size() <= 64;
  if (random.chance(plan.shares[static_cast<std::size_t>(Reason::kMalformed)])) {
    reasons = {};
    reasons.add(Reason::kMalformed);
    id_is_given = append_broken_record(plan.form, plan.style, texts, random, out) && id_is_given;
  } else {
    append_declaration_record(plan.form, plan.style, texts, random, out);
  }
  append_expected(id_is_given ? std::string_view(*texts.id) : std::string_view(), reasons, expected);
}

}  // namespace clearline::generate
