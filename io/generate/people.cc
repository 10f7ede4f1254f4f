#include "io/generate/people.h"

#include <array>
#include <string_view>

#include "io/generate/random.h"

namespace clearline::generate {
namespace {

struct Family {
  std::string_view hangul;
  std::array<std::string_view, 3> latin;  // most usual first; repeated where there are fewer
  unsigned weight;                        // per thousand, roughly the share of the name
};

constexpr Family kFamilies[] = {  // NOLINT(modernize-avoid-c-arrays)
    {"김", {"KIM", "KIM", "GIM"}, 215},
    {"이", {"LEE", "YI", "RHEE"}, 147},
    {"박", {"PARK", "PAK", "BAK"}, 84},
    {"최", {"CHOI", "CHOE", "CHOI"}, 47},
    {"정", {"JUNG", "JEONG", "CHUNG"}, 43},
    {"강", {"KANG", "GANG", "KANG"}, 24},
    {"조", {"CHO", "JO", "CHO"}, 21},
    {"윤", {"YOON", "YUN", "YOUN"}, 21},
    {"장", {"JANG", "CHANG", "JANG"}, 20},
    {"임", {"LIM", "IM", "LIM"}, 17},
    {"한", {"HAN", "HAN", "HAN"}, 15},
    {"오", {"OH", "O", "OH"}, 15},
    {"서", {"SEO", "SUH", "SEO"}, 15},
    {"신", {"SHIN", "SIN", "SHIN"}, 15},
    {"권", {"KWON", "GWON", "KWON"}, 14},
    {"황", {"HWANG", "HWANG", "WHANG"}, 14},
    {"안", {"AHN", "AN", "AHN"}, 14},
    {"송", {"SONG", "SONG", "SONG"}, 14},
    {"전", {"JEON", "JUN", "CHUN"}, 11},
    {"홍", {"HONG", "HONG", "HONG"}, 11},
    {"유", {"YOO", "YU", "RYU"}, 13},
    {"고", {"KO", "GO", "KOH"}, 9},
    {"문", {"MOON", "MUN", "MOON"}, 9},
    {"양", {"YANG", "YANG", "YANG"}, 9},
    {"손", {"SON", "SOHN", "SON"}, 9},
    {"배", {"BAE", "PAE", "BAE"}, 8},
    {"백", {"BAEK", "PAIK", "BAEK"}, 8},
    {"허", {"HUR", "HEO", "HUH"}, 7},
    {"남", {"NAM", "NAM", "NAM"}, 6},
    {"심", {"SHIM", "SIM", "SHIM"}, 6},
    {"노", {"NOH", "ROH", "NO"}, 5},
    {"하", {"HA", "HA", "HA"}, 5},
    {"곽", {"KWAK", "GWAK", "KWAK"}, 4},
    {"성", {"SUNG", "SEONG", "SUNG"}, 4},
    {"차", {"CHA", "CHA", "CHA"}, 4},
    {"주", {"JOO", "JU", "CHOO"}, 4},
    {"우", {"WOO", "WU", "WOO"}, 4},
    {"남궁", {"NAMGUNG", "NAMKOONG", "NAMGOONG"}, 1},
    {"선우", {"SUNWOO", "SEONWOO", "SUNWOO"}, 1},
    {"황보", {"HWANGBO", "HWANGBO", "WHANGBO"}, 1}};

struct Syllable {
  std::string_view hangul;
  std::array<std::string_view, 2> latin;
};

constexpr Syllable kSyllables[] = {  // NOLINT(modernize-avoid-c-arrays)
    {"민", {"MIN", "MIN"}},      {"서", {"SEO", "SUH"}},      {"준", {"JUN", "JOON"}},    {"지", {"JI", "JEE"}},
    {"현", {"HYUN", "HYEON"}},   {"우", {"WOO", "U"}},        {"영", {"YOUNG", "YEONG"}}, {"수", {"SOO", "SU"}},
    {"진", {"JIN", "JIN"}},      {"은", {"EUN", "EUN"}},      {"혜", {"HYE", "HYE"}},     {"정", {"JUNG", "JEONG"}},
    {"경", {"KYUNG", "GYEONG"}}, {"재", {"JAE", "JAE"}},      {"성", {"SUNG", "SEONG"}},  {"호", {"HO", "HO"}},
    {"승", {"SEUNG", "SEUNG"}},  {"연", {"YEON", "YUN"}},     {"하", {"HA", "HA"}},       {"윤", {"YOON", "YUN"}},
    {"동", {"DONG", "DONG"}},    {"길", {"GIL", "KIL"}},      {"선", {"SUN", "SEON"}},    {"희", {"HEE", "HUI"}},
    {"미", {"MI", "MEE"}},       {"나", {"NA", "NA"}},        {"다", {"DA", "DA"}},       {"라", {"RA", "RA"}},
    {"아", {"A", "AH"}},         {"예", {"YE", "YEH"}},       {"태", {"TAE", "TAE"}},     {"상", {"SANG", "SANG"}},
    {"철", {"CHUL", "CHEOL"}},   {"용", {"YONG", "YONG"}},    {"규", {"KYU", "GYU"}},     {"훈", {"HOON", "HUN"}},
    {"주", {"JOO", "JU"}},       {"원", {"WON", "WON"}},      {"석", {"SEOK", "SUK"}},    {"빈", {"BIN", "BEEN"}},
    {"도", {"DO", "DOH"}},       {"건", {"GUN", "GEON"}},     {"유", {"YOO", "YU"}},      {"인", {"IN", "IN"}},
    {"채", {"CHAE", "CHAE"}},    {"소", {"SO", "SOH"}},       {"솔", {"SOL", "SOL"}},     {"광", {"KWANG", "GWANG"}},
    {"명", {"MYUNG", "MYEONG"}}, {"순", {"SOON", "SUN"}},     {"옥", {"OK", "OCK"}},      {"숙", {"SOOK", "SUK"}},
    {"자", {"JA", "JA"}},        {"령", {"RYUNG", "RYEONG"}}, {"해", {"HAE", "HAE"}},     {"환", {"HWAN", "HWAN"}},
    {"찬", {"CHAN", "CHAN"}},    {"병", {"BYUNG", "BYEONG"}}, {"근", {"GEUN", "KEUN"}},   {"기", {"KI", "GI"}}};

/// Registered spelling of a foreign name: `FAMILY, GIVEN`, and the words its letters stand for.
struct Foreign {
  std::string_view spelling;
  std::string_view family;
  std::string_view given;
};

constexpr Foreign kForeigners[] = {  // NOLINT(modernize-avoid-c-arrays)
    {"DE LA CRUZ, JUAN", "DE LA CRUZ", "JUAN"},
    {"O'BRIEN SEAN PATRICK", "OBRIEN", "SEAN PATRICK"},
    {"NGUYEN THI LAN", "NGUYEN", "THI LAN"},
    {"MÜLLER HANS PETER", "MULLER", "HANS PETER"},
    {"SØRENSEN, LÆRKE", "SOERENSEN", "LAERKE"},
    {"GARCIA-LOPEZ MARIA", "GARCIA LOPEZ", "MARIA"},
    {"WEIß<<KARL HEINZ", "WEISS", "KARL HEINZ"},
    {"ŁUKASZEWICZ ANNA", "LUKASZEWICZ", "ANNA"},
    {"WANG XIAOMING", "WANG", "XIAOMING"},
    {"TANAKA YUKIKO", "TANAKA", "YUKIKO"},
    {"VAN DEN BERG, JOOST", "VAN DEN BERG", "JOOST"},
    {"SMITH JOHN EDWARD", "SMITH", "JOHN EDWARD"},
    {"ÞÓRSDÓTTIR, BJÖRK", "THORSDOTTIR", "BJORK"},
    {"ÑÁÑEZ PILAR", "NANEZ", "PILAR"},
    {"IVANOVA OLGA SERGEEVNA", "IVANOVA", "OLGA SERGEEVNA"},
    {"BATBAYAR TEMUULEN", "BATBAYAR", "TEMUULEN"}};

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t blank = text.find(' ');
    words.emplace_back(text.substr(0, blank));
    text.remove_prefix(blank == std::string_view::npos ? text.size() : blank + 1);
  }
  return words;
}

const Family& pick_family(Random& random) {
  static constexpr unsigned kAll = [] {
    unsigned all = 0;
    for (const Family& family : kFamilies) all += family.weight;
    return all;
  }();
  auto at = static_cast<unsigned>(random.below(kAll));
  for (const Family& family : kFamilies) {
    if (at < family.weight) return family;
    at -= family.weight;
  }
  return kFamilies[0];
}

// Streams of one person's random numbers, so that traits can be asked for alone.
enum Stream : std::uint64_t { kTraits = 1, kNames = 2, kRest = 3 };

Random stream(std::uint64_t seed, std::uint64_t number, Stream which) { return {seed * 4 + which, number}; }

Date day(std::int64_t days) { return Date{static_cast<std::int32_t>(days)}; }

}  // namespace

/// Four rounds of a Feistel network over two halves of six digits: a permutation of all codes.
Code People::code(std::uint64_t number) const {
  constexpr std::uint64_t kHalf = 1'000'000;
  std::uint64_t left = number / kHalf % kHalf;
  std::uint64_t right = number % kHalf;
  for (std::uint64_t round = 0; round < 4; ++round) {
    const std::uint64_t mixed = (left + spread(spread(seed_ + round) ^ right) % kHalf) % kHalf;
    left = right;
    right = mixed;
  }
  return Code{left * kHalf + right};
}

Traits People::traits(std::uint64_t number) const {
  Random random = stream(seed_, number, kTraits);
  Traits traits;
  const std::uint64_t status = random.below(1000);
  if (status < 16) {
    traits.status = CodeStatus::kSuspended;
  } else if (status < 31) {
    traits.status = CodeStatus::kCancelled;
  } else if (status < 42) {
    traits.status = CodeStatus::kReplaced;
  }
  const std::uint64_t expiry = random.below(1000);
  if (expiry < 60) {
    traits.expires = day(kFirstDeclared.days - 1 - static_cast<std::int64_t>(random.below(900)));
  } else if (expiry < 700) {
    traits.expires = day(kLastDeclared.days + 1 + static_cast<std::int64_t>(random.below(700)));
  } else if (expiry < 730) {
    traits.expires = day(43'830 + static_cast<std::int64_t>(random.below(3000)));  // 2090 and later
  }
  traits.is_foreign = random.chance(0.03);
  const std::uint64_t names = random.below(1000);
  const bool nothing = names >= 30 && names < 35;
  traits.has_latin = !nothing && (traits.is_foreign || names < 30 || names >= 45);
  traits.has_hangul = !nothing && !traits.is_foreign && names >= 35;
  traits.has_phone = !random.chance(0.03);
  traits.has_zip = !random.chance(0.006);
  return traits;
}

Person People::person(std::uint64_t number) const {
  const Traits traits = this->traits(number);
  Random names = stream(seed_, number, kNames);
  Random rest = stream(seed_, number, kRest);
  Person person;
  Entry& entry = person.entry;
  entry.code = code(number);
  if (traits.is_foreign) {
    const Foreign& foreign = names.pick(kForeigners);
    person.family = words_of(foreign.family);
    person.given = words_of(foreign.given);
    entry.name = foreign.spelling;
  } else {
    const Family& family = pick_family(names);
    const std::uint64_t usual = names.below(10);
    person.family = {std::string(family.latin[usual < 7 ? 0 : usual < 9 ? 1 : 2])};
    person.family_ko = family.hangul;
    const std::size_t syllables = names.chance(0.04) ? 1 : 2;
    for (std::size_t i = 0; i < syllables; ++i) {
      const Syllable& syllable = names.pick(kSyllables);
      person.given.emplace_back(syllable.latin[names.below(4) == 0 ? 1 : 0]);
      person.given_ko += syllable.hangul;
    }
    const bool two = person.given.size() == 2;
    switch (two ? names.below(4) : 0) {
      case 1:
        entry.name = person.family[0] + " " + person.given[0] + " " + person.given[1];
        break;
      case 2:
        entry.name = person.family[0] + " " + person.given[0] + "-" + person.given[1];
        break;
      case 3:
        entry.name = person.family[0] + ", " + person.given[0] + " " + person.given[1];
        break;
      default:
        entry.name = person.family[0] + " " + person.given[0] + (two ? person.given[1] : "");
    }
    entry.name_ko = person.family_ko + person.given_ko;
  }
  if (!traits.has_latin) entry.name.clear();
  if (!traits.has_hangul) entry.name_ko.clear();
  if (traits.has_phone) {
    entry.phone = "010" + std::to_string(20'000'000 + rest.below(79'999'999));
  }
  if (traits.has_zip) {
    const std::uint64_t zips = rest.below(10);
    const std::size_t count = zips < 7 ? 1 : zips < 9 ? 2 : 3 + rest.below(2);
    for (std::size_t i = 0; i < count; ++i)
      entry.zips.push_back(static_cast<std::uint32_t>(rest.between(1000, 63'644)));
  }
  entry.status = traits.status;
  if (traits.status == CodeStatus::kReplaced && rest.chance(0.7))
    entry.replaced_by = code(number + (std::uint64_t{1} << 38));
  if (!rest.chance(0.01)) {
    entry.issued = day(18'000 + static_cast<std::int64_t>(rest.below(2300)));
    entry.changed =
        day(entry.issued->days + static_cast<std::int64_t>(
                                     rest.below(static_cast<std::uint64_t>(kFirstDeclared.days - entry.issued->days))));
  }
  entry.expires = traits.expires;
  return person;
}

}  // namespace clearline::generate
