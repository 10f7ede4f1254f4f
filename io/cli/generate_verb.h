// generate: made-up registries, changes and declarations, seeded, of any size.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "clearline/status.h"
#include "io/cli/command.h"
#include "io/cli/verb.h"
#include "io/generate/changes.h"
#include "io/generate/declarations.h"

namespace clearline {

struct GenerateRegistryRequest {
  std::uint64_t count = 300'000;
  std::uint64_t seed = 1;
  generate::Form form = generate::Form::kCsv;
  std::string output = "-";
};
Status run_generate_registry(const GenerateRegistryRequest& request);

struct GenerateChangesRequest {
  std::string registry;
  generate::ChangesPlan plan;
  std::string output = "-";
};
Status run_generate_changes(const GenerateChangesRequest& request);

struct GenerateDeclarationsRequest {
  std::uint64_t count = 100'000;
  generate::DeclarationsPlan plan;  ///< its `day` is made of what follows
  std::string output = "-";
  std::string expected;     ///< where expected verdicts go; empty: nowhere
  std::optional<Date> day;  ///< with it, declared at moments of this day
  std::string changes;      ///< the changes of the registry until then and behind; empty: there are none
};
Status run_generate_declarations(const GenerateDeclarationsRequest& request);

void add_generate_verb(Verb app, Command& command);

}  // namespace clearline
