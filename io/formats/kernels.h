// Kernels: the loops of the decoders that vectors make fast, once for each Isa, and one table of them for each.
//
//   kernels.cc         kScalar: plain loops, the reference of the tests, and all there is where there is no x86-64
//   kernels_sse2.cc    the loops of kernel_loops.h over 64 bytes held in four vectors of 16 bytes,
//   kernels_avx2.cc    in two of 32,
//   kernels_avx512.cc  and in one
//
// The last two are compiled for more than the rest of the program. What they call must not be shared with other files:
// the linker keeps one copy of an inline function, and if it kept theirs, an older machine would meet an unknown
// instruction anywhere. So they, and the headers they include, use nothing of std but types, memcpy and memcmp, and what
// is made of those headers has internal linkage, as it is made for a type that has, or is static. A test (tests/tidy) looks at
// what they define when nothing is inlined.
#pragma once

#include <cstddef>
#include <cstdint>

namespace clearline {

/// What scan_json finds, a bit a byte (io/formats/json_scan.h).
struct JsonMarks {
  std::uint64_t* ops;      ///< { } [ ] : , outside of strings, and line ends
  std::uint64_t* escapes;  ///< backslashes
  std::uint64_t* bad;      ///< bytes at which a line goes wrong, or may
  bool is_utf8 = false;    ///< all of it; false: nobody has looked, or it is not
};

/// Operators of JSON, or separators of CSV, in the order of the text: their places, and the bytes there.
struct Ops {
  std::uint32_t* places;
  char* bytes;
};

/// What scan_csv finds, a bit a byte (io/formats/csv_scan.h). Room for as many words as are scanned, in full groups of eight.
struct CsvMarks {
  std::uint64_t* separators;  ///< commas and line ends outside of quotes
  std::uint64_t* line_ends;   ///< inside of them, too
  std::uint64_t* doubled;     ///< of two quotes inside of quotes, the second one
  std::uint64_t* bad;         ///< bytes at which a record goes wrong, or may
};

inline constexpr std::size_t kJsonKeys = 6;

inline constexpr std::size_t kOtherStarts = 32;

/// The keys that are looked for, by the first eight bytes that they have in a text, from the opening quote on. And starts of keys
/// that nobody takes for one of them, however they go on: up to the closing quote, and zeros after it.
struct JsonKeys {
  alignas(
      64) std::uint64_t others[kOtherStarts];  // NOLINT(modernize-avoid-c-arrays): see above. By other_slot(); 0: none
  std::uint32_t others_multiplier;
  std::uint64_t starts[kJsonKeys];  // NOLINT(modernize-avoid-c-arrays): see above
  std::uint64_t
      masks[kJsonKeys];  // NOLINT(modernize-avoid-c-arrays): the bytes of `starts` that a key is long enough for
};

/// Where in JsonKeys::others a start is, if it is there. The first byte is the quote.
static inline std::size_t other_slot(std::uint64_t start, std::uint32_t multiplier) {
  const auto mixed = static_cast<std::uint32_t>(start >> 8 ^ start >> 36);
  return (std::uint64_t{mixed} * multiplier >> 27) % kOtherStarts;
}

/// A line, by its operators.
struct SkimmedLine {
  std::uint32_t end_op;  ///< the number of its line end among the operators
  bool is_odd;           ///< JsonSkim must see it; what follows does not count then
  unsigned char found;   ///< a bit for each key that is there
  struct Value {
    std::uint32_t colon;  ///< before it. Of a key that is not there: the line's opening brace,
    std::uint32_t end;    ///< the comma or brace behind it; of a key that is not there, the byte behind that brace
  };
  Value values[kJsonKeys];  // NOLINT(modernize-avoid-c-arrays): see above
};

/// All answer for 64 bytes at a time; `marks` has one bit a byte, from the lowest.
struct Kernels {
  /// `"`, `\` and everything below a space in the 64 * words bytes at `text`.
  void (*mark_json)(const char* text, std::size_t words, std::uint64_t* marks);
  /// `"`, `,` and LF in the 64 * words bytes at `text`.
  void (*mark_csv)(const char* text, std::size_t words, std::uint64_t* marks);
  /// Where a code may stand, however a decoder would get it: a P or p with twelve digits behind it, or a backslash before
  /// u00, an escape that may be of any of them. In the 64 * words bytes at `text`; reads 16 more.
  void (*mark_codes)(const char* text, std::size_t words, std::uint64_t* marks);
  /// Null where vectors are missing: then the exact pass alone is faster. Reads 64 * words + 8 bytes.
  void (*scan_json)(const char* text, std::size_t words, JsonMarks& marks);
  /// Scans a text from the start of a record on. Null where vectors are missing.
  void (*scan_csv)(const char* text, std::size_t words, const CsvMarks& marks);
  /// Whether what is no UTF-8 is bad for scan_csv, too. Otherwise it has not looked.
  bool scan_csv_tells_utf8;
  /// The places of the bits of `words` words, in order, and the bytes of the text there; returns how many. Writes up to 63
  /// more.
  std::size_t (*list_ops)(const char* text, const std::uint64_t* marks, std::size_t words, const Ops& ops);
  /// Skims lines from operator `first` on, `lines_max` of them or as many as the `count` operators have; returns how many. A
  /// line that is not odd is valid unless something in it is bad, and each of its keys starts like one of `keys` or is one of
  /// its others. No name of `keys` may hold what JSON escapes. Null where JsonSkim sees every line.
  std::size_t (*skim_lines)(const char* text, const Ops& ops, std::size_t first, std::size_t count,
                            const JsonKeys& keys, SkimmedLine* lines, std::size_t lines_max);
  /// LFs in a text; reads no byte behind it.
  std::size_t (*count_line_ends)(const char* text, std::size_t size);
};

struct JsonCarry;
/// scan_json for some words, a word at a time: the AVX-512 kernels take it for what is odd.
void scan_json_words_avx2(const char* text, std::size_t at, std::size_t words, JsonCarry& carry, JsonMarks& marks);

extern const Kernels kScalarKernels;
extern const Kernels kSse2Kernels;
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;

/// Those of the Isa in use. Cost  two loads: ask once a block, not once a line
const Kernels& kernels();

}  // namespace clearline
