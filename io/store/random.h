// Randomness of the system: keys, UUIDs, salts.
#pragma once

#include <cstddef>

#include "clearline/registry.h"

namespace clearline {

/// Fills memory with random bytes. Ends the program where the system has none: keys and salts that can be guessed would
/// betray names.
void fill_random(void* data, std::size_t size);

/// The identity of a new registry: a random UUID, incarnation 1.
RegistryIdentity new_identity();

}  // namespace clearline
