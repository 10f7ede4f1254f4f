#include "io/formats/kernels.h"

#include <array>
#include <bit>

#include "engine/isa.h"

namespace clearline {
namespace {

template <typename IsMarked>
void mark(const char* text, std::size_t words, std::uint64_t* marks, IsMarked is_marked) {
  for (std::size_t w = 0; w < words; ++w) {
    std::uint64_t bits = 0;
    for (std::size_t b = 0; b < 64; ++b) bits |= static_cast<std::uint64_t>(is_marked(text[64 * w + b])) << b;
    marks[w] = bits;
  }
}

void mark_json(const char* text, std::size_t words, std::uint64_t* marks) {
  mark(text, words, marks, [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' '; });
}

void mark_csv(const char* text, std::size_t words, std::uint64_t* marks) {
  mark(text, words, marks, [](char c) { return c == '"' || c == ',' || c == '\n'; });
}

bool may_be_code(const char* text) {
  if (text[0] == '\\') return text[1] == 'u' && text[2] == '0' && text[3] == '0';
  if (text[0] != 'P' && text[0] != 'p') return false;
  for (std::size_t i = 1; i <= 12; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
  }
  return true;
}

void mark_codes(const char* text, std::size_t words, std::uint64_t* marks) {
  for (std::size_t w = 0; w < words; ++w) {
    std::uint64_t bits = 0;
    for (std::size_t b = 0; b < 64; ++b) bits |= static_cast<std::uint64_t>(may_be_code(text + 64 * w + b)) << b;
    marks[w] = bits;
  }
}

std::size_t count_line_ends(const char* text, std::size_t size) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < size; ++i) count += static_cast<std::size_t>(text[i] == '\n');
  return count;
}

std::size_t list_ops(const char* text, const std::uint64_t* marks, std::size_t words, const Ops& ops) {
  std::size_t count = 0;
  for (std::size_t w = 0; w < words; ++w) {
    for (std::uint64_t bits = marks[w]; bits != 0; bits &= bits - 1) {
      const std::size_t place = 64 * w + static_cast<std::size_t>(std::countr_zero(bits));
      ops.places[count] = static_cast<std::uint32_t>(place);
      ops.bytes[count++] = text[place];
    }
  }
  return count;
}

}  // namespace

constexpr Kernels kScalarKernels{mark_json, mark_csv, mark_codes, nullptr,        nullptr,
                                 false,     list_ops, nullptr,    count_line_ends};

const Kernels& kernels() {
#if defined(__x86_64__)
  static constexpr std::array<const Kernels*, kIsaCount> kTables{&kScalarKernels, &kSse2Kernels, &kAvx2Kernels,
                                                                 &kAvx512Kernels};
  return *kTables[static_cast<std::size_t>(isa_in_use())];
#else
  return kScalarKernels;
#endif
}

}  // namespace clearline
