// Screener: declarations in, verdicts out. The whole meaning of clearline, without files, sockets or formats.
#pragma once

#include <memory>
#include <span>

#include "clearline/date.h"
#include "clearline/declaration.h"
#include "clearline/policy.h"
#include "clearline/registry.h"
#include "clearline/verdict.h"

namespace clearline {

class PastRows;  // engine/past_rows.h

/// One a thread: it owns the scratch memory of a batch, allocated once.
class Screener {
 public:
  /// All outlive the screener, also where the registry changes. `today` stands for a missing `declared_at`. With `past`,
  /// declarations are judged by the registry as it was at the seq or the moments that it is for; the registry must not
  /// change then. Who was declared before its history, or under a registry that did change, gets an internal error.
  Screener(const Registry& registry, const Policy& policy, Date today, const PastRows* past = nullptr);
  ~Screener();
  Screener(Screener&&) noexcept;
  Screener& operator=(Screener&&) noexcept;

  /// Another day for missing dates, from the next batch on.
  void set_today(Date today);

  /// Judges a batch. The registry may change meanwhile: each declaration is judged by it at one seq, which is published
  /// when the call begins or later.
  ///   declarations  [n]  any n; looked up in groups whose cache misses overlap
  ///   verdicts      [n]  out; verdicts[i] answers declarations[i]
  /// Errors   none: whatever is wrong with a declaration is in its verdict
  void screen(std::span<const Declaration> declarations, std::span<Verdict> verdicts);

 private:
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

}  // namespace clearline
