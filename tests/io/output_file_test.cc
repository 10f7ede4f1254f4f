#include "io/store/output_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "io/formats/utf8.h"
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
    std::filesystem::remove(folder.path("out"));
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

TEST(OutputFile, AReplacedFileKeepsItsMode) {
  const TestFolder folder;
  const mode_t before = umask(022);
  for (const mode_t mode : {0600U, 0640U, 0444U, 0666U}) {
    const std::string path = folder.write("out", "old");
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
    auto file = OutputFile::open(path, FileMode::kUsual);
    ASSERT_TRUE(file.ok() && file->write("new").ok() && file->commit().ok());
    EXPECT_EQ(mode_of(path), mode);
    EXPECT_EQ(read_file(path), "new");
    std::filesystem::remove(path);
  }
  umask(before);
}

TEST(OutputFile, APrivateFileIsPrivateWhateverItReplaces) {
  const TestFolder folder;
  const std::string path = folder.write("out", "old");
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  auto file = OutputFile::open(path, FileMode::kPrivate);
  ASSERT_TRUE(file.ok() && file->commit().ok());
  EXPECT_EQ(mode_of(path), 0600U);
}

TEST(OutputFile, AReplacedFileKeepsItsOwner) {
  if (geteuid() != 0) GTEST_SKIP() << "only root may give files away";
  const TestFolder folder;
  for (const auto mode : {FileMode::kUsual, FileMode::kPrivate}) {
    const std::string path = folder.write("out", "old");
    ASSERT_EQ(chown(path.c_str(), 1234, 5678), 0);
    auto file = OutputFile::open(path, mode);
    ASSERT_TRUE(file.ok() && file->commit().ok());
    struct stat info{};
    ASSERT_EQ(stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, 1234U);
    EXPECT_EQ(info.st_gid, 5678U);
    std::filesystem::remove(path);
  }
}

TEST(OutputFile, AFileThatAStrangerPutWhereAnybodyMayIsGivenNothing) {
  if (geteuid() != 0) GTEST_SKIP() << "only root may make a stranger's file";
  const TestFolder folder;
  ASSERT_EQ(chmod(folder.path("").c_str(), 01777), 0);
  const std::string path = folder.write("out", "bait");
  ASSERT_EQ(chown(path.c_str(), 1234, 5678), 0);
  ASSERT_EQ(chmod(path.c_str(), 0666), 0);
  const mode_t before = umask(022);
  auto file = OutputFile::open(path, FileMode::kUsual);
  ASSERT_TRUE(file.ok() && file->commit().ok());
  umask(before);
  struct stat info{};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 0U);
  EXPECT_EQ(info.st_mode & 0777U, 0644U);
}

TEST(OutputFile, ANameMayBeAsLongAsANameMayBe) {
  const TestFolder folder;
  for (const std::size_t bytes : {230U, 243U, 244U, 250U, 254U, 255U}) {
    std::string name(bytes, 'n');
    for (const bool is_korean : {false, true}) {
      if (is_korean)
        name = name.substr(0, bytes % 3) + [&] {
          std::string text;
          while (text.size() < bytes - bytes % 3) text += "\xed\x95\x9c";
          return text;
        }();
      auto file = OutputFile::open(folder.path(name), FileMode::kUsual);
      ASSERT_TRUE(file.ok()) << bytes << file.status().message();
      ASSERT_TRUE(file->write("x").ok());
      for (const auto& entry : std::filesystem::directory_iterator(folder.path(""))) {
        EXPECT_TRUE(is_utf8(entry.path().filename().string())) << "file systems may want it";
      }
      ASSERT_TRUE(file->commit().ok());
      EXPECT_EQ(read_file(folder.path(name)), "x");
      std::filesystem::remove(folder.path(name));
      auto resumable = OutputFile::open_resumable(folder.path(name), FileMode::kUsual, OutputFile::Part::kNew);
      ASSERT_TRUE(resumable.ok()) << bytes << resumable.status().message();
      ASSERT_TRUE(resumable->commit().ok());
      EXPECT_EQ(folder.file_count(), 1U);
      std::filesystem::remove(folder.path(name));
    }
  }
  EXPECT_EQ(OutputFile::open(folder.path(std::string(256, 'n')), FileMode::kUsual).status().kind(), StatusKind::kOutput)
      << "not only by the rename";
  EXPECT_EQ(folder.file_count(), 0U);
}

TEST(OutputFile, AMissingFolderIsNamedWithHowToMendIt) {
  const TestFolder folder;
  const Status status = OutputFile::open(folder.path("no/such/out"), FileMode::kUsual).status();
  EXPECT_EQ(status.kind(), StatusKind::kOutput);
  EXPECT_NE(status.message().find("its folder " + folder.path("no/such") + " does not exist; make it (mkdir -p)"),
            std::string::npos)
      << status.message();
  ASSERT_EQ(symlink("no/where", folder.path("link").c_str()), 0);
  EXPECT_NE(OutputFile::open(folder.path("link"), FileMode::kUsual).status().message().find("/no does not exist"),
            std::string::npos);
}

TEST(OutputFile, ADescriptorOfAnotherProcessIsWrittenStraight) {
  const TestFolder folder;
  const std::string path = folder.write("out", "old\n");
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  std::array<int, 2> held{};
  ASSERT_EQ(pipe2(held.data(), O_CLOEXEC), 0);
  const pid_t other = fork();
  if (other == 0) {
    char byte = 0;
    close(held[1]);
    (void)!read(held[0], &byte, 1);
    _exit(0);
  }
  close(held[0]);
  struct stat before{};
  ASSERT_EQ(stat(path.c_str(), &before), 0);
  const std::string process = "/proc/" + std::to_string(other);
  const std::string name = "/fd/" + std::to_string(fd);
  ASSERT_EQ(symlink((process + name).c_str(), folder.path("link").c_str()), 0);
  ASSERT_EQ(symlink((process + "/fd").c_str(), folder.path("folder").c_str()), 0);
  for (const std::string& named : {process + name, process + "/task/" + std::to_string(other) + name,
                                   folder.path("link"), folder.path("folder/") + std::to_string(fd)}) {
    auto file = OutputFile::open(named, FileMode::kPrivate);
    ASSERT_TRUE(file.ok()) << named << file.status().message();
    EXPECT_TRUE(file->is_straight()) << named;
    ASSERT_TRUE(file->write("new\n").ok() && file->commit().ok());
    EXPECT_EQ(OutputFile::open_resumable(named, FileMode::kUsual, OutputFile::Part::kNew).status().kind(),
              StatusKind::kUsage);
  }
  struct stat after{};
  ASSERT_EQ(stat(path.c_str(), &after), 0);
  EXPECT_EQ(after.st_ino, before.st_ino);
  EXPECT_EQ(after.st_mode, before.st_mode);
  EXPECT_EQ(read_file(path), "old\nnew\nnew\nnew\nnew\n");
  close(held[1]);
  close(fd);
  waitpid(other, nullptr, 0);
}

TEST(OutputFile, APartThatIsNotKnownIsNeverTouched) {
  const TestFolder folder;
  folder.write("out.part", "another program's");
  const auto refused =
      OutputFile::open_resumable(folder.path("out"), FileMode::kUsual, OutputFile::Part::kNew).status();
  EXPECT_EQ(refused.kind(), StatusKind::kOutput);
  EXPECT_NE(refused.message().find("out.part: error: "), std::string::npos) << refused.message();
  EXPECT_EQ(read_file(folder.path("out.part")), "another program's");
  std::filesystem::remove(folder.path("out.part"));
  ASSERT_EQ(mkfifo(folder.path("out.part").c_str(), 0600), 0);
  EXPECT_EQ(OutputFile::open_resumable(folder.path("out"), FileMode::kUsual, OutputFile::Part::kFound).status().kind(),
            StatusKind::kOutput)
      << "a pipe must not hang it";
}

TEST(OutputFile, ANamedDescriptorIsWrittenStraightAndTheFileBehindItStays) {
  const TestFolder folder;
  const std::string path = folder.write("out", "old\n");
  struct stat before{};
  ASSERT_EQ(stat(path.c_str(), &before), 0);
  for (const std::string& start :
       {std::string("/dev/fd/"), std::string("/proc/self/fd/"), std::string("/proc/thread-self/fd/"),
        "/proc/" + std::to_string(getpid()) + "/fd/"}) {
    const int fd = open(path.c_str(), O_WRONLY | O_APPEND);
    auto file = OutputFile::open(start + std::to_string(fd), FileMode::kPrivate);
    ASSERT_TRUE(file.ok() && file->write("new\n").ok() && file->commit().ok());
    EXPECT_EQ(OutputFile::open_resumable(start + std::to_string(fd), FileMode::kUsual, OutputFile::Part::kNew)
                  .status()
                  .kind(),
              StatusKind::kUsage);
    close(fd);
    EXPECT_EQ(OutputFile::open(start + std::to_string(fd), FileMode::kUsual).status().kind(), StatusKind::kOutput);
  }
  struct stat after{};
  ASSERT_EQ(stat(path.c_str(), &after), 0);
  EXPECT_EQ(after.st_ino, before.st_ino);
  EXPECT_EQ(after.st_mode, before.st_mode);
  EXPECT_EQ(read_file(path), "old\nnew\nnew\nnew\nnew\n");
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
