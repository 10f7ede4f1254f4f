#include "io/generate/schedule.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace clearline::generate {
namespace {

bool is_open(CodeStatus status) { return status == CodeStatus::kActive || status == CodeStatus::kSuspended; }

/// Whether a code in this status can be changed so.
bool can_be_changed(ChangeOp op, CodeStatus status) {
  switch (op) {
    case ChangeOp::kIssue:
      return false;
    case ChangeOp::kSuspend:
      return status == CodeStatus::kActive;
    case ChangeOp::kResume:
      return status == CodeStatus::kSuspended;
    default:
      return is_open(status);
  }
}

/// The status of the code that the change names, afterwards.
CodeStatus status_after(ChangeOp op, CodeStatus before) {
  switch (op) {
    case ChangeOp::kIssue:
    case ChangeOp::kResume:
      return CodeStatus::kActive;
    case ChangeOp::kSuspend:
      return CodeStatus::kSuspended;
    case ChangeOp::kCancel:
      return CodeStatus::kCancelled;
    case ChangeOp::kReissue:
      return CodeStatus::kReplaced;
    default:
      return before;
  }
}

/// A mobile number, of which other spellings and other numbers are made.
bool is_made_up_phone(std::string_view phone) { return phone.size() == 11 && phone.starts_with("010"); }

}  // namespace

Schedule::Schedule(std::uint64_t registry_seed, std::uint64_t registry_count)
    : people_(registry_seed), registry_count_(registry_count), last_(registry_count, kNoStep) {}

std::optional<std::string_view> Schedule::add(const Change& change) {
  const auto place = this->place(change.code);
  const auto now = place ? std::optional(last_holding(*place)) : std::nullopt;
  if (const auto fault = fault_of(change, now)) return fault;
  effective_us_ = std::max(effective_us_, *change.at_us);
  if (!now) {
    append(change, make_place(change.code), kNoStep, CodeStatus::kActive, true);
    return std::nullopt;
  }
  if (*place < registry_count_ && last_[*place] == kNoStep) {
    ++touched_;
    touched_end_ = std::max(touched_end_, *place + 1);
  }
  const bool is_reissue = change.op == ChangeOp::kReissue;
  append(change, *place, now->step, status_after(change.op, status_of(*now)), !is_reissue);
  if (is_reissue) append(change, make_place(*change.new_code), last_[*place], CodeStatus::kActive, true);
  return std::nullopt;
}

bool Schedule::seems_of_smaller_registry() const {
  if (touched_ == 0 || registry_count_ < 2) return false;
  // Each of them is below the largest one by chance alone with this probability: log2 of once in 10^12 is -40.
  const double share = static_cast<double>(touched_end_) / static_cast<double>(registry_count_);
  return static_cast<double>(touched_) * std::log2(share) < -40;
}

/// A place for a code that had no entry before.
std::uint64_t Schedule::make_place(Code code) {
  made_places_.emplace(code.digits, last_.size());
  made_.push_back(code);
  last_.push_back(kNoStep);
  return last_.size() - 1;
}

/// Appends a step at this change's moment; `gives`: with what the change says of the person.
void Schedule::append(const Change& change, std::uint64_t place, std::uint32_t before, CodeStatus status, bool gives) {
  const bool is_first = place >= registry_count_ && last_[place] == kNoStep;
  Step step{effective_us_, place, before, kNothingGiven, kExpiryStays, status, change.op, is_first};
  if (gives && change.expires) step.expires = *change.expires ? (*change.expires)->days : kExpiresNever;
  if (gives && (change.name || change.name_ko || change.phone || change.zips)) {
    step.given = static_cast<std::uint32_t>(given_.size());
    given_.push_back({change.name, change.name_ko, change.phone, change.zips});
  }
  last_[place] = static_cast<std::uint32_t>(steps_.size());
  steps_.push_back(step);
}

std::optional<std::string_view> Schedule::fault_of(const Change& change, const std::optional<Holding>& now) const {
  if (!change.at_us) return "at is missing: nobody knows its moment; give it";
  if (change.op == ChangeOp::kIssue) {
    if (now) return "the code is registered already: the changes are those of another registry; make them for this one";
  } else if (!now) {
    return "the code is neither a made-up person's nor made by a change before: the changes are those of another "
           "registry; make them for this one";
  } else if (!can_be_changed(change.op, status_of(*now))) {
    return "the registry would refuse it, as the code is in another status: the changes are not in their order, or of "
           "another registry; give the --registry-count and --registry-seed that they were made for";
  }
  if (change.op == ChangeOp::kReissue && place(*change.new_code)) {
    return "new_code is registered already; give another";
  }
  if (change.phone && !change.phone->empty() && !is_made_up_phone(*change.phone)) {
    return "phone is none as are made up: 010 and 8 digits";
  }
  if (change.zips && std::any_of(change.zips->begin(), change.zips->end(), [](auto zip) { return zip >= kZipEnd; })) {
    return "a zip is none of the country, which are below 70000";
  }
  if (change.op != ChangeOp::kIssue && !change.name && !change.name_ko) return std::nullopt;
  Person person = now ? this->person(*now) : Person();
  if (change.name) person.entry.name = *change.name;
  if (change.name_ko) person.entry.name_ko = *change.name_ko;
  if (!read_names(person)) return "the name is none as are made up: its other spellings are not known";
  return std::nullopt;
}

std::optional<std::uint64_t> Schedule::place(Code code) const {
  const std::uint64_t number = people_.number(code);
  if (number < registry_count_) return number;
  const auto found = made_places_.find(code.digits);
  return found == made_places_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Schedule::Holding> Schedule::holding(std::uint64_t place, std::int64_t unix_us) const {
  Holding holding = last_holding(place);
  while (holding.step != kNoStep && steps_[holding.step].effective_us > unix_us) {
    const Step& step = steps_[holding.step];
    if (step.is_first) return std::nullopt;
    holding.step = step.before;
  }
  return holding;
}

CodeStatus Schedule::status_of(const Holding& holding) const {
  return holding.step == kNoStep ? people_.traits(holding.place).status : steps_[holding.step].status;
}

/// All steps that made a holding what it is, the latest first, those of the codes that it replaced included.
std::vector<std::uint32_t> Schedule::steps_to(const Holding& holding) const {
  std::vector<std::uint32_t> steps;
  for (std::uint32_t at = holding.step; at != kNoStep; at = steps_[at].before) steps.push_back(at);
  return steps;
}

/// Who was registered with the code that a holding goes back to; nothing where a change issued it.
std::optional<std::uint64_t> Schedule::registered_person(const Holding& holding,
                                                         const std::vector<std::uint32_t>& steps) const {
  const std::uint64_t place = steps.empty() ? holding.place : steps_[steps.back()].place;
  return place < registry_count_ ? std::optional(place) : std::nullopt;
}

void Schedule::change_expiry(const Step& step, std::optional<Date>& expires) {
  if (step.expires == kExpiryStays) return;
  expires = step.expires == kExpiresNever ? std::nullopt : std::optional(Date{step.expires});
}

/// Without the person, which costs ten times as much: what is tried until somebody fits.
Traits Schedule::traits(const Holding& holding) const {
  const std::vector<std::uint32_t> steps = steps_to(holding);
  const auto who = registered_person(holding, steps);
  Traits traits;
  if (who) {
    traits = people_.traits(*who);
  } else {
    traits.has_hangul = traits.has_phone = traits.has_zip = false;  // until they are given; a Latin name always is
  }
  for (auto at = steps.rbegin(); at != steps.rend(); ++at) {
    const Step& step = steps_[*at];
    traits.status = step.status;
    change_expiry(step, traits.expires);
    if (step.given == kNothingGiven) continue;
    const Given& given = given_[step.given];
    if (given.name) traits.has_latin = !given.name->empty();
    if (given.name_ko) traits.has_hangul = !given.name_ko->empty();
    if (given.phone) traits.has_phone = !given.phone->empty();
    if (given.zips) traits.has_zip = !given.zips->empty();
  }
  return traits;
}

Person Schedule::person(const Holding& holding) const {
  const std::vector<std::uint32_t> steps = steps_to(holding);
  const auto who = registered_person(holding, steps);
  Person person = who ? people_.person(*who) : Person();
  Entry& entry = person.entry;
  entry.code = code(holding.place);
  bool has_new_name = false;
  for (auto at = steps.rbegin(); at != steps.rend(); ++at) {
    const Step& step = steps_[*at];
    entry.status = step.status;
    change_expiry(step, entry.expires);
    if (step.given == kNothingGiven) continue;
    const Given& given = given_[step.given];
    if (given.name) entry.name = *given.name;
    if (given.name_ko) entry.name_ko = *given.name_ko;
    if (given.phone) entry.phone = *given.phone;
    if (given.zips) entry.zips = *given.zips;
    has_new_name = has_new_name || given.name || given.name_ko;
  }
  if (has_new_name && !read_names(person)) assert(false);  // was read when it was added
  return person;
}

std::optional<Schedule::Turn> Schedule::turn(std::int64_t from_us, std::int64_t end_us, std::uint64_t number) const {
  const auto is_before = [](const Step& step, std::int64_t us) { return step.effective_us < us; };
  auto step = std::lower_bound(steps_.begin(), steps_.end(), from_us, is_before);
  std::optional<Turn> found;
  for (; step != steps_.end() && step->effective_us < end_us; ++step) {
    const bool is_death =
        step->op == ChangeOp::kSuspend || step->op == ChangeOp::kCancel || step->op == ChangeOp::kReissue;
    if (!is_death && !step->is_first) continue;
    found = Turn{step->effective_us, step->place};
    if (number-- == 0) break;
  }
  return found;
}

}  // namespace clearline::generate
