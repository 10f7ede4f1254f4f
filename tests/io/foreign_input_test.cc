#include "io/formats/foreign_input.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "io/formats/block_reader.h"
#include "io/formats/change_lines.h"
#include "tests/support/screening.h"

namespace clearline {
namespace {

using namespace std::string_literals;

/// The words of a refusal; empty when the input is taken.
std::string refusal(const std::string& text, std::optional<Format> format = std::nullopt) {
  InputOptions options;
  options.format = format;
  const auto reader = BlockReader::open(test::text_source(text), options, 1 << 18);
  if (reader.ok()) return "";
  EXPECT_EQ(reader.status().kind(), StatusKind::kInput);
  return reader.status().message();
}

void expect_refused(const std::string& text, const std::string& word, std::optional<Format> format = std::nullopt) {
  const std::string words = refusal(text, format);
  EXPECT_NE(words.find(word), std::string::npos) << "'" << words << "' for " << word;
  EXPECT_NE(words.find("; "), std::string::npos) << "how to mend it: " << words;
}

const std::string kLine = R"({"id":"1","code":"P1"})"
                          "\n";

std::string utf16(const std::string& ascii) {
  std::string units;
  for (const char c : ascii) units.append({c, '\0'});
  return units;
}

TEST(ForeignInput, AFileOfAnotherKindIsRefusedByName) {
  const std::string ole = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"s + std::string(500, '\0');
  const std::vector<std::pair<std::string, std::string>> kinds{
      {ole, "xls"},
      {ole + utf16("EncryptedPackage") + std::string(500, '\0'), "password-protected"},
      {"PK\x03\x04\x14\0\0\0\0\0....[Content_Types].xml"s, "xlsx"},
      {"PK\x03\x04\x14\0\0\0\0\0mimetypeapplication/vnd.oasis.opendocument.spreadsheet"s, "ods"},
      {"PK\x03\x04\x14\0\0\0\0\0....day.csv"s, "zip"},
      {"PK\x05\x06\0\0\0\0"s, "zip"},
      {"\xFD"
       "7zXZ\0\0\x04"s,
       "xz"},
      {"BZh91AY&SY\x01\x02", "bzip2"},
      {"BZh9\x17\x72\x45\x38\x50\x90", "bzip2"},
      {"\x04\x22\x4D\x18\x64\x40"s, "lz4"},
      {"7z\xBC\xAF\x27\x1C\0\x04"s, "7z"},
      {"Rar!\x1A\x07\x01\0"s, "rar"},
      {"PAR1\x15\x04\x15"s, "Parquet"},
      {"%PDF-1.7\n%\xE2\xE3", "PDF"},
      {"SQLite format 3\0\x10"s, "SQLite"},
      {"day.csv"s + std::string(250, '\0') + "ustar\0"s + std::string(300, '\0'), "tar"},
      {"CLRIMAGE\x01\0\0\0"s, "registry image"},
      {"<!DOCTYPE html>\n<html>", "HTML"},
      {"\r\n  <html xmlns=\"x\">", "HTML"},
      {"<TABLE border=1><tr>", "HTML"},
      {"<meta charset=\"utf-8\">", "HTML"},
      {"\xEF\xBB\xBF<html>", "HTML"},
      {"<?xml version=\"1.0\"?>", "XML"},
  };
  for (const auto& [text, word] : kinds) {
    for (const auto format : {std::optional<Format>(), std::optional(Format::kCsv), std::optional(Format::kNdjson)}) {
      expect_refused(text, word, format);
    }
  }
}

TEST(ForeignInput, ATextThatBeginsAlikeIsTaken) {
  for (const std::string name : {"PK", "PK34", "BZh9", "BZh91", "PAR1", "PARE", "%PDF-", "%PDF-name", "7z", "Rar!",
                                 "SQLite", "<id>", "<htmlid>", "<name", "[id]", "[", "[1]", "LZIP", "Obj"}) {
    EXPECT_EQ(refusal(name + ",id,code\nx,1,P1\n", Format::kCsv), "") << name;
  }
  EXPECT_EQ(refusal("PAR1\tid,id,code\nx,1,P1\n", Format::kCsv), "");
  EXPECT_EQ(refusal("{\"PK\":1,\"id\":\"1\"}\n"), "");
  EXPECT_EQ(refusal(std::string(257, ' ') + "ustar\n" + kLine, Format::kNdjson), "") << "a text holds no NUL";
  EXPECT_EQ(refusal("", Format::kNdjson), "");
}

TEST(ForeignInput, AJsonDocumentIsRefused) {
  const std::string object = R"({"id":"1","code":"P1"})";
  for (const std::string& text :
       {"[" + object + "]\n", "[" + object + ",\n" + object + "]\n", "[\n" + object + ",\n" + object + "\n]\n",
        "[\n" + object + "\n]\n", "[\n" + object + "\n," + object + "\n]\n", "[\r\n  {\r\n  \"id\":\"1\"\r\n}]"s,
        "\n  [ " + object + " ]", "[]\n"s, "[\n]\n"s, "\xEF\xBB\xBF[\n" + object + "\n]\n"}) {
    expect_refused(text, "JSON array");
    expect_refused(text, "JSON array", Format::kNdjson);
    expect_refused(text, "JSON array", Format::kCsv);
    expect_refused(text, "jq -c '.[]'");
  }
  for (const std::string& text :
       {"{\n  \"id\": \"1\",\n  \"code\": \"P1\"\n}\n"s, "{\r\n  \"id\": \"1\"\r\n}\r\n{\r\n  \"id\": \"2\"\r\n}\r\n"s,
        "{\n\"declarations\": [\n" + object + "\n]\n}\n", "\n{ \n\n\"id\":\"1\"}"s}) {
    expect_refused(text, "pretty-printed");
    expect_refused(text, "jq -c .", Format::kNdjson);
  }
}

TEST(ForeignInput, ADamagedFirstLineIsNoDocument) {
  for (const std::string first : {"{", "[", "[1]", "[{\"id\":\"1\"}", "[garbage"}) {
    EXPECT_EQ(refusal(first + "\n" + kLine, Format::kNdjson), "") << first;
    EXPECT_EQ(refusal(first + "\nbad\n\n" + kLine + "bad\n" + kLine, Format::kNdjson), "") << first;
    std::string late = first + "\n";
    for (int i = 0; i < 14; ++i) late += "bad\n";
    EXPECT_EQ(refusal(late + kLine, Format::kNdjson), "") << "line 16 is an object";
    expect_refused(late + "bad\n" + kLine, "JSON", Format::kNdjson);
  }
  EXPECT_EQ(refusal("{\"id\":\"1\",\n\"code\":\"P1\"}\n", Format::kNdjson), "") << "a line that is cut in two";
  EXPECT_EQ(refusal(kLine + "[\n" + kLine + "]\n", Format::kNdjson), "") << "only the first line counts";
}

TEST(ForeignInput, ALiveInputIsNotJudgedByItsFirstLineAlone) {
  EXPECT_TRUE(check_document("[1]\n", Format::kNdjson, false).ok());
  EXPECT_FALSE(check_document("[1]\n", Format::kNdjson, true).ok());
  EXPECT_TRUE(check_document("[1]\n{\"id\":", Format::kNdjson, false).ok()) << "a line that has not come whole";
  EXPECT_FALSE(check_document("[1,\n2,\n", Format::kNdjson, false).ok());
}

TEST(ForeignInput, AHeaderRowThatEndsInSomethingElseIsRefusedWithItsPlace) {
  const std::vector<std::pair<std::string, std::string>> ends{
      {"\r", "CR"},         {"\f", "form feed"},  {"\v", "vertical tab"}, {"\u0085", "NEL"},
      {"\u2028", "U+2028"}, {"\u2029", "U+2029"}, {"\r\r\n", "CR"},       {"\0"s, "NUL"}};
  for (const auto& [end, word] : ends) {
    for (const std::string& more : {""s, "\n"s, "\r\n"s}) {
      expect_refused("id,code" + end + "1,P1" + end + "2,P2" + more, word);
      expect_refused("\n\"id\",code" + end + "1,P1" + end + more, word);
    }
    EXPECT_NE(refusal("id,code" + end + "1,P1\n").find(":1:8: error: "), std::string::npos);
    EXPECT_NE(refusal("\r\n\n\"i\nd\",code" + end + "1,P1\n").find(":4:8: error: "), std::string::npos);
  }
  expect_refused("\"i\0d\",id\n1,2\n"s, "NUL");
}

TEST(ForeignInput, OtherLineEndsInQuotesOrBehindTheHeaderAreText) {
  for (const std::string end : {"\r", "\f", "\v", "\u0085", "\u2028", "\u2029"}) {
    EXPECT_EQ(refusal("id,\"a" + end + "b\"\n1,2\n"), "");
    EXPECT_EQ(refusal("id,code\n1," + end + "2\n"), "");
  }
  EXPECT_EQ(refusal("id,code\r\n1,2\r\n"), "");
  EXPECT_EQ(refusal("\r\r\n \r\nid,code\r\n"), "") << "blank lines before the header";
  EXPECT_EQ(refusal("id,caf\u00C5,\u2020,\u00C2\n"), "") << "letters with bytes of such ends";
}

TEST(ForeignInput, ACsvWithoutLfIsRefused) {
  expect_refused("id,code", "does not end in LF");
  expect_refused("\n\nid,code", "does not end in LF");
  expect_refused("\"id\n\",code", "does not end in LF", Format::kCsv);
  EXPECT_EQ(refusal("id,code\n"), "");
  EXPECT_EQ(refusal("id,code\n1,P1"), "") << "only the header must end";
}

TEST(ForeignInput, AnotherSeparatorIsNamed) {
  expect_refused("id\tcode\tname\n1\tP1\tA\n", "tabs");
  expect_refused("id;code;name\r\n1;P1;A\r\n", "semicolons");
  expect_refused("sep=;\nid;code\n", "semicolons");
  expect_refused("no,code\n", "no column 'id'");
  expect_refused("code,a;b\n", "no column 'id'");
  EXPECT_EQ(refusal("id\n1\n"), "");
}

TEST(ForeignInput, IsNoChangesEither) {
  const std::string change = R"({"op":"suspend","code":"P000000000007","change_id":"k-1"})";
  EXPECT_TRUE(open_changes(test::text_source(change + "\n")).ok());
  EXPECT_TRUE(open_changes(test::text_source("")).ok());
  EXPECT_TRUE(open_changes(test::text_source("[1]\n" + change + "\n")).ok());
  for (const std::string& text :
       {utf16("{\"op\":"), "PK\x03\x04\x14\0\0\0"s, "[\n" + change + "\n]\n", "[" + change + "]"s, "<html>"s}) {
    const auto changes = open_changes(test::text_source(text));
    ASSERT_FALSE(changes.ok()) << text;
    EXPECT_EQ(changes.status().kind(), StatusKind::kInput);
  }
}

}  // namespace
}  // namespace clearline
