// LineShape: a line as the pattern of those behind it. Streams are written by programs, which write one line as the other: the
// same keys in the same order, with other values. What JsonSkim and the table of keys find out of such a line is known then.
//
//   { "id" : "D1" , "code" : "P1" , "tags" : [ 1 , 2 ] }     the line that was learnt
//   {      :      ,        :      ,        : [   ,   ] }     its operators, byte for byte those of a line that fits
//     "id"          "code"          "tags"                   its keys, quotes included, byte for byte as well
//
// Why that is enough   JsonSkim looks at the operators, and besides at spaces around keys and in empty objects. A line of one
//                      that has such spaces is not learnt, nor is one with an empty object inside; so what it says of a line
//                      that fits is what it said of that one. Between a brace or comma and its colon a key is all there is, as
//                      its bytes are there, and they have no escape. What else may be wrong is marked as bad, as ever.
// Twin                 JsonSkim, which sees each line that does not fit. Tests and fuzzers compare.
// Bound                24 members, 64 operators, keys of 30 bytes; of others nothing is learnt.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/words.h"
#include "io/formats/block.h"
#include "io/formats/input_format.h"
#include "io/formats/json_skim.h"
#include "io/formats/kernels.h"

namespace clearline {

class LineShape {
 public:
  /// Takes a line that JsonSkim has found good: its known keys once each, and no key with an escape. `field_of` tells which field
  /// a member is, kFieldCount: none. Without effect on what cannot be learnt.
  template <typename FieldOf>
  void learn(std::string_view text, const Ops& ops, std::size_t open, FieldOf field_of) {
    op_count_ = 0;
    members_ = 0;
    found_ = 0;
    bool is_plain = true;
    std::size_t before = 0;  // the operator before the key
    JsonSkim skim(text, ops);
    const auto visit = [&](const SkimmedMember& member) {
      const auto end = static_cast<std::size_t>(skim.next().places - ops.places) - 1;
      const char* const quoted = text.data() + member.key - 1;
      const std::size_t size = member.key_end + 1 - (member.key - 1);
      is_plain = is_plain && members_ < kMembersMax && end < kOpsMax && size <= kKeyBytesMax &&
                 ops.places[before] + 1 == member.key - 1 && member.key_end + 1 == member.colon;
      if (!is_plain) return;
      Member& known = keys_[members_++];
      known.before = static_cast<unsigned char>(before);
      known.size = static_cast<unsigned char>(size);
      known.bytes.fill(0);
      std::copy_n(quoted, size, known.bytes.data());
      if (const std::size_t field = field_of(member); field != kFieldCount) {
        values_[field] = {static_cast<unsigned char>(before + 1), static_cast<unsigned char>(end)};
        found_ |= 1U << field;
      }
      before = end;
    };
    const std::size_t line_end = skim.skim(open, visit);
    const auto count = static_cast<std::size_t>(skim.next().places - ops.places);
    if (!is_plain || line_end == JsonSkim::kDoubtful || members_ == 0 || count > kOpsMax) return;
    op_bytes_.fill(0);
    std::copy_n(ops.bytes, count, op_bytes_.data());
    const std::string_view bytes(op_bytes_.data(), count);
    // The text's end may be taken for a line end, but is none that others have.
    if (bytes.find("{}") != std::string_view::npos || bytes.back() != '\n') return;
    op_count_ = count;
  }

  bool is_empty() const { return op_count_ == 0; }
  /// With the line end.
  std::size_t op_count() const { return op_count_; }

  /// Whether the line from operator `ops` on is such a one. `open` is its first byte that is no space. Then `line` says what is
  /// in it, but for its end_op.
  bool fits(std::string_view text, const Ops& ops, std::size_t open, SkimmedLine& line) const {
    if (is_empty() || ops.places[0] != open) return false;
    std::uint64_t differs = 0;
    std::size_t at = 0;
    for (; at + 8 <= op_count_; at += 8) differs |= load8(ops.bytes + at) ^ load8(op_bytes_.data() + at);
    if (at != op_count_) {
      differs |= (load8(ops.bytes + at) ^ load8(op_bytes_.data() + at)) << 8 * (8 - (op_count_ - at));
    }
    if (differs != 0) return false;
    for (std::size_t m = 0; m < members_; ++m) {
      const Member& known = keys_[m];
      const std::size_t begin = ops.places[known.before] + std::size_t{1};
      differs |= (begin + known.size) ^ ops.places[known.before + 1];
      differs |= differing(text.data() + begin, known);
    }
    if (differs != 0) return false;
    line.found = static_cast<unsigned char>(found_);
    line.is_odd = false;
    for (std::size_t field = 0; field < kFieldCount; ++field) {
      const Value& value = values_[field];
      line.values[field] =
          (found_ >> field & 1U) != 0
              ? SkimmedLine::Value{ops.places[value.colon], ops.places[value.end]}
              : SkimmedLine::Value{static_cast<std::uint32_t>(open), static_cast<std::uint32_t>(open) + 1};
    }
    return true;
  }

 private:
  static constexpr std::size_t kMembersMax = 24;
  static constexpr std::size_t kOpsMax = 64;
  static constexpr std::size_t kKeyBytesMax = 32;  // quotes included
  static_assert(kKeyBytesMax <= kBlockPadding, "what is compared may begin at the text's last byte");

  struct Member {
    unsigned char before;                  // the number of the operator before the key; the next one is its colon
    unsigned char size;                    // of the key, quotes included
    std::array<char, kKeyBytesMax> bytes;  // zeros behind them
  };
  struct Value {
    unsigned char colon;  // numbers of operators
    unsigned char end;
  };

  /// 0: a key's bytes are there.
  static std::uint64_t differing(const char* there, const Member& known) {
    const std::size_t size = known.size;
    if (size < 8) return (load8(there) ^ load8(known.bytes.data())) << 8 * (8 - size);
    std::uint64_t differs = load8(there + size - 8) ^ load8(known.bytes.data() + size - 8);
    for (std::size_t at = 0; at + 8 < size; at += 8) differs |= load8(there + at) ^ load8(known.bytes.data() + at);
    return differs;
  }

  std::size_t op_count_ = 0;  // 0: nothing is learnt
  std::size_t members_ = 0;
  unsigned found_ = 0;
  std::array<Value, kFieldCount> values_{};
  std::array<char, kOpsMax> op_bytes_{};
  std::array<Member, kMembersMax> keys_{};
};

}  // namespace clearline
