// What an operator may ask of a server.
#pragma once

#include <functional>
#include <string>

#include "clearline/status.h"
#include "io/store/registry_store.h"

namespace clearline {

/// Called on threads that may wait, but for `status`, which must not.
struct OperatorActions {
  std::function<std::string()> status;  ///< one JSON object, without a line end
  std::function<Result<RegistryStore::Checkpoint>()> checkpoint;
  std::function<Status()> reload;
};

}  // namespace clearline
