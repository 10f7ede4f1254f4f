// The repository checks itself: which room may include which, which file may name which library, and plain
// house-keeping.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/files.h"

namespace clearline::test {
namespace {

namespace fs = std::filesystem;

/// Rooms by path prefix, longest first, and the prefixes of our own headers that each may include.
const std::vector<std::pair<std::string, std::vector<std::string>>> kArrows{
    {"io/cli/", {"clearline/", "engine/", "io/"}},
    {"io/formats/", {"clearline/", "engine/", "io/formats/"}},
    {"io/generate/", {"clearline/", "io/generate/"}},
    {"io/net/", {"clearline/", "engine/", "io/formats/", "io/store/", "io/net/"}},
    {"io/store/", {"clearline/", "engine/", "io/formats/", "io/store/"}},
    {"engine/", {"clearline/", "engine/"}},
    {"include/clearline/", {"clearline/"}},
    {"tests/package/", {"clearline/"}},
    {"tests/", {"clearline/", "engine/", "io/formats/", "io/generate/", "io/net/", "io/store/", "tests/"}},
    {"bench/",
     {"clearline/", "engine/", "io/formats/", "io/generate/", "io/net/", "io/store/", "tests/support/", "bench/"}},
};

/// Libraries by the start of their includes, and the files that may name them. Tests hold them against ours as oracles.
const std::map<std::string, std::vector<std::string>> kLibraries{
    {"simdjson", {"io/formats/utf8.cc", "tests/", "bench/"}},
    {"xxhash", {"engine/hash.h"}},
    {"isa-l", {"io/formats/compression.cc"}},
    {"zstd", {"io/formats/compression.cc", "tests/"}},
    {"zlib", {"tests/"}},
    {"rapidjson/", {"bench/"}},
    {"boost/", {"io/store/change_ids.h", "engine/latency_histogram.cc", "io/net/", "bench/"}},
    {"spdlog/", {"io/net/log.cc"}},
    {"toml", {"io/net/config_file.cc"}},
    {"sqlite3", {"io/store/journal.cc", "io/store/head.cc", "tests/"}},
    {"openssl/", {"io/store/chain.cc", "io/net/clients.cc"}},
    {"oneapi/", {"engine/pipeline.cc"}},
    {"tbb/", {}},
    {"unicode/",
     {"engine/unicode.cc", "io/formats/cp949.cc", "io/formats/key_names.cc", "tests/io/cp949_test.cc",
      "tests/support/reference.cc"}},
    {"CLI/", {"io/cli/verb.cc", "io/cli/usage.cc"}},
    {"fmt/", {"io/cli/", "io/net/", "io/formats/entry_writer.cc"}},
    {"gtest/", {"tests/"}},
    {"benchmark/", {"bench/"}},
};

bool starts_with_any(const std::string& text, const std::vector<std::string>& starts) {
  for (const auto& start : starts) {
    if (text.starts_with(start)) return true;
  }
  return false;
}

std::vector<std::string> complaints(const fs::path& root) {
  std::vector<std::string> found;
  const std::regex include(R"(^\s*#include ([<"])([^>"]+)[>"])");
  const std::regex unfinished("[T]ODO|[F]IXME|[H]ACK");
  for (const std::string room : {"include", "engine", "io", "tests", "bench"}) {
    if (!fs::exists(root / room)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / room)) {
      const std::string path = fs::relative(entry.path(), root).string();
      const std::string extension = entry.path().extension();
      if (extension != ".cc" && extension != ".h") continue;
      const auto complain = [&](int line, const std::string& what) {
        found.push_back(path + ":" + std::to_string(line) + ": " + what);
      };
      if (std::regex_search(path, std::regex("[A-Z -]"))) complain(0, "file names are snake_case");
      std::ifstream file(entry.path());
      std::stringstream whole;
      whole << file.rdbuf();
      const std::string text = whole.str();
      if (text.empty() || text.back() != '\n') complain(0, "does not end with a line end");
      const std::vector<std::string>* may = nullptr;
      for (const auto& [prefix, allowed] : kArrows) {
        if (may == nullptr && path.starts_with(prefix)) may = &allowed;
      }
      int number = 0;
      std::string line;
      while (std::getline(whole, line)) {
        ++number;
        if (line.find('\t') != std::string::npos) complain(number, "tab");
        if (line.ends_with(' ')) complain(number, "trailing blank");
        if (std::regex_search(line, unfinished)) complain(number, "unfinished work");
        std::smatch match;
        if (!std::regex_search(line, match, include)) continue;
        const std::string header = match[2];
        if (match[1] == "\"" && (may == nullptr || !starts_with_any(header, *may)))
          complain(number, "wrong arrow to " + header);
        if (match[1] == "<") {
          for (const auto& [library, files] : kLibraries) {
            if (header.starts_with(library) && !starts_with_any(path, files))
              complain(number, library + " is not named here");
          }
          if (path.starts_with("include/") && header.find('/') != std::string::npos)
            complain(number, "public headers include the standard library only");
        }
      }
    }
  }
  return found;
}

TEST(Tidy, EveryArrowPointsTheRightWay) {
  for (const auto& complaint : complaints(CLEARLINE_SOURCE)) ADD_FAILURE() << complaint;
}

TEST(Tidy, ABrokenArrowIsFound) {
  const TestFolder folder;
  for (const std::string room : {"include", "engine", "io"}) {
    fs::copy(fs::path(CLEARLINE_SOURCE) / room, folder.path(room), fs::copy_options::recursive);
  }
  ASSERT_TRUE(complaints(folder.path("")).empty());
  const auto breaks = [&](const std::string& path, const std::string& line) {
    const std::string before = read_file(folder.path(path));
    folder.write(path, line + "\n" + before);
    EXPECT_EQ(complaints(folder.path("")).size(), 1U) << path << " " << line;
    folder.write(path, before);
  };
  breaks("engine/name.cc", "#include \"io/formats/csv.h\"");
  breaks("include/clearline/code.h", "#include \"engine/text.h\"");
  breaks("io/formats/csv.cc", "#include \"io/store/image.h\"");
  breaks("io/store/image.cc", "#include \"io/cli/progress.h\"");
  breaks("io/generate/people.cc", "#include \"engine/name.h\"");
  breaks("io/store/image.cc", "#include <xxhash.h>");
  breaks("io/formats/ndjson.cc", "#include <simdjson.h>");
  breaks("io/store/chain.cc", "#include <sqlite3.h>");
  breaks("io/store/journal.cc", "#include <openssl/evp.h>");
  breaks("engine/screener.cc", "#include <oneapi/tbb/task_arena.h>");
  breaks("engine/screener.cc",
         "// TO"
         "DO");
  breaks("include/clearline/code.h", "#include <sys/types.h>");
}

#ifdef CLEARLINE_KERNEL_OBJECTS
// One copy of a shared inline function is kept, and it must not be one that some machines cannot run.
TEST(Tidy, KernelFilesShareNothingButWhatTheyAreFor) {
  const std::set<std::string> wanted{"clearline::kAvx2Kernels", "clearline::kAvx512Kernels",
                                     "clearline::scan_json_words_avx2", "clearline::fold_ascii_name_avx512"};
  std::set<std::string> found;
  FILE* const nm = popen(CLEARLINE_NM " -C --defined-only --extern-only " CLEARLINE_KERNEL_OBJECTS " 2>&1", "r");
  ASSERT_NE(nm, nullptr);
  std::string text;
  for (int c = std::fgetc(nm); c != EOF; c = std::fgetc(nm)) text += static_cast<char>(c);
  ASSERT_EQ(pclose(nm), 0) << text;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.back() == ':') continue;  // the name of a file
    const std::string name = line.substr(std::min(line.size(), std::string("0123456789abcdef T ").size()));
    found.insert(name.substr(0, name.find('(')));
  }
  EXPECT_EQ(found, wanted) << "give the others internal linkage: io/formats/kernels.h says why";
}
#endif

}  // namespace
}  // namespace clearline::test
