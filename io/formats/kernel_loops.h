// The kernels over 64 bytes in vectors: each loop is written once, and made for the `Bytes` of each file that includes
// this. As that type is in the file's anonymous namespace, so is what is made of it: see kernels.h for why it must.
//
// Bytes has   static Bytes load(const char*)             64 bytes
//             static Bytes load_some(const char*, size)  fewer, and zeros behind them; reads none of those
//             std::uint64_t equal(char), at_most(char), in_range(char, char)       the bytes that are so
//             std::uint64_t equal_folded(char), in_range_folded(char, char)        those that are with bit 0x20 set
//             static std::uint64_t prefix_xor(bits)      bit i is set when an odd number of bits up to and with i are
#pragma once

#include "io/formats/csv_scan.h"
#include "io/formats/json_scan.h"
#include "io/formats/kernels.h"

namespace clearline {

template <typename Bytes>
void mark_json(const char* text, std::size_t words, std::uint64_t* marks) {
  for (std::size_t w = 0; w < words; ++w) {
    const Bytes bytes = Bytes::load(text + 64 * w);
    marks[w] = bytes.equal('"') | bytes.equal('\\') | bytes.at_most(0x1F);
  }
}

template <typename Bytes>
void mark_csv(const char* text, std::size_t words, std::uint64_t* marks) {
  for (std::size_t w = 0; w < words; ++w) {
    const Bytes bytes = Bytes::load(text + 64 * w);
    marks[w] = bytes.equal('"') | bytes.equal(',') | bytes.equal('\n');
  }
}

template <typename Bytes>
void mark_codes(const char* text, std::size_t words, std::uint64_t* marks) {
  std::uint64_t digits = words == 0 ? 0 : Bytes::load(text).in_range('0', '9');
  for (std::size_t w = 0; w < words; ++w) {
    const char* const here = text + 64 * w;
    // Of what is behind the last word, as much as a code that starts in it needs.
    const std::uint64_t next =
        (w + 1 < words ? Bytes::load(here + 64) : Bytes::load_some(here + 64, 16)).in_range('0', '9');
    const Bytes bytes = Bytes::load(here);
    std::uint64_t found = bytes.equal_folded('p') & (digits >> 1 | next << 63);
    if (found != 0) {
      // Bytes with so many digits from there on. A run may end in the next word, whose own runs are right as far as a
      // code can reach into it.
      const std::uint64_t two = digits & (digits >> 1 | next << 63);
      const std::uint64_t two_next = next & next >> 1;
      const std::uint64_t four = two & (two >> 2 | two_next << 62);
      const std::uint64_t four_next = two_next & two_next >> 2;
      const std::uint64_t eight = four & (four >> 4 | four_next << 60);
      const std::uint64_t eight_next = four_next & four_next >> 4;
      const std::uint64_t twelve = eight & (four >> 8 | four_next << 56);
      const std::uint64_t twelve_next = eight_next & four_next >> 8;
      found &= twelve >> 1 | twelve_next << 63;
    }
    const std::uint64_t escapes = bytes.equal('\\');
    if (escapes != 0) {
      found |= escapes & Bytes::load(here + 1).equal('u') & Bytes::load(here + 2).equal('0') &
               Bytes::load(here + 3).equal('0');
    }
    marks[w] = found;
    digits = next;
  }
}

template <typename Bytes>
std::size_t count_line_ends(const char* text, std::size_t size) {
  const auto count = [](std::uint64_t bits) { return static_cast<std::size_t>(__builtin_popcountll(bits)); };
  std::size_t total = 0;
  std::size_t at = 0;
  for (; size - at >= 64; at += 64) total += count(Bytes::load(text + at).equal('\n'));
  return total + count(Bytes::load_some(text + at, size - at).equal('\n'));
}

/// Eight at a time whether there are as many or not: how many there are is anybody's guess.
template <typename Bytes>
std::size_t list_ops(const char* text, const std::uint64_t* marks, std::size_t words, const Ops& ops) {
  std::size_t total = 0;
  for (std::size_t w = 0; w < words; ++w) {
    std::uint64_t bits = marks[w];
    const auto count = static_cast<std::size_t>(__builtin_popcountll(bits));
    for (std::size_t done = 0; done < count; done += 8) {
      for (std::size_t i = total + done; i < total + done + 8; ++i) {
        const std::size_t place = 64 * w + static_cast<std::size_t>(__builtin_ctzll(bits | 1ULL << 63));
        ops.places[i] = static_cast<std::uint32_t>(place);
        ops.bytes[i] = text[place];
        bits &= bits - 1;
      }
    }
    total += count;
  }
  return total;
}

template <typename Bytes>
inline constexpr Kernels kKernelsOf{mark_json<Bytes>, mark_csv<Bytes>, mark_codes<Bytes>,
                                    scan_json<Bytes>, scan_csv<Bytes>, false,
                                    list_ops<Bytes>,  nullptr,         count_line_ends<Bytes>};

}  // namespace clearline
