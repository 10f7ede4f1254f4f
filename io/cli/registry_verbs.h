// registry build, verify, info, export: registry files become images, and back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "clearline/registry.h"
#include "clearline/status.h"
#include "io/cli/command.h"
#include "io/cli/inputs.h"
#include "io/cli/verb.h"
#include "io/formats/encoding.h"
#include "io/formats/input_format.h"

namespace clearline {

struct BuildRequest {
  std::string input;
  std::string image;
  std::optional<Format> format;
  Encoding encoding = Encoding::kAuto;
  IgnoredNames ignored;
  RegistryBuilder::OnDuplicate on_duplicate = RegistryBuilder::OnDuplicate::kRefuse;
  bool allow_empty = false;  ///< an image without an entry is wanted
  std::string rejects;       ///< where bad records go; empty: they make the build fail
};

struct BuildReport {
  std::uint64_t records = 0;
  std::uint64_t entries = 0;
  std::uint64_t rejected = 0;
  std::uint64_t replaced = 0;  ///< records that a later one of the same code replaced
  EncodingTally encodings;
  double seconds = 0;
};

/// Builds an image. Bad records and double codes are told on stderr with their places; the old image stays untouched
/// then.
Status run_registry_build(const BuildRequest& request, BuildReport& report);

void add_registry_verbs(Verb app, Command& command);

}  // namespace clearline
