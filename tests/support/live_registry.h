// A registry that can change, empty at first, and changes to it without a journal.
#pragma once

#include <initializer_list>
#include <vector>

#include "clearline/registry.h"
#include "engine/registry_writer.h"

namespace clearline::test {

/// An empty registry with room for changes, at seq 0.
inline Registry make_live_registry() {
  RegistryShape shape;
  shape.key = RegistryKey{1, 2, 3};
  shape.expiry_base_days = 18'993;
  shape.bucket_count = kSegmentCount;
  auto table = RegistryTable::create(shape, std::nullopt, Growth::kInPlace);
  std::vector<std::uint32_t> first;
  for (std::uint32_t i = 0; i <= kSegmentCount; ++i) first.push_back(i);
  if (!table || !table->set_segments(first)) std::abort();
  return Registry(std::move(table));
}

/// One change: these entries become what readers see, under the next seq.
inline void change(RegistryWriter& writer, std::initializer_list<Entry> entries) {
  std::vector<PreparedEntry> prepared;
  for (const Entry& entry : entries) {
    const auto it = writer.prepare(entry);
    if (!it.ok()) std::abort();
    prepared.push_back(*it);
  }
  writer.publish(writer.table().seq() + 1, prepared);
}

}  // namespace clearline::test
