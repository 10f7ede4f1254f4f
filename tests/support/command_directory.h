// CommandDirectory: a registry directory that is made and changed by the program's verbs.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/support/files.h"
#include "tests/support/process.h"

namespace clearline::test {

struct CommandDirectory {
  /// Of the entries of a CSV file.
  explicit CommandDirectory(const std::string& csv) {
    EXPECT_EQ(run_clearline({"registry", "build", folder.write("registry.csv", csv), "-o", image}).exit_code, 0);
    EXPECT_EQ(run_clearline({"registry", "init", directory, "--from", image}).exit_code, 0);
  }
  /// Changes that are all accepted.
  void apply(const std::string& changes) const {
    ProcessSetup setup;
    setup.input = changes;
    const auto result = run_clearline({"registry", "apply", directory, "-"}, setup);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.out.find("\"ok\":false"), std::string::npos) << result.out;
  }

  TestFolder folder;
  std::string image = folder.path("registry.img");
  std::string directory = folder.path("live");
};

}  // namespace clearline::test
