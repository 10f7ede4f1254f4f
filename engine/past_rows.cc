#include "engine/past_rows.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <string>
#include <utility>

#include "engine/entry_text.h"

namespace clearline {

void PastTimes::finish() {
  assert(std::is_sorted(effective_us_.begin(), effective_us_.end()));
  effective_us_.shrink_to_fit();
  if (effective_us_.empty()) return;
  // All of it is below 2^63: times are of the years 0000 to 9999.
  const auto span = static_cast<std::uint64_t>(effective_us_.back() - effective_us_.front());
  while (span >> slice_bits_ > effective_us_.size()) ++slice_bits_;
  const std::size_t slices = (span >> slice_bits_) + 1;
  slice_start_.reserve(slices + 1);
  for (std::size_t i = 0; i < effective_us_.size(); ++i) {
    while (slice_start_.size() <= slice_of(effective_us_[i])) slice_start_.push_back(i);
  }
  slice_start_.push_back(effective_us_.size());
}

std::optional<std::uint64_t> PastTimes::seq_at(std::int64_t unix_us) const {
  if (effective_us_.empty() || unix_us < effective_us_.front()) {
    if (base_us_ && unix_us < *base_us_) return std::nullopt;
    return base_seq_;
  }
  if (unix_us >= effective_us_.back()) return base_seq_ + effective_us_.size();
  const std::size_t slice = slice_of(unix_us);
  const auto at = [&](std::size_t i) { return effective_us_.begin() + static_cast<std::ptrdiff_t>(i); };
  const auto behind = std::upper_bound(at(slice_start_[slice]), at(slice_start_[slice + 1]), unix_us);
  return base_seq_ + static_cast<std::uint64_t>(behind - effective_us_.begin());
}

PastRows::PastRows(const RegistryTable& table) : maker_(NamePrinter(table.key()), table.expiry_base_days()) {}

Status PastRows::add(std::uint64_t seq, Code code, const std::optional<Entry>& before) {
  assert(versions_.empty() || versions_.back().seq <= seq);
  Version version;
  version.mixed = mix_code(code);
  version.seq = seq;
  if (before) {
    const std::uint64_t offset = to_text_unit(text_bytes_);
    const std::uint64_t needed = offset + entry_text_bytes_max(*before);
    if (needed > kTextBytesMax) {
      return {StatusKind::kOutput,
              "the texts of what codes held before would be longer than 16 GiB; name a later change"};
    }
    if (const auto fault = maker_.held_fault(*before)) return {StatusKind::kInput, std::string(*fault)};
    if (texts_.size() < needed) texts_.resize(std::max<std::size_t>(needed, 2 * texts_.size()));
    const RowMaker::Made made = maker_.make(*before, texts_.data() + offset, offset);
    version.hot = made.hot;
    version.side = made.side;
    text_bytes_ = static_cast<std::uint64_t>(made.text_end - texts_.data());
  }
  versions_.push_back(version);
  return {};
}

void PastRows::finish(std::uint64_t registry_seq, std::uint64_t at) {
  assert(versions_.empty() || versions_.front().seq > at);
  registry_seq_ = registry_seq;
  at_ = at;
  make_index();
}

void PastRows::finish(std::uint64_t registry_seq, PastTimes times) {
  registry_seq_ = registry_seq;
  times_ = std::move(times);
  times_->finish();
  make_index();
}

void PastRows::make_index() {
  std::sort(versions_.begin(), versions_.end(),
            [](const Version& a, const Version& b) { return a.mixed != b.mixed ? a.mixed < b.mixed : a.seq < b.seq; });
  const auto is_first = [&](std::size_t i) { return i == 0 || versions_[i - 1].mixed != versions_[i].mixed; };
  for (std::size_t i = 0; i < versions_.size(); ++i) {
    if (!is_first(i)) continue;
    ++code_count_;
    new_code_count_ += static_cast<std::size_t>(versions_[i].hot.empty());
  }
  // At least one word stays empty, which ends a search.
  index_.assign(std::bit_ceil(2 * code_count_ + 1), 0);
  for (std::size_t i = 0; i < versions_.size(); ++i) {
    if (!is_first(i)) continue;
    const std::uint64_t mixed = versions_[i].mixed;
    std::size_t slot = home(mixed);
    while (index_[slot] != 0) slot = (slot + 1) & (index_.size() - 1);
    index_[slot] = tag(mixed) << kPlaceBits | (i + 1);
  }
}

const PastRows::Version* PastRows::find(std::uint64_t mixed, std::uint64_t seq) const {
  const std::span<const Version> from = from_first(mixed);
  if (from.empty()) return nullptr;
  // A code that was changed a hundred thousand times is searched as fast as others.
  const auto is_earlier = [&](const Version& version) { return version.mixed == mixed && version.seq <= seq; };
  std::size_t step = 1;
  while (step < from.size() && is_earlier(from[step])) step *= 2;
  const auto near = from.first(std::min(step + 1, from.size())).subspan(step / 2);
  const Version* const found = std::partition_point(near.data(), near.data() + near.size(), is_earlier);
  return found != from.data() + from.size() && found->mixed == mixed ? found : nullptr;
}

std::span<const PastRows::Version> PastRows::versions(std::uint64_t mixed) const {
  const std::span<const Version> from = from_first(mixed);
  const auto end =
      std::find_if(from.begin(), from.end(), [&](const Version& version) { return version.mixed != mixed; });
  return from.first(static_cast<std::size_t>(end - from.begin()));
}

/// The versions from the first one of a code on; empty where it has none.
std::span<const PastRows::Version> PastRows::from_first(std::uint64_t mixed) const {
  const std::uint64_t word = word_of(mixed, [&](const Version& version) { return version.mixed == mixed; });
  return word == 0 ? std::span<const Version>{} : std::span(versions_).subspan((word & kPlaceMask) - 1);
}

}  // namespace clearline
