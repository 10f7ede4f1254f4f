// JsonSkim for whole lines at once: the operators of a line are bits of a word, and the grammar is arithmetic on such words.
// Only for kernels_avx512.cc, and its fast path; JsonSkim, from one operator to the next, is its twin and takes what is odd.
//
//   { "id" : "D1" , "item" : { "n" : [ 1 , 2 ] } }        the text
//   {      :      ,        : {     : [   ,   ] } }        its operators, a bit each
//                                    -----------          brackets, the innermost first: what is in them is checked, and taken
//                            -------------------          out of all words (pext)
//   {      :      ,        :                     }        what is left of the outer object: its members, two operators each
//
// Keys       The first eight bytes behind each comma, from the opening quote on, are gathered and held against those of the
//            keys that are wanted. No key in which something is escaped is among them: with a backslash in those bytes a line
//            is odd, and a longer key is compared to its end by whoever asks.
// Others     Each other key must be known to be none that nearly is one of these: its start is looked up in a table of 32, which
//            lies in four registers.
// Odd        are: a line of more than 63 operators; an object without members; more than one space before a key; a key twice,
//            or two that begin alike; a key that is not among the others yet; whatever is wrong.
#pragma once

#include <immintrin.h>

#include <cstring>

#include "io/formats/kernels.h"

namespace clearline {
namespace {  // NOLINT(cert-dcl59-cpp): for one file; kernels.h says why

class JsonLines {
 public:
  static std::size_t run(const char* text, const Ops& ops, std::size_t first, std::size_t count, const JsonKeys& keys,
                         SkimmedLine* lines, std::size_t lines_max) {
    std::size_t done = 0;
    for (; first < count && done < lines_max; ++done) {
      const __m512i bytes = _mm512_loadu_si512(ops.bytes + first);
      SkimmedLine& line = lines[done];
      Word ends = ends_of(bytes);
      std::size_t end = first;
      if (ends != 0) {
        line.is_odd = !skim(text, ops.places + first, bytes, ends, keys, line);
      } else {
        line.is_odd = true;
        do {
          end += 64;
          ends = ends_of(_mm512_loadu_si512(ops.bytes + end));
        } while (ends == 0);
      }
      end += _tzcnt_u64(ends);
      line.end_op = static_cast<std::uint32_t>(end);
      first = end + 1;
    }
    return done;
  }

 private:
  using Word = std::uint64_t;
  static constexpr int kDepthMax = 16;
  static constexpr std::size_t kMembersMax = 32;  // two operators each, of 63

  /// A mask as a number in an ordinary register: in kernels_avx512.cc it says why.
  static Word word_of(__mmask64 mask) {
    Word word = mask;
    __asm__("" : "+r"(word));
    return word;
  }

  /// Line ends, and the text's end, which is listed as a zero byte.
  static Word ends_of(__m512i bytes) { return word_of(_mm512_cmple_epu8_mask(bytes, _mm512_set1_epi8('\n'))); }

  static bool skim(const char* text, const std::uint32_t* places, __m512i bytes, Word ends, const JsonKeys& keys,
                   SkimmedLine& line) {
    Word outer = 0;
    Word colons = 0;
    if (!match_brackets(bytes, ends, outer, colons)) return false;

    // The operators of the outer object.
    constexpr std::size_t kNone = 64;  // the number of a member that is not there, as tzcnt has it
    std::uint32_t own[2 * kNone + 4];  // NOLINT(modernize-avoid-c-arrays): kernels.h
    std::uint32_t* out = own;
    for (Word left = outer; left != 0; left >>= 16, places += 16) {
      const auto wanted = static_cast<__mmask16>(left);
      _mm512_storeu_si512(out, _mm512_maskz_compress_epi32(wanted, _mm512_loadu_si512(places)));
      out += __builtin_popcount(wanted);
    }
    _mm512_storeu_si512(out, _mm512_setzero_si512());  // places of members that are not there

    Word found[kJsonKeys] = {};     // NOLINT(modernize-avoid-c-arrays): a bit a member
    __m512i kept[kMembersMax / 8];  // NOLINT(modernize-avoid-c-arrays): the starts of their keys
    const auto members = static_cast<std::size_t>(__builtin_popcountll(colons));
    for (std::size_t m = 0; m < members; m += 8) {
      const auto there = static_cast<unsigned char>(_bzhi_u32(0xFF, static_cast<unsigned>(members - m)));
      __m512i starts = gather(text + 1, own + 2 * m);
      if (const auto others = static_cast<unsigned char>(there & ~first_is(starts, '"')); others != 0) {
        starts = _mm512_mask_mov_epi64(starts, others, gather(text + 2, own + 2 * m));
        if ((there & ~first_is(starts, '"')) != 0) return false;
      }
      if (_mm512_cmpeq_epi8_mask(starts, _mm512_set1_epi8('\\')) != 0) return false;
      kept[m / 8] = starts;
      for (std::size_t k = 0; k < kJsonKeys; ++k) {
        const __m512i others = _mm512_xor_si512(starts, _mm512_set1_epi64(static_cast<long long>(keys.starts[k])));
        const __m512i mask = _mm512_set1_epi64(static_cast<long long>(keys.masks[k]));
        found[k] |= word_of(_mm512_mask_testn_epi64_mask(there, others, mask)) << m;
        __asm__("" : "+r"(found[k]));
      }
    }
    own[2 * kNone + 1] = own[0];
    own[2 * kNone + 2] = own[0] + 1;
    Word known = 0;
    Word twice = 0;
    unsigned there = 0;
    for (std::size_t k = 0; k < kJsonKeys; ++k) {
      known |= found[k];
      twice |= found[k] & (found[k] - 1);
      there |= static_cast<unsigned>(found[k] != 0) << k;
      std::memcpy(&line.values[k], own + 2 * _tzcnt_u64(found[k]) + 1, sizeof line.values[k]);
    }
    line.found = static_cast<unsigned char>(there);
    if (twice != 0) return false;
    Word unknown = _bzhi_u64(~known, static_cast<unsigned>(members));
    for (std::size_t g = 0; unknown != 0; ++g, unknown >>= 8) {
      if (!are_others(kept[g], static_cast<__mmask8>(unknown), keys)) return false;
    }
    return true;
  }

  /// Whether the starts that `wanted` takes are all among the others.
  static bool are_others(__m512i starts, __mmask8 wanted, const JsonKeys& keys) {
    // Of each start what is up to its closing quote, if that is in it. The byte of the opening one is made another one; the
    // lowest bit that the difference leaves is that of the first byte that was zero, and no lower byte is wrong.
    const __m512i quotes = _mm512_set1_epi8('"');
    const __m512i zeros = _mm512_ternarylogic_epi64(starts, quotes, _mm512_set1_epi64(0xFF), 0xBE /* (a ^ b) | c */);
    const __m512i less = _mm512_sub_epi64(zeros, _mm512_set1_epi8(1));
    const __m512i ends =
        _mm512_ternarylogic_epi64(less, zeros, _mm512_set1_epi8(static_cast<char>(0x80)), 0x20 /* a & ~b & c */);
    const __m512i below = _mm512_add_epi64(ends, _mm512_set1_epi64(-1));
    const __m512i wholes = _mm512_ternarylogic_epi64(starts, ends, below, 0x60 /* a & (b ^ c) */);
    // other_slot(), and what is there.
    const __m512i mixed = _mm512_xor_si512(_mm512_srli_epi64(wholes, 8), _mm512_srli_epi64(wholes, 36));
    const __m512i product = _mm512_mul_epu32(mixed, _mm512_set1_epi64(keys.others_multiplier));
    const __m512i slots = _mm512_srli_epi64(product, 27);
    const auto table = [&](std::size_t i) { return _mm512_load_si512(keys.others + 8 * i); };
    const __m512i low = _mm512_permutex2var_epi64(table(0), slots, table(1));
    const __m512i high = _mm512_permutex2var_epi64(table(2), slots, table(3));
    const __mmask8 is_high = _mm512_test_epi64_mask(slots, _mm512_set1_epi64(16));
    return _mm512_mask_cmpneq_epi64_mask(wanted, wholes, _mm512_mask_blend_epi64(is_high, low, high)) == 0;
  }

  /// Eight bytes behind each of eight places, which are every other number of `places`. Eight loads: the instruction for it
  /// takes twice as long.
  static __m512i gather(const char* text, const std::uint32_t* places) {
    const auto two = [&](std::size_t i) {
      const __m128i low = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(text + places[2 * i]));
      const auto* high = reinterpret_cast<const __m64*>(text + places[2 * i + 2]);
      return _mm_castps_si128(_mm_loadh_pi(_mm_castsi128_ps(low), high));
    };
    const __m256i low = _mm256_inserti128_si256(_mm256_castsi128_si256(two(0)), two(2), 1);
    const __m256i high = _mm256_inserti128_si256(_mm256_castsi128_si256(two(4)), two(6), 1);
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
  }
  static __mmask8 first_is(__m512i starts, char byte) {
    return _mm512_testn_epi64_mask(_mm512_xor_si512(starts, _mm512_set1_epi64(byte)), _mm512_set1_epi64(0xFF));
  }

  /// `outer`: the operators of the outer object. `colons`: of those in turn, the colons. False: odd.
  static bool match_brackets(__m512i bytes, Word ends, Word& outer, Word& colons) {
    const __m512i folded = _mm512_or_si512(bytes, _mm512_set1_epi8(0x20));
    Word all = (ends - 1) & ~ends;
    colons = word_of(_mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(':'))) & all;
    Word openers = word_of(_mm512_cmpeq_epi8_mask(folded, _mm512_set1_epi8('{'))) & all;
    Word closers = word_of(_mm512_cmpeq_epi8_mask(folded, _mm512_set1_epi8('}'))) & all;
    Word curly = word_of(_mm512_test_epi8_mask(bytes, _mm512_set1_epi8(0x20)));
    outer = all;
    if ((openers & curly & 1) == 0) return false;
    for (int depth = 1; openers != 1; ++depth) {
      if (depth == kDepthMax) return false;
      const Word brackets = openers | closers;
      const Word closes = _pext_u64(closers, brackets);
      const Word kinds = _pext_u64(curly, brackets);
      const Word pairs = ~closes & closes >> 1;  // an opening bracket before its closing one
      if (((kinds ^ kinds >> 1) & pairs) != 0 || (pairs & 1) != 0 || pairs == 0) return false;
      const Word first = _pdep_u64(pairs, brackets);
      const Word last = _pdep_u64(pairs << 1, brackets);
      const Word objects = first & curly;
      const Word inside = (last << 1) - first;
      const Word in_objects = ((last & curly) << 1) - objects;
      // In an object a colon stands behind its brace and behind each comma; elsewhere there is none.
      const Word commas = in_objects & all & ~(brackets | colons);
      if ((colons & inside) != (objects | commas) << 1) return false;
      const Word kept = all & ~inside;
      outer = _pdep_u64(_pext_u64(kept, all), outer);
      colons = _pext_u64(colons, kept);
      openers = _pext_u64(openers, kept);
      closers = _pext_u64(closers, kept);
      curly = _pext_u64(curly, kept);
      all = _pext_u64(kept, kept);
    }
    const Word top = all ^ all >> 1;
    return closers == top && (top & curly) != 0 && colons == (1 | (all & ~(1 | top | colons))) << 1;
  }
};

}  // namespace
}  // namespace clearline
