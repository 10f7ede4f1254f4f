#include "io/generate/people.h"

#include <algorithm>
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
    {"구", {"KOO", "KU", "GU"}, 4},
    {"민", {"MIN", "MIN", "MIN"}, 3},
    {"류", {"RYU", "RYOO", "YOO"}, 3},
    {"나", {"NA", "RA", "NA"}, 3},
    {"진", {"JIN", "CHIN", "JIN"}, 3},
    {"지", {"JI", "JEE", "CHI"}, 3},
    {"엄", {"UM", "EOM", "UHM"}, 3},
    {"원", {"WON", "WON", "WON"}, 2},
    {"천", {"CHEON", "CHUN", "CHON"}, 2},
    {"방", {"BANG", "PANG", "BANG"}, 2},
    {"공", {"KONG", "GONG", "KONG"}, 2},
    {"현", {"HYUN", "HYEON", "HYUN"}, 2},
    {"함", {"HAM", "HAHM", "HAM"}, 2},
    {"변", {"BYUN", "BYEON", "BYON"}, 2},
    {"염", {"YEOM", "YUM", "YOUM"}, 2},
    {"여", {"YEO", "YUH", "YEO"}, 2},
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
    {"진", {"JIN", "JIN"}},      {"은", {"EUN", "UN"}},       {"혜", {"HYE", "HYE"}},     {"정", {"JUNG", "JEONG"}},
    {"경", {"KYUNG", "GYEONG"}}, {"재", {"JAE", "JAE"}},      {"성", {"SUNG", "SEONG"}},  {"호", {"HO", "HO"}},
    {"승", {"SEUNG", "SEUNG"}},  {"연", {"YEON", "YUN"}},     {"하", {"HA", "HA"}},       {"윤", {"YOON", "YUN"}},
    {"동", {"DONG", "DONG"}},    {"길", {"GIL", "KIL"}},      {"선", {"SUN", "SEON"}},    {"희", {"HEE", "HUI"}},
    {"미", {"MI", "MEE"}},       {"나", {"NA", "NA"}},        {"다", {"DA", "DA"}},       {"라", {"RA", "LA"}},
    {"아", {"A", "AH"}},         {"예", {"YE", "YE"}},        {"태", {"TAE", "TAE"}},     {"상", {"SANG", "SANG"}},
    {"철", {"CHUL", "CHEOL"}},   {"용", {"YONG", "YONG"}},    {"규", {"KYU", "GYU"}},     {"훈", {"HOON", "HUN"}},
    {"주", {"JOO", "JU"}},       {"원", {"WON", "WON"}},      {"석", {"SEOK", "SUK"}},    {"빈", {"BIN", "BEEN"}},
    {"도", {"DO", "DO"}},        {"건", {"GUN", "GEON"}},     {"유", {"YOO", "YU"}},      {"인", {"IN", "IN"}},
    {"채", {"CHAE", "CHAE"}},    {"소", {"SO", "SO"}},        {"솔", {"SOL", "SOL"}},     {"광", {"KWANG", "GWANG"}},
    {"명", {"MYUNG", "MYEONG"}}, {"순", {"SOON", "SUN"}},     {"옥", {"OK", "OK"}},       {"숙", {"SOOK", "SUK"}},
    {"자", {"JA", "JA"}},        {"령", {"RYUNG", "RYEONG"}}, {"해", {"HAE", "HAE"}},     {"환", {"HWAN", "HWAN"}},
    {"찬", {"CHAN", "CHAN"}},    {"병", {"BYUNG", "BYEONG"}}, {"근", {"GEUN", "KEUN"}},   {"기", {"KI", "GI"}},
    {"가", {"GA", "KA"}},        {"강", {"KANG", "GANG"}},    {"걸", {"GEOL", "GEOL"}},   {"겸", {"GYEOM", "KYUM"}},
    {"고", {"KO", "GO"}},        {"곤", {"GON", "GON"}},      {"관", {"KWAN", "GWAN"}},   {"교", {"KYO", "GYO"}},
    {"구", {"KOO", "GU"}},       {"국", {"KOOK", "GUK"}},     {"권", {"KWON", "GWON"}},   {"귀", {"KWI", "GWI"}},
    {"금", {"GEUM", "KEUM"}},    {"남", {"NAM", "NAM"}},      {"노", {"NOH", "RO"}},      {"누", {"NU", "NU"}},
    {"단", {"DAN", "DAN"}},      {"달", {"DAL", "DAL"}},      {"담", {"DAM", "DAM"}},     {"대", {"DAE", "DAE"}},
    {"덕", {"DEOK", "DUK"}},     {"돈", {"DON", "DON"}},      {"두", {"DOO", "DU"}},      {"득", {"DEUK", "DEUK"}},
    {"란", {"RAN", "RAN"}},      {"람", {"RAM", "RAM"}},      {"래", {"RAE", "RAE"}},     {"려", {"RYEO", "RYEO"}},
    {"련", {"RYEON", "RYUN"}},   {"례", {"RYE", "RYE"}},      {"로", {"RO", "RO"}},       {"록", {"ROK", "ROK"}},
    {"루", {"RU", "RU"}},        {"린", {"RIN", "LYNN"}},     {"림", {"RIM", "LIM"}},     {"만", {"MAN", "MAN"}},
    {"무", {"MOO", "MU"}},       {"문", {"MOON", "MUN"}},     {"배", {"BAE", "PAE"}},     {"백", {"BAEK", "BAEK"}},
    {"범", {"BEOM", "BUM"}},     {"별", {"BYUL", "BYEOL"}},   {"보", {"BO", "BO"}},       {"복", {"BOK", "BOK"}},
    {"봄", {"BOM", "BOM"}},      {"봉", {"BONG", "BONG"}},    {"비", {"BI", "BEE"}},      {"새", {"SAE", "SAE"}},
    {"샘", {"SAEM", "SAEM"}},    {"세", {"SE", "SE"}},        {"손", {"SON", "SON"}},     {"송", {"SONG", "SONG"}},
    {"슬", {"SEUL", "SEUL"}},    {"시", {"SI", "SI"}},        {"식", {"SIK", "SHIK"}},    {"신", {"SHIN", "SIN"}},
    {"실", {"SIL", "SIL"}},      {"안", {"AN", "AHN"}},       {"애", {"AE", "AE"}},       {"양", {"YANG", "YANG"}},
    {"언", {"EON", "UN"}},       {"엽", {"YEOP", "YUP"}},     {"오", {"OH", "O"}},        {"온", {"ON", "ON"}},
    {"완", {"WAN", "WAN"}},      {"왕", {"WANG", "WANG"}},    {"욱", {"WOOK", "UK"}},     {"웅", {"WOONG", "UNG"}},
    {"율", {"YUL", "YUL"}},      {"의", {"EUI", "UI"}},       {"이", {"YI", "LEE"}},      {"익", {"IK", "IK"}},
    {"일", {"IL", "IL"}},        {"임", {"IM", "IM"}},        {"장", {"JANG", "JANG"}},   {"전", {"JEON", "JEON"}},
    {"제", {"JE", "JE"}},        {"조", {"JO", "CHO"}},       {"종", {"JONG", "JONG"}},   {"중", {"JOONG", "JUNG"}},
    {"창", {"CHANG", "CHANG"}},  {"천", {"CHEON", "CHUN"}},   {"초", {"CHO", "CHO"}},     {"춘", {"CHOON", "CHUN"}},
    {"충", {"CHOONG", "CHUNG"}}, {"치", {"CHI", "CHI"}},      {"택", {"TAEK", "TAEK"}},   {"한", {"HAN", "HAN"}},
    {"향", {"HYANG", "HYANG"}},  {"헌", {"HUN", "HEON"}},     {"협", {"HYUP", "HYEOP"}},  {"형", {"HYUNG", "HYEONG"}},
    {"홍", {"HONG", "HONG"}},    {"화", {"HWA", "HWA"}},      {"황", {"HWANG", "HWANG"}}, {"회", {"HOE", "HOE"}},
    {"효", {"HYO", "HYO"}},      {"후", {"HOO", "HU"}},       {"휘", {"HWI", "HWI"}},     {"흥", {"HEUNG", "HEUNG"}},
    {"힘", {"HIM", "HIM"}}};

/// A part of a foreign name: as registered, and the words that its letters stand for.
struct ForeignPart {
  std::string_view spelling;
  std::string_view words;
};

constexpr ForeignPart kForeignFamilies[] = {  // NOLINT(modernize-avoid-c-arrays)
    {"DE LA CRUZ", "DE LA CRUZ"},
    {"O'BRIEN", "OBRIEN"},
    {"NGUYEN", "NGUYEN"},
    {"MÜLLER", "MULLER"},
    {"SØRENSEN", "SOERENSEN"},
    {"GARCIA-LOPEZ", "GARCIA LOPEZ"},
    {"WEIß", "WEISS"},
    {"ŁUKASZEWICZ", "LUKASZEWICZ"},
    {"WANG", "WANG"},
    {"TANAKA", "TANAKA"},
    {"VAN DEN BERG", "VAN DEN BERG"},
    {"SMITH", "SMITH"},
    {"ÞÓRSDÓTTIR", "THORSDOTTIR"},
    {"ÑÁÑEZ", "NANEZ"},
    {"IVANOVA", "IVANOVA"},
    {"BATBAYAR", "BATBAYAR"},
    {"D’ANGELO", "DANGELO"},
    {"AL-RASHID", "AL RASHID"},
    {"ĐẶNG", "DANG"},
    {"ÇELİK", "CELIK"},
    {"TRAN", "TRAN"},
    {"ZHANG", "ZHANG"},
    {"SUZUKI", "SUZUKI"},
    {"DOS SANTOS", "DOS SANTOS"},
    {"KOWALSKI", "KOWALSKI"},
    {"RAHMAN", "RAHMAN"},
    {"SHARMA", "SHARMA"},
    {"KIM-LEE", "KIM LEE"}};
constexpr ForeignPart kForeignGivens[] = {  // NOLINT(modernize-avoid-c-arrays)
    {"JUAN", "JUAN"},
    {"SEAN PATRICK", "SEAN PATRICK"},
    {"THI LAN", "THI LAN"},
    {"HANS PETER", "HANS PETER"},
    {"LÆRKE", "LAERKE"},
    {"MARIA", "MARIA"},
    {"KARL HEINZ", "KARL HEINZ"},
    {"ANNA", "ANNA"},
    {"XIAOMING", "XIAOMING"},
    {"YUKIKO", "YUKIKO"},
    {"JOOST", "JOOST"},
    {"JOHN EDWARD", "JOHN EDWARD"},
    {"BJÖRK", "BJORK"},
    {"PILAR", "PILAR"},
    {"OLGA SERGEEVNA", "OLGA SERGEEVNA"},
    {"TEMUULEN", "TEMUULEN"},
    {"JOSÉ MARÍA", "JOSE MARIA"},
    {"ANNE-MARIE", "ANNE MARIE"},
    {"GÖKÇE", "GOKCE"},
    {"ZOË", "ZOE"},
    {"MEI LING", "MEI LING"},
    {"MINH ĐỨC", "MINH DUC"},
    {"ABDUL KARIM", "ABDUL KARIM"},
    {"PRIYA", "PRIYA"}};

/// What stands between a foreign family name and the given one.
constexpr std::string_view kFamilyEnds[] = {", ", "<<", " "};  // NOLINT(modernize-avoid-c-arrays)

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

// Halves of a code, and how often they are mixed.
constexpr std::uint64_t kHalf = 1'000'000;
constexpr std::uint64_t kRounds = 4;

std::uint64_t round_of(std::uint64_t seed, std::uint64_t round, std::uint64_t half) {
  return spread(spread(seed + round) ^ half) % kHalf;
}

// ---- names, read

/// A Latin name that stands in the tables of foreign parts.
bool read_foreign_name(std::string_view name, Person& person) {
  for (const ForeignPart& family : kForeignFamilies) {
    if (!name.starts_with(family.spelling)) continue;
    for (const std::string_view end : kFamilyEnds) {
      const std::string_view behind = name.substr(family.spelling.size());
      if (!behind.starts_with(end)) continue;
      for (const ForeignPart& given : kForeignGivens) {
        if (behind.substr(end.size()) != given.spelling) continue;
        person.family = words_of(family.words);
        person.given = words_of(given.words);
        return true;
      }
    }
  }
  return false;
}

bool is_family(std::string_view word) {
  return std::any_of(std::begin(kFamilies), std::end(kFamilies), [&](const Family& family) {
    return std::find(family.latin.begin(), family.latin.end(), word) != family.latin.end();
  });
}

/// Whether a word is of so many Latin syllables, at most.
bool is_of_syllables(std::string_view word, int syllables_max) {
  if (word.empty()) return true;
  if (syllables_max == 0) return false;
  return std::any_of(std::begin(kSyllables), std::end(kSyllables), [&](const Syllable& syllable) {
    return std::any_of(syllable.latin.begin(), syllable.latin.end(), [&](std::string_view latin) {
      return word.starts_with(latin) && is_of_syllables(word.substr(latin.size()), syllables_max - 1);
    });
  });
}

/// `KIM GILDONG`, `KIM GIL DONG`, `KIM GIL-DONG`, `KIM, GIL DONG`.
bool read_korean_name(std::string_view name, Person& person) {
  std::string plain(name);
  std::replace(plain.begin(), plain.end(), '-', ' ');
  if (const std::size_t comma = plain.find(", "); comma != std::string::npos) plain.erase(comma, 1);
  std::vector<std::string> words = words_of(plain);
  if (words.size() < 2 || words.size() > 3 || !is_family(words[0])) return false;
  const int syllables_max = words.size() == 2 ? 2 : 1;
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (words[i].empty() || !is_of_syllables(words[i], syllables_max)) return false;
  }
  person.family = {words[0]};
  person.given.assign(words.begin() + 1, words.end());
  return true;
}

/// The family name, the same as the Latin one that was read before, and one or two syllables.
bool read_hangul_name(std::string_view name, Person& person) {
  constexpr std::size_t kSyllableBytes = 3;
  for (const Family& family : kFamilies) {
    const bool is_it = std::find(family.latin.begin(), family.latin.end(), person.family[0]) != family.latin.end();
    if (!is_it || !name.starts_with(family.hangul)) continue;
    const std::string_view given = name.substr(family.hangul.size());
    if (given.empty() || given.size() > 2 * kSyllableBytes || given.size() % kSyllableBytes != 0) continue;
    const auto is_syllable = [&](std::size_t at) {
      return std::any_of(std::begin(kSyllables), std::end(kSyllables),
                         [&](const Syllable& syllable) { return given.substr(at, kSyllableBytes) == syllable.hangul; });
    };
    if (!is_syllable(0) || (given.size() > kSyllableBytes && !is_syllable(kSyllableBytes))) continue;
    person.family_ko = family.hangul;
    person.given_ko = given;
    return true;
  }
  return false;
}

Date day(std::int64_t days) { return Date{static_cast<std::int32_t>(days)}; }

}  // namespace

/// Four rounds of a Feistel network over two halves of six digits: a permutation of all codes.
Code People::code(std::uint64_t number) const {
  std::uint64_t left = number / kHalf % kHalf;
  std::uint64_t right = number % kHalf;
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    const std::uint64_t mixed = (left + round_of(seed_, round, right)) % kHalf;
    left = right;
    right = mixed;
  }
  return Code{left * kHalf + right};
}

/// The rounds backwards.
std::uint64_t People::number(Code code) const {
  std::uint64_t left = code.digits / kHalf;
  std::uint64_t right = code.digits % kHalf;
  for (std::uint64_t round = kRounds; round-- > 0;) {
    const std::uint64_t before = (right + kHalf - round_of(seed_, round, left)) % kHalf;
    right = left;
    left = before;
  }
  return left * kHalf + right;
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
    traits.expires = day(kFarAway.days + static_cast<std::int64_t>(random.below(3000)));
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
    const ForeignPart& family = names.pick(kForeignFamilies);
    const ForeignPart& given = names.pick(kForeignGivens);
    person.family = words_of(family.words);
    person.given = words_of(given.words);
    // A blank ends the family name, unless a comma or `<<` says where it ends.
    const bool one_word = family.spelling.find(' ') == std::string_view::npos;
    entry.name.append(family.spelling).append(kFamilyEnds[names.below(one_word ? 3 : 2)]).append(given.spelling);
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
    const std::size_t count = zips < 7 ? 1 : zips < 9 ? 2 : rest.chance(0.98) ? 3 : rest.between(4, kZipsMax);
    for (std::size_t i = 0; i < count; ++i)
      entry.zips.push_back(static_cast<std::uint32_t>(rest.between(1000, 63'644)));
  }
  entry.status = traits.status;
  if (traits.status == CodeStatus::kReplaced && rest.chance(0.7)) entry.replaced_by = code(kSuccessors + number);
  if (!rest.chance(0.01)) {
    const std::int32_t last = std::min(traits.expires.value_or(kFirstDeclared), kFirstDeclared).days - 1;
    entry.issued = day(static_cast<std::int64_t>(rest.between(18'000, static_cast<std::uint64_t>(last))));
    if (rest.chance(0.9)) {
      entry.changed = day(static_cast<std::int64_t>(
          rest.between(static_cast<std::uint64_t>(entry.issued->days), static_cast<std::uint64_t>(last))));
    }
  }
  entry.expires = traits.expires;
  return person;
}

bool read_names(Person& person) {
  person.family.clear();
  person.given.clear();
  person.family_ko.clear();
  person.given_ko.clear();
  const Entry& entry = person.entry;
  if (!read_foreign_name(entry.name, person) && !read_korean_name(entry.name, person)) return false;
  return entry.name_ko.empty() || read_hangul_name(entry.name_ko, person);
}

}  // namespace clearline::generate
