#include "clearline/change.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <random>
#include <set>

#include "tests/support/random_input.h"

namespace clearline {
namespace {

using Op = ChangeOp;

constexpr Op kOps[] = {Op::kIssue, Op::kAmend, Op::kRenew, Op::kSuspend, Op::kResume, Op::kCancel, Op::kReissue};
constexpr Code kCode{7};
constexpr Code kNewCode{8};

Date day(std::string_view text) { return *parse_date(text); }
const Date kOn = day("2026-01-15");

Entry entry_of(CodeStatus status) {
  Entry entry;
  entry.code = kCode;
  entry.name = "HONG GILDONG";
  entry.name_ko = "홍길동";
  entry.phone = "01012345678";
  entry.zips = {4524, 12345, 1};
  entry.status = status;
  if (status == CodeStatus::kReplaced) entry.replaced_by = Code{9};
  entry.issued = day("2020-02-29");
  entry.changed = day("2024-05-06");
  entry.expires = day("2027-12-31");
  return entry;
}

/// A well-formed change of an op, with as few fields as can be.
Change change_of(Op op) {
  Change change;
  change.op = op;
  change.code = kCode;
  change.change_id = "k-1";
  if (op == Op::kAmend) change.phone = "01000000000";
  if (op == Op::kRenew) change.expires = day("2030-06-30");
  if (op == Op::kReissue) change.new_code = kNewCode;
  return change;
}

ChangeEffect effect(const Change& change, const std::optional<Entry>& before,
                    const std::optional<Entry>& new_before = std::nullopt) {
  return effect_of(change, kOn, before, new_before);
}

TEST(Change, EveryOpFromEveryState) {
  using S = CodeStatus;
  struct Row {
    Op op;
    std::optional<S> from;
    std::optional<S> to;
    std::string_view error;
  };
  const Row rows[] = {
      {Op::kIssue, {}, S::kActive, ""},
      {Op::kIssue, S::kActive, {}, "code_exists"},
      {Op::kIssue, S::kSuspended, {}, "code_exists"},
      {Op::kIssue, S::kCancelled, {}, "code_exists"},
      {Op::kIssue, S::kReplaced, {}, "code_exists"},
      {Op::kAmend, {}, {}, "code_unknown"},
      {Op::kAmend, S::kActive, S::kActive, ""},
      {Op::kAmend, S::kSuspended, S::kSuspended, ""},
      {Op::kAmend, S::kCancelled, {}, "not_active"},
      {Op::kAmend, S::kReplaced, {}, "not_active"},
      {Op::kRenew, {}, {}, "code_unknown"},
      {Op::kRenew, S::kActive, S::kActive, ""},
      {Op::kRenew, S::kSuspended, S::kSuspended, ""},
      {Op::kRenew, S::kCancelled, {}, "not_active"},
      {Op::kRenew, S::kReplaced, {}, "not_active"},
      {Op::kSuspend, {}, {}, "code_unknown"},
      {Op::kSuspend, S::kActive, S::kSuspended, ""},
      {Op::kSuspend, S::kSuspended, {}, "not_active"},
      {Op::kSuspend, S::kCancelled, {}, "not_active"},
      {Op::kSuspend, S::kReplaced, {}, "not_active"},
      {Op::kResume, {}, {}, "code_unknown"},
      {Op::kResume, S::kActive, {}, "not_suspended"},
      {Op::kResume, S::kSuspended, S::kActive, ""},
      {Op::kResume, S::kCancelled, {}, "not_suspended"},
      {Op::kResume, S::kReplaced, {}, "not_suspended"},
      {Op::kCancel, {}, {}, "code_unknown"},
      {Op::kCancel, S::kActive, S::kCancelled, ""},
      {Op::kCancel, S::kSuspended, S::kCancelled, ""},
      {Op::kCancel, S::kCancelled, {}, "not_active"},
      {Op::kCancel, S::kReplaced, {}, "not_active"},
      {Op::kReissue, {}, {}, "code_unknown"},
      {Op::kReissue, S::kActive, S::kReplaced, ""},
      {Op::kReissue, S::kSuspended, S::kReplaced, ""},
      {Op::kReissue, S::kCancelled, {}, "not_active"},
      {Op::kReissue, S::kReplaced, {}, "not_active"},
  };
  EXPECT_EQ(std::size(rows), std::size(kOps) * 5);
  for (const Row& row : rows) {
    SCOPED_TRACE(std::string(to_string(row.op)) + " from " + std::string(row.from ? to_string(*row.from) : "none"));
    const auto before = row.from ? std::optional(entry_of(*row.from)) : std::nullopt;
    const ChangeEffect got = effect(change_of(row.op), before);
    ASSERT_EQ(got.error.has_value(), !row.to.has_value());
    EXPECT_EQ(got.error ? to_string(*got.error) : "", row.error);
    EXPECT_EQ(got.detail.empty(), !got.error.has_value()) << "an error has words for a person";
    if (!row.to) continue;
    EXPECT_EQ(got.after.status, *row.to);
    EXPECT_EQ(got.after.code, kCode);
    EXPECT_EQ(got.new_after.has_value(), row.op == Op::kReissue);
    EXPECT_FALSE(entry_fault(got.after));
  }
}

TEST(Change, IssueMakesAnActiveEntryOfTheGivenFields) {
  Change change = change_of(Op::kIssue);
  Entry expected;
  expected.code = kCode;
  expected.issued = kOn;
  expected.changed = kOn;
  EXPECT_EQ(effect(change, {}).after, expected) << "nothing given: a bare active code, issued on the day";

  expected = entry_of(CodeStatus::kActive);
  change.name = expected.name;
  change.name_ko = expected.name_ko;
  change.phone = expected.phone;
  change.zips = expected.zips;
  change.issued = expected.issued;
  change.expires = expected.expires;
  expected.changed = kOn;
  EXPECT_EQ(effect(change, {}).after, expected) << "issued as given, changed on the day";
  change.changed = expected.changed = day("2024-05-06");
  EXPECT_EQ(effect(change, {}).after, expected) << "both as given";
}

TEST(Change, AmendReplacesWhatIsGivenAndKeepsTheRest) {
  for (const CodeStatus status : {CodeStatus::kActive, CodeStatus::kSuspended}) {
    Change change = change_of(Op::kAmend);
    Entry expected = entry_of(status);
    expected.phone = *change.phone;
    expected.changed = kOn;
    EXPECT_EQ(effect(change, entry_of(status)).after, expected);

    change.name = expected.name = "KIM HANA";
    change.name_ko = expected.name_ko = "김하나";
    change.zips = expected.zips = {99'999};
    expected.expires = day("2040-01-01");
    change.expires = expected.expires;
    EXPECT_EQ(effect(change, entry_of(status)).after, expected);
  }
}

TEST(Change, AmendClearsWhatIsGivenEmpty) {
  Change change = change_of(Op::kAmend);
  change.name = "";
  change.name_ko = "";
  change.phone = "";
  change.zips.emplace();
  change.expires.emplace();
  Entry expected;
  expected.code = kCode;
  expected.issued = entry_of(CodeStatus::kActive).issued;
  expected.changed = kOn;
  EXPECT_EQ(effect(change, entry_of(CodeStatus::kActive)).after, expected);
}

TEST(Change, RenewSuspendResumeAndCancelTouchNothingElse) {
  Entry expected = entry_of(CodeStatus::kActive);
  expected.expires = day("2030-06-30");
  EXPECT_EQ(effect(change_of(Op::kRenew), entry_of(CodeStatus::kActive)).after, expected);
  EXPECT_EQ(effect(change_of(Op::kSuspend), entry_of(CodeStatus::kActive)).after, entry_of(CodeStatus::kSuspended));
  EXPECT_EQ(effect(change_of(Op::kResume), entry_of(CodeStatus::kSuspended)).after, entry_of(CodeStatus::kActive));
  EXPECT_EQ(effect(change_of(Op::kCancel), entry_of(CodeStatus::kSuspended)).after, entry_of(CodeStatus::kCancelled));
}

TEST(Change, ReissueReplacesTheOldCodeAndHandsItsDataOn) {
  for (const CodeStatus status : {CodeStatus::kActive, CodeStatus::kSuspended}) {
    Change change = change_of(Op::kReissue);
    const ChangeEffect got = effect(change, entry_of(status));
    Entry old = entry_of(status);
    old.status = CodeStatus::kReplaced;
    old.replaced_by = kNewCode;
    EXPECT_EQ(got.after, old) << "its data and its dates stay";
    Entry next = entry_of(CodeStatus::kActive);
    next.code = kNewCode;
    next.issued = kOn;
    next.changed = kOn;
    EXPECT_EQ(got.new_after, next);

    change.name = next.name = "KIM HANA";
    change.zips = next.zips = {5};
    change.expires.emplace();
    next.expires.reset();
    EXPECT_EQ(effect(change, entry_of(status)).new_after, next) << "a given field is the new code's";
    EXPECT_EQ(effect(change, entry_of(status)).after, old) << "and not the old one's";
  }
}

TEST(Change, ReissueNeedsANewCodeThatNobodyHas) {
  Change change = change_of(Op::kReissue);
  Entry taken = entry_of(CodeStatus::kCancelled);
  taken.code = kNewCode;
  EXPECT_EQ(effect(change, entry_of(CodeStatus::kActive), taken).error, ChangeError::kCodeExists);
  EXPECT_EQ(effect(change, {}, taken).error, ChangeError::kCodeUnknown) << "the old code is looked at first";
  EXPECT_EQ(effect(change, entry_of(CodeStatus::kCancelled), taken).error, ChangeError::kNotActive);
  change.new_code = kCode;
  EXPECT_EQ(effect(change, entry_of(CodeStatus::kActive), entry_of(CodeStatus::kActive)).error,
            ChangeError::kCodeExists);
}

TEST(Change, WordsAreReadBack) {
  for (const Op op : kOps) EXPECT_EQ(parse_change_op(to_string(op)), op);
  EXPECT_EQ(to_string(Op::kReissue), "reissue");
  for (const char* text : {"", "Issue", " issue", "erase"}) EXPECT_FALSE(parse_change_op(text)) << text;
  for (const ChangeBy by : {ChangeBy::kOwner, ChangeBy::kExOfficio}) EXPECT_EQ(parse_change_by(to_string(by)), by);
  EXPECT_EQ(to_string(ChangeBy::kExOfficio), "ex_officio");
  EXPECT_FALSE(parse_change_by("customs"));
  EXPECT_EQ(to_string(ChangeError::kMalformed), "malformed");
  EXPECT_EQ(to_string(ChangeError::kDenied), "denied");
}

std::string content_of(const Change& change) {
  std::string content;
  append_change_content(change, content);
  return content;
}

TEST(ChangeContent, IsTheSameWhateverTheChangeId) {
  Change change = change_of(Op::kAmend);
  const std::string content = content_of(change);
  change.change_id = "another";
  EXPECT_EQ(content_of(change), content);
  std::string behind = "before";
  append_change_content(change, behind);
  EXPECT_EQ(behind, "before" + content) << "it is appended";
}

TEST(ChangeContent, DiffersWithEveryWish) {
  const std::vector<Change> all = [] {
    const auto with = [](auto set) {
      Change change = change_of(Op::kAmend);
      set(change);
      return change;
    };
    return std::vector<Change>{
        with([](Change&) {}),
        with([](Change& c) { c.op = Op::kCancel; }),
        with([](Change& c) { c.code = Code{kCodeEnd - 1}; }),
        with([](Change& c) { c.new_code = Code{0}; }),
        with([](Change& c) { c.by = ChangeBy::kExOfficio; }),
        with([](Change& c) { c.at_us = 0; }),
        with([](Change& c) { c.at_us = -1; }),
        with([](Change& c) { c.at_us = INT64_MIN; }),
        with([](Change& c) { c.name = ""; }),
        with([](Change& c) { c.name = "A"; }),
        with([](Change& c) { c.name_ko = "A"; }),
        with([](Change& c) { c.phone = ""; }),
        with([](Change& c) { c.phone.reset(); }),
        with([](Change& c) { c.zips.emplace(); }),
        with([](Change& c) { c.zips = {1, 2}; }),
        with([](Change& c) { c.zips = {2, 1}; }),
        with([](Change& c) { c.issued = Date{0}; }),
        with([](Change& c) { c.changed = Date{0}; }),
        with([](Change& c) { c.expires.emplace(); }),
        with([](Change& c) { c.expires = Date{0}; }),
        with([](Change& c) { c.expires = kDateMax; }),
    };
  }();
  std::set<std::string> contents;
  for (const Change& change : all) contents.insert(content_of(change));
  EXPECT_EQ(contents.size(), all.size());
}

/// The rules once more, as plainly as can be.
class Model {
 public:
  std::string apply(const Change& c, Date on) {
    const auto found = entries_.find(c.code.digits);
    if (c.op == Op::kIssue) {
      if (found != entries_.end()) return "code_exists";
      Entry entry;
      entry.code = c.code;
      entry.name = c.name.value_or("");
      entry.name_ko = c.name_ko.value_or("");
      entry.phone = c.phone.value_or("");
      entry.zips = c.zips.value_or(std::vector<std::uint32_t>{});
      entry.expires = c.expires.value_or(std::nullopt);
      entry.issued = c.issued ? *c.issued : on;
      entry.changed = c.changed ? *c.changed : on;
      entries_[c.code.digits] = entry;
      return "";
    }
    if (found == entries_.end()) return "code_unknown";
    Entry& entry = found->second;
    const bool active = entry.status == CodeStatus::kActive;
    const bool suspended = entry.status == CodeStatus::kSuspended;
    if (c.op == Op::kResume) {
      if (!suspended) return "not_suspended";
      entry.status = CodeStatus::kActive;
      return "";
    }
    if (c.op == Op::kSuspend) {
      if (!active) return "not_active";
      entry.status = CodeStatus::kSuspended;
      return "";
    }
    if (!active && !suspended) return "not_active";
    if (c.op == Op::kCancel) entry.status = CodeStatus::kCancelled;
    if (c.op == Op::kRenew) entry.expires = **c.expires;
    if (c.op == Op::kAmend) {
      amend(c, entry);
      entry.changed = on;
    }
    if (c.op == Op::kReissue) {
      if (entries_.count(c.new_code->digits) != 0) return "code_exists";
      Entry next = entry;
      next.code = *c.new_code;
      next.status = CodeStatus::kActive;
      next.issued = next.changed = on;
      amend(c, next);
      entry.status = CodeStatus::kReplaced;
      entry.replaced_by = c.new_code;
      entries_[next.code.digits] = next;
    }
    return "";
  }
  const std::map<std::uint64_t, Entry>& entries() const { return entries_; }

 private:
  static void amend(const Change& c, Entry& entry) {
    if (c.name) entry.name = *c.name;
    if (c.name_ko) entry.name_ko = *c.name_ko;
    if (c.phone) entry.phone = *c.phone;
    if (c.zips) entry.zips = *c.zips;
    if (c.expires) entry.expires = *c.expires;
  }
  std::map<std::uint64_t, Entry> entries_;
};

TEST(Change, RandomSequencesDoWhatThePlainModelDoes) {
  const std::uint64_t seed = test::test_seed();
  std::mt19937_64 random(seed);
  const auto below = [&](std::uint64_t count) { return random() % count; };
  Model model;
  std::map<std::uint64_t, Entry> entries;
  std::map<std::string, int> outcomes;
  for (int i = 0; i < 200'000; ++i) {
    Change change;
    change.op = kOps[below(std::size(kOps))];
    change.code = Code{below(2'000)};
    const bool takes_fields = change.op == Op::kIssue || change.op == Op::kAmend || change.op == Op::kReissue;
    const auto given = [&] { return takes_fields && below(3) == 0; };
    if (given()) change.name = below(3) == 0 ? "" : "NAME " + std::to_string(i);
    if (given()) change.name_ko = below(3) == 0 ? "" : "홍길동";
    if (given()) change.phone = below(3) == 0 ? "" : std::to_string(i);
    if (given()) change.zips.emplace(below(4), static_cast<std::uint32_t>(below(100'000)));
    if (given()) change.expires.emplace();
    if (given() || change.op == Op::kRenew) change.expires = Date{static_cast<std::int32_t>(below(30'000))};
    if (change.op == Op::kIssue && below(2) == 0) change.issued = Date{static_cast<std::int32_t>(below(20'000))};
    if (change.op == Op::kReissue) change.new_code = Code{below(2'000)};
    const Date on{static_cast<std::int32_t>(20'000 + i / 1'000)};

    const auto find = [&](Code code) -> std::optional<Entry> {
      const auto found = entries.find(code.digits);
      return found == entries.end() ? std::nullopt : std::optional(found->second);
    };
    const ChangeEffect got =
        effect_of(change, on, find(change.code), change.new_code ? find(*change.new_code) : std::nullopt);
    const std::string error(got.error ? to_string(*got.error) : "");
    ASSERT_EQ(error, model.apply(change, on)) << "CLEARLINE_SEED=" << seed << " change " << i;
    ++outcomes[error];
    if (!got.error) {
      ASSERT_FALSE(entry_fault(got.after));
      entries[change.code.digits] = got.after;
      if (got.new_after) entries[change.new_code->digits] = *got.new_after;
    }
    if (i % 10'000 == 0 || i == 199'999) {
      ASSERT_EQ(entries, model.entries()) << "CLEARLINE_SEED=" << seed << " change " << i;
    }
  }
  EXPECT_EQ(outcomes.size(), 5U) << "every outcome came up";
}

}  // namespace
}  // namespace clearline
