// The built program is as hard as CMakeLists.txt asks for: what compiler and linker made of its flags, as readelf shows it.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <regex>
#include <string>

namespace clearline::test {
namespace {

std::string read_elf(const std::string& options, const std::string& file) {
  const std::string command = std::string(CLEARLINE_READELF) + " -W " + options + " '" + file + "' 2>&1";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string text;
  if (!pipe) return text;
  std::array<char, 65'536> piece{};
  for (std::size_t got = 0; (got = std::fread(piece.data(), 1, piece.size(), pipe.get())) != 0;) {
    text.append(piece.data(), got);
  }
  return text;
}

bool has(const std::string& text, const char* pattern) { return std::regex_search(text, std::regex(pattern)); }

class Hardening : public testing::Test {
 protected:
  void SetUp() override {
    if (CLEARLINE_SANITIZED != 0) GTEST_SKIP() << "sanitizers have flags of their own";
  }
  // CLEARLINE_HARDENING_OF: another program than the one that is tested, such as the one that is shipped.
  static std::string program() {
    const char* other = std::getenv("CLEARLINE_HARDENING_OF");  // NOLINT(concurrency-mt-unsafe): there is one thread
    return other == nullptr ? CLEARLINE_PROGRAM : other;
  }
};

TEST_F(Hardening, AddressesAreRandomAndTheirTableIsReadOnly) {
  const std::string text = read_elf("-h -l -d", program());
  EXPECT_TRUE(has(text, "Type: +DYN")) << text;
  EXPECT_TRUE(has(text, "FLAGS_1.*PIE"));
  EXPECT_TRUE(has(text, "GNU_RELRO"));
  EXPECT_TRUE(has(text, "BIND_NOW|FLAGS_1.*NOW")) << "full RELRO";
  EXPECT_TRUE(has(text, "GNU_STACK +(0x[0-9a-f]+ +){5}RW +")) << "no code on the stack";
}

TEST_F(Hardening, StacksAndBuffersOfKnownSizeAreChecked) {
  const std::string text = read_elf("--dyn-syms", program());
  EXPECT_TRUE(has(text, "UND __stack_chk_fail"));
  EXPECT_TRUE(has(text, "UND __(?!stack_)[a-z]+_chk")) << "FORTIFY";
}

TEST_F(Hardening, EveryFileOfOursMarksWhereABranchMayGo) {
#if defined(__x86_64__)
  // The program itself has no such mark as long as one start file of the system lacks it.
  for (const char* archive : {CLEARLINE_ENGINE_ARCHIVE, CLEARLINE_IO_ARCHIVE, CLEARLINE_NET_ARCHIVE}) {
    const std::string text = read_elf("-n", archive);
    const std::regex file("File: [^\n]*");
    auto at = std::sregex_iterator(text.begin(), text.end(), file);
    EXPECT_NE(at, std::sregex_iterator()) << archive;
    for (; at != std::sregex_iterator(); ++at) {
      const auto begin = static_cast<std::size_t>(at->position());
      const std::string notes = text.substr(begin, text.find("\nFile: ", begin) - begin);
      EXPECT_TRUE(has(notes, "IBT, SHSTK")) << at->str();
    }
  }
#else
  GTEST_SKIP() << "other processors have other marks";
#endif
}

}  // namespace
}  // namespace clearline::test
