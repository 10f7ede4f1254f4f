#include "io/formats/key_names.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace clearline::test {
namespace {

const std::vector<std::string> kNames{"id", "code", "name", "zip", "phone", "declared_at"};

/// `=code`, `~zip`, or `other`.
std::string match(const std::string& key, const std::vector<std::string>& known = kNames,
                  const IgnoredNames& ignored = {}) {
  KeyNames names(known, ignored);
  std::string text;
  for (int again = 0; again < 2; ++again) {  // the second time from memory
    const KeyNames::Match found = names.match(key);
    text = found.known != KeyNames::kNone ? "=" + known[found.known] : "";
    for (std::size_t i = 0; i < known.size(); ++i) {
      if ((found.near >> i & 1U) != 0) text += "~" + known[i];
    }
  }
  return text.empty() ? "other" : text;
}

TEST(KeyNames, AreThemselves) {
  for (const std::string& name : kNames) EXPECT_EQ(match(name), "=" + name);
}

TEST(KeyNames, AreNearInCaseBlanksAndMarks) {
  for (const char* key : {"Phone", "PHONE", "pho-ne", "pho_ne", "__phone", " phone", "phone ", "p h\tone",
                          "ph\u00ADone", "\uFEFFphone", "pho\u200Bne", "\u3000phone\u00A0", "phone\r\n"}) {
    EXPECT_EQ(match(key), "~phone") << key;
  }
  EXPECT_EQ(match("declaredAt"), "~declared_at");
  EXPECT_EQ(match("Declared-At"), "~declared_at");
  EXPECT_EQ(match("zips"), "~zip");
  EXPECT_EQ(match("Z I P S"), "~zip");
  EXPECT_EQ(match("zip", {"zips"}), "~zips");
  EXPECT_EQ(match(std::string(70'000, '-') + "id"), "~id");
  EXPECT_EQ(match("i" + std::string(70'000, ' ') + "d"), "~id");
}

TEST(KeyNames, AreNotNearInOtherLetters) {
  for (const char* key :
       {"", "_", " ", "phones", "telephone", "fone", "p.hone", "phone2", "identity", "i", "ID2", "zipp", "ｐｈｏｎｅ",
        "phoné", "상품명", "\u1112\u1161\u11ab", "na\u0301me", "\u0301", "n\u0000ame"}) {
    EXPECT_EQ(match(key), "other") << key;
  }
  EXPECT_EQ(match(std::string(70'000, 'x') + "id"), "other");
}

TEST(KeyNames, AreComparedAfterNfc) {
  const std::vector<std::string> names{"수취인명", "caf\u00E9", "\u00E9", "K"};
  EXPECT_EQ(match("\u1109\u116E\u110E\u1171\u110B\u1175\u11AB\u1106\u1167\u11BC", names), "=수취인명");
  EXPECT_EQ(match("수취인\u1106\u1167\u11BC", names), "=수취인명");
  EXPECT_EQ(match("cafe\u0301", names), "=caf\u00E9");
  EXPECT_EQ(match("e\u0301", names), "=\u00E9");
  EXPECT_EQ(match("Cafe\u0301", names), "~caf\u00E9");
  EXPECT_EQ(match("수취인 명", names), "~수취인명");
  EXPECT_EQ(match("\u1109\u116E 취인명", names), "~수취인명");
  EXPECT_EQ(match("\u212A", names), "=K");
  EXPECT_EQ(match("k", names), "~K");
  EXPECT_EQ(match("수취인", names), "other");
}

TEST(KeyNames, MayBeNearSeveral) { EXPECT_EQ(match("NAME", {"Name", "name_"}), "~Name~name_"); }

TEST(KeyNames, ThatAreIgnoredAreNotNear) {
  EXPECT_EQ(match("Phone", kNames, {"Phone"}), "other");
  EXPECT_EQ(match(" Phone\t", kNames, {"Phone"}), "other");
  EXPECT_EQ(match("PHONE", kNames, {"Phone"}), "~phone");
  EXPECT_EQ(match("phone", kNames, {"phone"}), "=phone") << "a known name stays known";
  EXPECT_EQ(match("cafe\u0301 ", {"CAF\u00C9", "caf\u00E9"}, {"caf\u00E9"}), "other");
}

TEST(KeyNames, NoKeyThatStartsLikeAnotherIsOurs) {
  const std::vector<std::string> names{"id", "code", "name", "zip", "phone", "declared_at", "수취인명", "caf\u00E9s"};
  KeyNames known(names, {});
  for (const char* start :
       {"item_na", "product", "currenc", "categor", "code_hs", "상품\xEB", "price_k", "idents", "caf\u00E9zz"}) {
    EXPECT_TRUE(known.is_start_of_others(start)) << start;
  }
  // However they go on, some key that starts so is near.
  for (const char* start :
       {"declare", "D-e-c-l", "____", " i", "ph", "code___", "수\xEC", "수취\xEC", "caf", "cafe", "\u1109\u116E"}) {
    EXPECT_FALSE(known.is_start_of_others(start)) << start;
  }
  // What is ours starts with no such start, cut anywhere and in pieces.
  for (const std::string& name :
       {std::string("De Clared-At"), std::string("cafe\u0301s"),
        std::string("\u1109\u116E\u110E\u1171\u110B\u1175\u11AB\u1106\u1167\u11BC"), std::string("_-\u200Bzi ps")}) {
    for (std::size_t size = 1; size <= name.size(); ++size) {
      EXPECT_FALSE(known.is_start_of_others(std::string_view(name).substr(0, size))) << name << " " << size;
    }
  }
}

TEST(Ignore, IsAListOfNames) {
  EXPECT_EQ(*parse_ignore(""), IgnoredNames());
  EXPECT_EQ(*parse_ignore("Phone, zip code ,cafe\u0301"), (IgnoredNames{"Phone", "zip code", "caf\u00E9"}));
  for (const char* wrong : {",", "Phone,", "a,,b", " "}) EXPECT_FALSE(parse_ignore(wrong).ok()) << wrong;
}

TEST(VisibleName, ShowsWhatCannotBeSeen) {
  EXPECT_EQ(visible_name("zip code 명"), "zip code 명");
  EXPECT_EQ(visible_name("\uFEFFzip\u00A0\n"), "<U+FEFF>zip<U+00A0><U+000A>");
}

}  // namespace
}  // namespace clearline::test
