// Live: a registry directory that the built program makes, changes and tells of, as a user would have it do; and what is read off
// its answers.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/change_line.h"
#include "tests/support/files.h"
#include "tests/support/process.h"

namespace clearline::test {

inline std::string zip_text(std::uint64_t number) { return std::to_string(100'000 + number % 100'000).substr(1); }

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream whole(text);
  for (std::string line; std::getline(whole, line);) lines.push_back(line);
  return lines;
}

/// What stands behind a key of a JSON object that the program wrote, without quotes; "" where the key is not there. Of
/// keys that are there twice, inside of objects say, the first.
inline std::string value_of(std::string_view json, const std::string& key) {
  const std::size_t at = json.find("\"" + key + "\":");
  if (at == std::string_view::npos) return "";
  std::string_view value = json.substr(at + key.size() + 3);
  if (value.starts_with('"')) return std::string(value.substr(1, value.find('"', 1) - 1));
  const char end = value.starts_with('{') ? '}' : value.starts_with('[') ? ']' : ',';
  const std::size_t size = value.find(end);
  if (end != ',') return std::string(value.substr(0, size + 1));
  return std::string(value.substr(0, std::min(size, value.find('}'))));
}

inline std::uint64_t number_of(std::string_view json, const std::string& key) {
  const std::string value = value_of(json, key);
  return value.empty() || value == "null" ? 0 : std::stoull(value);
}

inline bool is_ok(std::string_view answer) { return value_of(answer, "ok") == "true"; }
inline bool is_repeat(std::string_view answer) { return value_of(answer, "repeat") == "true"; }

/// A registry directory of the codes 0 to kPeople - 1, all active, with their number in name and zip.
class Live : public testing::Test {
 protected:
  static constexpr std::uint64_t kPeople = 40;
  Live() : image(folder.path("registry.img")), directory(folder.path("live")) {
    std::string csv = "code,name,zips\n";
    for (std::uint64_t i = 0; i < kPeople; ++i) {
      csv += code_text(i) + ",KIM A" + std::to_string(i) + "," + zip_text(i) + "\n";
    }
    EXPECT_EQ(run_clearline({"registry", "build", folder.write("registry.csv", csv), "-o", image}).exit_code, 0);
    make(directory);
  }
  void make(const std::string& where) const {
    const auto made = run_clearline({"registry", "init", where, "--from", image});
    EXPECT_EQ(made.exit_code, 0) << made.err;
  }
  ProcessResult apply(const std::string& changes, ProcessSetup setup = {}) const {
    setup.input = changes;
    return run_clearline({"registry", "apply", directory, "-"}, setup);
  }
  std::vector<std::string> applied(const std::string& changes) const {
    const auto result = apply(changes);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return lines_of(result.out);
  }
  /// For runs by somebody to whom permissions mean something; the directory is theirs then.
  ProcessSetup give_to_who_is_not_root() const {
    ProcessSetup setup;
    if (geteuid() != 0) return setup;
    setup.user = 65'534;
    std::filesystem::permissions(folder.path(""), std::filesystem::perms(0705));
    EXPECT_EQ(chown(directory.c_str(), setup.user, setup.user), 0);
    for (const auto& file : std::filesystem::directory_iterator(directory)) {
      EXPECT_EQ(chown(file.path().c_str(), setup.user, setup.user), 0);
    }
    return setup;
  }
  /// Whether they may start the program here; what it does then is for the test to see.
  static bool can_run(const ProcessSetup& setup) {
    const int started = run_clearline({"version"}, setup).exit_code;
    return started != 126 && started != 127;
  }
  ProcessResult lookup(std::uint64_t code) const { return run_clearline({"lookup", code_text(code), "-r", directory}); }
  void expect_sound() const {
    const auto result = run_clearline({"registry", "verify", directory});
    EXPECT_EQ(result.exit_code, 0) << result.err;
  }
  /// A packed text.
  std::string write_gz(const std::string& name, const std::string& text) const {
    const gzFile file = gzopen(folder.path(name).c_str(), "wb");
    EXPECT_EQ(gzwrite(file, text.data(), static_cast<unsigned>(text.size())), static_cast<int>(text.size()));
    EXPECT_EQ(gzclose(file), Z_OK);
    return folder.path(name);
  }

  TestFolder folder;
  std::string image;
  std::string directory;
};

}  // namespace clearline::test
