// Kernels: the loops of the decoders that vectors make fast, once for each Isa, and one table of them for each.
//
//   kernels.cc         kScalar: plain loops, the reference of the tests, and all there is where there is no x86-64
//   kernels_sse2.cc    the loops of kernel_loops.h over 64 bytes held in four vectors of 16 bytes,
//   kernels_avx2.cc    in two of 32,
//   kernels_avx512.cc  and in one
//
// The last two are compiled for more than the rest of the program. What they call must not be shared with other files:
// the linker keeps one copy of an inline function, and if it kept theirs, an older machine would meet an unknown
// instruction anywhere. So they, and the headers they include, use nothing of std but types and memcpy, and their own
// functions have internal linkage.
#pragma once

#include <cstddef>
#include <cstdint>

namespace clearline {

/// What a text has for line ends, told by the quotes before them.
struct LineScan {
  std::size_t even_end;  ///< behind the last line end before `odd` (or of all); 0 when there is none
  std::size_t odd;       ///< the first line end with an odd number of quotes before it; the text's size when none has
};

/// All four answer for 64 bytes at a time; `marks` has one bit a byte, from the lowest.
struct Kernels {
  /// `"`, `\` and everything below a space in the 64 * words bytes at `text`.
  void (*mark_json)(const char* text, std::size_t words, std::uint64_t* marks);
  /// `"`, `,` and LF in the 64 * words bytes at `text`.
  void (*mark_csv)(const char* text, std::size_t words, std::uint64_t* marks);
  /// LFs in a text; reads no byte behind it.
  std::size_t (*count_line_ends)(const char* text, std::size_t size);
  /// Reads no byte behind the text.
  LineScan (*scan_lines)(const char* text, std::size_t size);
};

extern const Kernels kScalarKernels;
extern const Kernels kSse2Kernels;
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;

/// Those of the Isa in use. Cost  two loads: ask once a block, not once a line
const Kernels& kernels();

}  // namespace clearline
