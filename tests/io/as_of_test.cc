// A registry as it was, against a replay of its changes into an empty one.
#include "io/store/as_of.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "clearline/policy.h"
#include "clearline/screener.h"
#include "engine/entry_record.h"
#include "io/store/registry_directory.h"
#include "io/store/registry_store.h"
#include "tests/support/live_directory.h"
#include "tests/support/random_input.h"
#include "tests/support/tamper.h"

namespace clearline {
namespace {

using test::apply_changes;
using test::LiveDirectory;
using test::make_change;

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kNow = std::int64_t{1'764'550'800} * kSecondUs;  // 2025-12-01 10:00 in Korea
constexpr Date kToday{20'423};

using Entries = std::map<std::uint64_t, Entry>;

/// A directory with random changes, and what they made, change by change.
class History {
 public:
  explicit History(std::uint64_t seed, int changes, std::uint64_t people = 20) : live_(people), random_(seed) {
    RegistryStore::Options options;
    options.now_us = [] { return kNow; };
    auto store = RegistryStore::open(live_.path(), options);
    EXPECT_TRUE(store.ok());
    for (int i = 0; i < changes; ++i) {
      apply_changes(**store, next(i));
      if (random_() % 40 != 0) continue;
      EXPECT_TRUE((*store)->checkpoint().ok());
    }
    store = Status(StatusKind::kInternal, "closed");

    Entries entries;
    for (std::uint64_t i = 0; i < people; ++i) entries[i] = test::numbered_entry(i);
    at_.push_back(entries);
    const Status read = RegistryDirectory(path()).read_changes([&](const JournalRow& row) {
      for (const std::string_view record : {row.after, row.new_after}) {
        if (record.empty()) continue;
        const auto entry = read_entry_record(record);
        entries[entry->code.digits] = *entry;
      }
      at_.push_back(entries);
      effective_.push_back(row.effective_us);
      return Status();
    });
    EXPECT_TRUE(read.ok()) << read.message();
  }

  const std::string& path() const { return live_.path(); }
  const LiveDirectory& live() const { return live_; }
  std::uint64_t last() const { return at_.size() - 1; }
  const Entries& at(std::uint64_t seq) const { return at_[seq]; }
  const std::vector<std::int64_t>& effective() const { return effective_; }
  std::uint64_t seq_at(std::int64_t unix_us) const {
    return static_cast<std::uint64_t>(std::upper_bound(effective_.begin(), effective_.end(), unix_us) -
                                      effective_.begin());
  }
  /// Moments at, just before and just behind changes, and far from them.
  std::int64_t moment(std::mt19937_64& random) const {
    if (effective_.empty() || random() % 10 == 0) return kNow + (random() % 2 == 0 ? 1 : -1) * 365 * 86'400 * kSecondUs;
    return effective_[random() % effective_.size()] + static_cast<std::int64_t>(random() % 3) - 1;
  }
  static std::uint64_t code(std::mt19937_64& random) { return random() % 10 == 0 ? random() % 1000 : random() % 30; }

 private:
  Change next(int number) {
    constexpr std::array kOps{ChangeOp::kIssue,  ChangeOp::kAmend,  ChangeOp::kRenew,   ChangeOp::kSuspend,
                              ChangeOp::kResume, ChangeOp::kCancel, ChangeOp::kReissue, ChangeOp::kReissue};
    Change change = make_change(kOps[random_() % kOps.size()], code(random_), "c" + std::to_string(number));
    // Out of order by up to a day, and often at the same moment.
    change.at_us = kNow - (random_() % 20) * 3600 * kSecondUs;
    const std::string text = std::to_string(random_() % 4);
    switch (change.op) {
      case ChangeOp::kIssue:
      case ChangeOp::kAmend:
        change.name = "KIM B" + text;
        change.zips = {static_cast<std::uint32_t>(random_() % 3)};
        if (random_() % 2 == 0) change.name_ko = random_() % 2 == 0 ? "김나" : "";
        if (random_() % 2 == 0) change.phone = "0101234567" + text;
        if (random_() % 4 == 0) change.zips = {1, 2, 3, 4};
        break;
      case ChangeOp::kRenew:
        change.expires = random_() % 2 == 0 ? std::optional(Date{kToday.days + static_cast<int>(random_() % 5) - 2})
                                            : std::optional<Date>();
        break;
      case ChangeOp::kReissue:
        change.new_code = Code{code(random_)};
        break;
      default:
        break;
    }
    return change;
  }

  LiveDirectory live_;
  std::mt19937_64 random_;
  std::vector<Entries> at_;              // by seq
  std::vector<std::int64_t> effective_;  // of seq i + 1
};

struct DeclaredTexts {
  std::string code, name, zip, phone;
};

/// Declarations that any of these entries could be declared with, right and wrong.
std::vector<DeclaredTexts> some_declarations(std::mt19937_64& random, std::size_t count) {
  std::vector<DeclaredTexts> all;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t code = History::code(random);
    const std::string text = std::to_string(random() % 4);
    all.push_back({format_code(Code{code}),
                   random() % 3 == 0   ? "KIM A" + std::to_string(code)
                   : random() % 2 == 0 ? "B" + text + " KIM"
                                       : "김나",
                   "0000" + std::to_string(random() % 5), random() % 2 == 0 ? "" : "0101234567" + text});
  }
  return all;
}

std::vector<Declaration> views_of(const std::vector<DeclaredTexts>& texts) {
  std::vector<Declaration> views;
  for (const auto& [code, name, zip, phone] : texts) views.push_back({code, name, zip, phone, {}});
  return views;
}

std::vector<Verdict> screen(const Registry& registry, const PastRows* past, Date today,
                            std::span<const Declaration> declarations) {
  const Policy policy = standard_policy();
  Screener screener(registry, policy, today, past);
  std::vector<Verdict> verdicts(declarations.size());
  screener.screen(declarations, verdicts);
  return verdicts;
}

std::vector<Verdict> screen(const RegistryAsOf& registry, std::span<const Declaration> declarations) {
  return screen(*registry.registry, registry.past.get(), registry.today.value_or(kToday), declarations);
}

/// The same by a registry that is built of these entries alone.
std::vector<Verdict> screen_replayed(const Entries& entries, Date today, std::span<const Declaration> declarations) {
  RegistryBuilder builder(RegistryKey{9}, {});
  for (const auto& [code, entry] : entries) builder.add(entry);
  const auto built = builder.build(RegistryBuilder::OnDuplicate::kRefuse);
  return screen(*built.registry, nullptr, today, declarations);
}

void expect_same(std::vector<Verdict> got, std::vector<Verdict> expected, std::uint64_t seq) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got[i].registry_seq, seq);
    ASSERT_TRUE(got[i].outcome == expected[i].outcome && got[i].reasons == expected[i].reasons &&
                got[i].code == expected[i].code && got[i].name == expected[i].name &&
                got[i].phone == expected[i].phone && got[i].zip == expected[i].zip)
        << "declaration " << i << " at seq " << seq;
  }
}

RegistryAsOf read(const std::string& path, const std::string& as_of) {
  std::vector<std::string> warnings;
  auto registry = read_registry_as_of(path, parse_as_of(as_of), warnings);
  EXPECT_TRUE(registry.ok()) << registry.status().message();
  return registry.ok() ? std::move(*registry) : RegistryAsOf{};
}

std::string fault_of(const std::string& path, const std::string& as_of) {
  std::vector<std::string> warnings;
  const auto registry = read_registry_as_of(path, parse_as_of(as_of), warnings);
  EXPECT_FALSE(registry.ok()) << as_of;
  EXPECT_EQ(registry.status().kind(), StatusKind::kUsage);
  return registry.status().message();
}

TEST(AsOf, IsReadFromItsWords) {
  EXPECT_EQ(parse_as_of("declared")->kind, AsOf::Kind::kDeclared);
  EXPECT_EQ(parse_as_of("seq:0")->seq, 0U);
  EXPECT_EQ(parse_as_of("seq:4813")->seq, 4813U);
  EXPECT_EQ(parse_as_of("2025-12-01")->moment, parse_moment("2025-12-01T23:59:59.999999+09:00"));
  EXPECT_EQ(parse_as_of("2025-12-01T10:00:00+09:00")->moment.unix_us, kNow);
  for (const char* text : {"", "seq:", "seq:-1", "seq:1x", "seq:18446744073709551616", "4813", "now", "Declared",
                           "2025-12-01T10:00:00", "2025-13-01", "2025-12-01 "}) {
    EXPECT_FALSE(parse_as_of(text)) << text;
  }
}

TEST(AsOf, EverySeqIsAReplayUpToIt) {
  std::mt19937_64 random(test::test_seed());
  for (int round = 0; round < (CLEARLINE_SANITIZED != 0 ? 2 : 6); ++round) {
    const bool is_empty_at_first = round % 2 == 1;
    const History history(random(), is_empty_at_first ? 400 : 150, is_empty_at_first ? 0 : 20);
    ASSERT_GT(history.last(), 20U);
    const auto texts = some_declarations(random, 300);
    const auto declarations = views_of(texts);
    for (std::uint64_t seq = 0; seq <= history.last(); ++seq) {
      const RegistryAsOf then = read(history.path(), "seq:" + std::to_string(seq));
      ASSERT_TRUE(then.registry);
      EXPECT_EQ(then.seq, seq);
      EXPECT_EQ(then.entries, history.at(seq).size());
      EXPECT_EQ(then.today.has_value(), seq != 0);
      const Date today = then.today.value_or(kToday);
      EXPECT_TRUE(seq == 0 || today == korean_date(history.effective()[seq - 1] / kSecondUs));
      expect_same(screen(then, declarations), screen_replayed(history.at(seq), today, declarations), seq);
    }
  }
}

TEST(AsOf, EveryMomentIsAReplayOfWhatHadTakenEffect) {
  std::mt19937_64 random(test::test_seed());
  for (int round = 0; round < (CLEARLINE_SANITIZED != 0 ? 2 : 6); ++round) {
    const History history(random(), 150);
    const auto texts = some_declarations(random, 300);
    const auto declarations = views_of(texts);
    for (int i = 0; i < 60; ++i) {
      const std::int64_t moment = history.moment(random);
      const RegistryAsOf then = read(history.path(), format_time(moment));
      ASSERT_TRUE(then.registry);
      const std::uint64_t seq = history.seq_at(moment);
      EXPECT_EQ(then.seq, seq);
      ASSERT_EQ(then.today, korean_date(moment / kSecondUs));
      expect_same(screen(then, declarations), screen_replayed(history.at(seq), *then.today, declarations), seq);
    }
  }
}

TEST(AsOf, DeclaredIsEachDeclarationByItself) {
  std::mt19937_64 random(test::test_seed());
  for (int round = 0; round < (CLEARLINE_SANITIZED != 0 ? 2 : 6); ++round) {
    const History history(random(), 150);
    const auto texts = some_declarations(random, 600);
    auto declarations = views_of(texts);
    for (Declaration& declaration : declarations) {
      if (random() % 8 == 0) continue;
      const auto moment = parse_moment(format_time(history.moment(random)));
      declaration.declared_at = random() % 8 == 0 ? parse_moment(format_date(moment->day)) : moment;
    }
    const RegistryAsOf each = read(history.path(), "declared");
    ASSERT_TRUE(each.registry);
    const auto verdicts = screen(each, declarations);
    for (std::size_t i = 0; i < declarations.size(); ++i) {
      const auto& declared_at = declarations[i].declared_at;
      const std::string as_of =
          declared_at ? format_time(declared_at->unix_us) : "seq:" + std::to_string(history.last());
      const std::uint64_t seq = declared_at ? history.seq_at(declared_at->unix_us) : history.last();
      expect_same({verdicts[i]}, screen_replayed(history.at(seq), kToday, {&declarations[i], 1}), seq);
      if (i % 20 != 0) continue;  // opening is what takes time
      RegistryAsOf alone = read(history.path(), as_of);
      ASSERT_TRUE(alone.registry);
      alone.today = kToday;
      expect_same({verdicts[i]}, screen(alone, {&declarations[i], 1}), seq);
    }
  }
}

TEST(AsOf, ACodeThatWasReplacedThreeTimes) {
  const LiveDirectory live;
  auto store = RegistryStore::open(live.path());
  ASSERT_TRUE(store.ok());
  for (std::uint64_t i = 0; i < 3; ++i) {
    Change change = make_change(ChangeOp::kReissue, i == 0 ? 5 : 100 + i, "r" + std::to_string(i));
    change.new_code = Code{101 + i};
    ASSERT_FALSE(apply_changes(**store, change).error);
  }
  ASSERT_TRUE((*store)->checkpoint().ok());
  for (std::uint64_t seq = 0; seq <= 3; ++seq) {
    const RegistryAsOf then = read(live.path(), "seq:" + std::to_string(seq));
    ASSERT_TRUE(then.registry);
    for (std::uint64_t i = 0; i <= 3; ++i) {
      const std::string code = format_code(Code{i == 0 ? 5 : 100 + i});
      const Declaration declaration{code, "KIM A5", "00005", "", {}};
      const Verdict verdict = screen(then, {&declaration, 1}).front();
      EXPECT_EQ(verdict.code, i < seq ? CodeCheck::kReplaced : i == seq ? CodeCheck::kActive : CodeCheck::kUnknown);
    }
  }
}

TEST(AsOf, SaysWhatADirectoryCannotTell) {
  const History history(7, 60);
  const std::string last = std::to_string(history.last());
  EXPECT_NE(fault_of(history.path(), "seq:" + std::to_string(history.last() + 1)).find("seq:" + last),
            std::string::npos);
  // A directory made of an image that had changes: the oldest that it knows is that image.
  const auto images = RegistryDirectory(history.path()).images();
  ASSERT_TRUE(images.ok() && !images->empty() && images->front() > 0);
  const std::uint64_t base = images->front();
  const std::int64_t base_us = history.effective()[base - 1];
  const std::string image = RegistryDirectory(history.path()).image_path(base);
  const std::string younger = history.live().folder().path("younger");
  ASSERT_TRUE(RegistryStore::create(younger, image).ok());
  for (const std::string& as_of : {"seq:" + std::to_string(base - 1), format_time(base_us - 1)}) {
    const std::string fault = fault_of(younger, as_of);
    EXPECT_NE(fault.find("seq:" + std::to_string(base)), std::string::npos) << fault;
    EXPECT_NE(fault.find(format_time(base_us)), std::string::npos) << fault;
  }
  EXPECT_EQ(read(younger, format_time(base_us)).seq, base);
  EXPECT_EQ(read(younger, "seq:" + std::to_string(base)).seq, base);
  // What was declared before is not judged, and the rest is.
  const RegistryAsOf each = read(younger, "declared");
  Declaration declarations[2] = {{"P000000000001", "KIM A1", "00001", "", parse_moment(format_time(base_us - 1))},
                                 {"P000000000001", "KIM A1", "00001", "", parse_moment(format_time(base_us))}};
  const auto verdicts = screen(each, declarations);
  EXPECT_TRUE(verdicts[0].reasons.has(Reason::kInternal));
  EXPECT_EQ(verdicts[0].outcome, Outcome::kError);
  EXPECT_FALSE(verdicts[1].reasons.has(Reason::kInternal));
  // Where the time of that image is lost, and nothing has changed since, only now is known.
  test::tamper(younger + "/journal.db", "UPDATE registry SET base_effective = NULL");
  EXPECT_NE(fault_of(younger, format_time(base_us)).find("seq:" + std::to_string(base)), std::string::npos);
  EXPECT_TRUE(screen(read(younger, "declared"), declarations)[1].reasons.has(Reason::kInternal));
  EXPECT_EQ(read(younger, "9999-12-31").seq, base);
  EXPECT_EQ(read(younger, "seq:" + std::to_string(base)).seq, base);
  // An image is one moment.
  EXPECT_EQ(read(image, "seq:" + std::to_string(base)).seq, base);
  for (const std::string& as_of : {std::string("declared"), std::string("2025-12-01"), "seq:" + last + "0"}) {
    EXPECT_NE(fault_of(image, as_of).find("seq:" + std::to_string(base)), std::string::npos);
  }
}

TEST(AsOf, ADamagedImageIsDoneWithout) {
  const History history(11, 120);
  const RegistryDirectory directory(history.path());
  const auto images = directory.images();
  ASSERT_TRUE(images.ok());
  ASSERT_EQ(images->size(), 2U);
  const auto texts = [] {
    std::mt19937_64 random(3);
    return some_declarations(random, 200);
  }();
  const auto declarations = views_of(texts);
  const std::string path = directory.image_path(images->front());
  std::string bytes = test::read_file(path);
  bytes[bytes.size() / 2] ^= 1;
  test::overwrite(path, bytes);
  for (const std::uint64_t seq : {images->front(), images->front() + 1, images->back()}) {
    std::vector<std::string> warnings;
    const auto then = read_registry_as_of(history.path(), parse_as_of("seq:" + std::to_string(seq)), warnings);
    ASSERT_TRUE(then.ok()) << then.status().message();
    EXPECT_EQ(warnings.size(), seq == images->back() ? 0U : 2U);
    if (seq != images->back()) {
      EXPECT_NE(warnings.back().find("went on with the image"), std::string::npos);
    }
    expect_same(screen(*then, declarations), screen_replayed(history.at(seq), *then->today, declarations), seq);
  }
}

// SQLite does not notice a bit of a cell that has turned over.
TEST(AsOf, ADamagedTimeNeverChoosesAnotherRegistry) {
  const LiveDirectory live;
  constexpr std::uint64_t kLast = 9;
  const auto time_of = [](std::uint64_t seq) { return format_time(kNow + static_cast<std::int64_t>(seq) * kSecondUs); };
  {
    RegistryStore::Options options;
    options.now_us = [] { return kNow + 60 * kSecondUs; };
    auto store = RegistryStore::open(live.path(), options);
    ASSERT_TRUE(store.ok());
    for (std::uint64_t seq = 1; seq <= kLast; ++seq) {
      Change change = make_change(ChangeOp::kSuspend, seq, std::to_string(seq));
      change.at_us = kNow + static_cast<std::int64_t>(seq) * kSecondUs;
      ASSERT_FALSE(apply_changes(**store, {&change, 1}).front().error);
    }
  }
  const std::string journal = live.file("journal.db");
  const std::string bytes = test::read_file(journal);
  int refused = 0;
  for (std::uint64_t damaged = 1; damaged <= kLast; ++damaged) {
    for (const char* effective : {"effective + 3600000000", "effective - 3600000000"}) {
      live.folder().write("live/journal.db", bytes);
      test::tamper(journal, std::string("UPDATE changes SET effective = ") + effective +
                                " WHERE seq = " + std::to_string(damaged));
      for (std::uint64_t seq = 1; seq <= kLast; ++seq) {
        std::vector<std::string> warnings;
        const auto then = read_registry_as_of(live.path(), parse_as_of(time_of(seq)), warnings);
        if (then.ok()) {
          EXPECT_EQ(then->seq, seq) << damaged << " damaged";
        } else {
          EXPECT_EQ(then.status().kind(), StatusKind::kRegistry);
          ++refused;
        }
      }
    }
  }
  EXPECT_GT(refused, 0);
}

// A suspend that is applied late has taken effect before, and was not known before.
TEST(AsOf, KnownGoesByWhenChangesWereReceived) {
  constexpr std::int64_t kHourUs = 3600 * kSecondUs;
  const LiveDirectory live;
  std::int64_t now = kNow;
  RegistryStore::Options options;
  options.now_us = [&] { return now; };
  const auto suspend = [&](RegistryStore& store, std::uint64_t code, std::int64_t at_us) {
    Change change = make_change(ChangeOp::kSuspend, code, std::to_string(code));
    change.at_us = at_us;
    ASSERT_FALSE(apply_changes(store, {&change, 1}).front().error);
  };
  {
    auto store = RegistryStore::open(live.path(), options);
    ASSERT_TRUE(store.ok());
    suspend(**store, 1, kNow - 5 * kHourUs);  // received five hours late
    now += kHourUs;
    suspend(**store, 2, kNow - 4 * kHourUs);
    suspend(**store, 3, kNow - 4 * kHourUs);
    ASSERT_TRUE((*store)->checkpoint().ok());
    now -= 30 * kHourUs;  // a clock that fell back: received no earlier all the same
    suspend(**store, 4, now);
    now += 40 * kHourUs;
    suspend(**store, 5, now);
  }
  const auto as_of = [&](const std::string& text) {
    std::vector<std::string> warnings;
    const auto then = read_registry_as_of(live.path(), parse_as_of(text), warnings);
    EXPECT_TRUE(then.ok()) << then.status().message();
    return then.ok() ? then->seq : 99;
  };
  const auto known = [&](std::int64_t unix_us) { return as_of("known:" + format_time(unix_us)); };
  EXPECT_EQ(as_of(format_time(kNow - 4 * kHourUs)), 4U) << "what had taken effect";
  EXPECT_EQ(known(kNow - 4 * kHourUs), 0U) << "what was known";
  EXPECT_EQ(known(kNow - 1), 0U);
  EXPECT_EQ(known(kNow), 1U);
  EXPECT_EQ(known(kNow + kHourUs - 1), 1U);
  EXPECT_EQ(known(kNow + kHourUs), 4U);
  EXPECT_EQ(known(kNow + 11 * kHourUs - 1), 4U);
  EXPECT_EQ(known(kNow + 11 * kHourUs), 5U);
  // A day is its end, and the day of the question.
  EXPECT_EQ(as_of("known:2025-11-30"), 0U);
  EXPECT_EQ(as_of("known:2025-12-01"), 5U);
  std::vector<std::string> warnings;
  EXPECT_EQ(read_registry_as_of(live.path(), parse_as_of("known:2025-11-30"), warnings)->today, Date{kToday.days - 1});
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("before its first change"), std::string::npos);
  // The same of what came since.
  const auto since = read_registry_since(live.path(), *parse_as_of("known:" + format_time(kNow)), warnings);
  ASSERT_TRUE(since.ok());
  EXPECT_EQ(since->seq, 1U);
  EXPECT_EQ(since->changes.size(), 4U);
}

TEST(AsOf, WhatWasKnownBeforeABaseWithChangesIsRefused) {
  const LiveDirectory first;
  {
    RegistryStore::Options options;
    options.now_us = [] { return kNow; };
    auto store = RegistryStore::open(first.path(), options);
    ASSERT_TRUE(store.ok());
    Change change = make_change(ChangeOp::kSuspend, 1, "a");
    change.at_us = kNow - 3600 * kSecondUs;
    ASSERT_FALSE(apply_changes(**store, {&change, 1}).front().error);
    ASSERT_TRUE((*store)->checkpoint().ok());
  }
  const std::string younger = first.folder().path("younger");
  ASSERT_TRUE(RegistryStore::create(younger, RegistryDirectory(first.path()).image_path(1)).ok());
  const auto known = [&](std::int64_t unix_us) {
    std::vector<std::string> warnings;
    return read_registry_as_of(younger, parse_as_of("known:" + format_time(unix_us)), warnings);
  };
  EXPECT_EQ(known(kNow).status().kind(), StatusKind::kUsage) << "its change may have been received later";
  {
    RegistryStore::Options options;
    options.now_us = [] { return kNow + 60 * kSecondUs; };
    auto store = RegistryStore::open(younger, options);
    ASSERT_FALSE(apply_changes(**store, make_change(ChangeOp::kSuspend, 2, "b")).error);
  }
  const auto before = known(kNow + 59 * kSecondUs);
  ASSERT_FALSE(before.ok());
  EXPECT_EQ(before.status().kind(), StatusKind::kUsage);
  EXPECT_NE(before.status().message().find("since 2025-12-01T10:01:00.000000+09:00"), std::string::npos)
      << before.status().message();
  EXPECT_EQ(known(kNow + 60 * kSecondUs)->seq, 2U);
}

TEST(AsOf, FormsThatCannotBeAskedAreNotRead) {
  for (const char* text : {"known:", "known:seq:4", "known:declared", "known:2025-12-01T10:00:00", "known: 2025-12-01",
                           "Known:2025-12-01", "known:2025-02-30", "known"}) {
    EXPECT_FALSE(parse_as_of(text)) << text;
  }
  EXPECT_EQ(parse_as_of("known:2025-12-01 10:00:00z")->kind, AsOf::Kind::kKnown);
}

}  // namespace
}  // namespace clearline
