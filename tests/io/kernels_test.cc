#include "io/formats/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "engine/isa.h"
#include "io/formats/block.h"
#include "io/formats/utf8.h"
#include "tests/support/decoding.h"
#include "tests/support/random_input.h"

namespace clearline::test {
namespace {

/// Every Isa that this machine has but kScalar, which the others are held against.
std::vector<Isa> vector_isas() {
  std::vector<Isa> isas;
  for (const Isa isa : {Isa::kSse2, Isa::kAvx2, Isa::kAvx512}) {
    if (machine_has(isa)) isas.push_back(isa);
  }
  return isas;
}

class Kernels : public testing::Test {
 protected:
  ~Kernels() override { use_isa(before_); }

 private:
  Isa before_ = isa_in_use();
};

/// Bytes among which those that kernels look for are frequent.
std::string random_bytes(std::mt19937_64& random, std::size_t size) {
  constexpr std::string_view kFrequent = "\"\"\\,\n\r\t {}[]:0123-+.eEu\x1F\x7F\x80\xFF";
  std::string text;
  while (text.size() < size) {
    text += random() % 3 == 0 ? kFrequent[random() % kFrequent.size()] : static_cast<char>(random());
  }
  return text;
}

TEST_F(Kernels, OfEachIsaMarkTheSameBytes) {
  std::mt19937_64 random(test_seed());
  for (int round = 0; round < 200; ++round) {
    const std::size_t words = 1 + random() % 20;
    const std::string text = random_bytes(random, 64 * words + 63);
    const std::size_t start = random() % 64;  // any alignment
    std::vector<std::uint64_t> json(words);
    std::vector<std::uint64_t> csv(words);
    use_isa(Isa::kScalar);
    kernels().mark_json(text.data() + start, words, json.data());
    kernels().mark_csv(text.data() + start, words, csv.data());
    for (const Isa isa : vector_isas()) {
      use_isa(isa);
      std::vector<std::uint64_t> got(words);
      kernels().mark_json(text.data() + start, words, got.data());
      EXPECT_EQ(got, json) << to_string(isa);
      kernels().mark_csv(text.data() + start, words, got.data());
      EXPECT_EQ(got, csv) << to_string(isa);
    }
  }
}

TEST_F(Kernels, OfEachIsaFindTheSameCodes) {
  std::mt19937_64 random(test_seed());
  std::size_t found = 0;
  for (int round = 0; round < 3000; ++round) {
    const std::size_t words = 1 + random() % 4;
    std::string text;
    while (text.size() < 64 * words + 63 + 16) {
      switch (random() % 4) {
        case 0:
          text += random() % 2 == 0 ? 'P' : 'p';
          [[fallthrough]];
        case 1:
          text.append(random() % 2 == 0 ? 12 : random() % 15, static_cast<char>('0' + random() % 10));
          break;
        case 2:
          text += std::string_view("\\u0031").substr(random() % 2, 1 + random() % 6);
          break;
        default:
          text += static_cast<char>(random());
      }
    }
    const std::size_t start = random() % 63;
    std::vector<std::uint64_t> codes(words);
    use_isa(Isa::kScalar);
    kernels().mark_codes(text.data() + start, words, codes.data());
    for (const std::uint64_t word : codes) found += static_cast<std::size_t>(word != 0);
    for (const Isa isa : vector_isas()) {
      use_isa(isa);
      std::vector<std::uint64_t> got(words);
      kernels().mark_codes(text.data() + start, words, got.data());
      EXPECT_EQ(got, codes) << to_string(isa);
    }
  }
  EXPECT_GT(found, 1000U);
}

/// What scan_json says of a text, with padding as a block has it.
std::vector<std::vector<std::uint64_t>> scan_of(const std::string& text) {
  const std::size_t words = text.size() / 64 + 1;
  const std::string padded = text + std::string(kBlockPadding, '\0');
  std::vector<std::vector<std::uint64_t>> marks(3, std::vector<std::uint64_t>(words));
  JsonMarks out{marks[0].data(), marks[1].data(), marks[2].data()};
  kernels().scan_json(padded.data(), words, out);
  return marks;
}

/// Whether scan_json says of a text that it is UTF-8.
bool vouches_for_utf8(const std::string& text) {
  const std::size_t words = text.size() / 64 + 1;
  const std::string padded = text + std::string(kBlockPadding, '\0');
  std::vector<std::uint64_t> marks(3 * words);
  JsonMarks out{marks.data(), marks.data() + words, marks.data() + 2 * words};
  kernels().scan_json(padded.data(), words, out);
  return out.is_utf8;
}

/// What list_ops makes of marks.
std::pair<std::vector<std::uint32_t>, std::string> ops_of(const clearline::Kernels& kernels, const std::string& text,
                                                          const std::vector<std::uint64_t>& marks) {
  const std::string padded = text + std::string(kBlockPadding, '\0');
  std::vector<std::uint32_t> places(64 * (marks.size() + 1));
  std::string bytes(places.size(), '\0');
  const std::size_t count = kernels.list_ops(padded.data(), marks.data(), marks.size(), {places.data(), bytes.data()});
  places.resize(count);
  bytes.resize(count);
  return {places, bytes};
}

TEST_F(Kernels, OfEachIsaScanJsonAlike) {
  const std::uint64_t seed = test_seed();
  std::mt19937_64 random(seed);
  RandomInput input(seed);
  for (int round = 0; round < 60; ++round) {
    std::string text;
    switch (round % 4) {
      case 0:
        text = random_bytes(random, random() % 5'000);
        break;
      case 1:  // runs longer than a word, of what a scan carries over
        for (int i = 0; i < 40; ++i) {
          constexpr std::string_view kRuns = " \\\"1.e{[:,\n";
          text += std::string(random() % 150, kRuns[random() % kRuns.size()]);
        }
        break;
      default:
        text = input.ndjson(50 + random() % 200);
    }
    use_isa(Isa::kSse2);
    const auto expected = scan_of(text);
    for (const Isa isa : vector_isas()) {
      use_isa(isa);
      EXPECT_EQ(scan_of(text), expected) << to_string(isa) << " CLEARLINE_SEED=" << seed;
      EXPECT_EQ(ops_of(kernels(), text, expected[0]), ops_of(kScalarKernels, text, expected[0])) << to_string(isa);
    }
  }
}

TEST_F(Kernels, VouchForUtf8WhereItIs) {
  const std::string ascii(600, 'a');
  for (const Isa isa : vector_isas()) {
    use_isa(isa);
    const auto check = [&](std::string_view piece, std::size_t at) {
      std::string text = ascii;
      text.replace(at, piece.size(), piece);
      text.resize(std::max(at + piece.size(), text.size() - at % 2 * 64));  // so that some end with the piece
      const bool vouches = vouches_for_utf8(text);
      const bool is_valid = find_invalid_utf8(text) == text.size();
      // The others leave it to is_utf8().
      ASSERT_EQ(vouches, isa == Isa::kAvx512 && is_valid) << to_string(isa) << " at " << at;
    };
    // Over the ends of words and of groups of words, and at the text's.
    for (const std::size_t at : {0, 61, 62, 63, 300, 509, 510, 511, 596, 597, 598, 599}) {
      for (unsigned a = 0xBF; a < 0x100; ++a) {
        for (const unsigned b :
             {0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xE0, 0xED, 0xF0, 0xF4, 0xFF}) {
          for (const std::string tail : {"", "\x80", "\xBF\xBF", "\x80\x80\x80", "a\x80", "\xC3\xA9"}) {
            check(std::string{static_cast<char>(a), static_cast<char>(b)} + tail, at);
          }
        }
      }
      check("\x80", at);
      check("\xF0\x9F\x8E\x81", at);
    }
  }
}

/// One line of JSON, or of something like it: brackets and keys in any number, one piece of it in a wrong place at times.
std::string random_line(std::mt19937_64& random) {
  std::vector<std::string> pieces;
  constexpr std::string_view kKeys[] = {
      "id", "code",  "name", "zip",      "phone",        "declared_at", "declared_by", "declare",          "a",
      "",   "Phone", "z_ip", "declared", "na\xC2\xA0me", "memo\\u0041", "\\u007aip",   "a\\\"declared_at", "item_ko"};
  constexpr std::string_view kValues[] = {"1", "null", "\"x\"", "\"\\n\"", "\"\"", "false", "\"2026-01-15\""};
  constexpr std::string_view kSpaces[] = {"", "", "", "", " ", "  ", "\t"};
  const bool is_spaced = random() % 4 == 0;
  const auto put = [&](std::string_view piece) {
    pieces.emplace_back(piece);
    if (is_spaced) pieces.emplace_back(kSpaces[random() % std::size(kSpaces)]);
  };
  const std::size_t keys = 1 + random() % std::size(kKeys);
  const auto value = [&](const auto& self, int depth) -> void {
    const auto kind = random() % 8;
    if (kind > 1 || depth > 17) return put(kValues[random() % std::size(kValues)]);
    put(kind == 0 ? "{" : "[");
    for (std::size_t n = random() % 4; n > 0; --n) {
      if (kind == 0) {
        put("\"" + std::string(kKeys[random() % keys]) + "\"");
        put(":");
      }
      self(self, depth + 1);
      if (n > 1) put(",");
    }
    put(kind == 0 ? "}" : "]");
  };
  put("{");
  for (std::size_t n = random() % 24; n > 0; --n) {
    put("\"" + std::string(kKeys[random() % keys]) + (random() % 4 == 0 ? std::to_string(n) : "") + "\"");
    put(":");
    value(value, 1);
    if (n > 1) put(",");
  }
  put("}");
  if (random() % 3 == 0) {
    std::string& piece = pieces[random() % pieces.size()];
    constexpr std::string_view kOthers[] = {"{", "}", "[", "]", ":", ",", "\"x\"", "1", "", "[[[[[[[[[[[[[[[[", "{}"};
    if (random() % 2 == 0)
      piece += kOthers[random() % std::size(kOthers)];
    else
      piece = kOthers[random() % std::size(kOthers)];
  }
  std::string line;
  for (const std::string& piece : pieces) line += piece;
  return line + "\n";
}

/// Each Isa decodes the lines of a text, none of them blank, as the plain loops do.
void expect_decoded_alike(const std::string& text, const std::vector<std::string>& lines,
                          const InputFormat& format = {}) {
  use_isa(Isa::kScalar);
  const auto expected = decoded_ndjson(text, format);
  ASSERT_EQ(expected.size(), lines.size());
  for (const Isa isa : vector_isas()) {
    use_isa(isa);
    const auto got = decoded_ndjson(text, format);
    ASSERT_EQ(got.size(), expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) ASSERT_EQ(got[i], expected[i]) << lines[i] << to_string(isa);
  }
}

TEST_F(Kernels, OfEachIsaTakeTheSameMembers) {
  const std::uint64_t seed = test_seed();
  std::mt19937_64 random(seed);
  for (int round = 0; round < 60; ++round) {
    std::vector<std::string> lines;
    std::string text;
    for (int i = 0; i < 300; ++i) text += lines.emplace_back(random_line(random));
    ASSERT_NO_FATAL_FAILURE(expect_decoded_alike(text, lines)) << "CLEARLINE_SEED=" << seed;
  }
}

// Lines that are as the ones before them, and lines that nearly are: LineShape must tell them apart.
TEST_F(Kernels, OfEachIsaTakeLinesLikeTheOnesBefore) {
  const std::uint64_t seed = test_seed();
  std::mt19937_64 random(seed);
  constexpr std::string_view kDamage = "{}[]:,\"\\ \t01ideano_";
  for (int round = 0; round < 60; ++round) {
    std::vector<std::string> lines;
    std::string text;
    for (int shape = 0; shape < 20; ++shape) {
      const std::string known = random_line(random);
      for (int i = 0; i < 30; ++i) {
        std::string line = known;
        std::size_t at = random() % (line.size() - 1);
        if (random() % 2 == 0) at = std::min(line.find_first_of("{[:,", at) + 1, line.size() - 2);  // where it matters
        const std::string byte(1, kDamage[random() % kDamage.size()]);
        switch (i < 6 ? 0 : random() % 6) {  // first it is learnt
          case 1:
            line.replace(at, 1, byte);
            break;
          case 2:
            line.insert(at, byte);
            break;
          case 3:
            line.erase(at, 1);
            break;
          case 4:  // into an empty object, if there is one
            if (const std::size_t empty = line.find("{}"); empty != std::string::npos) line.insert(empty + 1, "1");
            break;
          default:
            break;
        }
        if (line.find_first_not_of(" \t\n") == std::string::npos) continue;  // a blank line is none
        text += lines.emplace_back(line);
      }
    }
    ASSERT_NO_FATAL_FAILURE(expect_decoded_alike(text, lines)) << "CLEARLINE_SEED=" << seed;
  }
}

/// A name of 1 to 40 bytes, as somebody may map a field to it.
std::string random_name(std::mt19937_64& random) {
  constexpr std::string_view kPieces[] = {"a",        "b",      "Z",      "_",    "-",     " ",    "\\", "\"",
                                          "\":\"",    ":",      "\b",     "\x01", "\t",    "\x7F", "수", "\u1109\u116E",
                                          "e\u0301",  "\u00E9", "\u200B", "\\b",  "\\u00", "{",    ",",  "abcdefg",
                                          "declared", "이름이"};
  std::string name;
  if (random() % 3 == 0) name = random() % 2 == 0 ? "abcdefg" : "abcdefghijklmno";  // some begin alike
  for (std::size_t pieces = 1 + random() % 5; pieces > 0; --pieces) {
    const auto plain = random() % 2 == 0;
    name += plain ? std::string(1, static_cast<char>('a' + random() % 26)) : kPieces[random() % std::size(kPieces)];
  }
  if (random() % 3 == 0) name += "vwxyz";  // and some end alike
  return name.substr(0, 40);
}

/// A name between the quotes of a key.
std::string escaped(const std::string& name, std::mt19937_64& random) {
  std::string key;
  for (const char c : name) {
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || (c > 0 && random() % 50 == 0)) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      key += escape;
    } else {
      key += c;
    }
  }
  return key;
}

/// What nearly is a name, and what may pass for it by its first or last bytes.
std::string near_to(std::string name, std::mt19937_64& random) {
  const std::size_t at = random() % (name.size() + 1);
  switch (random() % 6) {
    case 0:
      return name.insert(at, "_");
    case 1:
      return name.insert(at, "\u00A0");
    case 2:
      for (char& c : name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 0x20) : c;
      return name;
    case 3:
      return name + "x";
    case 4:
      return "x" + name;
    default:
      return name.substr(0, at);
  }
}

TEST_F(Kernels, OfEachIsaTakeAnyNamesOfFields) {
  const std::uint64_t seed = test_seed();
  std::mt19937_64 random(seed);
  for (int round = 0; round < 300; ++round) {
    InputFormat format;
    for (std::size_t field = 0; field < kFieldCount; ++field) {
      if (random() % 3 == 0) continue;
      std::string name;
      do {
        name = normal_name(random_name(random));
      } while (name.empty() || std::count(format.names.begin(), format.names.end(), name) != 0 || !is_utf8(name));
      format.names[field] = name;
    }
    if (random() % 2 == 0) format.ignored = {normal_name(near_to(format.names[random() % kFieldCount], random))};
    std::vector<std::string> keys;
    for (int i = 0; i < 24; ++i) {
      const std::string& name = format.names[random() % kFieldCount];
      const std::string key = random() % 3 == 0   ? near_to(name, random)
                              : random() % 4 == 0 ? random_name(random)
                                                  : name;
      keys.push_back(random() % 8 == 0 ? key
                                       : escaped(key, random));  // not escaped: it means something else, or nothing
    }
    std::vector<std::string> lines;
    std::string text;
    for (int i = 0; i < 60; ++i) {
      std::string line;
      for (std::size_t members = 1 + random() % 12; members > 0; --members) {
        line +=
            (line.empty() ? "{\"" : ",\"") + keys[random() % keys.size()] + "\":\"v" + std::to_string(members) + "\"";
      }
      line += "}\n";
      if (std::count(line.begin(), line.end(), '\n') == 1) text += lines.emplace_back(line);
      if (random() % 2 == 0) text += lines.emplace_back(lines.back());  // so that it is learnt
    }
    ASSERT_NO_FATAL_FAILURE(expect_decoded_alike(text, lines, format)) << "CLEARLINE_SEED=" << seed;
  }
}

// The key is an escape, and the name is what stands in the text.
TEST_F(Kernels, OfEachIsaKnowAnEscapeFromAName) {
  InputFormat format;
  format.names[static_cast<std::size_t>(Field::kZip)] = "abcdefg\\b";
  const std::string line = R"({"id":"a","abcdefg\b":"04524"})"
                           "\n";
  const std::string other = R"({"id":"b","abcdefg\\b":"04524"})"
                            "\n";
  for (const Isa isa : {Isa::kScalar, Isa::kSse2, Isa::kAvx2, Isa::kAvx512}) {
    if (!machine_has(isa)) continue;
    use_isa(isa);
    EXPECT_EQ(decoded_ndjson(line + other, format), (std::vector<std::string>{"1|a|||||-", "2|b|||04524||-"}))
        << to_string(isa);
  }
}

// What the fast pass sees at once ends at 64 operators, and at 16 levels there is an end to all.
TEST_F(Kernels, OfEachIsaTakeLinesOfAnyNumberOfMembersAndLevels) {
  std::string text;
  for (int n = 1; n < 140; ++n) {
    text += "{";
    for (int i = 1; i < n; ++i) text += "\"a" + std::to_string(i) + "\":1,";
    text += "\"id\":\"D" + std::to_string(n) + "\"}\n";
  }
  for (int n = 1; n < 20; ++n) {
    text += "{\"a\":" + std::string(n, '[') + std::string(n, ']') + ",\"id\":\"D\"}\n";
  }
  use_isa(Isa::kScalar);
  const auto expected = decoded_ndjson(text);
  for (const Isa isa : vector_isas()) {
    use_isa(isa);
    EXPECT_EQ(decoded_ndjson(text), expected) << to_string(isa);
  }
}

// The scalar kernels have the exact pass alone, so this holds the two passes against each other.
TEST_F(Kernels, OfEachIsaDecodeAlike) {
  const std::uint64_t seed = test_seed();
  std::mt19937_64 random(seed);
  RandomInput input(seed);
  for (int round = 0; round < 40; ++round) {
    std::string text = input.ndjson(500);
    // Damage where it matters: characters that mean something, put anywhere.
    for (int i = 0; round % 2 == 1 && i < 60; ++i) {
      constexpr std::string_view kDamage = "{}[]:,\"\\ 01.-+eEtnu\n";
      text[random() % text.size()] = kDamage[random() % kDamage.size()];
    }
    use_isa(Isa::kScalar);
    const auto expected = decoded_ndjson(text);
    for (const Isa isa : vector_isas()) {
      use_isa(isa);
      const auto got = decoded_ndjson(text);
      ASSERT_EQ(got.size(), expected.size());
      for (std::size_t i = 0; i < got.size(); ++i) {
        ASSERT_EQ(got[i], expected[i]) << to_string(isa) << " CLEARLINE_SEED=" << seed;
      }
    }
  }
}

/// What scan_csv says of a text: separators, line ends, doubled quotes, bad bytes.
std::vector<std::vector<std::uint64_t>> csv_scan_of(const std::string& text) {
  const std::size_t words = text.size() / 64 + 1;
  const std::string padded = text + std::string(kBlockPadding, '\0');
  std::vector<std::vector<std::uint64_t>> marks(4, std::vector<std::uint64_t>(words + 7));
  kernels().scan_csv(padded.data(), words, {marks[0].data(), marks[1].data(), marks[2].data(), marks[3].data()});
  for (auto& of_one : marks) of_one.resize(words);
  return marks;
}

/// The same byte by byte, but for UTF-8.
std::vector<std::vector<std::uint64_t>> slow_csv_scan_of(std::string text) {
  text.resize(text.size() / 64 * 64 + 64);
  std::vector<std::vector<std::uint64_t>> marks(4, std::vector<std::uint64_t>(text.size() / 64));
  bool is_inside = false;
  bool is_behind_separator = true;
  bool is_behind_quoted = false;
  bool wants_line_end = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool is_separator = !is_inside && (c == ',' || c == '\n');
    const bool enters = !is_inside && c == '"';
    const bool is_bad = (enters && !is_behind_separator && !is_behind_quoted) ||
                        (is_behind_quoted && !is_separator && c != '"' && c != '\r') || (wants_line_end && c != '\n');
    const bool marked[] = {is_separator, c == '\n', enters && is_behind_quoted, is_bad};
    for (std::size_t m = 0; m < 4; ++m) marks[m][i / 64] |= std::uint64_t{marked[m]} << i % 64;
    wants_line_end = is_behind_quoted && c == '\r';
    is_behind_quoted = is_inside && c == '"';
    is_behind_separator = is_separator;
    is_inside ^= c == '"';
  }
  return marks;
}

TEST_F(Kernels, OfEachIsaScanCsvAlike) {
  const std::uint64_t seed = test_seed();
  std::mt19937_64 random(seed);
  for (int round = 0; round < 400; ++round) {
    std::string text;
    for (std::size_t size = random() % 3'000; text.size() < size;) {
      constexpr std::string_view kPieces[] = {"\"", "\"\"", ",", "\"\n", "\r\n", "\r", "\0", "abcd", "\xED\x99\x8D"};
      text += kPieces[random() % std::size(kPieces)];
      if (random() % 20 == 0) text += std::string(random() % 150, "a\",\n\r"[random() % 5]);
    }
    const auto expected = slow_csv_scan_of(text);
    for (const Isa isa : vector_isas()) {
      use_isa(isa);
      EXPECT_EQ(csv_scan_of(text), expected) << to_string(isa) << " CLEARLINE_SEED=" << seed;
      if (!kernels().scan_csv_tells_utf8) continue;
      // A byte that is no UTF-8 is marked, or the one behind it.
      text.insert(random() % (text.size() + 1), round % 2 == 0 ? "\xFF" : "\xE3\x81");
      const std::size_t bad = find_invalid_utf8(text);
      const auto marks = csv_scan_of(text)[3];
      const auto is_marked = [&](std::size_t at) { return (marks[at / 64] >> at % 64 & 1) != 0; };
      EXPECT_TRUE(is_marked(bad) || is_marked(bad + 1) || is_marked(bad + 2)) << bad << " CLEARLINE_SEED=" << seed;
    }
  }
}

/// Nothing, or the first row in which two lists differ.
std::string first_difference(const std::vector<std::string>& expected, const std::vector<std::string>& got) {
  for (std::size_t i = 0; i < std::max(expected.size(), got.size()); ++i) {
    const std::string wanted = i < expected.size() ? expected[i] : "nothing";
    if (const std::string has = i < got.size() ? got[i] : "nothing"; has != wanted)
      return std::string(wanted).append("\ngot ").append(has);
  }
  return "";
}

/// CSV of some columns, most of it right: fields of any size, in quotes or not, and damage.
std::string random_csv(std::mt19937_64& random, std::size_t columns, std::size_t size) {
  const auto one_in = [&](std::size_t n) { return random() % n == 0; };
  const std::size_t long_one_in = 20 + random() % 500;
  const std::size_t damage_one_in = 50 + random() % 5'000;
  std::string text;
  while (text.size() < size) {
    const std::size_t fields = one_in(40) ? 1 + random() % 20 : columns;
    for (std::size_t i = 0; i < fields; ++i) {
      if (i > 0) text += ',';
      const bool is_quoted = one_in(3);
      if (is_quoted) text += '"';
      for (std::size_t n = one_in(long_one_in) ? random() % 3'000 : random() % 8; n > 0; --n) {
        constexpr std::string_view kAnywhere[] = {"a", "bcd", " ", "가", "\xF0\x9F\x8E\x81", "\r", "\t"};
        constexpr std::string_view kInQuotes[] = {"\"\"", ",", "\n", "\r\n", "\"\",\"\"\n"};
        text += is_quoted && one_in(5) ? kInQuotes[random() % std::size(kInQuotes)]
                                       : kAnywhere[random() % std::size(kAnywhere)];
      }
      if (is_quoted) text += '"';
    }
    text += one_in(4) ? "\r\n" : "\n";
    if (one_in(30)) text += one_in(2) ? "\n" : " \t\r\n";
    if (one_in(30)) text += std::string(random() % 20, '\n') + "\"" + std::string(random() % 20, '\n') + "\"\n";
  }
  for (std::size_t i = text.size() / damage_one_in; i > 0; --i) {
    constexpr std::string_view kDamage = "\"\",\n\r\0\xFF\xE3";
    text[random() % text.size()] = kDamage[random() % kDamage.size()];
  }
  if (one_in(2)) text.pop_back();
  return text;
}

TEST_F(Kernels, OfEachIsaReadTheSameRecordsInAnyBlocks) {
  const std::uint64_t seed = test_seed();
  std::mt19937_64 random(seed);
  for (int round = 0; round < (CLEARLINE_SANITIZED != 0 ? 60 : 600); ++round) {
    const std::size_t columns = 1 + random() % 20;
    const std::string text = random_csv(random, columns, random() % 40'000);
    const std::size_t bytes_max = round % 3 == 0 ? 1 + random() % 400 : 65'536;
    const std::vector<std::size_t> steps{1 + random() % 300, 1 + random() % 20'000, 1 + random() % 20'000};
    use_isa(Isa::kScalar);
    const auto expected = csv_records(text, bytes_max, columns);
    ASSERT_EQ(first_difference(expected, csv_records_in_blocks(text, bytes_max, columns, steps)), "")
        << "CLEARLINE_SEED=" << seed;
    for (const Isa isa : vector_isas()) {
      use_isa(isa);
      ASSERT_EQ(first_difference(expected, csv_records(text, bytes_max, columns)), "")
          << to_string(isa) << " CLEARLINE_SEED=" << seed;
      ASSERT_EQ(first_difference(expected, csv_records_in_blocks(text, bytes_max, columns, steps)), "")
          << to_string(isa) << " CLEARLINE_SEED=" << seed;
    }
  }
}

// A reader scans some KiB at a time, from a record on, and again where a wrong record upset the scan.
TEST_F(Kernels, OfEachIsaReadARecordWhereverItLies) {
  const std::string long_field(9'000, 'x');
  const std::vector<std::string> texts{"a,b\n",
                                       "a,\"b\"\r\n",
                                       "a,\"b \"\"c\"\" d\"\n",
                                       "a,\"b\nc\r\nd\"\n",
                                       "a,\"" + std::string(15, '\n') + "\"\n",
                                       "a,\"" + std::string(16, '\n') + "\"\nb,c\n",
                                       "a,\"b\nc,d\n",
                                       "a,b\"\nc,d\n",
                                       "a,\"b\"c\nd,\"e\"\n",
                                       "a,\"b\"\rc\n",
                                       "a,\rb\r\r\n",
                                       "a\nb,c,d\ne,f\n",
                                       "\"\",\"\"\"\"\n",
                                       "\n \t\r\n\r\na,\n",
                                       std::string("a\0,\0\n", 5),
                                       "\xEF\xBB\xBF\"a\",b\n",
                                       "a,\xED\x99\n\x8D,b\n",
                                       "a,\xF0\n\x8E\x81,b\n",
                                       "a,\"\xF0\x9F\n\x8E\x81\"\nb,c\n",
                                       "a,홍길동\n",
                                       "a," + long_field + "\n",
                                       "a,\"" + long_field + "\n\"\nb,c\n",
                                       "a,\"" + long_field + "\"x\nb,c\n"};
  constexpr std::size_t kScanned = 8'192;
  for (const std::string& one : texts) {
    for (std::size_t before = kScanned - 130; before < kScanned + 4; ++before) {
      std::string text;
      while (text.size() + 48 < before) text += "a,\"b\"\n";
      text.append(before - text.size() - 3, 'y').append(",z\n");
      text += one + "e,f\n" + one;
      use_isa(Isa::kScalar);
      const auto expected = csv_records(text, 65'536, 2);
      for (const Isa isa : vector_isas()) {
        use_isa(isa);
        ASSERT_EQ(first_difference(expected, csv_records(text, 65'536, 2)), "")
            << to_string(isa) << " " << before << " " << one;
        ASSERT_EQ(first_difference(expected, csv_records_in_blocks(text, 65'536, 2, {before + one.size() / 2, 1})), "")
            << to_string(isa) << " " << before << " " << one;
      }
    }
  }
}

TEST_F(Kernels, OfEachIsaCountTheSameLineEndsAndReadNothingBehindThem) {
  std::mt19937_64 random(test_seed());
  for (std::size_t size = 0; size < 400; ++size) {
    // A copy of just that size: AddressSanitizer sees a read behind it.
    const std::string bytes = random_bytes(random, size);
    const std::vector<char> text(bytes.begin(), bytes.end());
    use_isa(Isa::kScalar);
    const std::size_t line_ends = kernels().count_line_ends(text.data(), size);
    for (const Isa isa : vector_isas()) {
      use_isa(isa);
      EXPECT_EQ(kernels().count_line_ends(text.data(), size), line_ends) << to_string(isa) << " " << size;
    }
  }
}

TEST_F(Kernels, OfEachIsaKnowTheSameUtf8) {
  std::mt19937_64 random(test_seed());
  for (int round = 0; round < 2'000; ++round) {
    std::string text(random() % 200, 'a');
    for (int i = 0; i < 4; ++i) {
      constexpr std::string_view kPieces[] = {"\xC3\xA9", "\xED\x99\x8D", "\xF0\x9F\x8E\x81", "\xED\xA0\x80",
                                              "\xC0\x80"};
      text.insert(random() % (text.size() + 1), kPieces[random() % (round % 2 == 0 ? 3 : 5)]);
    }
    const bool valid = find_invalid_utf8(text) == text.size();
    use_isa(Isa::kScalar);
    EXPECT_EQ(is_utf8(text), valid);
    for (const Isa isa : vector_isas()) {
      use_isa(isa);
      EXPECT_EQ(is_utf8(text), valid) << to_string(isa);
    }
  }
}

TEST_F(Kernels, AreForcedByNameOrRefused) {
  ASSERT_TRUE(forced_isa("scalar").ok());
  EXPECT_EQ(*forced_isa("scalar"), Isa::kScalar);
  const auto unknown = forced_isa("mmx");
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.status().kind(), StatusKind::kConfig);
  EXPECT_NE(unknown.status().message().find("scalar"), std::string::npos) << "says what there is";
}

}  // namespace
}  // namespace clearline::test
