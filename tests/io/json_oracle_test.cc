// The strict pass against simdjson's DOM parser and the reference, on lines damaged at random.
#include <gtest/gtest.h>
#include <simdjson.h>

#include "io/formats/json_object.h"
#include "tests/support/random_input.h"

namespace clearline {
namespace {

bool has_long_integer(const std::string& line) {
  int run = 0;
  for (const char c : line) {
    run = c >= '0' && c <= '9' ? run + 1 : 0;
    if (run >= 19) return true;
  }
  return false;
}

TEST(Json, ValidityAgreesWithSimdjsonAndTheReference) {
  const std::uint64_t seed = test::test_seed();
  test::RandomInput input(seed);
  simdjson::dom::parser parser;
  JsonObject object;
  std::size_t valid = 0;
  std::size_t invalid = 0;
  for (int round = 0; round < 40; ++round) {
    const std::string text = input.ndjson(2000);
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      const std::string line = text.substr(at, end - at);
      at = end + 1;
      if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
      const bool ours = !object.parse(line);
      ASSERT_EQ(ours, reference::json_members(line).has_value()) << "CLEARLINE_SEED=" << seed << "\n" << line;
      (ours ? valid : invalid)++;
      simdjson::dom::element element;
      const auto error = parser.parse(line).get(element);
      // What the two may see differently: simdjson refuses integers beyond 64 bits, and has no limit of depth as ours.
      if (error == simdjson::NUMBER_ERROR && ours && has_long_integer(line)) continue;
      if (!ours && object.parse(line).what == "nested more than 16 deep") continue;
      ASSERT_EQ(ours, error == simdjson::SUCCESS && element.is_object()) << "CLEARLINE_SEED=" << seed << "\n" << line;
    }
  }
  EXPECT_GT(valid, 10'000U);
  EXPECT_GT(invalid, 10'000U);
}

TEST(Json, FaultsTellTheirColumn) {
  JsonObject object;
  EXPECT_EQ(object.parse(R"({"a":"b)").what, "string is not closed");
  EXPECT_EQ(object.parse(R"({"a":"b)").column, 6U);
  EXPECT_EQ(object.parse(R"({"a":tru})").column, 6U);
  EXPECT_EQ(object.parse(R"({"a":1,})").column, 8U);
  EXPECT_EQ(object.parse("{\"a\":\"\xff\"}").column, 7U);
  EXPECT_EQ(object.parse("[]").what, "line is not a JSON object");
}

TEST(Json, MembersOfAnObject) {
  JsonObject object;
  ASSERT_FALSE(object.parse(R"({"a":"x\ny","b":null,"c":["1","2"],"d":[],"e":[1],"f":{}})"));
  ASSERT_EQ(object.members().size(), 6U);
  EXPECT_EQ(object.members()[0].text, "x\ny");
  EXPECT_EQ(object.members()[2].texts, (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(object.members()[3].kind, JsonObject::Kind::kStrings);
  EXPECT_EQ(object.members()[4].kind, JsonObject::Kind::kOther);
}

}  // namespace
}  // namespace clearline
