// The installed library takes any bytes: what is no text, no code and no date is an answer, and no read or write elsewhere. Under
// AddressSanitizer this is the proof of it.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "clearline/change.h"
#include "clearline/screener.h"
#include "tests/support/random_input.h"

namespace clearline::test {
namespace {

/// Bytes in memory of just their size.
class Exact {
 public:
  explicit Exact(const std::string& text) : bytes_(text.begin(), text.end()) {}
  std::string_view text() const { return {bytes_.data(), bytes_.size()}; }

 private:
  std::vector<char> bytes_;
};

/// Random bytes, and pieces of texts that mean something, cut anywhere.
std::string any_bytes(std::mt19937_64& random) {
  constexpr std::string_view kPieces[] = {"HONG GILDONG",
                                          "홍길동",
                                          "\u1112\u1169\u11bc",
                                          "P123456789012",
                                          "2026-01-15T10:00:00.5+09:00",
                                          "+82 10-1234-5678",
                                          "04524",
                                          "\u0301\u0345",
                                          "\U0001D400",
                                          "\uFDFA",
                                          "<<",
                                          "?",
                                          "MR "};
  std::string text;
  const std::size_t size = random() % 20 == 0 ? random() % 2000 : random() % 40;
  while (text.size() < size) {
    if (random() % 2 == 0) {
      text += kPieces[random() % std::size(kPieces)];
    } else {
      text += static_cast<char>(random() % 256);
    }
  }
  text.resize(size);
  return text;
}

TEST(PublicApi, AnyBytesAreTaken) {
  const std::uint64_t seed = test_seed();
  std::mt19937_64 random(seed);
  RegistryBuilder builder(RegistryKey{1}, {});
  for (std::uint64_t code = 0; code < 200; ++code) {
    Entry entry;
    entry.code = Code{code};
    entry.name = code % 2 == 0 ? "HONG GILDONG" : "";
    entry.name_ko = code % 3 == 0 ? "홍길동" : "";
    entry.phone = code % 5 == 0 ? "+1555" : "01012345678";
    entry.zips = {4524, 1, 2, 3};
    builder.add(entry);
  }
  RegistryBuilder::Batch batch = builder.make_batch();
  for (int round = 0; round < (CLEARLINE_SANITIZED != 0 ? 20'000 : 50'000); ++round) {
    Entry entry;
    entry.code = Code{random() % 3 == 0 ? random() : 1000 + random() % 100'000};
    entry.name = any_bytes(random);
    entry.name_ko = random() % 2 == 0 ? any_bytes(random) : "";
    entry.phone = random() % 2 == 0 ? canonical_phone(any_bytes(random)) : "";
    entry.zips.assign(random() % 22, static_cast<std::uint32_t>(random() % 110'000));
    if (random() % 4 == 0) entry.expires = Date{static_cast<std::int32_t>(random())};
    ASSERT_EQ(entry_fault(entry), batch.add(entry)) << "CLEARLINE_SEED=" << seed;
  }
  builder.add(batch);
  const auto built = builder.build(RegistryBuilder::OnDuplicate::kKeepLast);
  ASSERT_TRUE(built.registry);

  const Policy policy = standard_policy();
  Screener screener(*built.registry, policy, parse_date("2026-01-15").value());
  for (int round = 0; round < (CLEARLINE_SANITIZED != 0 ? 20'000 : 100'000); ++round) {
    const std::string code = "P000000000" + std::to_string(100 + random() % 100);
    const Exact texts[] = {Exact(random() % 4 == 0 ? any_bytes(random) : code), Exact(any_bytes(random)),
                           Exact(any_bytes(random)), Exact(any_bytes(random))};
    Declaration declaration{texts[0].text(), texts[1].text(), texts[2].text(), texts[3].text(), {}};
    if (random() % 4 == 0) declaration.declared_at = parse_moment(texts[1].text());
    Verdict verdict;
    screener.screen({&declaration, 1}, {&verdict, 1});
    ASSERT_FALSE(verdict.reasons.has(Reason::kInternal)) << "CLEARLINE_SEED=" << seed;
    (void)built.registry->find(Code{random()});
    (void)parse_code(texts[1].text());
    (void)parse_date(texts[1].text());
    (void)parse_time_us(texts[1].text());
    (void)parse_code_status(texts[1].text());
    (void)parse_change_op(texts[1].text());
    (void)parse_change_by(texts[1].text());
    (void)canonical_phone(texts[1].text());
  }
}

}  // namespace
}  // namespace clearline::test
