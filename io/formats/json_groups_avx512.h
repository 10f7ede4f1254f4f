// The scan of json_scan.h eight words at a time: one vector lane a word, 512 bytes of text an operation. Only for
// kernels_avx512.cc, and its fast path; JsonReducer, a word at a time, is its twin and takes what is odd.
//
// Classes    Two table look-ups turn each byte into 16 bits, one a class. A transposition of bits (8 by 8 within the
//            lanes: an affine map of the unit vectors), of bytes and of lanes makes vectors of words out of them.
// UTF-8      More such classes, of the bytes above ASCII, and the same arithmetic: each lead byte has as many continuation
//            bytes behind it as it wants, and no other byte is one. Groups of ASCII alone are passed over.
// Carries    What a word leaves to the next is taken from the lane before: each vector is kept for the next group.
// Odd        are: a string that runs over a line end; a run of backslashes, spaces or digits over more than one word's
//            end. JsonReducer does those groups.
//
// The compiler's vector types are used for arithmetic, intrinsics for the rest.
#pragma once

#include <immintrin.h>

#include "io/formats/json_scan.h"

namespace clearline {
namespace {  // NOLINT(cert-dcl59-cpp): for one file; kernels.h says why

/// For each class of a look-up, the bit it has in a table's bytes.
enum First { kQuote, kBackslash, kLineEnd, kControl, kColon, kComma, kBrace, kOpener };
enum Second { kCloser, kSpace, kDigit, kZero, kMinus, kPlus, kDot, kExponent };
enum Escape { kHex, kEscape, kU, kD };
/// Of the bytes above ASCII. What starts three or four bytes is kLead2 too, what starts four is kLead3 too; what is never in
/// UTF-8 is kLead4 alone.
enum Beyond { kContinues, kBelow90, kBelowA0, kLead2, kLead3, kLead4, kNarrow, kWantsUpper };

struct Table {
  alignas(64) unsigned char bytes[128];  // NOLINT(modernize-avoid-c-arrays): kernels.h
};
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
constexpr Table beyond_table() {
  Table table{};
  for (unsigned i = 0; i < 128; ++i) {
    const unsigned c = 0x80 + i;
    const bool is_lead = c >= 0xC2 && c <= 0xF4;
    const bool never = c >= 0xC0 && !is_lead;
    // Behind these not every continuation byte will do: only upper ones behind the first two, lower ones behind the others.
    const bool wants_upper = c == 0xE0 || c == 0xF0;
    const bool is_narrow = wants_upper || c == 0xED || c == 0xF4;
    table.bytes[i] = static_cast<unsigned char>(
        (c < 0xC0) << kContinues | (c < 0x90) << kBelow90 | (c < 0xA0) << kBelowA0 | is_lead << kLead2 |
        (is_lead && c >= 0xE0) << kLead3 | (never || (is_lead && c >= 0xF0)) << kLead4 | is_narrow << kNarrow |
        wants_upper << kWantsUpper);
  }
  return table;
}
constexpr Table kFirst = first_table();
constexpr Table kSecond = second_table();
constexpr Table kEscapes = escape_table();
constexpr Table kBeyond = beyond_table();

class JsonGroups {
 public:
  static constexpr std::size_t kWords = 8;

  static void run(const char* text, std::size_t words, JsonMarks& marks) {
    JsonGroups groups(text);
    std::size_t at = 0;
    for (; at + kWords <= words; at += kWords) groups.group(at, marks);
    if (at < words) {
      char last[64 * kWords] = {};  // NOLINT(modernize-avoid-c-arrays): kernels.h
      std::memcpy(last, text + 64 * at, 64 * (words - at));
      groups.check_utf8(last);
      groups.reduce_words(at, words - at, marks);
    }
    marks.is_utf8 = !any(groups.not_utf8_);
  }

 private:
  using V = unsigned long long __attribute__((vector_size(64)));
  using Word = std::uint64_t;

  /// Of two vectors whose byte 8 g + k has class k of their eight bytes g: the words of four classes, from kFrom on, of the
  /// first vector and of the second in turn.
  template <int kFrom>
  static constexpr Table kPairs = [] {
    Table table{};
    for (int i = 0; i < 64; ++i) {
      const int g = i % 8;
      const int second = i / 8 % 2;
      table.bytes[i] = static_cast<unsigned char>(64 * second + 8 * g + kFrom + i / 16);
    }
    return table;
  }();
  /// The bytes of each lane in reverse, which the affine map wants.
  static constexpr Table kReversed = [] {
    Table table{};
    for (int i = 0; i < 64; ++i) table.bytes[i] = static_cast<unsigned char>(i / 8 * 8 + 7 - i % 8);
    return table;
  }();

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

  static void store(void* at, V v) { _mm512_storeu_si512(at, reinterpret_cast<__m512i>(v)); }
  /// A bit for each lane that is not zero.
  static unsigned lanes_of(V v) {
    return _mm512_test_epi64_mask(reinterpret_cast<__m512i>(v), reinterpret_cast<__m512i>(v));
  }
  static bool any(V v) { return lanes_of(v) != 0; }
  static V first_lane(Word word) { return V{word, 0, 0, 0, 0, 0, 0, 0}; }
  static V last_lane(Word word) { return V{0, 0, 0, 0, 0, 0, 0, word}; }

  /// Each lane's neighbour before; `before`'s last lane comes first.
  static V lane_before(V v, V before) {
    return reinterpret_cast<V>(_mm512_alignr_epi64(reinterpret_cast<__m512i>(v), reinterpret_cast<__m512i>(before), 7));
  }
  template <int kBits>
  static V shifted(V v, V before) {
    return reinterpret_cast<V>(
        _mm512_shldi_epi64(reinterpret_cast<__m512i>(v), reinterpret_cast<__m512i>(lane_before(v, before)), kBits));
  }
  /// The bits behind those of `v`, which is left to the next group.
  static V behind(V v, const V& was, V& left) {
    left = v;
    return shifted<1>(v, was);
  }

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

  /// 512 bytes, those of each lane in reverse.
  struct Text {
    __m512i bytes[kWords];  // NOLINT(modernize-avoid-c-arrays): kernels.h
  };
  static Text load(const char* text) {
    const __m512i reversed = _mm512_load_si512(kReversed.bytes);
    Text loaded;
    for (std::size_t w = 0; w < kWords; ++w) {
      loaded.bytes[w] = _mm512_shuffle_epi8(_mm512_loadu_si512(text + 64 * w), reversed);
    }
    return loaded;
  }

  /// The same with bytes above ASCII as 0x7F, which is in no class.
  static Text ascii(const char* text) {
    Text loaded = load(text);
    for (__m512i& bytes : loaded.bytes) bytes = _mm512_min_epu8(bytes, _mm512_set1_epi8(0x7F));
    return loaded;
  }

  static __mmask64 every(__m512i) { return ~__mmask64{0}; }
  static __mmask64 beyond_ascii(__m512i bytes) { return _mm512_movepi8_mask(bytes); }

  /// The words of the classes of a table, eight or the first four: out[k] has class k of each byte that `mask` takes. Bit 7
  /// of the bytes is not looked at.
  template <int kClasses, typename Mask>
  static void classify(const Text& text, const Table& table, V* out, Mask mask) {
    const __m512i low = _mm512_load_si512(table.bytes);
    const __m512i high = _mm512_load_si512(table.bytes + 64);
    const __m512i units = _mm512_set1_epi64(static_cast<long long>(0x8040201008040201));
    __m512i bits[kWords];  // NOLINT(modernize-avoid-c-arrays): kernels.h
    for (std::size_t w = 0; w < kWords; ++w) {
      const __m512i bytes = text.bytes[w];
      const __m512i classes = _mm512_maskz_permutex2var_epi8(mask(bytes), low, bytes, high);
      bits[w] = _mm512_gf2p8affine_epi64_epi8(units, classes, 0);
    }
    four_classes<0>(bits, out);
    if constexpr (kClasses > 4) four_classes<4>(bits, out + 4);
  }
  template <int kFrom>
  static void four_classes(const __m512i* bits, V* out) {
    const __m512i pairs = _mm512_load_si512(kPairs<kFrom>.bytes);
    __m512i two[4];  // NOLINT(modernize-avoid-c-arrays): for words 2 i and 2 i + 1, four classes
    for (std::size_t i = 0; i < 4; ++i) two[i] = _mm512_permutex2var_epi8(bits[2 * i], pairs, bits[2 * i + 1]);
    for (int k = 0; k < 4; k += 2) {
      const auto four = [&](std::size_t i) {  // for words 4 i to 4 i + 3, two classes
        return k == 0 ? _mm512_shuffle_i64x2(two[2 * i], two[2 * i + 1], 0x44)
                      : _mm512_shuffle_i64x2(two[2 * i], two[2 * i + 1], 0xEE);
      };
      out[k] = reinterpret_cast<V>(_mm512_shuffle_i64x2(four(0), four(1), 0x88));
      out[k + 1] = reinterpret_cast<V>(_mm512_shuffle_i64x2(four(0), four(1), 0xDD));
    }
  }

  /// Adds what of the 512 bytes at `text` is no UTF-8 to not_utf8_.
  void check_utf8(const char* text) {
    __m512i all = _mm512_setzero_si512();
    for (std::size_t w = 0; w < kWords; ++w) all = _mm512_or_si512(all, _mm512_loadu_si512(text + 64 * w));
    const bool is_beyond = _mm512_movepi8_mask(all) != 0;
    if (!is_beyond && !was_beyond_) return;
    was_beyond_ = is_beyond;
    V c[8];  // NOLINT(modernize-avoid-c-arrays): kernels.h
    classify<8>(load(text), kBeyond, c, beyond_ascii);
    const V wanted =
        shifted<1>(c[kLead2], leads_[0]) | shifted<2>(c[kLead3], leads_[1]) | shifted<3>(c[kLead4], leads_[2]);
    const V is_four = shifted<1>(c[kLead4], leads_[2]);
    const V narrow = shifted<1>(c[kNarrow], leads_[3]);
    const V wants_upper = shifted<1>(c[kWantsUpper], leads_[4]);
    const V is_lower = c[kBelow90] | (c[kBelowA0] & ~is_four);
    not_utf8_ |= (wanted ^ c[kContinues]) | (narrow & ~(wants_upper ^ is_lower)) | (c[kLead4] & ~c[kLead2]);
    leads_[0] = c[kLead2];
    leads_[1] = c[kLead3];
    leads_[2] = c[kLead4];
    leads_[3] = c[kNarrow];
    leads_[4] = c[kWantsUpper];
  }

  void group(std::size_t at, JsonMarks& marks) {
    check_utf8(text_ + 64 * at);
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
    V inside = quotes;
    inside ^= inside << 1;
    inside ^= inside << 2;
    inside ^= inside << 4;
    inside ^= inside << 8;
    inside ^= inside << 16;
    inside ^= inside << 32;
    Word odd = _mm512_cmplt_epi64_mask(reinterpret_cast<__m512i>(inside), _mm512_setzero_si512());
    odd ^= odd << 1;
    odd ^= odd << 2;
    odd ^= odd << 4;
    const Word starts_inside = (odd << 1 ^ (0 - was.in_string)) & 0xFF;  // a bit a word
    inside ^= reinterpret_cast<V>(_mm512_maskz_set1_epi64(static_cast<__mmask8>(starts_inside), -1));
    left.in_string = was.in_string ^ (odd >> 7 & 1);
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
  bool was_beyond_ = false;  // whether the last group was not ASCII
  V leads_[5] = {};          // NOLINT(modernize-avoid-c-arrays): of the last such group, kLead2 to kWantsUpper
  V not_utf8_ = {};
};

}  // namespace
}  // namespace clearline
