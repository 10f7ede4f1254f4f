// A registry of made-up people, and a directory of one.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>

#include "clearline/registry.h"
#include "io/generate/people.h"
#include "io/store/image.h"
#include "io/store/registry_store.h"

namespace clearline::test {

/// People 0 to count - 1 of a seed. `key_byte` is in the key: another one gives other rows for the same people.
inline Registry made_up_registry(std::uint64_t seed, std::uint64_t count, std::uint8_t key_byte = 7) {
  const generate::People people(seed);
  RegistryBuilder builder(RegistryKey{key_byte}, {});
  for (std::uint64_t i = 0; i < count; ++i) builder.add(people.person(i).entry);
  return std::move(*builder.build(RegistryBuilder::OnDuplicate::kRefuse).registry);
}

/// A directory of it at `path`, by way of an image beside it.
inline void make_directory(const Registry& registry, const std::string& path) {
  const std::string image = path + ".img";
  if (!write_image(registry, image).ok() || !RegistryStore::create(path, image).ok()) std::abort();
}

}  // namespace clearline::test
