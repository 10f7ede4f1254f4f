#include "io/formats/line_shape.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace clearline::test {
namespace {

/// A line with its operators; what would be escapes is not looked for.
struct Line {
  explicit Line(const std::string& line) : text(line + "\n"), padded(text + std::string(kBlockPadding, '\0')) {
    bool is_inside = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '"') is_inside = !is_inside;
      if (is_inside || std::string_view("{}[]:,\n").find(text[i]) == std::string_view::npos) continue;
      places.push_back(static_cast<std::uint32_t>(i));
      bytes += text[i];
    }
    places.resize(places.size() + 64);
    bytes.resize(bytes.size() + 64);
  }
  std::string_view view() const { return {padded.data(), text.size()}; }
  Ops ops() { return {places.data(), bytes.data()}; }

  std::string text;
  std::string padded;
  std::vector<std::uint32_t> places;
  std::string bytes;
};

/// `id` is field 0, `a_name_of_some_length` field 2.
constexpr std::string_view kLong = "a_name_of_some_length";
std::size_t field_of(std::string_view key) { return key == "id" ? 0 : key == kLong ? 2 : kFieldCount; }

LineShape shape_of(const std::string& text) {
  Line line(text);
  LineShape shape;
  shape.learn(line.view(), line.ops(), 0, [&](const SkimmedMember& member) {
    return field_of(line.view().substr(member.key, member.key_end - member.key));
  });
  return shape;
}

/// The values of the two fields in a line that fits; nothing for another.
std::vector<std::string> values_of(const LineShape& shape, const std::string& text) {
  Line line(text);
  SkimmedLine skimmed{};
  if (!shape.fits(line.view(), line.ops(), 0, skimmed)) return {};
  EXPECT_EQ(line.bytes[shape.op_count() - 1], '\n');
  std::vector<std::string> values;
  for (const std::size_t field : {0, 2}) {
    const auto& value = skimmed.values[field];
    values.push_back(
        (skimmed.found >> field & 1) == 0 ? "none" : line.text.substr(value.colon + 1, value.end - value.colon - 1));
  }
  return values;
}

const std::string kKnown = R"({"id":"D1","note":{"a":[1,2]},"a_name_of_some_length":null,"qty":3})";
using Values = std::vector<std::string>;

TEST(LineShape, TakesOtherValuesUnderTheSameKeys) {
  const LineShape shape = shape_of(kKnown);
  ASSERT_FALSE(shape.is_empty());
  EXPECT_EQ(values_of(shape, kKnown), (Values{"\"D1\"", "null"}));
  EXPECT_EQ(
      values_of(shape, R"({"id": "a longer, {one}" ,"note":{"b":["", "x"]},"a_name_of_some_length":"N","qty":false})"),
      (Values{" \"a longer, {one}\" ", "\"N\""}));
  EXPECT_EQ(values_of(shape_of(R"({"a":1})"), R"({"a":22})"), (Values{"none", "none"}));
}

TEST(LineShape, RefusesWhatDiffersInAKeyOrAnOperator) {
  const LineShape shape = shape_of(kKnown);
  for (const char* other : {
           R"({"ID":"D1","note":{"a":[1,2]},"a_name_of_some_length":null,"qty":3})",
           R"({"ie":"D1","note":{"a":[1,2]},"a_name_of_some_length":null,"qty":3})",
           R"({"id":"D1","note":{"a":[1,2]},"a_name_of_some_lengtH":null,"qty":3})",
           R"({"id":"D1","note":{"a":[1,2]},"A_name_of_some_length":null,"qty":3})",
           R"({"id":"D1","note":{"a":[1,2]},"a_name_of_Some_length":null,"qty":3})",
           R"({"id":"D1","note":{"a":[1,2]},"a_name_of_some_lengths":null,"qty":3})",
           R"({"id":"D1","note":{"a":[1,2]},"a_name_of_some_length":null,"qt":3})",
           R"({"id":"D1","note":{"a":[1,2]},"a_name_of_some_length" :null,"qty":3})",
           R"({"id":"D1","note":{"a":[1,2]}, "a_name_of_some_length":null,"qty":3})",
           R"({"id":"D1","note":{"a":[1,2}],"a_name_of_some_length":null,"qty":3})",
           R"({"id":"D1","note":{"a":[1]},"a_name_of_some_length":null,"qty":3})",
           R"({"id":"D1","note":{"a":[1,2]},"a_name_of_some_length":null,"qty":3,"more":4})",
           R"({"id":"D1","note":{"a":[1,2]},"a_name_of_some_length":null})",
           R"({"note":"D1","id":{"a":[1,2]},"a_name_of_some_length":null,"qty":3})",
           R"( {"id":"D1","note":{"a":[1,2]},"a_name_of_some_length":null,"qty":3})",
       }) {
    EXPECT_EQ(values_of(shape, other), Values{}) << other;
  }
}

TEST(LineShape, LearnsNothingOfWhatItCouldNotTell) {
  EXPECT_TRUE(shape_of(R"({"id":"D1","note":{}})").is_empty()) << "what stands between these braces is nobody's to see";
  EXPECT_TRUE(shape_of(R"({"id" :"D1"})").is_empty());
  EXPECT_TRUE(shape_of(R"({ "id":"D1"})").is_empty());
  EXPECT_TRUE(shape_of("{}").is_empty());
  EXPECT_TRUE(shape_of(R"({"id":"D1")").is_empty());
  EXPECT_TRUE(shape_of("{\"" + std::string(31, 'k') + "\":1}").is_empty());
  EXPECT_FALSE(shape_of("{\"" + std::string(30, 'k') + "\":1}").is_empty());
  for (const int members : {24, 25}) {
    std::string line = "{";
    for (int i = 0; i < members; ++i) line += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":1";
    EXPECT_EQ(shape_of(line + "}").is_empty(), members == 25);
  }
  const auto of_ops = [](int count) { return R"({"id":[1)" + std::string(count - 6, ',') + "2]}"; };
  EXPECT_FALSE(shape_of(of_ops(64)).is_empty());
  EXPECT_TRUE(shape_of(of_ops(65)).is_empty());
}

}  // namespace
}  // namespace clearline::test
