#include "io/net/hello.h"

#include <gtest/gtest.h>

#include <string>

namespace clearline::test {
namespace {

void is_good(const std::string& line, const std::optional<std::string>& token) {
  const Hello hello = read_hello(line);
  EXPECT_TRUE(hello.is_hello) << line;
  EXPECT_EQ(hello.fault, "") << line;
  EXPECT_EQ(hello.token, token) << line;
}

void is_wrong(const std::string& line, const std::string& fault) {
  const Hello hello = read_hello(line);
  EXPECT_TRUE(hello.is_hello) << line;
  EXPECT_TRUE(hello.fault.starts_with(fault)) << line << ": " << hello.fault;
  EXPECT_EQ(hello.token, std::nullopt) << line;
}

void is_none(const std::string& line) {
  const Hello hello = read_hello(line);
  EXPECT_FALSE(hello.is_hello) << line;
  EXPECT_EQ(hello.fault, "") << line;
  EXPECT_EQ(hello.token, std::nullopt) << line;
}

TEST(Hello, GivesItsToken) {
  is_good(R"({"hello":{"token":"s3cret"}})", "s3cret");
  is_good(R"( { "hello" : { "token" : "s3cret" } } )" + std::string("\r"), "s3cret");
  is_good(R"({"hello":{"token":""}})", "");
}

TEST(Hello, TheTokenMayBeMissingOrNull) {
  is_good(R"({"hello":{}})", std::nullopt);
  is_good(R"({"hello":{"token":null}})", std::nullopt);
}

TEST(Hello, KeysAndTokenAreUnescaped) {
  is_good(R"({"\u0068ello":{"t\u006Fken":"a\"\u00e9\ud83d\ude00"}})", "a\"\u00e9\U0001F600");
}

TEST(Hello, OtherKeysInItAreIgnored) {
  is_good(R"({"hello":{"version":[1,{"token":"no"}],"token":"t","name":"x"}})", "t");
}

TEST(Hello, OnlyAnObjectAloneIsOne) {
  is_none(R"({"hello":"x","id":"7","code":"P100000000001","name":"HONG GILDONG","zip":"04524"})");
  is_none(R"({"hello":{"token":"t"},"id":"7"})");
  is_none(R"({"id":"7","hello":{}})");
  is_none(R"({"hello":{},"hello":{}})");
  is_none(R"({"hello":1,"\u0068ello":{"token":"s3cret"}})");
  is_none(R"({"hello":"s3cret"})");
  is_none(R"({"hello":null})");
  is_none(R"({"hello":["s3cret"]})");
}

TEST(Hello, ADeclarationIsNone) {
  is_none(R"({"id":"1","code":"P123456789012","name":"HONG","zip":"04524"})");
  is_none(R"({"id":"hello","code":"P123456789012"})");
  is_none(R"({"id":"1","note":{"hello":{"token":"t"}}})");
  is_none(R"({"id":"a\"hello\":"})");
  is_none(R"({"Hello":{},"hello ":{}})");
  is_none("");
}

TEST(Hello, ALineThatIsNotValidIsNone) {
  is_none(R"({"hello":{"token":"t"})");
  is_none(R"({"hello":{"token":"t",}})");
  is_none(R"({"hello":{"token":"t"}} x)");
  is_none(R"({"hello":{"token":tru}})");
  is_none(R"({"hello":{"token":"\x"}})");
  is_none(R"(["hello"])");
  is_none(R"("hello")");
  is_none("{\"hello\":{\"token\":\"\xFF\"}}");
  is_none("{\"hello\":{\"token\":\"a\nb\"}}");
}

TEST(Hello, ItMayBeAsDeepAsADeclaration) {
  const auto nested = [](int depth) {
    return R"({"hello":{"x":)" + std::string(static_cast<std::size_t>(depth - 2), '[') +
           std::string(static_cast<std::size_t>(depth - 2), ']') + "}}";
  };
  is_good(nested(16), std::nullopt);
  is_none(nested(17));
}

TEST(Hello, AWrongOneIsAHelloWithItsFault) {
  is_wrong(R"({"hello":{"token":1}})", "token is no text");
  is_wrong(R"({"hello":{"token":{"token":"s3cret"}}})", "token is no text");
  is_wrong(R"({"hello":{"token":"s3cret","token":"s3cret"}})", "token is there twice");
  is_wrong(R"({"hello":{"token":"s3cret","t\u006Fken":null}})", "token is there twice");
}

TEST(Hello, AnswersAreLines) {
  OutBuffer out;
  append_hello_ok(Role::kFeed, out);
  append_hello_refusal("denied", "say \"hello\" first", out);
  append_closing("idle_timeout", "nothing came", out);
  EXPECT_EQ(out.text(), R"({"hello":{"ok":true,"role":"feed"}})"
                        "\n"
                        R"({"hello":{"ok":false,"error":"denied","detail":"say \"hello\" first"}})"
                        "\n"
                        R"({"closing":{"error":"idle_timeout","detail":"nothing came"}})"
                        "\n");
}

}  // namespace
}  // namespace clearline::test
