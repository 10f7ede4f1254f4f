// Changes: a made-up stream of them to any registry, each accepted when they are applied in their order.
//
// Idea     The codes that can be changed stand in pools, by status; a change draws one and puts it where it then belongs.
//          So nothing has to be asked of the registry but whether a new code is taken, and nothing of its entries is held.
// Days     Each has its counts, a function of plan and day; its changes come in a random order, at moments of the day's
//          curve, never falling.
// Memory   8 bytes a code that is active or suspended, some 50 a new code, and 9 a change of the day that is being made.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "clearline/change.h"
#include "clearline/code.h"
#include "clearline/date.h"
#include "clearline/registry.h"
#include "io/generate/people.h"
#include "io/generate/random.h"

namespace clearline::generate {

enum class Profile {
  kQuiet,  ///< days as they were before anybody worried
  kSurge,  ///< the same, but for the last two: a leak has become known
};

struct ChangesPlan {
  std::uint64_t seed = 1;
  Profile profile = Profile::kQuiet;
  Date from{20'059};  ///< 2024-12-02
  Date to{20'423};    ///< 2025-12-01, included
  double scale = 1;   ///< of all counts, which are then rounded
};

/// How many changes of each op a day has; by the value of ChangeOp.
using DayCounts = std::array<std::uint64_t, static_cast<std::size_t>(ChangeOp::kReissue) + 1>;

/// Of the two days of a surge, what was published of 2025-11-30 and 2025-12-01, exactly (at scale 1): reissues 123,302 and
/// 298,742, cancellations 3,851 and 11,312, suspensions 4,514 and 6,322. All else is made up.
DayCounts counts_of(const ChangesPlan& plan, Date day);

/// A day that would change more codes than are active on it.
struct Shortage {
  Date day;
  std::uint64_t needed = 0;
  std::uint64_t active = 0;
};
/// The first such day where so many codes are active at first.
std::optional<Shortage> shortage_of(const ChangesPlan& plan, std::uint64_t active);

class ChangeMaker {
 public:
  /// `active` and `suspended`: all such codes of the registry, in an order that depends on nothing else, and enough of them
  /// (shortage_of). The registry outlives this and does not change meanwhile.
  ChangeMaker(const ChangesPlan& plan, const Registry& registry, std::vector<Code> active, std::vector<Code> suspended);

  /// The next change. False: there are no more.
  bool next(Change& change);

 private:
  /// Codes of which one is drawn and taken out.
  class Pool {
   public:
    explicit Pool(std::vector<Code> codes = {}) : codes_(std::move(codes)) {}
    bool empty() const { return codes_.empty(); }
    std::size_t size() const { return codes_.size(); }
    void put(Code code) { codes_.push_back(code); }
    Code at(std::size_t place) const { return codes_[place]; }
    void take(std::size_t place) {
      codes_[place] = codes_.back();
      codes_.pop_back();
    }

   private:
    std::vector<Code> codes_;
  };
  /// A code in its pool.
  struct Drawn {
    Pool* pool;
    std::size_t place;
    Code code() const { return pool->at(place); }
    void take() const { pool->take(place); }
  };

  void begin_day();
  bool make(ChangeOp op, Change& change);
  Drawn draw_active();
  Drawn draw_open(double suspended_share);
  Drawn draw_for_reissue();
  Code new_code();
  Person newcomer(bool with_hangul);
  void fill_issue(Change& change);
  void fill_amend(Change& change);
  void choose_by(Change& change);

  ChangesPlan plan_;
  const Registry* registry_;
  People newcomers_;
  Pool active_;
  Pool reissued_;  // active codes that replaced another one
  Pool suspended_;
  std::unordered_set<std::uint64_t> new_codes_;
  std::uint64_t newcomer_ = 0;

  // Of the day that is being made; before the first one and behind it there is nothing left.
  Date day_;
  Random random_;
  std::vector<ChangeOp> ops_;
  std::vector<std::int64_t> moments_;
  std::size_t made_ = 0;
};

}  // namespace clearline::generate
