// ChangeIds: which change_ids were answered `ok`, and as which seq.
//
// By keyed hashes of 64 bits: under a key that nobody knows two ids share one by chance alone, and whoever finds a hit
// checks it against the row. An id that meets another's hash takes its place; the other one is then no repeat any more,
// once in 10^12 ids that are remembered by the million.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/hash.h"

namespace clearline {

class ChangeIds {
 public:
  explicit ChangeIds(std::uint64_t key) : key_(key) {}

  std::uint64_t hash(std::string_view change_id) const { return keyed_hash64(change_id, key_); }
  std::optional<std::uint64_t> find(std::uint64_t hash) const {
    const auto found = seqs_.find(hash);
    return found == seqs_.end() ? std::nullopt : std::optional(found->second);
  }
  void put(std::uint64_t hash, std::uint64_t seq) { seqs_.insert_or_assign(hash, seq); }
  void remove(std::uint64_t hash) { seqs_.erase(hash); }
  void reserve(std::size_t count) { seqs_.reserve(count); }
  std::size_t size() const { return seqs_.size(); }

 private:
  struct Identity {  // they are hashes already
    using is_avalanching = void;
    std::size_t operator()(std::uint64_t hash) const { return hash; }
  };
  std::uint64_t key_;
  boost::unordered_flat_map<std::uint64_t, std::uint64_t, Identity> seqs_;
};

}  // namespace clearline
