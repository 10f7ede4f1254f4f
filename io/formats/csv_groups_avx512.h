// The scan of csv_scan.h eight words at a time (io/formats/byte_groups_avx512.h), with what is no UTF-8 among the bad bytes.
// Only for kernels_avx512.cc.
#pragma once

#include <immintrin.h>

#include <cstring>

#include "io/formats/byte_groups_avx512.h"
#include "io/formats/csv_scan.h"

namespace clearline {
namespace {  // NOLINT(cert-dcl59-cpp): for one file; kernels.h says why

class CsvGroups : ByteGroups {
 public:
  static void run(const char* text, std::size_t words, const CsvMarks& marks) {
    CsvGroups groups;
    std::size_t at = 0;
    for (; at + kWords <= words; at += kWords) groups.group(text + 64 * at, at, marks);
    if (at < words) {
      char last[64 * kWords] = {};  // NOLINT(modernize-avoid-c-arrays): kernels.h
      std::memcpy(last, text + 64 * at, 64 * (words - at));
      groups.group(last, at, marks);
    }
  }

 private:
  enum Class { kQuote, kComma, kLineEnd, kReturn };
  static constexpr Table kClasses = [] {
    Table table{};
    table.bytes[static_cast<unsigned char>('"')] = 1 << kQuote;
    table.bytes[static_cast<unsigned char>(',')] = 1 << kComma;
    table.bytes[static_cast<unsigned char>('\n')] = 1 << kLineEnd;
    table.bytes[static_cast<unsigned char>('\r')] = 1 << kReturn;
    return table;
  }();

  struct Lanes {
    using Word = V;
    using Inside = ByteGroups::Word;
    static constexpr V kBehindSeparator = {0, 0, 0, 0, 0, 0, 0, 1ULL << 63};
    static V behind(V bits, V& carry) { return ByteGroups::behind(bits, carry, carry); }
    static V inside_of(V quotes, Inside& carry) { return ByteGroups::inside_of(quotes, carry); }
  };

  void group(const char* text, std::size_t at, const CsvMarks& marks) {
    V c[4];  // NOLINT(modernize-avoid-c-arrays): kernels.h
    classify<4>(ascii(text), kClasses, c, every);
    const auto found = reducer_.reduce({c[kQuote], c[kComma], c[kLineEnd], c[kReturn]});
    store(marks.separators + at, found.separators);
    store(marks.line_ends + at, c[kLineEnd]);
    store(marks.doubled + at, found.doubled);
    store(marks.bad + at, found.bad | utf8_.check(text));
  }

  CsvReducer<Lanes> reducer_;
  Utf8Groups utf8_;
};

}  // namespace
}  // namespace clearline
