#include "engine/entry_record.h"

#include <gtest/gtest.h>

#include <random>

#include "io/generate/people.h"
#include "tests/support/random_input.h"

namespace clearline {
namespace {

std::string record_of(const Entry& entry) {
  std::string record;
  append_entry_record(entry, record);
  return record;
}

Entry full_entry() {
  Entry entry;
  entry.code = Code{123'456'789'012};
  entry.name = "HONG GILDONG";
  entry.name_ko = "홍길동";
  entry.phone = "01012345678";
  entry.zips = {4524, 99'999, 0};
  entry.status = CodeStatus::kReplaced;
  entry.replaced_by = Code{kCodeEnd - 1};
  entry.issued = parse_date("2020-02-29");
  entry.changed = parse_date("0000-01-01");
  entry.expires = parse_date("9999-12-31");
  return entry;
}

/// An entry of any form that can be registered, and texts of any ASCII.
Entry random_entry(std::mt19937_64& random) {
  const auto below = [&](std::uint64_t count) { return random() % count; };
  const auto text = [&](std::size_t size_max) {
    std::string out(below(3) == 0 ? 0 : below(size_max), '\0');
    for (char& c : out) c = static_cast<char>(below(128));
    return out;
  };
  Entry entry;
  entry.code = Code{below(2) == 0 ? below(kCodeEnd) : below(300)};
  entry.name = text(300);
  entry.name_ko = text(40);
  entry.phone = text(20);
  entry.zips.resize(below(kZipsMax + 1));
  for (auto& zip : entry.zips) zip = static_cast<std::uint32_t>(below(100'000));
  entry.status = static_cast<CodeStatus>(below(4));
  if (entry.status == CodeStatus::kReplaced && below(2) == 0) entry.replaced_by = Code{below(kCodeEnd)};
  const auto date = [&]() -> std::optional<Date> {
    if (below(3) == 0) return std::nullopt;
    const auto days = static_cast<std::uint64_t>(kDateMax.days - kDateMin.days + 1);
    return Date{static_cast<std::int32_t>(below(days)) + kDateMin.days};
  };
  entry.issued = date();
  entry.changed = date();
  entry.expires = date();
  return entry;
}

TEST(EntryRecord, GivesBackWhatWasWritten) {
  EXPECT_EQ(read_entry_record(record_of(Entry())), Entry());
  EXPECT_EQ(read_entry_record(record_of(full_entry())), full_entry());
  const std::uint64_t seed = test::test_seed();
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    const Entry entry = random_entry(random);
    ASSERT_EQ(read_entry_record(record_of(entry)), entry) << "CLEARLINE_SEED=" << seed << " entry " << i;
  }
  const generate::People people(seed);
  for (std::uint64_t number = 0; number < 20'000; ++number) {
    const Entry entry = people.person(number).entry;
    ASSERT_EQ(read_entry_record(record_of(entry)), entry) << "CLEARLINE_SEED=" << seed << " person " << number;
  }
}

TEST(EntryRecord, TextsThatAreNoUtf8AreRefused) {
  for (std::string Entry::* text : {&Entry::name, &Entry::name_ko, &Entry::phone}) {
    for (const char* bytes : {"\x80", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "A\xEA\xB0", "\xFF"}) {
      Entry entry = full_entry();
      entry.*text = bytes;
      EXPECT_FALSE(read_entry_record(record_of(entry)));
      EXPECT_TRUE(entry_fault(entry));
    }
  }
}

TEST(EntryRecord, IsAppended) {
  std::string records = "before";
  append_entry_record(full_entry(), records);
  EXPECT_EQ(records, "before" + record_of(full_entry()));
}

TEST(EntryRecord, StaysAsItIs) {
  // Records are kept for ever: this one must be read by every version to come.
  Entry entry;
  entry.code = Code{300};
  entry.name = "KIM A";
  entry.phone = "+1";
  entry.zips = {4524};
  entry.status = CodeStatus::kSuspended;
  entry.issued = parse_date("2020-01-02");
  entry.expires = parse_date("2019-12-31");
  const std::string_view record("\x01\x15\xAC\x02\x05KIM A\x00\x02+1\x01\xAC\x23\x02\x01", 19);
  EXPECT_EQ(record_of(entry), record);
  EXPECT_EQ(read_entry_record(record), entry);
}

TEST(EntryRecord, CutOffOrGoingOnItIsNone) {
  const std::string record = record_of(full_entry());
  for (std::size_t size = 0; size < record.size(); ++size) {
    EXPECT_FALSE(read_entry_record(std::string_view(record).substr(0, size))) << size;
  }
  for (const std::string& behind : {std::string(1, '\0'), std::string("x"), record}) {
    EXPECT_FALSE(read_entry_record(record + behind));
  }
}

TEST(EntryRecord, WrongBytesAreRefused) {
  const auto refused = [](std::string record) { return !read_entry_record(record); };
  const std::string bare("\x01\x00\x07\x00\x00\x00\x00", 7);
  Entry entry;
  entry.code = Code{7};
  ASSERT_EQ(record_of(entry), bare);
  const auto with = [&](std::size_t at, const std::string& bytes) { return std::string(bare).replace(at, 1, bytes); };
  EXPECT_TRUE(refused(with(0, std::string(1, '\0')))) << "no version";
  EXPECT_TRUE(refused(with(0, "\x02"))) << "a newer version";
  EXPECT_TRUE(refused(with(1, "\x40"))) << "an unknown flag";
  EXPECT_TRUE(refused(with(2, "\x80\xA0\x94\xA5\x8D\x1D"))) << "10^12 is no code";
  EXPECT_EQ(read_entry_record(with(2, "\xFF\x9F\x94\xA5\x8D\x1D"))->code, Code{kCodeEnd - 1});
  EXPECT_TRUE(refused(with(2, std::string("\x87\x00", 2)))) << "a number with a byte too many";
  EXPECT_TRUE(refused(with(2, std::string(9, '\xFF') + "\x01"))) << "a number of 64 bits";
  EXPECT_TRUE(refused(with(3, "\x7F"))) << "a text that is not there";
  EXPECT_TRUE(refused(with(3, std::string(8, '\xFF') + "\x7F"))) << "a text of 2^63 bytes";
  EXPECT_TRUE(refused(with(6, "\x15" + std::string(21, '\x01')))) << "21 zips";
  EXPECT_FALSE(refused(with(6, "\x14" + std::string(20, '\x01')))) << "20 zips";
  EXPECT_TRUE(refused(with(6, "\x01\xA0\x8D\x06"))) << "zip 100000";
  EXPECT_FALSE(refused(with(6, "\x01\x9F\x8D\x06"))) << "zip 99999";
  EXPECT_TRUE(refused(with(1, "\x04") + "\xFE\xFF\xFF\x7F")) << "a date behind the calendar";
  EXPECT_TRUE(refused(with(1, "\x04") + "\xFF\xFF\xFF\x7F")) << "a date before it";
  EXPECT_TRUE(refused(with(1, "\x20") + "\x01")) << "replaced_by of an active code";
  EXPECT_FALSE(refused(with(1, "\x23") + "\x01"));
  EXPECT_TRUE(refused(with(1, "\x23") + "\x80\xA0\x94\xA5\x8D\x1D")) << "replaced_by that is no code";
}

TEST(EntryRecord, AnyBytesAreRefusedOrOneEntrysOnly) {
  const auto check = [](const std::string& record) {
    const auto entry = read_entry_record(record);
    if (!entry) return;
    EXPECT_LT(entry->code.digits, kCodeEnd);
    EXPECT_EQ(record_of(*entry), record) << "what is read would not be written so";
  };
  const std::uint64_t seed = test::test_seed();
  SCOPED_TRACE("CLEARLINE_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < (CLEARLINE_SANITIZED != 0 ? 5 : 50); ++i) {
    const std::string record = record_of(i == 0 ? full_entry() : random_entry(random));
    for (std::size_t size = 0; size < record.size(); ++size) check(record.substr(0, size));
    for (std::size_t at = 0; at < record.size(); ++at) {
      for (int flip = 1; flip < 256; ++flip) {
        std::string damaged = record;
        damaged[at] = static_cast<char>(damaged[at] ^ flip);
        check(damaged);
      }
    }
  }
}

}  // namespace
}  // namespace clearline
