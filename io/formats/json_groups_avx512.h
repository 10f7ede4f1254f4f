// The scan of json_scan.h eight words at a time (io/formats/byte_groups_avx512.h). Only for kernels_avx512.cc, and its fast
// path; JsonReducer, a word at a time, is its twin and takes what is odd. It tells UTF-8, too.
//
// Odd        are: a string that runs over a line end; a run of backslashes, spaces or digits over more than one word's
//            end. JsonReducer does those groups.
#pragma once

#include <immintrin.h>

#include "io/formats/byte_groups_avx512.h"
#include "io/formats/json_scan.h"

namespace clearline {
namespace {  // NOLINT(cert-dcl59-cpp): for one file; kernels.h says why

/// For each class of a look-up, the bit it has in a table's bytes.
enum First { kQuote, kBackslash, kLineEnd, kControl, kColon, kComma, kBrace, kOpener };
enum Second { kCloser, kSpace, kDigit, kZero, kMinus, kPlus, kDot, kExponent };
enum Escape { kHex, kEscape, kU, kD };

constexpr bool is_in(char c, const char* set) {
  for (; *set != '\0'; ++set) {
    if (c == *set) return true;
  }
  return false;
}
constexpr Table first_table() {
  Table table{};
  for (int i = 0; i < 128; ++i) {
    const char c = static_cast<char>(i);
    table.bytes[i] = static_cast<unsigned char>(
        (c == '"') << kQuote | (c == '\\') << kBackslash | (c == '\n') << kLineEnd | (i < 0x20) << kControl |
        (c == ':') << kColon | (c == ',') << kComma | (c == '{') << kBrace | (c == '{' || c == '[') << kOpener);
  }
  return table;
}
constexpr Table second_table() {
  Table table{};
  for (int i = 0; i < 128; ++i) {
    const char c = static_cast<char>(i);
    table.bytes[i] =
        static_cast<unsigned char>((c == '}' || c == ']') << kCloser | is_in(c, " \t\r") << kSpace |
                                   (c >= '0' && c <= '9') << kDigit | (c == '0') << kZero | (c == '-') << kMinus |
                                   (c == '+') << kPlus | (c == '.') << kDot | (c == 'e' || c == 'E') << kExponent);
  }
  return table;
}
constexpr Table escape_table() {
  Table table{};
  for (int i = 0; i < 128; ++i) {
    const char c = static_cast<char>(i);
    table.bytes[i] =
        static_cast<unsigned char>(is_in(c, "0123456789abcdefABCDEF") << kHex | is_in(c, "\"\\/bfnrt") << kEscape |
                                   (c == 'u') << kU | (c == 'd' || c == 'D') << kD);
  }
  return table;
}
constexpr Table kFirst = first_table();
constexpr Table kSecond = second_table();
constexpr Table kEscapes = escape_table();

class JsonGroups : ByteGroups {
 public:
  static void run(const char* text, std::size_t words, JsonMarks& marks) {
    JsonGroups groups(text);
    std::size_t at = 0;
    for (; at + kWords <= words; at += kWords) groups.group(at, marks);
    if (at < words) {
      char last[64 * kWords] = {};  // NOLINT(modernize-avoid-c-arrays): kernels.h
      std::memcpy(last, text + 64 * at, 64 * (words - at));
      groups.not_utf8_ |= groups.utf8_.check(last);
      groups.reduce_words(at, words - at, marks);
    }
    marks.is_utf8 = !any(groups.not_utf8_);
  }

 private:
  /// What a group leaves to the next: vectors whose last lane counts, and bits.
  struct Left {
    V values{}, strings{}, separators{}, braces{}, scalars{}, u{};
    Word in_string = 0, is_escaped = 0;  // 0 or 1
    Word value_runs = 0, string_runs = 0, separator_runs = 0, brace_runs = 0;
    struct Numbers {
      V minuses{}, zeros{}, digits{}, dots{}, exponents{}, exponent_signs{}, signs{};
      Word fraction_runs = 0, power_runs = 0, word_rest = 0;
    } numbers;
    bool had_scalars = false;
  };

  explicit JsonGroups(const char* text) : text_(text) {}

  /// JsonReducer::over for eight words. `was`, `left`: whether a run goes on over the end. False: odd.
  static bool over(V& from, V run, Word was, Word& left) {
    from |= first_lane(was);
    const auto sum_of = [&](V start) { return (start & run) + run; };
    const auto overflows = [&](V sum) {
      return static_cast<Word>(_mm512_cmplt_epu64_mask(reinterpret_cast<__m512i>(sum), reinterpret_cast<__m512i>(run)));
    };
    V sum = sum_of(from);
    const Word out = overflows(sum);
    if ((out & 0x7F) != 0) {
      from |= reinterpret_cast<V>(_mm512_maskz_set1_epi64(static_cast<__mmask8>(out << 1), 1));
      sum = sum_of(from);
      if (overflows(sum) != out) return false;
    }
    left = out >> 7;
    from = (sum | from) & ~run;
    return true;
  }

  void group(std::size_t at, JsonMarks& marks) {
    not_utf8_ |= utf8_.check(text_ + 64 * at);
    if (reduce(at, marks, lefts_[now_], lefts_[1 - now_])) {
      now_ = 1 - now_;
    } else {
      reduce_words(at, kWords, marks);
    }
  }

  /// `was` is what the group before left; `left`, what this one leaves, all of it set. False: odd, and nothing counts.
  bool reduce(std::size_t at, JsonMarks& marks, const Left& was, Left& left) {
    const char* text = text_ + 64 * at;
    V a[8];  // NOLINT(modernize-avoid-c-arrays): kernels.h
    V b[8];  // NOLINT(modernize-avoid-c-arrays)
    const Text bytes = ascii(text);
    classify<8>(bytes, kFirst, a, every);
    classify<8>(bytes, kSecond, b, every);
    V bad{};

    // Strings.
    V quotes = a[kQuote];
    if (any(a[kBackslash] | was.u) || was.is_escaped != 0) {
      if (!take_escapes(at, bytes, a[kBackslash], quotes, bad, was, left)) return false;
    } else {
      left.u = V{};
      left.is_escaped = 0;
    }
    left.in_string = was.in_string;
    const V inside = inside_of(quotes, left.in_string);
    if (any(a[kLineEnd] & inside)) return false;
    bad |= inside & a[kControl];
    const V opening = quotes & inside;
    const V closing = quotes & ~inside;
    const V outside = ~(inside | quotes);

    // Tokens.
    const V colons = a[kColon] & outside;
    const V commas = a[kComma] & outside;
    const V braces = a[kBrace] & outside;
    const V openers = a[kOpener] & outside;
    const V closers = b[kCloser] & outside;
    const V spaces = b[kSpace] & outside;
    const V ops = colons | commas | openers | closers | a[kLineEnd];
    const V scalars = outside & ~(ops | spaces);
    const V behind_scalars = behind(scalars, was.scalars, left.scalars);
    const V starts = scalars & ~behind_scalars;

    // What stands before what.
    V behind_value = behind(closing | closers, was.values, left.values) | (behind_scalars & ~scalars);
    V behind_string = behind(closing, was.strings, left.strings);
    V behind_separator = behind(colons | commas, was.separators, left.separators);
    V behind_brace = behind(braces, was.braces, left.braces);
    if (any(spaces) || (was.value_runs | was.string_runs | was.separator_runs | was.brace_runs) != 0) {
      if (!over(behind_value, spaces, was.value_runs, left.value_runs) ||
          !over(behind_string, spaces, was.string_runs, left.string_runs) ||
          !over(behind_separator, spaces, was.separator_runs, left.separator_runs) ||
          !over(behind_brace, spaces, was.brace_runs, left.brace_runs)) {
        return false;
      }
    } else {
      left.value_runs = left.string_runs = left.separator_runs = left.brace_runs = 0;
    }
    bad |= (opening | starts) & behind_value;
    bad |= commas & ~behind_value;
    bad |= colons & ~behind_string;
    bad |= closers & behind_separator;
    bad |= openers & (behind_value | behind_brace);

    const bool has_scalars = any(scalars);
    if (has_scalars || was.had_scalars) {
      V taken{};
      bad |= take_words(text, starts & ~(b[kDigit] | b[kMinus]), taken, was.numbers, left.numbers);
      if (!check_numbers(scalars & ~taken, starts & ~taken, b, bad, was.numbers, left.numbers)) return false;
    } else {
      left.numbers = {};
    }
    left.had_scalars = has_scalars;

    store(marks.ops + at, ops);
    store(marks.escapes + at, a[kBackslash]);
    store(marks.bad + at, bad);
    return true;
  }

  /// Takes escaped quotes out of `quotes`, and adds what is wrong with escapes to `bad`. False: odd.
  bool take_escapes(std::size_t at, const Text& bytes, V backslashes, V& quotes, V& bad, const Left& was, Left& left) {
    const V kOdd = V{} + 0xAAAAAAAAAAAAAAAA;
    V escaped{};
    V out{};  // of each word, whether it ends in a backslash that takes the next byte
    const auto find = [&](V in) {
      const V potential = backslashes & ~in;
      const V series = ((potential << 1 | kOdd) - potential) ^ kOdd;
      escaped = series ^ (backslashes | in);
      out = (series & backslashes) >> 63;
    };
    const V in = first_lane(was.is_escaped);
    find(in);
    const V again = lane_before(out, last_lane(was.is_escaped));
    if (any(again ^ in)) {
      find(again);
      if (any(lane_before(out, last_lane(was.is_escaped)) ^ again)) return false;
    }
    left.is_escaped = out[7];
    quotes &= ~escaped;

    V e[4];  // NOLINT(modernize-avoid-c-arrays): kernels.h
    classify<4>(bytes, kEscapes, e, every);
    const V u = escaped & e[kU];
    bad |= escaped & ~(u | e[kEscape]);
    const V wanted = shifted<1>(u, was.u) | shifted<2>(u, was.u) | shifted<3>(u, was.u) | shifted<4>(u, was.u);
    bad |= wanted & ~e[kHex];
    const V maybe_half = u & (e[kD] >> 1 | (V{} + (Word{1} << 63)));
    for (unsigned lanes = lanes_of(maybe_half); lanes != 0; lanes &= lanes - 1) {
      const auto w = static_cast<std::size_t>(__builtin_ctz(lanes));
      for (Word bits = maybe_half[w]; bits != 0; bits &= bits - 1) {
        const auto bit = static_cast<std::size_t>(__builtin_ctzll(bits));
        const Word u_before = w == 0 ? was.u[7] : u[w - 1];
        if (!is_paired_surrogate(text_, 64 * (at + w) + bit, u[w], u_before)) bad[w] |= Word{1} << bit;
      }
    }
    left.u = u;
    return true;
  }

  /// The words true, false and null among those that start at `starts`: `taken` is what they take. Returns the others.
  V take_words(const char* text, V starts, V& taken, const Left::Numbers& was, Left::Numbers& left) {
    V bad{};
    taken = first_lane(was.word_rest);
    left.word_rest = 0;
    for (unsigned lanes = lanes_of(starts); lanes != 0; lanes &= lanes - 1) {
      const auto w = static_cast<std::size_t>(__builtin_ctz(lanes));
      for (Word bits = starts[w]; bits != 0; bits &= bits - 1) {
        const auto bit = static_cast<std::size_t>(__builtin_ctzll(bits));
        const std::size_t size = json_word_size(text + 64 * w + bit);
        if (size == 0) {
          bad[w] |= Word{1} << bit;
          continue;
        }
        const Word mask = (Word{1} << size) - 1;
        taken[w] |= mask << bit;
        if (bit + size <= 64) continue;
        if (w + 1 < kWords) {
          taken[w + 1] |= mask >> (64 - bit);
        } else {
          left.word_rest = mask >> (64 - bit);
        }
      }
    }
    return bad;
  }

  /// JsonReducer::bad_numbers for eight words. False: odd.
  bool check_numbers(V numbers, V first, const V* b, V& bad, const Left::Numbers& was, Left::Numbers& left) {
    const V digits = b[kDigit] & numbers;
    const V dots = b[kDot] & numbers;
    const V exponents = b[kExponent] & numbers;
    const V signs = (b[kMinus] | b[kPlus]) & numbers;
    const V leading_minus = b[kMinus] & numbers & first;
    const V behind_exponent = behind(exponents, was.exponents, left.exponents);
    const V behind_digit = behind(digits, was.digits, left.digits);
    const V behind_dot = behind(dots, was.dots, left.dots);
    bad |= numbers & ~(digits | dots | exponents | signs);
    bad |= signs & ~(leading_minus | behind_exponent);
    bad |= behind(signs, was.signs, left.signs) & ~digits;
    bad |= (dots | exponents) & ~behind_digit;
    bad |= behind_dot & ~digits;
    bad |= behind_exponent & ~(digits | signs);
    const V leading_zero = b[kZero] & numbers & (first | behind(leading_minus, was.minuses, left.minuses));
    bad |= behind(leading_zero, was.zeros, left.zeros) & digits;
    V fraction = behind_dot & digits;
    if (!over(fraction, digits, was.fraction_runs, left.fraction_runs)) return false;
    bad |= fraction & dots;
    V power = (behind_exponent | behind(behind_exponent & signs, was.exponent_signs, left.exponent_signs)) & digits;
    if (!over(power, digits, was.power_runs, left.power_runs)) return false;
    bad |= power & (dots | exponents);
    return true;
  }

  /// Some words by JsonReducer, and what they leave.
  void reduce_words(std::size_t at, std::size_t words, JsonMarks& marks) {
    Left& left = lefts_[now_];
    JsonCarry carry;
    carry.in_string = 0 - left.in_string;
    carry.is_escaped = left.is_escaped;
    carry.u = left.u[7];
    carry.hex_wanted = carry.u >> 63 | carry.u >> 62 | carry.u >> 61 | carry.u >> 60;
    const auto last_bit = [](V v) { return static_cast<Word>(v[7] >> 63); };
    carry.scalar = last_bit(left.scalars);
    carry.value = last_bit(left.values) | left.value_runs;
    carry.string = last_bit(left.strings) | left.string_runs;
    carry.separator = last_bit(left.separators) | left.separator_runs;
    carry.brace = last_bit(left.braces) | left.brace_runs;
    carry.word_rest = left.numbers.word_rest;
    carry.minus = last_bit(left.numbers.minuses);
    carry.zero = last_bit(left.numbers.zeros);
    carry.digit = last_bit(left.numbers.digits);
    carry.dot = last_bit(left.numbers.dots);
    carry.exponent = last_bit(left.numbers.exponents);
    carry.exponent_sign = last_bit(left.numbers.exponent_signs);
    carry.sign = last_bit(left.numbers.signs);
    carry.fraction = left.numbers.fraction_runs;
    carry.power = left.numbers.power_runs;
    scan_json_words_avx2(text_, at, words, carry, marks);
    const auto lane_of = [](Word bit) { return last_lane(bit << 63); };
    left = {};
    left.in_string = carry.in_string & 1;
    left.is_escaped = carry.is_escaped;
    left.u = last_lane(carry.u);
    left.scalars = lane_of(carry.scalar);
    left.values = lane_of(carry.value);
    left.strings = lane_of(carry.string);
    left.separators = lane_of(carry.separator);
    left.braces = lane_of(carry.brace);
    left.numbers.word_rest = carry.word_rest;
    left.numbers.minuses = lane_of(carry.minus);
    left.numbers.zeros = lane_of(carry.zero);
    left.numbers.digits = lane_of(carry.digit);
    left.numbers.dots = lane_of(carry.dot);
    left.numbers.exponents = lane_of(carry.exponent);
    left.numbers.exponent_signs = lane_of(carry.exponent_sign);
    left.numbers.signs = lane_of(carry.sign);
    left.numbers.fraction_runs = carry.fraction;
    left.numbers.power_runs = carry.power;
    left.had_scalars = true;  // some of it may be left
  }

  const char* text_;
  Left lefts_[2];  // NOLINT(modernize-avoid-c-arrays): kernels.h
  unsigned now_ = 0;
  Utf8Groups utf8_;
  V not_utf8_ = {};
};

}  // namespace
}  // namespace clearline
