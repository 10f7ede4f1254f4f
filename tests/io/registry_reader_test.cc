#include "io/formats/registry_reader.h"

#include <gtest/gtest.h>

#include <random>

#include "engine/registry_table.h"
#include "io/formats/entry_writer.h"
#include "tests/support/random_input.h"
#include "tests/support/screening.h"

namespace clearline {
namespace {

struct ReadResult {
  Status status;
  RegistryRead read;
  std::optional<Registry> registry;
  std::string rejects;
};

ReadResult read(const std::string& text, Format format, int threads = 1) {
  ReadResult result;
  RegistryBuilder builder(RegistryKey{9}, {});
  result.status = read_registry(
      test::text_source(text), format, builder, result.read,
      [&](std::string_view bytes) {
        result.rejects += bytes;
        return Status();
      },
      {}, threads);
  result.registry = std::move(builder.build(RegistryBuilder::OnDuplicate::kKeepLast).registry);
  return result;
}

/// `line:column what` of the one bad record.
std::string fault(const std::string& record, Format format) {
  const std::string header = "code,name,name_ko,phone,zips,status,replaced_by,issued,changed,expires\n";
  const ReadResult result = read((format == Format::kCsv ? header : "") + record + "\n", format);
  if (result.read.bad.count() == 0) return "";
  const BadRecord& bad = result.read.bad.kinds()[0].listed[0];
  return std::to_string(bad.line) + ":" + std::to_string(bad.column) + " " + std::string(bad.what);
}

TEST(RegistryReader, AKeyThatNearlyIsAMissingFieldMakesABadRecord) {
  EXPECT_EQ(fault(R"({"code":"P123456789012","Status":"suspended"})", Format::kNdjson),
            "1:25 a key that nearly is status, which is missing; did you mean status?");
  EXPECT_EQ(fault(R"({"code":"P123456789012","status":null,"STATUS":"suspended"})", Format::kNdjson),
            "1:39 a key that nearly is status, which is missing; did you mean status?");
  EXPECT_EQ(fault(R"({"code":"P123456789012","zip":"04524"})", Format::kNdjson),
            "1:25 a key that nearly is zips, which is missing; did you mean zips?");
  EXPECT_EQ(fault(R"({"code":"P123456789012","nameKo":"홍"})", Format::kNdjson),
            "1:25 a key that nearly is name_ko, which is missing; did you mean name_ko?");
  EXPECT_EQ(fault(R"({"code":"P123456789012","zips":["04524"],"zip":"04525","State":"x"})", Format::kNdjson), "");
}

TEST(RegistryReader, AColumnThatNearlyIsAMissingOneIsRefused) {
  for (const char* header : {"code,Status", "code,zip", "Code", "code,name ko", "code,replaced-by"}) {
    const ReadResult result = read(std::string(header) + "\n", Format::kCsv);
    EXPECT_EQ(result.status.kind(), StatusKind::kInput) << header;
    EXPECT_NE(result.status.message().find("did you mean '"), std::string::npos) << result.status.message();
  }
  EXPECT_TRUE(read(" code\t,zips,zip,status,State\nP123456789012,,1,,x\n", Format::kCsv).status.ok());
}

TEST(RegistryReader, TakesEveryFieldInBothFormats) {
  const std::string csv =
      "\xEF\xBB\xBFzips,extra,code,name,name_ko,phone,status,replaced_by,issued,changed,expires\r\n"
      " 04524 ;12345;00001,x, p123456789012 ,\"DE LA CRUZ, JUAN\",홍길동,+82 "
      "10-1234-5678,replaced,P000000000001,2020-02-29,,2030-01-01\r\n";
  const std::string ndjson =
      R"({"code":"P123456789012","name":"DE LA CRUZ, JUAN","name_ko":"홍길동","phone":"010-1234-5678","zips":["04524","12345","00001"],)"
      R"("status":"replaced","replaced_by":"P000000000001","issued":"2020-02-29","expires":"2030-01-01","other":{"code":1},"other":2})"
      "\n";
  for (const auto& result : {read(csv, Format::kCsv), read(ndjson, Format::kNdjson)}) {
    ASSERT_TRUE(result.status.ok()) << result.status.message();
    EXPECT_EQ(result.read.bad.count(), 0U);
    const auto entry = result.registry->find(*parse_code("P123456789012"));
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->name, "DE LA CRUZ, JUAN");
    EXPECT_EQ(entry->name_ko, "홍길동");
    EXPECT_EQ(entry->phone, "01012345678");
    EXPECT_EQ(entry->zips, (std::vector<std::uint32_t>{4524, 12345, 1}));
    EXPECT_EQ(entry->status, CodeStatus::kReplaced);
    EXPECT_EQ(entry->replaced_by, parse_code("P000000000001"));
    EXPECT_EQ(entry->changed, parse_date("2020-02-29")) << "changed is issued when missing";
    EXPECT_EQ(entry->expires, parse_date("2030-01-01"));
  }
}

TEST(RegistryReader, BlanksAroundNamesInTheHeaderDoNotCount) {
  const auto result = read(" code\t, name\nP123456789012,HONG GILDONG\n", Format::kCsv);
  ASSERT_TRUE(result.status.ok());
  EXPECT_EQ(result.registry->find(*parse_code("P123456789012"))->name, "HONG GILDONG");
  EXPECT_EQ(read("code,code \nP123456789012,x\n", Format::kCsv).status.kind(), StatusKind::kInput) << "twice";
}

TEST(RegistryReader, MissingFieldsAreNotOnFile) {
  const auto result = read("code,name,name_ko,phone,zips\nP123456789012,\u3000, ,\t, \n", Format::kCsv);
  ASSERT_EQ(result.read.bad.count(), 0U);
  Entry expected;
  expected.code = *parse_code("P123456789012");
  EXPECT_EQ(result.registry->find(expected.code), expected);
}

TEST(RegistryReader, BadRecordsOfCsvAreToldWithTheirPlace) {
  EXPECT_EQ(fault("P123456789012,HONG,,,,,,,,", Format::kCsv), "");
  EXPECT_EQ(fault(",HONG,,,,,,,,", Format::kCsv), "2:1 code is missing");
  EXPECT_EQ(fault("P12,HONG,,,,,,,,", Format::kCsv), "2:1 code is not P and 12 digits");
  EXPECT_EQ(fault("P123456789012,홍길동,,,,,,,,", Format::kCsv), "2:15 name holds Hangul; it belongs into name_ko");
  EXPECT_EQ(fault("P123456789012,123,,,,,,,,", Format::kCsv), "2:15 name has no Latin letter");
  EXPECT_EQ(fault("P123456789012,,HONG,,,,,,,", Format::kCsv), "2:16 name_ko has no Hangul");
  EXPECT_EQ(fault("P123456789012,,홍?동,,,,,,,", Format::kCsv),
            "2:16 name_ko has lost a letter (U+FFFD, or ? beside a letter)");
  EXPECT_EQ(fault("P123456789012,KIM\x01MINSU,,,,,,,,", Format::kCsv), "2:15 name holds a control character");
  EXPECT_EQ(fault("P123456789012,,,none,,,,,,", Format::kCsv), "2:17 phone has no digit");
  EXPECT_EQ(fault("P123456789012,,,,1234,,,,,", Format::kCsv), "2:18 zip is not five digits");
  EXPECT_EQ(fault("P123456789012,,,,12345;,,,,,", Format::kCsv), "2:18 zip is not five digits");
  std::string zips = "00001";
  for (int i = 0; i < 20; ++i) zips += ";00001";
  EXPECT_EQ(fault("P123456789012,,,," + zips + ",,,,,", Format::kCsv), "2:18 more than 20 zips");
  EXPECT_EQ(fault("P123456789012,,,," + zips.substr(6) + ",,,,,", Format::kCsv), "");
  EXPECT_EQ(fault("P123456789012,,,,,Active,,,,", Format::kCsv),
            "2:19 status is none of active, suspended, cancelled, replaced");
  EXPECT_EQ(fault("P123456789012,,,,,active,P000000000001,,,", Format::kCsv),
            "2:26 replaced_by without status replaced");
  EXPECT_EQ(fault("P123456789012,,,,,replaced,1,,,", Format::kCsv), "2:28 replaced_by is not P and 12 digits");
  EXPECT_EQ(fault("P123456789012,,,,,,,2026-02-30,,", Format::kCsv), "2:21 issued is no real date");
  EXPECT_EQ(fault("P123456789012,,,,,,,,x,", Format::kCsv), "2:22 changed is no real date");
  EXPECT_EQ(fault("P123456789012,,,,,,,,,2026", Format::kCsv), "2:23 expires is no real date");
  EXPECT_EQ(fault("P123456789012,\"HONG,,,,,,,,", Format::kCsv),
            "2:15 a quote is not closed on its line, and the record is wrong");
  EXPECT_EQ(fault("P123456789012,HONG", Format::kCsv), "2:0 fewer fields than the header");
}

TEST(RegistryReader, BadRecordsOfNdjsonAreToldWithTheirPlace) {
  EXPECT_EQ(fault(R"({"code":"P123456789012"})", Format::kNdjson), "");
  EXPECT_EQ(fault(R"({"name":"HONG"})", Format::kNdjson), "1:0 code is missing");
  EXPECT_EQ(fault(R"({"code":"P123456789012","code":"P123456789012"})", Format::kNdjson),
            "1:25 a known key is there twice");
  EXPECT_EQ(fault(R"({"code":"P123456789012","zips":"12345"})", Format::kNdjson), "1:25 zips is no array of strings");
  EXPECT_EQ(fault(R"({"code":"P123456789012","zips":[12345]})", Format::kNdjson), "1:25 zips is no array of strings");
  EXPECT_EQ(fault(R"({"code":"P123456789012","zips":["1234"]})", Format::kNdjson), "1:25 zip is not five digits");
  EXPECT_EQ(fault(R"({"code":123})", Format::kNdjson), "1:2 a known key has no text");
  EXPECT_EQ(fault(R"({"code":"P123456789012","name":"KIM?"})", Format::kNdjson),
            "1:25 name has lost a letter (U+FFFD, or ? beside a letter)");
  EXPECT_EQ(fault(R"({"code":"P123456789012","name_ko":"편\ufffd쀍"})", Format::kNdjson),
            "1:25 name_ko has lost a letter (U+FFFD, or ? beside a letter)");
  EXPECT_EQ(fault(R"({"code":"P123456789012",})", Format::kNdjson), "1:25 a key in double quotes is missing");
}

TEST(RegistryReader, ListsTwentyOfAKindAndCountsAll) {
  std::string text = "code\n";
  for (int i = 0; i < 50; ++i) text += "x\n";
  const auto result = read(text + "P123456789012\n", Format::kCsv);
  EXPECT_EQ(result.read.records, 51U);
  EXPECT_EQ(result.read.bad.count(), 50U);
  ASSERT_EQ(result.read.bad.kinds().size(), 1U);
  EXPECT_EQ(result.read.bad.kinds()[0].listed.size(), 20U);
  EXPECT_EQ(result.rejects.substr(0, 9), "code\nx\nx\n");
  EXPECT_EQ(result.registry->size(), 1U);
}

TEST(RegistryReader, HeaderWithoutCodeOrWithAColumnTwiceIsRefused) {
  EXPECT_EQ(read("name\nx\n", Format::kCsv).status.message(),
            "<text>:1:1: error: the CSV header has no column 'code'; name the column of the codes so");
  EXPECT_EQ(read("code,zips,zips\n", Format::kCsv).status.kind(), StatusKind::kInput);
}

TEST(RegistryReader, TellsAndKeepsTheSameForAnyThreads) {
  for (const Format format : {Format::kCsv, Format::kNdjson}) {
    std::string text = format == Format::kCsv ? "code,name\n" : "";
    for (int i = 0; i < 60'000; ++i) {
      const std::string code = i % 7 == 0 ? "wrong" : format_code(Code{static_cast<std::uint64_t>(i % 40'000)});
      const std::string name = "KIM A" + std::to_string(i);
      text +=
          format == Format::kCsv ? code + "," + name + "\n" : R"({"code":")" + code + R"(","name":")" + name + "\"}\n";
    }
    const auto once = read(text, format, 1);
    ASSERT_TRUE(once.status.ok());
    EXPECT_EQ(once.read.records, 60'000U);
    EXPECT_EQ(once.read.bytes, text.size());
    for (const int threads : {2, 5}) {
      const auto again = read(text, format, threads);
      ASSERT_TRUE(again.status.ok());
      EXPECT_EQ(again.read.records, once.read.records);
      EXPECT_EQ(again.read.bytes, once.read.bytes);
      EXPECT_EQ(again.rejects, once.rejects);
      ASSERT_EQ(again.read.bad.kinds().size(), 1U);
      EXPECT_EQ(again.read.bad.kinds()[0].listed.back().line, once.read.bad.kinds()[0].listed.back().line);
      ASSERT_EQ(again.registry->size(), once.registry->size());
      for (const Code code : once.registry->table().codes_sorted()) {
        ASSERT_EQ(again.registry->find(code), once.registry->find(code)) << "the last record of a code stays";
      }
    }
  }
}

TEST(RegistryReader, ARejectThatCannotBeWrittenEndsTheReading) {
  RegistryBuilder builder(RegistryKey{9}, {});
  RegistryRead read;
  std::string text = "code\n";
  for (int i = 0; i < 200'000; ++i) text += "wrong\n";
  const Status full(StatusKind::kOutput, "full");
  const Status status = read_registry(
      test::text_source(text), Format::kCsv, builder, read,
      [&](std::string_view bytes) { return bytes == "code\n" ? Status() : full; }, {}, 2);
  EXPECT_EQ(status.kind(), StatusKind::kOutput);
  EXPECT_LT(read.records, 200'000U);
}

TEST(EntryWriter, WritesWhatTheReaderReads) {
  Entry entry;
  entry.code = *parse_code("P000000000007");
  entry.name = "O\"BRIEN, SEAN";
  entry.name_ko = "홍길동";
  entry.phone = "+15550100";
  entry.zips = {1, 99'999, 4524};
  entry.status = CodeStatus::kReplaced;
  entry.replaced_by = *parse_code("P000000000008");
  entry.issued = parse_date("0001-01-01");
  entry.changed = parse_date("2026-01-01");
  entry.expires = parse_date("9999-12-31");
  OutBuffer csv;
  csv.append(kRegistryCsvHeader);
  append_entry_csv(entry, csv);
  OutBuffer ndjson;
  append_entry_ndjson(entry, ndjson);
  for (const auto& result :
       {read(std::string(csv.text()), Format::kCsv), read(std::string(ndjson.text()), Format::kNdjson)}) {
    ASSERT_EQ(result.read.bad.count(), 0U);
    EXPECT_EQ(result.registry->find(entry.code), entry);
  }
}

TEST(EntryWriter, WritesOddTextsSoThatTheReaderGetsThemBack) {
  const std::uint64_t seed = test::test_seed();
  std::mt19937_64 random(seed);
  const std::string pieces[] = {"\"", ",", ";",   "\n",     "\r",     "\r\n",   "\t", " ",  "\\",     "/",         "{",
                                "",   "A", "KIM", "\u0001", "\u007f", "\u0085", "é",  "가", "\u3000", "\U0001F600"};
  const std::string phones[] = {"", "1", "+1", "0082-0082-10", "+82 0082 1", "+820", "82", "+", "008", "+82+82"};
  for (int round = 0; round < (CLEARLINE_SANITIZED != 0 ? 200 : 2'000); ++round) {
    const auto text = [&](const char* letter) {
      std::string out;
      for (std::size_t i = random() % 6; i > 0; --i) out += pieces[random() % std::size(pieces)];
      out += letter;
      for (std::size_t i = random() % 6; i > 0; --i) out += pieces[random() % std::size(pieces)];
      return out;
    };
    Entry entry;
    entry.code = *parse_code("P000000000007");
    entry.name = text("Z");
    entry.name_ko = text("홍");
    entry.phone = canonical_phone(phones[random() % std::size(phones)] + std::to_string(random() % 100));
    if (entry_fault(entry)) continue;
    OutBuffer csv;
    csv.append(kRegistryCsvHeader);
    append_entry_csv(entry, csv);
    OutBuffer ndjson;
    append_entry_ndjson(entry, ndjson);
    for (const auto& result :
         {read(std::string(csv.text()), Format::kCsv), read(std::string(ndjson.text()), Format::kNdjson)}) {
      ASSERT_EQ(result.read.bad.count(), 0U) << "CLEARLINE_SEED=" << seed << " round " << round;
      ASSERT_EQ(result.registry->find(entry.code), entry) << "CLEARLINE_SEED=" << seed << " round " << round;
    }
  }
}

}  // namespace
}  // namespace clearline
