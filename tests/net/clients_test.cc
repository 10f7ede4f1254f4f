#include "io/net/clients.h"

#include <gtest/gtest.h>

#include <string>

namespace clearline::test {
namespace {

ClientConfig client(const std::string& name, Role role, std::optional<std::string> token,
                    std::optional<std::uint32_t> uid = std::nullopt) {
  ClientConfig made;
  made.name = name;
  made.role = role;
  if (token) made.token = hash_token(*token);
  made.uid = uid;
  return made;
}

TEST(Clients, ATokenIsHashedAsSha256) {
  // FIPS 180-2, appendix B.1.
  const TokenHash hash = hash_token("abc");
  EXPECT_EQ(hash[0], 0xBA);
  EXPECT_EQ(hash[1], 0x78);
  EXPECT_EQ(hash[31], 0xAD);
}

TEST(Clients, ATokenIsThatOfItsClientOnly) {
  const Clients clients(
      {client("a", Role::kFeed, "one"), client("b", Role::kRegistrar, "two"), client("c", Role::kRegistrar, {}, 7)});
  ASSERT_NE(clients.of_token("one"), nullptr);
  EXPECT_EQ(clients.of_token("one")->name, "a");
  ASSERT_NE(clients.of_token("two"), nullptr);
  EXPECT_EQ(clients.of_token("two")->name, "b");
  for (const std::string wrong : {"", "on", "one ", "One", "three"}) EXPECT_EQ(clients.of_token(wrong), nullptr);
  EXPECT_EQ(clients.of_token(std::string("one\0", 4)), nullptr);
}

TEST(Clients, AnEmptyOrBlankTokenIsNobodys) {
  for (const std::string nothing : {"", " ", "  ", "\t", " \t "}) {
    const Clients clients({client("a", Role::kRegistrar, nothing)});
    EXPECT_EQ(clients.of_token(nothing), nullptr) << nothing.size();
  }
}

TEST(Clients, AUserIsThatOfItsClientOnly) {
  const Clients clients({client("a", Role::kFeed, "one"), client("b", Role::kRegistrar, {}, 0)});
  ASSERT_NE(clients.of_user(0), nullptr);
  EXPECT_EQ(clients.of_user(0)->name, "b");
  EXPECT_EQ(clients.of_user(1), nullptr);
}

TEST(Clients, NobodyConfiguredIsNobodysToken) {
  EXPECT_TRUE(Clients().empty());
  EXPECT_EQ(Clients().of_token(""), nullptr);
  EXPECT_EQ(Clients().of_user(0), nullptr);
  EXPECT_FALSE(Clients({client("a", Role::kFeed, "one")}).empty());
}

TEST(Clients, AClientIsStillThereWithTheSameNameRoleAndProof) {
  ClientConfig now = client("a", Role::kFeed, "one");
  const Clients clients({now});
  EXPECT_TRUE(clients.has(now));
  now.explain = true;
  EXPECT_TRUE(clients.has(now)) << "how it is answered is no matter of who it is";
  EXPECT_FALSE(clients.has(client("b", Role::kFeed, "one")));
  EXPECT_FALSE(clients.has(client("a", Role::kOperator, "one")));
  EXPECT_FALSE(clients.has(client("a", Role::kFeed, "two")));
  EXPECT_FALSE(clients.has(client("a", Role::kFeed, {}, 1)));
  EXPECT_FALSE(clients.has(client("a", Role::kFeed, "one", 1)));
}

TEST(Clients, RolesHaveTheirWords) {
  for (const Role role : {Role::kFeed, Role::kRegistrar, Role::kAuditor, Role::kOperator}) {
    EXPECT_EQ(parse_role(to_string(role)), role);
  }
  EXPECT_EQ(to_string(Role::kRegistrar), "registrar");
  EXPECT_EQ(parse_role("Feed"), std::nullopt);
}

}  // namespace
}  // namespace clearline::test
