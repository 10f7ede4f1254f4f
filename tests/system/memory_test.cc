// Memory of a run: what the pool of blocks takes, whatever the size of the input.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "tests/support/files.h"
#include "tests/support/process.h"

namespace clearline::test {
namespace {

constexpr std::size_t kMib = std::size_t{1} << 20;
constexpr std::size_t kSmallBytes = 4 * kMib;
constexpr std::size_t kLargeBytes = 64 * kMib;

/// How much more a run may take than another: all that is touched as blocks come, at `-j 2`.
///   tokens    2 j + 2 = 6 of a block of 256 KiB and its verdicts; half as much again in a buffer that grew by doubling
///   decoders  j = 2, a block each: a place (4 bytes), a byte and room to unescape for each byte of the block, and 3 bits
///   screeners j = 2 of some 300 KiB
/// Both inputs have blocks enough for all of it, so that the difference should be what malloc and chance make of it.
constexpr std::size_t kBlock = std::size_t{256} << 10;
constexpr std::size_t kBoundBytes =
    6 * (kBlock + kBlock + kBlock / 2) + 2 * (6 * kBlock + 3 * kBlock / 8) + 2 * (std::size_t{300} << 10);
static_assert(kSmallBytes >= 12 * kBlock);
static_assert(kBoundBytes < (kLargeBytes - kSmallBytes) / 4, "a run that kept a part of its input would be seen");

/// The memory of this process now: a process that it starts never reports less.
std::size_t own_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t all = 0;
  std::size_t resident = 0;
  file >> all >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

class Memory : public testing::TestWithParam<std::string> {
 protected:
  void run(const std::vector<std::string>& arguments) { ASSERT_EQ(run_clearline(arguments).exit_code, 0); }

  /// A file of some made-up declarations over and over.
  std::string repeated(const std::string& lines, std::size_t header_bytes, std::size_t bytes) const {
    const std::string path = folder.path("day." + GetParam());
    std::ofstream file(path, std::ios::binary);
    file.write(lines.data(), static_cast<std::streamsize>(header_bytes));
    for (std::size_t size = 0; size < bytes; size += lines.size() - header_bytes) {
      file.write(lines.data() + header_bytes, static_cast<std::streamsize>(lines.size() - header_bytes));
    }
    return path;
  }
  std::size_t peak_bytes(const std::string& input) const {
    const auto result =
        run_clearline({"screen", input, "-r", folder.path("r.img"), "-o", folder.path("v.ndjson"), "-j", "2"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return static_cast<std::size_t>(result.peak_kib) << 10;
  }

  TestFolder folder;
};

TEST_P(Memory, DoesNotDependOnTheSizeOfTheInput) {
  if (CLEARLINE_SANITIZED != 0) {
    GTEST_SKIP() << "sanitizers keep what is freed, and a shadow of all that was ever touched";
  }
  run({"generate", "registry", "--count", "3000", "-o", folder.path("r.csv")});
  run({"registry", "build", folder.path("r.csv"), "-o", folder.path("r.img")});
  const std::string made = folder.path("made." + GetParam());
  run({"generate", "declarations", "--registry-count", "3000", "--count", "2000", "-o", made});
  const std::string lines = read_file(made);
  const std::size_t header_bytes = GetParam() == "csv" ? lines.find('\n') + 1 : 0;

  const std::size_t small = peak_bytes(repeated(lines, header_bytes, kSmallBytes));
  const std::size_t large = peak_bytes(repeated(lines, header_bytes, kLargeBytes));
  EXPECT_LT(large, small + kBoundBytes) << "small: " << small << ", bound: " << kBoundBytes;
  ASSERT_LT(own_bytes() + kBoundBytes, kLargeBytes - kSmallBytes)
      << "this process is so large that a run which kept its input would not stand out";
}

INSTANTIATE_TEST_SUITE_P(Of, Memory, testing::Values("ndjson", "csv"), [](const auto& format) { return format.param; });

}  // namespace
}  // namespace clearline::test
