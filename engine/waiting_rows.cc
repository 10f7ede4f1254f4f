#include "engine/waiting_rows.h"

#include <algorithm>

namespace clearline {
namespace {

constexpr std::size_t kFirstRows = 64;
constexpr std::size_t kGrowth = 8;
constexpr std::size_t kChunkRowsMax = (Pages::kHugeBytes - Pages::kSlackBytes) / sizeof(WaitingRow);

std::span<WaitingRow> rows_of(Pages& chunk) {
  return {reinterpret_cast<WaitingRow*>(chunk.bytes().data()), chunk.bytes().size() / sizeof(WaitingRow)};
}

std::span<const WaitingRow> rows_of(const Pages& chunk) {
  return {reinterpret_cast<const WaitingRow*>(chunk.bytes().data()), chunk.bytes().size() / sizeof(WaitingRow)};
}

}  // namespace

bool WaitingRows::grow(Partition& partition) {
  // A small registry touches little.
  const std::size_t rows = partition.chunks.empty()
                               ? kFirstRows
                               : std::min(kChunkRowsMax, kGrowth * rows_of(partition.chunks.back()).size());
  auto chunk = Pages::create(rows * sizeof(WaitingRow));
  if (!chunk) return false;
  partition.next = rows_of(*chunk).data();
  partition.end = partition.next + rows;
  partition.chunks.push_back(std::move(*chunk));
  return true;
}

std::vector<std::span<const WaitingRow>> WaitingRows::pieces(std::size_t partition) const {
  const Partition& from = partitions_[partition];
  std::vector<std::span<const WaitingRow>> pieces;
  pieces.reserve(from.chunks.size());
  for (const Pages& chunk : from.chunks) pieces.push_back(rows_of(chunk));
  if (!pieces.empty())
    pieces.back() = pieces.back().first(pieces.back().size() - static_cast<std::size_t>(from.end - from.next));
  return pieces;
}

}  // namespace clearline
