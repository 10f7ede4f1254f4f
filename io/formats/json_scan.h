// scan_json: strict JSON by whole words. Each byte of a block is one bit of a 64-bit word, a word for each question that
// can be asked of a byte, and the grammar is arithmetic on those words: what it costs hardly depends on what is there.
//
//   bytes --classify_json--> JsonClasses: quotes, backslashes, colons, commas ...       (vectors)
//         --JsonReducer----> strings, tokens, what stands before what                   (64 bytes an operation)
//         --> ops        places of { } [ ] : , outside of strings, and of line ends
//             escapes    backslashes
//             bad        bytes at which a line goes wrong, or may
//
// With AVX-512, json_groups_avx512.h does the same for eight words at once.
//
// What it checks     strings: control characters, escapes, hexadecimal digits, paired surrogates, all closed on their line;
//                    numbers and words, each character; that no two values stand side by side, and which token may
//                    stand before a comma, a colon, a closing or an opening bracket.
// What it leaves     what needs a stack: that brackets match, and that a colon stands where an object wants one and nowhere
//                    else. JsonSkim (io/formats/json_skim.h) sees to that, from one operator to the next.
// Bad is not wrong   a bad byte sends its line to LineWalker, which knows. So a mark too many costs time; one too few would
//                    let a broken line pass, which tests and fuzzers look for.
// Lines              a line end is in no string: where it seems to be, it is bad, and what follows is outside. All other
//                    state ends at a line end by itself, as no token holds one.
// Source             strings and escapes: Langdale and Lemire, Parsing gigabytes of JSON per second, VLDB Journal 2019, and
//                    simdjson; the rest applies the same arithmetic to the grammar.
//
// Only types and memcmp of std are used here: see kernels.h for why.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "io/formats/kernels.h"

namespace clearline {

/// 64 bytes of text, asked for what each word needs. What else there may be outside of strings, spaces and the characters of
/// numbers, is asked for where there is something else: compact JSON of strings has none.
struct JsonClasses {
  std::uint64_t quotes, backslashes, line_ends, controls;  // controls: line ends too
  std::uint64_t colons, commas, braces, openers, closers;  // braces: { alone; openers: and [
};

template <typename Bytes>
void classify_json(const char* text, std::size_t words, JsonClasses* classes) {
  for (std::size_t w = 0; w < words; ++w) {
    const Bytes bytes = Bytes::load(text + 64 * w);
    JsonClasses& c = classes[w];
    c.quotes = bytes.equal('"');
    c.backslashes = bytes.equal('\\');
    c.line_ends = bytes.equal('\n');
    c.controls = bytes.at_most(0x1F);
    c.colons = bytes.equal(':');
    c.commas = bytes.equal(',');
    c.braces = bytes.equal('{');
    c.openers = bytes.equal_folded('{');
    c.closers = bytes.equal_folded('}');
  }
}

/// What one word leaves to the next. All zero before the first.
struct JsonCarry {
  std::uint64_t in_string = 0;   // all ones, or zero
  std::uint64_t is_escaped = 0;  // of the first byte
  std::uint64_t hex_wanted = 0;  // bytes that must be hexadecimal digits
  std::uint64_t u = 0;           // escapes \u of the word before
  std::uint64_t scalar = 0, value = 0, string = 0, separator = 0, brace = 0;
  std::uint64_t word_rest = 0;  // bytes that belong to true, false or null
  // Numbers.
  std::uint64_t minus = 0, zero = 0, digit = 0, dot = 0, exponent = 0, exponent_sign = 0, sign = 0;
  std::uint64_t fraction = 0;  // a run of digits behind a dot goes on
  std::uint64_t power = 0;     // a run of digits behind an exponent goes on
};

/// Not zero where a number goes on. No member of JsonCarry, which several files share: kernels.h says why.
static inline std::uint64_t carried_number(const JsonCarry& c) {
  return c.minus | c.zero | c.digit | c.dot | c.exponent | c.exponent_sign | c.sign | c.fraction | c.power;
}

/// Whether the escape whose `u` is at `place` is no surrogate, or half of a pair. `u` and `u_before` are the escapes' `u`s of
/// its word and of the word before. Reads 8 bytes behind: a block's padding lets it.
static inline bool is_paired_surrogate(const char* text, std::size_t place, std::uint64_t u, std::uint64_t u_before) {
  const char* at = text + place;
  const auto folded = [&](int i) { return at[i] | 0x20; };
  if (folded(1) != 'd' || folded(2) < '8') return true;
  if (folded(2) <= 'b') {  // the first half: 8, 9, a, b
    return at[5] == '\\' && at[6] == 'u' && folded(7) == 'd' && folded(8) >= 'c' && folded(8) <= 'f';
  }
  if (place < 7) return false;
  const std::size_t bit = place % 64;
  const std::uint64_t before =
      bit >= 6 ? u >> (bit - 6) : u_before >> (bit + 58);  // whether an escape's `u` is 6 before
  return (before & 1) != 0 && folded(-5) == 'd' && folded(-4) >= '8' && folded(-4) <= 'b';
}

/// Bytes of the word true, false or null at `at`; 0 when there is none, or it goes on.
static inline std::size_t json_word_size(const char* at) {
  std::size_t size = 4;
  if (std::memcmp(at, "false", 5) == 0) {
    size = 5;
  } else if (std::memcmp(at, "true", 4) != 0 && std::memcmp(at, "null", 4) != 0) {
    return 0;
  }
  const char end = at[size];
  const bool ends = end == ',' || end == '}' || end == ']' || end == ' ' || end == '\t' || end == '\r' || end == '\n';
  return ends ? size : 0;
}

/// The grammar. `Bytes` is asked again only where there are escapes, or something between operators that is no string.
template <typename Bytes>
class JsonReducer {
 public:
  /// Reduces `words` classes of the text at `text` into the marks from word `at` on.
  static void run(const char* text, const JsonClasses* classes, std::size_t words, std::size_t at, JsonCarry& carry,
                  JsonMarks& marks) {
    JsonReducer reducer(text, carry);
    for (std::size_t w = 0; w < words; ++w) reducer.word(classes[w], at + w, marks);
    carry = reducer.carry_;
  }

 private:
  using Word = std::uint64_t;

  JsonReducer(const char* text, const JsonCarry& carry) : text_(text), carry_(carry) {}

  /// The bits behind those of `bits`, one each; `carry` goes in as bit 0 and comes out as bit 64.
  static Word behind(Word bits, Word& carry) {
    const Word shifted = bits << 1 | carry;
    carry = bits >> 63;
    return shifted;
  }

  /// `from`, moved on over the runs of `run` that start there. What runs over the end is left in `carry`, for which
  /// the next word has a bit 0 in its `from`.
  static Word over(Word from, Word run, Word& carry) {
    Word sum = 0;
    carry |= static_cast<Word>(__builtin_add_overflow(from & run, run, &sum));
    return (sum | from) & ~run;
  }

  void word(const JsonClasses& c, std::size_t w, JsonMarks& marks) {
    Word bad = 0;

    // Strings.
    Word quotes = c.quotes;
    if ((c.backslashes | carry_.is_escaped | carry_.hex_wanted) != 0) {
      const Word escaped = escaped_by(c.backslashes);
      quotes &= ~escaped;
      bad |= bad_escapes(escaped, 64 * w);
    } else {
      carry_.u = 0;
    }
    Word inside = Bytes::prefix_xor(quotes) ^ carry_.in_string;  // opening quotes with it, closing ones not
    for (Word open = c.line_ends & inside; open != 0; open = c.line_ends & inside) {
      const Word first = open & -open;
      bad |= first;
      inside ^= -first;  // from there on outside
    }
    carry_.in_string = static_cast<Word>(static_cast<std::int64_t>(inside) >> 63);
    bad |= inside & c.controls;
    const Word opening = quotes & inside;
    const Word closing = quotes & ~inside;
    const Word outside = ~(inside | quotes);

    // Tokens.
    const Word colons = c.colons & outside;
    const Word commas = c.commas & outside;
    const Word braces = c.braces & outside;
    const Word openers = c.openers & outside;
    const Word closers = c.closers & outside;
    const Word ops = colons | commas | openers | closers | c.line_ends;
    Word scalars = outside & ~ops;
    Word spaces = 0;
    if (scalars != 0) {
      const Bytes bytes = Bytes::load(text_ + 64 * w);
      spaces = (bytes.equal(' ') | bytes.equal('\t') | bytes.equal('\r')) & scalars;
      scalars &= ~spaces;
    }
    const Word behind_scalars = scalars << 1 | carry_.scalar;
    const Word starts = scalars & ~behind_scalars;
    carry_.scalar = scalars >> 63;

    // What stands before what.
    Word behind_value = behind(closing | closers, carry_.value) | (behind_scalars & ~scalars);
    Word behind_string = behind(closing, carry_.string);
    Word behind_separator = behind(colons | commas, carry_.separator);
    Word behind_brace = behind(braces, carry_.brace);
    if (spaces != 0) {  // left out of account; compact JSON has none
      behind_value = over(behind_value, spaces, carry_.value);
      behind_string = over(behind_string, spaces, carry_.string);
      behind_separator = over(behind_separator, spaces, carry_.separator);
      behind_brace = over(behind_brace, spaces, carry_.brace);
    }
    bad |= (opening | starts) & behind_value;
    bad |= commas & ~behind_value;
    bad |= colons & ~behind_string;
    bad |= closers & behind_separator;
    bad |= openers & (behind_value | behind_brace);

    if ((scalars | carried_number(carry_)) != 0) bad |= bad_scalars(scalars, starts, 64 * w);

    marks.ops[w] = ops;
    marks.escapes[w] = c.backslashes;
    marks.bad[w] = bad;
  }

  /// The characters that a backslash takes. Of a run of backslashes, every other one does.
  Word escaped_by(Word backslashes) {
    constexpr Word kOdd = 0xAAAAAAAAAAAAAAAA;
    const Word potential = backslashes & ~carry_.is_escaped;
    // The subtraction carries through each run; where it ends tells whether the run is even.
    const Word series = (potential << 1 | kOdd) - potential;
    const Word escaped = series ^ kOdd ^ (backslashes | carry_.is_escaped);
    carry_.is_escaped = ((series ^ kOdd) & backslashes) >> 63;
    return escaped;
  }

  /// Escapes that JSON does not have. Where there is no string they are bad in any case, as a backslash is.
  Word bad_escapes(Word escaped, std::size_t offset) {
    const Bytes bytes = Bytes::load(text_ + offset);
    const Word u = escaped & bytes.equal('u');
    const Word others = bytes.equal('"') | bytes.equal('\\') | bytes.equal('/') | bytes.equal('b') | bytes.equal('f') |
                        bytes.equal('n') | bytes.equal('r') | bytes.equal('t');
    Word bad = escaped & ~u & ~others;
    const Word wanted = u << 1 | u << 2 | u << 3 | u << 4 | carry_.hex_wanted;
    carry_.hex_wanted = u >> 63 | u >> 62 | u >> 61 | u >> 60;
    bad |= wanted & ~(bytes.in_range('0', '9') | bytes.in_range_folded('a', 'f'));
    // Only \ud... can be half of a surrogate pair.
    for (Word d = u & (bytes.equal_folded('d') >> 1 | Word{1} << 63); d != 0; d &= d - 1) {
      const auto bit = static_cast<std::size_t>(__builtin_ctzll(d));
      if (!is_paired_surrogate(text_, offset + bit, u, carry_.u)) bad |= Word{1} << bit;
    }
    carry_.u = u;
    return bad;
  }

  /// Numbers and words that JSON does not have.
  Word bad_scalars(Word scalars, Word starts, std::size_t offset) {
    const Bytes bytes = Bytes::load(text_ + offset);
    Word bad = 0;
    // Words, one by one: they are few. The characters they take are no numbers'.
    Word taken = carry_.word_rest;
    carry_.word_rest = 0;
    for (Word word = starts & ~(bytes.in_range('0', '9') | bytes.equal('-')); word != 0; word &= word - 1) {
      const auto bit = static_cast<std::size_t>(__builtin_ctzll(word));
      const std::size_t size = json_word_size(text_ + offset + bit);
      if (size == 0) {
        bad |= Word{1} << bit;
      } else {
        const Word mask = (Word{1} << size) - 1;
        taken |= mask << bit;
        if (bit + size > 64) carry_.word_rest = mask >> (64 - bit);
      }
    }
    const Word numbers = scalars & ~taken;
    return bad | bad_numbers(numbers, starts & numbers, bytes);
  }

  /// The grammar of numbers: each kind of character, by what may stand before it and must behind it.
  Word bad_numbers(Word numbers, Word first, const Bytes& bytes) {
    const Word digits = bytes.in_range('0', '9') & numbers;
    const Word dots = bytes.equal('.') & numbers;
    const Word exponents = bytes.equal_folded('e') & numbers;
    const Word minuses = bytes.equal('-') & numbers;
    const Word signs = minuses | (bytes.equal('+') & numbers);
    const Word leading_minus = minuses & first;
    const Word behind_exponent = behind(exponents, carry_.exponent);
    const Word behind_digit = behind(digits, carry_.digit);
    const Word behind_dot = behind(dots, carry_.dot);
    Word bad = numbers & ~(digits | dots | exponents | signs);
    bad |= signs & ~(leading_minus | behind_exponent);
    bad |= behind(signs, carry_.sign) & ~digits;
    bad |= (dots | exponents) & ~behind_digit;
    bad |= behind_dot & ~digits;
    bad |= behind_exponent & ~(digits | signs);
    // No digit behind a leading zero.
    const Word leading_zero = bytes.equal('0') & numbers & (first | behind(leading_minus, carry_.minus));
    bad |= behind(leading_zero, carry_.zero) & digits;
    // No second dot behind a fraction; no dot and no second exponent behind an exponent.
    Word runs_on = 0;
    bad |= over((behind_dot & digits) | carry_.fraction, digits, runs_on) & dots;
    carry_.fraction = runs_on;
    runs_on = 0;
    const Word power = (behind_exponent | behind(behind_exponent & signs, carry_.exponent_sign)) & digits;
    bad |= over(power | carry_.power, digits, runs_on) & (dots | exponents);
    carry_.power = runs_on;
    return bad;
  }

  const char* text_;
  JsonCarry carry_;
};

/// Both halves over some words of a text, a few at a time so that the classes stay in the first cache.
template <typename Bytes>
void scan_json_words(const char* text, std::size_t at, std::size_t words, JsonCarry& carry, JsonMarks& marks) {
  constexpr std::size_t kWords = 32;
  JsonClasses classes[kWords];  // NOLINT(modernize-avoid-c-arrays): kernels.h
  for (const std::size_t end = at + words; at < end; at += kWords) {
    const std::size_t count = end - at < kWords ? end - at : kWords;
    classify_json<Bytes>(text + 64 * at, count, classes);
    JsonReducer<Bytes>::run(text, classes, count, at, carry, marks);
  }
}

template <typename Bytes>
void scan_json(const char* text, std::size_t words, JsonMarks& marks) {
  JsonCarry carry;
  scan_json_words<Bytes>(text, 0, words, carry, marks);
}

}  // namespace clearline
