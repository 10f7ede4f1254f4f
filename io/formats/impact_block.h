// impact_block: which declarations of a block touch a code that has changed since, and what became of their verdicts.
//
// Idea        Most lines touch none, and need not be read for that. A code stands in a line as a P with twelve digits behind
//             it, or some of them are written as escapes: one pass over the bytes marks both (Kernels::mark_codes), each
//             code is looked up among the changed ones, and only lines where that finds one, or with such an escape, are
//             decoded and judged twice. Whatever else is in the other lines, malformed ones included, cannot touch a
//             changed code.
// CSV         records are cut, and only those with a hit decoded.
// Slow twin   ImpactOptions::decodes_all.
// Bound       a byte costs a fraction of what strict decoding does; a code one look-up in PastRows; memory: a copy of the
//             lines that are decoded, and a bit a byte.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "clearline/change.h"
#include "clearline/policy.h"
#include "clearline/registry.h"
#include "clearline/verdict.h"
#include "engine/past_rows.h"
#include "io/formats/block.h"
#include "io/formats/entry_fields.h"
#include "io/formats/out_buffer.h"

namespace clearline {

/// Some fields of an entry.
class EntryFieldSet {
 public:
  void add(EntryField field) { bits_ |= 1U << static_cast<unsigned>(field); }
  bool has(EntryField field) const { return (bits_ >> static_cast<unsigned>(field) & 1U) != 0; }

 private:
  std::uint32_t bits_ = 0;
};

/// The fields in which two entries differ.
EntryFieldSet different_fields(const Entry& before, const Entry& after);

/// A change that verdicts may have changed by.
struct SeenChange {
  std::int64_t at_us = 0;
  ChangeOp op = ChangeOp::kIssue;
  ChangeBy by = ChangeBy::kOwner;
  EntryFieldSet fields;  ///< of the entry that was there before, if there was one
};

struct ImpactTally {
  std::uint64_t lines = 0;  ///< physical ones, of the block
  std::uint64_t touched = 0;
  std::uint64_t changed = 0;                                                      ///< verdict or reasons
  std::array<std::array<std::uint64_t, kOutcomeCount>, kOutcomeCount> outcome{};  ///< [before][after], of the touched
  std::array<std::uint64_t, kReasonCount> before{};
  std::array<std::uint64_t, kReasonCount> after{};

  void add(const ImpactTally& other);
  friend bool operator==(const ImpactTally&, const ImpactTally&) = default;
};

struct ImpactBlock {
  OutBuffer lines;
  ImpactTally tally;
};

enum class ImpactEmit { kTouched, kChanged };

struct ImpactOptions {
  Format output_format = Format::kNdjson;
  ImpactEmit emit = ImpactEmit::kTouched;
  Date today;  ///< of both verdicts, where a declaration has no date
  bool decodes_all = false;
};

/// The header line of CSV output.
inline constexpr std::string_view kCsvImpactHeader =
    "id,line,verdict_changed,before,before_reasons,after,after_reasons,seqs,ops,fields\n";

/// One a thread.
class ImpactFinder {
 public:
  /// `past` is for one seq; changes[i] is the one at `past`'s seq + 1 + i. All outlive the finder.
  ImpactFinder(const Registry& registry, const PastRows& past, std::span<const SeenChange> changes,
               const Policy& policy, const ImpactOptions& options);
  ~ImpactFinder();
  ImpactFinder(ImpactFinder&&) noexcept;
  ImpactFinder& operator=(ImpactFinder&&) noexcept;

  /// Replaces what is in `out`. In the order of the lines; one line for each declaration that touches a changed code:
  ///   {"id":"D1","verdict_changed":true,"before":{"verdict":"clear"},"after":{"verdict":"hold","reasons":[...]},
  ///    "changes":[{"seq":4813,"op":"suspend","at":"...","by":"owner","fields":["status"]}]}
  /// Fields are named, their values never shown. A change that made the code has "fields":["code"].
  void find(const Block& in, ImpactBlock& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace clearline
