// scan_csv: RFC 4180 by whole words. Each byte of a text is one bit of a 64-bit word, a word for each question that can be
// asked of a byte, and the grammar is shifts and carries on those words: what it costs does not depend on what is there.
//
//   a,"b ""c"" d",e     the text, from the start of a record
//     ##########        inside: an odd number of quotes so far. Doubled quotes leave it and enter again
//   ,            ,      separators: commas, and line ends, that are not inside
//       "   "           doubled: a quote that enters right behind the one that left
//
// What it checks     a quote enters behind a separator, or as the second one of two; behind one that leaves stands a separator,
//                    the second one of two, or CR LF. That is all of the form of a record but its count of fields.
// Bad is not wrong   a bad byte sends its record to CsvReader::read, which knows. So a mark too many costs time; one too few
//                    would let a wrong record pass, which tests and fuzzers look for. A wrong record may upset what follows
//                    it, up to where the reader starts a new scan.
// Source             quotes by a prefix of xor: Langdale and Lemire, Parsing gigabytes of JSON per second, VLDB Journal 2019;
//                    for CSV, geofflangdale/simdcsv, which checks nothing.
//
// Only types of std are used here: see kernels.h for why.
#pragma once

#include <cstddef>
#include <cstdint>

#include "io/formats/kernels.h"

namespace clearline {

/// The arithmetic, on words one after the other. Lanes has
///   Word                          64 bits, or several such
///   behind(Word, Word& carry)     the bits behind those of a word
///   inside_of(Word, Word& carry)  from each bit of odd number up to the one before the next
///   kBehindSeparator              the carry of behind() where a separator stands before the text
template <typename Lanes>
class CsvReducer {
 public:
  using Word = typename Lanes::Word;
  struct Classes {
    Word quotes, commas, line_ends, returns;
  };
  struct Marks {
    Word separators, doubled, bad;
  };

  Marks reduce(const Classes& c) {
    const Word inside = Lanes::inside_of(c.quotes, inside_);
    const Word entering = c.quotes & inside;
    const Word separators = (c.commas | c.line_ends) & ~inside;
    const Word behind_separator = Lanes::behind(separators, separator_);
    const Word behind_quoted = Lanes::behind(c.quotes & ~inside, quoted_);
    const Word behind_return = Lanes::behind(behind_quoted & c.returns, return_);
    return {separators, entering & behind_quoted,
            (entering & ~(behind_separator | behind_quoted)) | (behind_quoted & ~(separators | c.quotes | c.returns)) |
                (behind_return & ~c.line_ends)};
  }

 private:
  typename Lanes::Inside inside_{};
  Word separator_ = Lanes::kBehindSeparator;
  Word quoted_{};
  Word return_{};
};

/// A word alone.
template <typename Bytes>
struct CsvWord {
  using Word = std::uint64_t;
  using Inside = std::uint64_t;  // all ones, or zero
  static constexpr Word kBehindSeparator = 1;
  static Word behind(Word bits, Word& carry) {
    const Word moved = bits << 1 | carry;
    carry = bits >> 63;
    return moved;
  }
  static Word inside_of(Word quotes, Inside& carry) {
    const Word inside = Bytes::prefix_xor(quotes) ^ carry;
    carry = 0 - (inside >> 63);
    return inside;
  }
};

template <typename Bytes>
void scan_csv(const char* text, std::size_t words, const CsvMarks& marks) {
  CsvReducer<CsvWord<Bytes>> reducer;
  for (std::size_t w = 0; w < words; ++w) {
    const Bytes bytes = Bytes::load(text + 64 * w);
    const std::uint64_t line_ends = bytes.equal('\n');
    const auto found = reducer.reduce({bytes.equal('"'), bytes.equal(','), line_ends, bytes.equal('\r')});
    marks.separators[w] = found.separators;
    marks.line_ends[w] = line_ends;
    marks.doubled[w] = found.doubled;
    marks.bad[w] = found.bad;
  }
}

}  // namespace clearline
