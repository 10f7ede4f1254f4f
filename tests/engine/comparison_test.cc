// What counts as the same person, with results written by hand, through the public Screener and through the reference.
#include <gtest/gtest.h>

#include "clearline/screener.h"
#include "tests/support/reference.h"
#include "tests/support/screening.h"

namespace clearline::test {
namespace {

reference::Registered hong() {
  return {"P123456789012", "HONG GILDONG", "홍길동", "01012345678", {"04524", "12345", "00001"},
          "active",        "2026-01-15"};
}
reference::Declared declared() { return {"P123456789012", "HONG GILDONG", "04524", "", "2026-01-15"}; }

Verdict verdict(const reference::Registered& person, const reference::Declared& text) {
  const Registry registry = make_registry({person});
  const Policy policy = standard_policy();
  Screener screener(registry, policy, parse_date("2026-01-15").value());
  Declaration declaration{text.code, text.name, text.zip, text.phone, {}};
  if (!text.declared_at.empty()) declaration.declared_at = parse_moment(text.declared_at);
  Verdict result;
  screener.screen({&declaration, 1}, {&result, 1});
  return result;
}

/// The reasons, joined; the reference must say the same.
std::string reasons(const reference::Registered& person, const reference::Declared& text) {
  const Verdict result = verdict(person, text);
  std::string got;
  for (int i = 0; i < kReasonCount; ++i) {
    if (result.reasons.has(static_cast<Reason>(i)))
      got += (got.empty() ? "" : " ") + std::string(to_string(static_cast<Reason>(i)));
  }
  const reference::Judgement judgement = reference::Reference({person}, "2026-01-15").judge(text);
  std::string expected;
  for (const auto& reason : judgement.reasons) expected += (expected.empty() ? "" : " ") + reason;
  EXPECT_EQ(got, expected) << text.name;
  std::string checks(to_string(result.code));
  for (const ItemCheck check : {result.name, result.phone, result.zip}) checks += " " + std::string(to_string(check));
  EXPECT_EQ(checks, judgement.checks) << text.name;
  EXPECT_EQ(result.outcome == Outcome::kClear, got.empty());
  return got;
}

/// same, same:given_first, mismatch, missing, not_on_file.
std::string name(const std::string& registered, const std::string& text, const std::string& registered_ko = "") {
  auto person = hong();
  person.name = registered;
  person.name_ko = registered_ko;
  auto declaration = declared();
  declaration.name = text;
  reasons(person, declaration);
  return std::string(to_string(verdict(person, declaration).name));
}

TEST(LatinName, SpellingsOfOnePersonAreTheSame) {
  for (const std::string text :
       {"HONG GILDONG", "HONG, GIL DONG", "hong gildong", "HONG<<GILDONG<<<", "ＨＯＮＧ Gildong", "HONGGILDONG",
        "HONG GIL-DONG", "Hong Gil'dong", "Hong Gil’dong", "Mr. HONG GILDONG", "Hong Gildong, Mrs.",
        "DR MISS Hong Gildong MR", "  HONG\u00a0GILDONG ", "HO\u200bNG GIL\u00adDONG", "HÓNG GILDÖNG",
        "H.O.N.G GILDONG"}) {
    EXPECT_EQ(name("HONG GILDONG", text), "same") << text;
  }
  for (const std::string text : {"Gil-Dong Hong", "GILDONGHONG", "Gil Dong, Hong", "MR GILDONG HONG"}) {
    EXPECT_EQ(name("HONG GILDONG", text), "same:given_first") << text;
  }
}

TEST(LatinName, ARegisteredTitleIsDroppedAsADeclaredOneIs) {
  for (const std::string text : {"MR. KIM MINSU", "KIM MINSU", "Kim Minsu, Dr."}) {
    EXPECT_EQ(name("MR. KIM MINSU", text), "same") << text;
    EXPECT_EQ(name("MR, KIM MINSU DR", text), "same") << text;
  }
  EXPECT_EQ(name("MR. KIM MINSU", "Minsu Kim"), "same:given_first");
}

TEST(LatinName, TheFamilyNameIsTheFirstPieceWithALetter) {
  EXPECT_EQ(name("- KIM MINSU", "Minsu Kim"), "same:given_first");
  EXPECT_EQ(name("' KIM MINSU", "Minsu Kim"), "same:given_first");
  EXPECT_EQ(name("DE LA CRUZ<'<JUAN", "Juan De La Cruz"), "same:given_first");
}

TEST(Name, OneThatLostALetterIsNeverTheSame) {
  for (const std::string text : {"홍?동", "?홍동", "홍동?", "홍\uFFFD동", "홍동\uFFFD", "홍\u0001동"}) {
    EXPECT_EQ(name("", text, "홍동"), "mismatch") << text;
    EXPECT_EQ(name("HONG DONG", text, ""), "mismatch") << text << " with nothing on file";
  }
  for (const std::string text :
       {"HONG?DONG", "HONG DONG?", "HONG DONG \uFFFD", "HONG\u0001DONG", "HONG DONG (홍?동)"}) {
    EXPECT_EQ(name("HONG DONG", text), "mismatch") << text;
    EXPECT_EQ(name("", text), "mismatch") << text << " with nothing on file";
  }
  EXPECT_EQ(name("HONG DONG", "HONG ? DONG"), "same");
  EXPECT_EQ(name("HONG DONG", "HONG？DONG"), "same") << "only U+003F is what converters write";
}

TEST(Name, OneOfMoreThan512BytesIsNeverTheSame) {
  const std::string long_one = "HONG GILDONG" + std::string(500, ' ');
  EXPECT_EQ(name("HONG GILDONG", long_one), "same");
  EXPECT_EQ(name("HONG GILDONG", long_one + " "), "mismatch");
  EXPECT_EQ(name("", long_one + " "), "mismatch");
  EXPECT_EQ(name("HONG GILDONG", std::string(1000, ' ') + "\u200b"), "missing");
}

TEST(Name, OneThatIsNoUtf8IsNeverTheSame) {
  for (const std::string text : {"HONG GILDONG\x80", "\xED\xA0\x80HONG GILDONG", "HONG\xC0\xA0GILDONG",
                                 "HONG GILDONG\xEA", "HONG GILDONG\xF0\x9F", "\xFF"}) {
    EXPECT_EQ(name("HONG GILDONG", text), "mismatch");
    EXPECT_EQ(name("", text, "홍길동"), "mismatch");
  }
}

TEST(LatinName, AnotherPersonIsNot) {
  for (const std::string text :
       {"GILSONG HONG", "HONG GILSONG", "HONG", "GILDONG", "DONG HONGGIL", "HONG G", "HONG GILDON", "HONG GILDONGG",
        "НONG GILDONG" /* Cyrillic */, "HONG GILDONG 2", "MR", "HONG MR GILDONG"}) {
    EXPECT_EQ(name("HONG GILDONG", text), "mismatch") << text;
  }
}

TEST(LatinName, LettersThatDecompositionKeepsAreSpelledOut) {
  EXPECT_EQ(name("WEIß ØYVIND", "WEISS OEYVIND"), "same");
  EXPECT_EQ(name("AETHER OELE", "Æther Œle"), "same");
  EXPECT_EQ(name("DANG LUKASZ", "Đang łukasz"), "same");
  EXPECT_EQ(name("THOR DI", "Þor ðı"), "same");
  EXPECT_EQ(name("STRASSE A", "STRAẞE A"), "same");
  EXPECT_EQ(name("MUELLER A", "MÜLLER A"), "mismatch") << "marks are dropped, not spelled out";
}

TEST(LatinName, FamilyEndsAtTheFirstBlankOrAtACommaOrDoubleBracket) {
  EXPECT_EQ(name("KIM-LEE HANA", "HANA KIM LEE"), "same:given_first");
  EXPECT_EQ(name("DE LA CRUZ, JUAN", "Juan de la Cruz"), "same:given_first");
  EXPECT_EQ(name("DE LA CRUZ, JUAN", "de la Cruz Juan"), "same");
  EXPECT_EQ(name("DE LA CRUZ JUAN", "Juan de la Cruz"), "mismatch") << "without a comma the family name is DE";
  EXPECT_EQ(name("DE LA CRUZ<<JUAN<M", "Juan M de la Cruz"), "same:given_first");
  EXPECT_EQ(name("CRUZ，JUAN", "JUAN CRUZ"), "same:given_first") << "a full-width comma, found after NFKC";
  EXPECT_EQ(name(", JUAN", "JUAN"), "same");
  EXPECT_EQ(name("ABCDEFGHIJKLMNOPQ RS", "RS ABCDEFGHIJKLMNOPQ"), "same:given_first")
      << "a family name longer than a row can say";
  EXPECT_EQ(name("ÞÓR BJÖRK", "BJORK THOR"), "same:given_first");
}

TEST(LatinName, EmptyAndUnusableTexts) {
  for (const std::string text : {"", " ", "\t", "\u3000", "\u200b", "\u00ad \u00a0", "\u0085"})
    EXPECT_EQ(name("HONG GILDONG", text), "missing") << text;
  for (const std::string text : {"'", "...", "-", "\u0301", "\x01", "HONG\x01GILDONG", "HONG GILDONG\x7f", "\u0080"}) {
    EXPECT_EQ(name("HONG GILDONG", text), "mismatch") << text;
    EXPECT_EQ(name("", text), "mismatch") << text;
  }
}

TEST(HangulName, CharactersInOrderAfterNfc) {
  EXPECT_EQ(name("HONG GILDONG", "홍길동", "홍길동"), "same");
  EXPECT_EQ(name("HONG GILDONG", " 홍 길.동 ", "홍길동"), "same");
  EXPECT_EQ(name("HONG GILDONG", "\u1112\u1169\u11bc\u1100\u1175\u11af\u1103\u1169\u11bc", "홍길동"), "same");
  EXPECT_EQ(name("HONG GILDONG", "홍길동", "\u1112\u1169\u11bc길동"), "same");
  EXPECT_EQ(name("HONG GILDONG", "ㅎㅗㅇ길동", "홍길동"), "mismatch") << "compatibility jamo are not composed";
  EXPECT_EQ(name("HONG GILDONG", "길동홍", "홍길동"), "mismatch");
}

TEST(HangulName, BothScriptsMustAgreeAndAPartNotOnFileIsLeftOut) {
  EXPECT_EQ(name("HONG GILDONG", "HONG GILDONG (홍길동)", "홍길동"), "same");
  EXPECT_EQ(name("HONG GILDONG", "홍길동 Gildong Hong", "홍길동"), "same:given_first");
  EXPECT_EQ(name("HONG GILDONG", "HONG GILDONG (홍길순)", "홍길동"), "mismatch");
  EXPECT_EQ(name("HONG GILDONG", "HONG GILSOON (홍길동)", "홍길동"), "mismatch");
  EXPECT_EQ(name("HONG GILDONG", "HONG GILDONG (홍길동)"), "same");
  EXPECT_EQ(name("", "HONG GILDONG (홍길동)", "홍길동"), "same");
  EXPECT_EQ(name("", "HONG GILDONG", "홍길동"), "not_on_file");
  EXPECT_EQ(name("HONG GILDONG", "홍길동"), "not_on_file");
  EXPECT_EQ(name("", "홍길동 HONG"), "not_on_file");
  EXPECT_EQ(name("HONG GILDONG", "MR 홍길동", "홍길동"), "same") << "a title is dropped while a Hangul part remains";
  EXPECT_EQ(name("HONG GILDONG", "K 홍길동", "홍길동"), "mismatch");
}

std::string with(const std::function<void(reference::Registered&, reference::Declared&)>& change) {
  auto person = hong();
  auto declaration = declared();
  change(person, declaration);
  return reasons(person, declaration);
}

TEST(Zip, EqualToAnyRegisteredOne) {
  for (const std::string zip : {"04524", "12345", "00001", " 04524\t"})
    EXPECT_EQ(with([&](auto&, auto& d) { d.zip = zip; }), "") << zip;
  for (const std::string zip : {"04525", "00000", "99999"})
    EXPECT_EQ(with([&](auto&, auto& d) { d.zip = zip; }), "zip_mismatch") << zip;
  for (const std::string zip : {"4524", "045240", "０４５２４", "04 24", "0452A", "-4524"}) {
    EXPECT_EQ(with([&](auto&, auto& d) { d.zip = zip; }), "zip_malformed") << zip;
  }
  EXPECT_EQ(with([](auto&, auto& d) { d.zip = " "; }), "zip_missing");
  EXPECT_EQ(with([](auto& p, auto&) { p.zips.clear(); }), "zip_not_on_file");
  EXPECT_EQ(with([](auto& p, auto& d) { p.zips.clear(), d.zip = "x"; }), "zip_malformed")
      << "malformed comes before not on file";
  EXPECT_EQ(with([](auto& p, auto& d) { p.zips = {"00000"}, d.zip = "00000"; }), "");
}

TEST(Phone, EqualAfterFolding) {
  for (const std::string phone : {"01012345678", "010-1234-5678", "+82 10-1234-5678", "+82 010 1234 5678",
                                  "0082 (10) 1234.5678", "008201012345678"}) {
    EXPECT_EQ(with([&](auto&, auto& d) { d.phone = phone; }), "") << phone;
  }
  for (const std::string phone :
       {"01012345679", "1012345678", "+81 10 1234 5678", "none", "+", "82 1012345678", "010123456780"}) {
    EXPECT_EQ(with([&](auto&, auto& d) { d.phone = phone; }), "phone_mismatch") << phone;
  }
  EXPECT_EQ(with([](auto&, auto& d) { d.phone = "0503-1234-5678"; }), "phone_virtual");
  EXPECT_EQ(with([](auto& p, auto& d) { p.phone = "05031234567", d.phone = "050-3123-4567"; }), "");
  EXPECT_EQ(with([](auto& p, auto& d) { p.phone = "", d.phone = "0503-1234-5678"; }), "")
      << "standard is silent when none is on file";
  EXPECT_EQ(with([](auto& p, auto& d) { p.phone = "+1 555 0100", d.phone = "+1-555-0100"; }), "");
  EXPECT_EQ(with([](auto& p, auto& d) { p.phone = "+1 555 0100", d.phone = "15550100"; }), "phone_mismatch");
}

TEST(Code, AsciiOnlyAndNothingElseFolded) {
  for (const std::string code : {"P123456789012", "p123456789012", " P123456789012\t"})
    EXPECT_EQ(with([&](auto&, auto& d) { d.code = code; }), "");
  for (const std::string code : {"P12345678901", "P1234567890123", "123456789012", "Ｐ123456789012", "P12345678901２",
                                 "P1234 56789012", "P123456-789012", "PP23456789012"}) {
    EXPECT_EQ(with([&](auto&, auto& d) { d.code = code; }), "code_malformed") << code;
  }
  EXPECT_EQ(with([](auto&, auto& d) { d.code = "\t "; }), "code_missing");
  EXPECT_EQ(with([](auto&, auto& d) { d.code = "P000000000000"; }), "code_unknown");
  EXPECT_EQ(with([](auto&, auto& d) { d = {"P999999999999", "", "", "x", ""}; }), "code_unknown")
      << "nothing else is compared then";
}

TEST(Status, NotActiveHoldsAndTheItemsAreStillCompared) {
  for (const std::string status : {"suspended", "cancelled", "replaced"}) {
    EXPECT_EQ(with([&](auto& p, auto&) { p.status = status; }), "code_" + status);
    EXPECT_EQ(with([&](auto& p, auto& d) {
                p.status = status, p.expires = "2000-01-01", d.name = "X", d.phone = "1", d.zip = "";
              }),
              "code_" + status + " name_mismatch phone_mismatch zip_missing");
  }
}

TEST(Expiry, TheCodeIsUsableThroughItsLastKoreanDay) {
  EXPECT_EQ(with([](auto&, auto&) {}), "");
  EXPECT_EQ(with([](auto&, auto& d) { d.declared_at = "2026-01-16"; }), "code_expired");
  EXPECT_EQ(with([](auto&, auto& d) { d.declared_at = "2026-01-15T14:59:59Z"; }), "");
  EXPECT_EQ(with([](auto&, auto& d) { d.declared_at = "2026-01-15T15:00:00Z"; }), "code_expired");
  EXPECT_EQ(with([](auto&, auto& d) { d.declared_at = ""; }), "") << "the run's day";
  EXPECT_EQ(with([](auto& p, auto& d) { p.expires = "2026-01-14", d.declared_at = ""; }), "code_expired");
  // Days outside the window that hot rows can hold.
  for (const std::string day : {"1999-12-31", "2021-12-31", "0000-01-01"})
    EXPECT_EQ(with([&](auto& p, auto&) { p.expires = day; }), "code_expired") << day;
  for (const std::string day : {"2033-03-18", "2033-03-19", "2150-01-01", "9999-12-31", ""})
    EXPECT_EQ(with([&](auto& p, auto&) { p.expires = day; }), "") << day;
}

TEST(Verdict, IsTheWorstOfItsReasonsAndAFreshOneIsAnError) {
  EXPECT_EQ(Verdict{}.outcome, Outcome::kError);
  EXPECT_TRUE(Verdict{}.reasons.has(Reason::kInternal));
  auto person = hong();
  person.name.clear();
  person.name_ko.clear();
  EXPECT_EQ(verdict(person, declared()).outcome, Outcome::kReview);
  auto declaration = declared();
  declaration.zip = "99999";
  EXPECT_EQ(verdict(person, declaration).outcome, Outcome::kHold);
}

TEST(Policy, GivenFirstGraceAndRequiredPhoneAreSwitches) {
  const Registry registry = make_registry({hong()});
  Policy policy = standard_policy();
  policy.rules[0].given_first_is_same = false;
  policy.rules[0].expiry_grace_days = 1;
  policy.rules[0].phone = PhoneCheck::kRequired;
  Rule later = standard_policy().rules[0];
  later.from = parse_date("2026-01-17");
  later.checks_name = false;
  later.checks_zip = false;
  policy.rules.push_back(later);
  Screener screener(registry, policy, Date{});
  Declaration declaration{"P123456789012", "GILDONG HONG", "04524", "", parse_moment("2026-01-16")};
  Verdict result;
  screener.screen({&declaration, 1}, {&result, 1});
  EXPECT_EQ(result.code, CodeCheck::kActive) << "one day of grace";
  EXPECT_EQ(result.name, ItemCheck::kMismatch);
  EXPECT_TRUE(result.reasons.has(Reason::kPhoneMissing));
  declaration.declared_at = parse_moment("2026-01-17");
  screener.screen({&declaration, 1}, {&result, 1});
  EXPECT_EQ(result.rule, 1);
  EXPECT_EQ(result.code, CodeCheck::kExpired);
  EXPECT_EQ(result.name, ItemCheck::kNotChecked);
  EXPECT_EQ(result.zip, ItemCheck::kNotChecked);
}

}  // namespace
}  // namespace clearline::test
