// ChangeIds: which change_ids were answered `ok`, and as which seq.
//
// By keyed hashes of 64 bits: under a key that nobody knows two ids share one by chance alone, and whoever finds a hit
// checks it against the row. An id that meets another's hash takes its place; the other one is then no repeat any more,
// once in 10^12 ids that are remembered by the million.
//
// Age         counted by the `received` of the journal's changes, which never falls, and of the time between two changes
//             that follow each other a day at most (kGapUs): no clock is asked, and one that jumped ahead for a while and
//             came back made the ids before it a day older. Where changes are rare, ids are kept for longer.
// Tables      two: ids go into the young one. When that is as old as ids are to be kept it becomes the old one, and what
//             the old one held is dropped; so ids are kept for that time at least and for twice it at most, at no cost a
//             change.
#pragma once

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "engine/hash.h"

namespace clearline {

class ChangeIds {
 public:
  /// As much of the time between two changes counts at most.
  static constexpr std::int64_t kGapUs = std::int64_t{24} * 3600 * 1'000'000;

  /// `kept_us`: for how long at least, in microseconds.
  ChangeIds(std::uint64_t key, std::int64_t kept_us) : key_(key), kept_us_(kept_us) {}

  std::uint64_t hash(std::string_view change_id) const { return keyed_hash64(change_id, key_); }
  std::optional<std::uint64_t> find(std::uint64_t hash) const {
    for (const Seqs* seqs : {&young_, &old_}) {
      if (const auto found = seqs->find(hash); found != seqs->end()) return found->second;
    }
    return std::nullopt;
  }
  void put(std::uint64_t hash, std::uint64_t seq) { young_.insert_or_assign(hash, seq); }
  /// Takes a put() back that no turn came behind.
  void remove(std::uint64_t hash) { young_.erase(hash); }
  /// Drops what is old enough, now and then. For each group: `received_us` of the newest change, which never falls.
  void turn_when_due(std::int64_t received_us) {
    age_us_ += std::min(received_us, received_us_ + kGapUs) - received_us_;
    received_us_ = received_us;
    if (age_us_ >= kept_us_) turn(received_us);
  }
  /// What was put until now is as old as this.
  void turn(std::int64_t received_us) {
    old_ = std::exchange(young_, {});
    received_us_ = received_us;
    age_us_ = 0;
  }

 private:
  struct Identity {  // they are hashes already
    using is_avalanching = void;
    std::size_t operator()(std::uint64_t hash) const { return hash; }
  };
  using Seqs = boost::unordered_flat_map<std::uint64_t, std::uint64_t, Identity>;

  std::uint64_t key_;
  std::int64_t kept_us_;
  std::int64_t received_us_ = std::numeric_limits<std::int64_t>::min();
  std::int64_t age_us_ = 0;  // since the last turn
  Seqs young_;
  Seqs old_;
};

}  // namespace clearline
