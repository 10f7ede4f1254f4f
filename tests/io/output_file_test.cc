#include "io/store/output_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "tests/support/files.h"

namespace clearline {
namespace {

using test::read_file;
using test::TestFolder;

mode_t mode_of(const std::string& path) {
  struct stat info{};
  return stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
}

TEST(OutputFile, AppearsWholeAtTheCommitAndNotBefore) {
  const TestFolder folder;
  const std::string path = folder.write("out", "old");
  auto file = OutputFile::open(path, FileMode::kUsual);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file->write("new").ok());
  EXPECT_EQ(read_file(path), "old");
  ASSERT_TRUE(file->commit().ok());
  EXPECT_EQ(read_file(path), "new");
  EXPECT_EQ(folder.file_count(), 1U);
}

TEST(OutputFile, WithoutACommitNothingIsLeft) {
  const TestFolder folder;
  {
    auto file = OutputFile::open(folder.path("out"), FileMode::kPrivate);
    ASSERT_TRUE(file.ok() && file->write("x").ok());
    EXPECT_EQ(folder.file_count(), 1U) << "the temporary";
    for (const auto& entry : std::filesystem::directory_iterator(folder.path("")))
      EXPECT_EQ(mode_of(entry.path()), 0600U);
  }
  EXPECT_EQ(folder.file_count(), 0U);
}

TEST(OutputFile, ModeIsPrivateOrAsTheUmaskSays) {
  const TestFolder folder;
  const mode_t before = umask(027);
  for (const auto mode : {FileMode::kPrivate, FileMode::kUsual}) {
    auto file = OutputFile::open(folder.path("out"), mode);
    ASSERT_TRUE(file.ok() && file->commit().ok());
    EXPECT_EQ(mode_of(folder.path("out")), mode == FileMode::kPrivate ? 0600U : 0640U);
  }
  umask(before);
}

TEST(OutputFile, WrittenDirectlyHoldsTheSameBytes) {
  const TestFolder folder;
  // Whole pages go directly; an odd size, and odd places behind it, do not and must not show.
  struct alignas(OutputFile::kDirectBytes) Memory {
    std::array<char, 10 * OutputFile::kDirectBytes> bytes;
  };
  const auto memory = std::make_unique<Memory>();
  for (std::size_t i = 0; i < memory->bytes.size(); ++i) memory->bytes[i] = static_cast<char>(i * 7 + i / 251);
  auto file = OutputFile::open(folder.path("out"), FileMode::kPrivate);
  ASSERT_TRUE(file.ok());
  file->write_directly();
  std::string expected;
  for (const auto& [begin, size] : {std::pair<std::size_t, std::size_t>{0, 8 * 4096},
                                    {4096, 4096},
                                    {1, 4096},
                                    {4096, 5'000},
                                    {0, 0},
                                    {8192, 4096},
                                    {17, 13}}) {
    const std::string_view piece(memory->bytes.data() + begin, size);
    ASSERT_TRUE(file->write(piece).ok());
    expected += piece;
  }
  ASSERT_TRUE(file->commit().ok());
  EXPECT_TRUE(read_file(folder.path("out")) == expected);
}

TEST(OutputFile, ALinkKeepsPointing) {
  const TestFolder folder;
  folder.write("target", "old");
  ASSERT_EQ(symlink("target", folder.path("link").c_str()), 0);
  auto file = OutputFile::open(folder.path("link"), FileMode::kUsual);
  ASSERT_TRUE(file.ok() && file->write("new").ok() && file->commit().ok());
  EXPECT_EQ(read_file(folder.path("target")), "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder.path("link")));
}

TEST(OutputFile, ALinkToAFileThatIsNotThereYetKeepsPointingToo) {
  const TestFolder folder;
  std::filesystem::create_directory(folder.path("in"));
  ASSERT_EQ(symlink("in/second", folder.path("first").c_str()), 0);
  ASSERT_EQ(symlink("target", folder.path("in/second").c_str()), 0);
  auto file = OutputFile::open(folder.path("first"), FileMode::kUsual);
  ASSERT_TRUE(file.ok() && file->write("new").ok() && file->commit().ok());
  EXPECT_TRUE(std::filesystem::is_symlink(folder.path("first")));
  EXPECT_TRUE(std::filesystem::is_symlink(folder.path("in/second")));
  EXPECT_EQ(read_file(folder.path("in/target")), "new");
}

TEST(OutputFile, LinksInACircleAreAnOutputError) {
  const TestFolder folder;
  ASSERT_EQ(symlink("b", folder.path("a").c_str()), 0);
  ASSERT_EQ(symlink("a", folder.path("b").c_str()), 0);
  const Status status = [&] {
    auto file = OutputFile::open(folder.path("a"), FileMode::kUsual);
    return file.ok() ? file->commit() : file.status();
  }();
  EXPECT_EQ(status.kind(), StatusKind::kOutput);
  EXPECT_EQ(folder.file_count(), 2U);
}

TEST(OutputFile, AFullDeviceIsAnOutputErrorWithItsPlace) {
  auto file = OutputFile::open("/dev/full", FileMode::kUsual);
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE(file->is_straight());
  const Status status = file->write("x");
  EXPECT_EQ(status.kind(), StatusKind::kOutput);
  EXPECT_NE(status.message().find("/dev/full"), std::string::npos);
  EXPECT_FALSE(file->pipe_closed());
}

TEST(OutputFile, AFixedTemporaryTakesThePlaceOfOneThatWasLeft) {
  const TestFolder folder;
  const std::string path = folder.write("out", "old");
  const std::string other = folder.write("other", "kept");
  const std::string temporary = folder.path("out.tmp");
  for (const bool is_link : {false, true}) {
    if (is_link) {
      ASSERT_EQ(symlink("other", temporary.c_str()), 0);
    } else {
      folder.write("out.tmp", "left by a killed run, and longer than what comes");
    }
    auto file = OutputFile::open_through(temporary, path);
    ASSERT_TRUE(file.ok() && file->write("new").ok());
    EXPECT_EQ(mode_of(temporary), 0600U);
    ASSERT_TRUE(file->commit().ok());
    EXPECT_EQ(read_file(path), "new");
    EXPECT_EQ(folder.file_count(), 2U);
  }
  EXPECT_EQ(read_file(other), "kept");
}

TEST(OutputFile, ANamedDescriptorIsWrittenStraightAndTheFileBehindItStays) {
  const TestFolder folder;
  const std::string path = folder.write("out", "old\n");
  struct stat before{};
  ASSERT_EQ(stat(path.c_str(), &before), 0);
  for (const std::string start : {"/dev/fd/", "/proc/self/fd/"}) {
    const int fd = open(path.c_str(), O_WRONLY | O_APPEND);
    auto file = OutputFile::open(start + std::to_string(fd), FileMode::kPrivate);
    ASSERT_TRUE(file.ok() && file->write("new\n").ok() && file->commit().ok());
    EXPECT_EQ(OutputFile::open_resumable(start + std::to_string(fd), FileMode::kUsual).status().kind(),
              StatusKind::kUsage);
    close(fd);
    EXPECT_EQ(OutputFile::open(start + std::to_string(fd), FileMode::kUsual).status().kind(), StatusKind::kOutput);
  }
  struct stat after{};
  ASSERT_EQ(stat(path.c_str(), &after), 0);
  EXPECT_EQ(after.st_ino, before.st_ino);
  EXPECT_EQ(after.st_mode, before.st_mode);
  EXPECT_EQ(read_file(path), "old\nnew\nnew\n");
  EXPECT_EQ(folder.file_count(), 1U);
}

TEST(OutputFile, ADescriptorOfTheProgramItselfIsNoOutput) {
  const TestFolder folder;
  const int own = open(folder.write("own", "").c_str(), O_WRONLY | O_CLOEXEC);
  EXPECT_EQ(OutputFile::open("/dev/fd/" + std::to_string(own), FileMode::kUsual).status().kind(), StatusKind::kOutput);
  close(own);
}

TEST(OutputFile, PendingOnesCanBeRemovedByASignalHandler) {
  const TestFolder folder;
  auto file = OutputFile::open(folder.path("out"), FileMode::kUsual);
  ASSERT_TRUE(file.ok());
  remove_pending_output_files();
  EXPECT_EQ(folder.file_count(), 0U);
}

}  // namespace
}  // namespace clearline
