#include "io/generate/changes.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "io/generate/moments.h"

namespace clearline::generate {
namespace {

// So that the numbers of these streams are others than those of people and declarations of the same seed.
constexpr std::uint64_t kCountsSalt = 0x636F756E;
constexpr std::uint64_t kChangesSalt = 0x6368616E;
constexpr std::uint64_t kNewcomersSalt = 0x6E657770;

/// The last day of a code that is usable for a year from `day` on, and some days more.
Date a_year_from(Date day, std::uint64_t days_more = 0) {
  return std::min(Date{day.days + 365 + static_cast<std::int32_t>(days_more)}, kDateMax);
}

/// How often a reissue is of a code that came of a reissue, where there is one: who is alarmed once is alarmed again.
constexpr double kChainShare = 0.03;

constexpr std::size_t index_of(ChangeOp op) { return static_cast<std::size_t>(op); }

/// Published figures of the two days.
constexpr std::array<std::pair<ChangeOp, std::array<std::uint64_t, 2>>, 3> kPublished{{
    {ChangeOp::kReissue, {123'302, 298'742}},
    {ChangeOp::kCancel, {3'851, 11'312}},
    {ChangeOp::kSuspend, {4'514, 6'322}},
}};

/// Which of the two days of a surge a day is, if one.
std::optional<std::size_t> surge_day(const ChangesPlan& plan, Date day) {
  if (plan.profile != Profile::kSurge || day.days < plan.to.days - 1) return std::nullopt;
  return day == plan.to ? 1 : 0;
}

bool is_weekend(Date day) {
  const std::int32_t weekday = ((day.days + 3) % 7 + 7) % 7;  // 1970-01-01 was a Thursday; 0 is Monday
  return weekday >= 5;
}

std::string phone_text(Random& random) { return "010" + std::to_string(random.between(20'000'000, 99'999'998)); }

std::vector<std::uint32_t> some_zips(Random& random) {
  std::vector<std::uint32_t> zips(random.chance(0.8) ? 1 : 2);
  for (std::uint32_t& zip : zips) zip = static_cast<std::uint32_t>(random.between(1000, 63'644));
  return zips;
}

/// `g7-4813-20251201-12`: unique among all streams that can be applied one behind the other, because the seq goes on.
std::string change_id(std::uint64_t seed, std::uint64_t seq, Date day, std::size_t number) {
  std::string date = format_date(day);
  std::erase(date, '-');
  return "g" + std::to_string(seed) + "-" + std::to_string(seq) + "-" + date + "-" + std::to_string(number);
}

}  // namespace

DayCounts counts_of(const ChangesPlan& plan, Date day) {
  Random random(plan.seed ^ kCountsSalt, static_cast<std::uint64_t>(day.days));
  const auto surge = surge_day(plan, day);
  // What an office does with a person in front of it is less on a weekend.
  const std::uint64_t ease = is_weekend(day) ? 2 : 1;
  DayCounts counts{};
  const auto set = [&](ChangeOp op, std::uint64_t low, std::uint64_t high) {
    counts[index_of(op)] = random.between(low, high);
  };
  set(ChangeOp::kIssue, 600 / ease, 900 / ease);
  set(ChangeOp::kAmend, 300 / ease, 500 / ease);
  set(ChangeOp::kRenew, 200 / ease, 350 / ease);
  set(ChangeOp::kSuspend, 85, 115);
  set(ChangeOp::kResume, 40 / ease, 70 / ease);
  set(ChangeOp::kCancel, 10, 20);
  set(ChangeOp::kReissue, 250, 450);
  if (surge) {
    set(ChangeOp::kIssue, 1500, 2500);
    set(ChangeOp::kAmend, 2000, 3500);
    set(ChangeOp::kResume, 150, 250);
    for (const auto& [op, published] : kPublished) counts[index_of(op)] = published[*surge];
  }
  for (std::uint64_t& count : counts) {
    count = static_cast<std::uint64_t>(std::llround(static_cast<double>(count) * plan.scale));
  }
  return counts;
}

std::optional<Shortage> shortage_of(const ChangesPlan& plan, std::uint64_t active) {
  for (Date day = plan.from; day <= plan.to; ++day.days) {
    const DayCounts counts = counts_of(plan, day);
    const auto count = [&](ChangeOp op) { return counts[index_of(op)]; };
    const std::uint64_t leaving = count(ChangeOp::kSuspend) + count(ChangeOp::kCancel);
    const std::uint64_t needed =
        leaving + count(ChangeOp::kReissue) + count(ChangeOp::kAmend) + count(ChangeOp::kRenew);
    if (needed > active) return Shortage{day, needed, active};
    // Resumed codes come on top: how many of them there are is not certain.
    active = active - leaving + count(ChangeOp::kIssue);
  }
  return std::nullopt;
}

ChangeMaker::ChangeMaker(const ChangesPlan& plan, const Registry& registry, std::vector<Code> active,
                         std::vector<Code> suspended)
    : plan_(plan),
      registry_(&registry),
      newcomers_(plan.seed ^ kNewcomersSalt),
      active_(std::move(active)),
      suspended_(std::move(suspended)),
      day_{plan.from.days - 1},
      random_(plan.seed ^ kChangesSalt, 0) {}

bool ChangeMaker::next(Change& change) {
  for (;;) {
    while (made_ == ops_.size()) {
      if (day_ >= plan_.to) return false;
      begin_day();
    }
    const std::size_t number = made_++;
    change = {};
    change.op = ops_[number];
    change.at_us = moments_[number];
    if (!make(change.op, change)) continue;
    change.change_id = change_id(plan_.seed, registry_->seq(), day_, number);
    return true;
  }
}

void ChangeMaker::begin_day() {
  ++day_.days;
  random_ = Random(plan_.seed ^ kChangesSalt, static_cast<std::uint64_t>(day_.days));
  const DayCounts counts = counts_of(plan_, day_);
  ops_.clear();
  for (std::size_t i = index_of(ChangeOp::kIssue); i < counts.size(); ++i) {
    ops_.insert(ops_.end(), counts[i], static_cast<ChangeOp>(i));
  }
  for (std::size_t i = ops_.size(); i > 1; --i) std::swap(ops_[i - 1], ops_[random_.below(i)]);
  const Hours& hours = surge_day(plan_, day_) ? kSurgeHours : kOfficeHours;
  constexpr std::uint64_t kPlaces = std::uint64_t{1} << 40;
  moments_.clear();
  for (std::size_t i = 0; i < ops_.size(); ++i) {
    moments_.push_back(start_of(day_) + moment_in(hours, random_.below(kPlaces), kPlaces));
  }
  std::sort(moments_.begin(), moments_.end());
  made_ = 0;
}

/// False when there is nothing to do it with: no code is suspended.
bool ChangeMaker::make(ChangeOp op, Change& change) {
  switch (op) {
    case ChangeOp::kIssue:
      change.code = new_code();
      fill_issue(change);
      active_.put(change.code);
      return true;
    case ChangeOp::kAmend:
      change.code = draw_open(0.02).code();
      fill_amend(change);
      return true;
    case ChangeOp::kRenew:
      change.code = draw_open(0.02).code();
      change.expires = a_year_from(day_, random_.below(30));
      return true;
    case ChangeOp::kSuspend: {
      const Drawn drawn = draw_active();
      change.code = drawn.code();
      drawn.take();
      suspended_.put(change.code);
      choose_by(change);
      return true;
    }
    case ChangeOp::kResume: {
      if (suspended_.empty()) return false;
      const Drawn drawn{&suspended_, random_.below(suspended_.size())};
      change.code = drawn.code();
      drawn.take();
      active_.put(change.code);
      return true;
    }
    case ChangeOp::kCancel: {
      const Drawn drawn = draw_open(0.15);
      change.code = drawn.code();
      drawn.take();
      choose_by(change);
      return true;
    }
    case ChangeOp::kReissue: {
      const Drawn drawn = draw_for_reissue();
      change.code = drawn.code();
      drawn.take();
      change.new_code = new_code();
      if (random_.chance(0.05)) change.phone = phone_text(random_);
      if (random_.chance(0.3)) change.expires = a_year_from(day_);
      reissued_.put(*change.new_code);
      return true;
    }
  }
  return false;
}

ChangeMaker::Drawn ChangeMaker::draw_active() {
  const std::uint64_t place = random_.below(active_.size() + reissued_.size());
  if (place < active_.size()) return {&active_, place};
  return {&reissued_, place - active_.size()};
}

/// An active code, or now and then a suspended one.
ChangeMaker::Drawn ChangeMaker::draw_open(double suspended_share) {
  if (random_.chance(suspended_share) && !suspended_.empty()) return {&suspended_, random_.below(suspended_.size())};
  return draw_active();
}

ChangeMaker::Drawn ChangeMaker::draw_for_reissue() {
  if (random_.chance(kChainShare) && !reissued_.empty()) return {&reissued_, random_.below(reissued_.size())};
  return draw_open(0.01);
}

/// A code that nobody has or had.
Code ChangeMaker::new_code() {
  for (;;) {
    const Code code{random_.below(kCodeEnd)};
    if (!registry_->find(code) && new_codes_.insert(code.digits).second) return code;
  }
}

/// Somebody with a Latin name on file.
Person ChangeMaker::newcomer(bool with_hangul) {
  for (;;) {
    Person person = newcomers_.person(newcomer_++);
    if (!person.entry.name.empty() && !(with_hangul && person.entry.name_ko.empty())) return person;
  }
}

void ChangeMaker::fill_issue(Change& change) {
  Entry entry = newcomer(false).entry;
  change.name = std::move(entry.name);
  if (!entry.name_ko.empty()) change.name_ko = std::move(entry.name_ko);
  if (!entry.phone.empty()) change.phone = std::move(entry.phone);
  if (!entry.zips.empty()) change.zips = std::move(entry.zips);
  if (random_.chance(0.7)) change.expires = a_year_from(day_);
}

/// A new phone, a new home, both, or a new name in both scripts.
void ChangeMaker::fill_amend(Change& change) {
  const std::uint64_t kind = random_.below(100);
  if (kind >= 97) {
    Entry entry = newcomer(true).entry;
    change.name = std::move(entry.name);
    change.name_ko = std::move(entry.name_ko);
    return;
  }
  if (kind < 50) change.phone = phone_text(random_);
  if (kind >= 40) change.zips = some_zips(random_);
}

void ChangeMaker::choose_by(Change& change) {
  const double ex_officio = surge_day(plan_, day_) ? 0.02 : change.op == ChangeOp::kCancel ? 0.5 : 0.15;
  if (random_.chance(ex_officio)) change.by = ChangeBy::kExOfficio;
}

}  // namespace clearline::generate
