// Serving: what a reload replaces as one. Threads hold the one they work with; a connection notices at its next lines.
#pragma once

#include <memory>

#include "clearline/policy.h"
#include "io/net/clients.h"

namespace clearline {

struct Serving {
  Policy policy;
  Clients clients;
};
using ServingPtr = std::shared_ptr<const Serving>;

}  // namespace clearline
