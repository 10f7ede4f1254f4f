// CodeIndex: from a code to its registry entry, usually in one cache line.
//
// Idea        A code is 40 bits. An invertible mix spreads it; its upper 12 bits choose a segment, and within the segment
//             the lower 28 bits (the tail) choose a bucket. Segment and tail together are the code, so a row keeps 28
//             bits of it and the comparison is still exact. What that saves lets a row be 16 bytes, four to a line.
//
// Hot row     head  [ tail:28 | family:4 | status:2 | expiry:12 | zip:17 | more_zips:1 ]
//             name_print:64   fingerprint of FG (engine/hash.h); 0: the row is empty; kNoPrint: no Latin name on file
//   family    bytes of F, so that GF is checked by one rotation; 0: no name; 15: as long or longer, see the text
//   expiry    0: none; n: day expiry_base + n - 1; 4095: outside that window, see the text
//   zip       first zip + 1; 0: none on file
// Side row    [ phone:37 | phone_kind:2 | zip2:17 | has_hangul:1 ] [ text:32 | changed:16 ], at the same place in its
//             own array
//   text      place of the cold record in 4-byte units
//   changed   days since 1970-01-01 + 1; 0: not on file; 65535: outside, see the text
//
// Layout      a directory says which buckets a segment owns, at least one (SegmentPlace). Its first choice for a tail
//             is bucket tail * count >> 28; a full bucket passes on to one chosen by another hash of the tail, and that
//             one to the next and so on, round the segment (ProbeSequence).
// Invariants  (1) rows fill a bucket from the front, so an empty last row ends a probe. (2) a segment keeps an empty
//             row. (3) a code stands in one row only. (4) a row once taken keeps its code: entries change and are never
//             removed.
// Bound       16 / kLoad bytes an entry hot, as many beside: 43.2 at kLoad 0.74. Cache lines a look-up of a code that
//             is there: 1.18, where passing on to the neighbour at once costs 1.25, and 1.39 at a load of 0.8.
// Threads     any number of readers, one writer. Each word of a row is read and written atomically; what a reader sees of
//             a row that changes meanwhile may be half old and half new, and is told to it afterwards
//             (engine/change_window.h). A place is one word, so that a segment is replaced at once.
// Not here    changing and growing: engine/registry_writer.h.
// Source      quotienting: Cleary, Compact hash tables using bidirectional linear probing, 1984; group prefetching:
//             Chen et al., Improving hash join performance through prefetching, ICDE 2004.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "clearline/registry.h"

namespace clearline {

inline constexpr int kSegmentBits = 12;
inline constexpr int kTailBits = 40 - kSegmentBits;
inline constexpr std::size_t kSegmentCount = std::size_t{1} << kSegmentBits;
inline constexpr std::size_t kBucketRows = 4;
inline constexpr double kLoad = 0.74;
inline constexpr std::uint64_t kTailMask = (std::uint64_t{1} << kTailBits) - 1;

/// A code, mixed: segment << kTailBits | tail.
///
/// Multiplying by an odd number and folding the upper half into the lower are invertible on 40 bits, so no two codes
/// meet.
constexpr std::uint64_t mix_code(Code code) {
  constexpr std::uint64_t kMask = (std::uint64_t{1} << 40) - 1;
  std::uint64_t x = code.digits;
  x = x * 0x9E3779B97F4A7C15 & kMask;
  x ^= x >> 20;
  x = x * 0xD6E8FEB86659FD93 & kMask;
  x ^= x >> 20;
  return x;
}

/// The code that mixes to `mixed`.
constexpr Code unmix_code(std::uint64_t mixed) {
  constexpr std::uint64_t kMask = (std::uint64_t{1} << 40) - 1;
  // Newton's iteration for the inverse of an odd number modulo 2^64 doubles the right bits each time.
  constexpr auto inverse = [](std::uint64_t odd) {
    std::uint64_t x = odd;
    for (int i = 0; i < 6; ++i) x *= 2 - odd * x;
    return x;
  };
  std::uint64_t x = mixed;
  x ^= x >> 20;
  x = x * inverse(0xD6E8FEB86659FD93) & kMask;
  x ^= x >> 20;
  x = x * inverse(0x9E3779B97F4A7C15) & kMask;
  return Code{x};
}
static_assert(unmix_code(mix_code(Code{123'456'789'012})).digits == 123'456'789'012);
static_assert(unmix_code(mix_code(Code{kCodeEnd - 1})).digits == kCodeEnd - 1);

/// Reads a word that a writer may be writing. An acquiring load costs nothing on x86; it keeps what is read later, the
/// window of changes above all, from being read before. Pairs with store_word().
inline std::uint64_t load_word(const std::uint64_t& word) { return __atomic_load_n(&word, __ATOMIC_ACQUIRE); }
/// Writes a word that readers may be reading; what was written before is seen by whoever sees it.
inline void store_word(std::uint64_t& word, std::uint64_t value) { __atomic_store_n(&word, value, __ATOMIC_RELEASE); }

/// The buckets of a segment, as one word of the directory: first | count << 32.
struct SegmentPlace {
  std::uint64_t packed = 0;

  static SegmentPlace of(std::uint64_t first, std::uint64_t count) { return {first | count << 32}; }
  std::size_t first() const { return packed & 0xFFFFFFFF; }
  std::size_t count() const { return packed >> 32; }
  friend bool operator==(SegmentPlace, SegmentPlace) = default;
};

struct HotRow {
  std::uint64_t head;
  std::uint64_t name_print;

  static constexpr unsigned kFamilyLong = 15;
  static constexpr unsigned kExpiryElsewhere = 4095;

  bool empty() const { return name_print == 0; }
  std::uint64_t tail() const { return head & kTailMask; }
  unsigned family() const { return head >> 28 & 0xF; }
  CodeStatus status() const { return static_cast<CodeStatus>(head >> 32 & 0x3); }
  unsigned expiry() const { return head >> 34 & 0xFFF; }
  unsigned zip() const { return head >> 46 & 0x1FFFF; }
  bool more_zips() const { return head >> 63 != 0; }
};

struct alignas(64) HotBucket {
  std::array<HotRow, kBucketRows> rows;
};
static_assert(sizeof(HotBucket) == 64);

struct SideRow {
  std::uint64_t contact;
  std::uint64_t place;

  enum class PhoneKind : unsigned { kNone, kPacked, kText };
  static constexpr unsigned kChangedElsewhere = 65'535;

  std::uint64_t phone() const { return contact & ((std::uint64_t{1} << 37) - 1); }
  PhoneKind phone_kind() const { return static_cast<PhoneKind>(contact >> 37 & 0x3); }
  unsigned zip2() const { return contact >> 39 & 0x1FFFF; }
  bool has_hangul() const { return (contact >> 56 & 1) != 0; }
  std::uint64_t text_offset() const { return (place & 0xFFFFFFFF) * 4; }
  /// Names a text that moved up by a multiple of 4 bytes.
  void move_text(std::uint64_t bytes) { place += bytes / 4; }
  void set_text_offset(std::uint64_t offset) { place = (place & ~std::uint64_t{0xFFFFFFFF}) | offset / 4; }
  unsigned changed() const { return place >> 32 & 0xFFFF; }
};
static_assert(sizeof(SideRow) == 16);

inline SideRow load_row(const SideRow& row) { return {load_word(row.contact), load_word(row.place)}; }

/// Buckets that a segment of so many entries gets.
constexpr std::uint64_t segment_buckets(std::uint64_t entries) {
  const auto wanted = static_cast<std::uint64_t>(static_cast<double>(entries) / (kLoad * kBucketRows)) + 1;
  return wanted;
}
static_assert(segment_buckets(0) == 1 && segment_buckets(2) == 1 && segment_buckets(3) == 2);

/// The bucket in which a tail stands or would, were there room; `first` and `count` are the segment's buckets.
constexpr std::size_t home_bucket(std::uint64_t tail, std::size_t first, std::size_t count) {
  return first + (tail * count >> kTailBits);
}

/// The buckets in which a tail may stand, in order: home, second, and the second's neighbours, all of the segment.
class ProbeSequence {
 public:
  ProbeSequence(std::uint64_t tail, SegmentPlace segment)
      : bucket_(home_bucket(tail, segment.first(), segment.count())),
        second_(second_of(tail, segment)),
        segment_(segment) {}

  /// The bucket that comes second.
  static std::size_t second_of(std::uint64_t tail, SegmentPlace segment) {
    // A multiplication's upper bits depend on all bits of the tail, where home's depend on its own upper ones.
    constexpr std::uint64_t kOdd = 0x9E3779B1;
    return home_bucket(tail * kOdd & kTailMask, segment.first(), segment.count());
  }

  std::size_t bucket() const { return bucket_; }
  /// How many buckets there can be: the home may come again, so one more than the segment's.
  std::size_t size() const { return segment_.count() + 1; }
  void next() {
    const std::size_t end = segment_.first() + segment_.count();
    bucket_ = ++taken_ == 1 ? second_ : bucket_ + 1 == end ? segment_.first() : bucket_ + 1;
  }

 private:
  std::size_t bucket_;
  std::size_t second_;
  SegmentPlace segment_;
  std::size_t taken_ = 0;
};

/// The look-ups on a table's sections. A look-up is begun with the place of its segment and ended with the same one: the
/// segment may be replaced meanwhile.
class CodeIndex {
 public:
  CodeIndex(const HotBucket* buckets, const std::uint64_t* directory) : buckets_(buckets), directory_(directory) {}

  static constexpr std::size_t kAbsent = static_cast<std::size_t>(-1);
  static constexpr std::size_t kElsewhere = static_cast<std::size_t>(-2);

  /// The place of the segment of a mixed code.
  SegmentPlace segment(std::uint64_t mixed) const {
    // seq_cst pairs with ReaderSlots: who has entered its slot sees every place that was published before the writer
    // looked at the slots. No dearer than a plain load on x86.
    return {__atomic_load_n(&directory_[mixed >> kTailBits], __ATOMIC_SEQ_CST)};
  }
  /// The bucket where a mixed code stands or would, were there room. Prefetch it some dozens of look-ups ahead.
  static std::size_t home(std::uint64_t mixed, SegmentPlace segment) {
    return home_bucket(mixed & kTailMask, segment.first(), segment.count());
  }
  /// The bucket to prefetch when the home does not tell.
  static std::size_t second(std::uint64_t mixed, SegmentPlace segment) {
    return ProbeSequence::second_of(mixed & kTailMask, segment);
  }
  void prefetch(std::size_t bucket) const { __builtin_prefetch(&buckets_[bucket]); }

  /// The row of a mixed code, counted over all buckets (row r is in bucket r / kBucketRows); kAbsent; or kElsewhere: the
  /// bucket is full of other codes, so that only further ones can tell. `hot` is what the row holds, when there is one.
  std::size_t find_in(std::size_t bucket, std::uint64_t mixed, HotRow& hot) const {
    const HotRow* rows = buckets_[bucket].rows.data();
    // All four are compared before a branch looks: in which of them a code stands is anybody's guess.
    unsigned matches = 0;
    for (unsigned i = 0; i < kBucketRows; ++i) {
      matches |= static_cast<unsigned>((load_word(rows[i].head) ^ mixed) << (64 - kTailBits) == 0) << i;
    }
    if (matches != 0) {
      const auto i = static_cast<std::size_t>(std::countr_zero(matches));
      // An empty row has a tail of 0 as a code may; behind it are empty rows alone. A row that is being taken has its
      // head before its print: so the head is read again behind a print that is there.
      hot.name_print = load_word(rows[i].name_print);
      hot.head = load_word(rows[i].head);
      const bool is_it = !hot.empty() && (hot.head ^ mixed) << (64 - kTailBits) == 0;
      return is_it ? bucket * kBucketRows + i : kAbsent;
    }
    return load_word(rows[kBucketRows - 1].name_print) == 0 ? kAbsent : kElsewhere;
  }

  /// The row of a mixed code, or kAbsent.
  std::size_t find(std::uint64_t mixed, SegmentPlace segment, HotRow& hot) const;
  /// The same when the home bucket has said kElsewhere.
  std::size_t find_further(std::uint64_t mixed, SegmentPlace segment, HotRow& hot) const;

 private:
  const HotBucket* buckets_;
  const std::uint64_t* directory_;
};

}  // namespace clearline
