#include "io/store/image.h"

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <functional>

#include "clearline/screener.h"
#include "engine/hash.h"
#include "tests/support/files.h"
#include "tests/support/forged_image.h"
#include "tests/support/live_directory.h"
#include "tests/support/live_registry.h"
#include "tests/support/random_input.h"
#include "tests/support/screening.h"

namespace clearline {
namespace {

using test::TestFolder;

class Image : public testing::Test {
 protected:
  Image() : people(test::RandomInput(3).people()), path(folder.path("r.img")) {
    EXPECT_TRUE(write_image(test::make_registry(people), path).ok());
    bytes = test::read_file(path);
  }
  void refused(const std::string& damaged, const std::string& what) {
    const std::string other = folder.write("damaged.img", damaged);
    const auto registry = read_image(other);
    ASSERT_FALSE(registry.ok()) << what;
    ASSERT_EQ(registry.status().kind(), StatusKind::kRegistry) << what;
    ASSERT_NE(registry.status().message().find("damaged.img"), std::string::npos);
  }

  TestFolder folder;
  std::vector<reference::Registered> people;
  std::string path;
  std::string bytes;
};

TEST_F(Image, GivesBackEveryEntry) {
  const Registry built = test::make_registry(people);
  const auto read = read_image(path);
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->size(), people.size());
  EXPECT_EQ(read->table().content_fault(), std::nullopt);
  for (const auto& person : people)
    EXPECT_EQ(read->find(*parse_code(person.code)), built.find(*parse_code(person.code)));
  const auto info = read_image_info(path);
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->shape.entry_count, people.size());
  EXPECT_EQ(info->file_bytes, bytes.size());
}

TEST_F(Image, IsTheSameWhateverTheThreads) {
  // More than one block of checksums.
  RegistryBuilder builder(RegistryKey{4}, {});
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    Entry entry;
    entry.code = Code{i};
    entry.name = "KIM A" + std::to_string(i);
    builder.add(entry);
  }
  const auto outcome = builder.build(RegistryBuilder::OnDuplicate::kRefuse);
  ASSERT_TRUE(write_image(*outcome.registry, path).ok());
  const std::string expected = test::read_file(path);
  ASSERT_GT(expected.size(), std::size_t{3} << 20);
  for (const int threads : {2, 5}) {
    ASSERT_TRUE(write_image(*outcome.registry, path, threads).ok());
    EXPECT_TRUE(test::read_file(path) == expected) << threads << " threads";
  }
  EXPECT_TRUE(read_image(path).ok());
}

TEST_F(Image, OfASnapshotHoldsItsSeqAndNoMore) {
  auto live = read_image(path, Growth::kInPlace);
  ASSERT_TRUE(live.ok());
  RegistryWriter writer(live->mutable_table());
  Entry entry;
  for (std::uint64_t i = 0; i < 50'000; ++i) {  // more than one block of each section, and segments that have moved
    entry.code = Code{i % 40'000};
    entry.name = "KIM A" + std::to_string(i);
    test::change(writer, {entry});
  }
  RegistrySnapshot snapshot(writer);
  entry.code = Code{kCodeEnd - 1};
  test::change(writer, {entry});
  entry.code = Code{1};
  test::change(writer, {entry});
  const std::string other = folder.path("other.img");
  const Status written = write_image(snapshot, {{1, 2, 3}, 1'764'550'800'000'000}, other, folder.path("part"));
  ASSERT_TRUE(written.ok()) << written.message();
  snapshot.end();
  const auto read = read_image(other);
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->table().content_fault(), std::nullopt);
  EXPECT_EQ(read->seq(), 50'000U);
  EXPECT_EQ(read->table().shape().chain[2], 3);
  EXPECT_EQ(read->table().shape().effective_us, 1'764'550'800'000'000);
  EXPECT_EQ(read->size(), live->size() - 1);
  EXPECT_FALSE(read->find(Code{kCodeEnd - 1}));
  EXPECT_EQ(read->find(Code{1})->name, "KIM A40001");
  for (const auto& person : people) {
    if (parse_code(person.code)->digits >= 40'000) {
      EXPECT_EQ(read->find(*parse_code(person.code)), live->find(*parse_code(person.code)));
    }
  }
  EXPECT_LT(read->table().texts().size(), live->table().texts().size()) << "without what changes left behind";
}

TEST_F(Image, IsReadableByItsOwnerOnly) {
  struct stat info{};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(Image, EveryFlippedByteIsRefused) {
  // Every byte of the header and of the checksum table; then a spread over the sections and their paddings.
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < 8192; ++i) places.push_back(i);
  for (std::size_t i = 8192; i < bytes.size(); i += 397) places.push_back(i);
  for (std::size_t i = bytes.size() - 64; i < bytes.size(); ++i) places.push_back(i);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const auto put = [&](std::size_t place, char byte) {
    file.seekp(static_cast<std::streamoff>(place)).put(byte).flush();
  };
  for (const std::size_t place : places) {
    put(place, static_cast<char>(bytes[place] ^ (1 << place % 8)));
    const auto registry = read_image(path);
    ASSERT_FALSE(registry.ok()) << "byte " << place;
    ASSERT_EQ(registry.status().kind(), StatusKind::kRegistry) << "byte " << place;
    put(place, bytes[place]);
  }
  EXPECT_TRUE(read_image(path).ok());
}

TEST_F(Image, EveryTruncationAndAppendedByteIsRefused) {
  for (std::size_t size = 0; size < bytes.size(); size += size < 8192 ? 31 : 4093)
    refused(bytes.substr(0, size), std::to_string(size));
  refused(bytes + '\0', "appended");
}

TEST_F(Image, ForgedSizesAreRefusedBeforeAnythingIsAllocated) {
  // A header whose checksum is right, as a forger would make it.
  for (const std::size_t place : {72U, 80U}) {
    std::string forged = bytes;
    const std::uint64_t huge = std::uint64_t{1} << 45;
    std::memcpy(forged.data() + place, &huge, sizeof huge);
    const std::uint64_t checksum = checksum64(forged.data(), 4088);
    std::memcpy(forged.data() + 4088, &checksum, sizeof checksum);
    refused(forged, std::to_string(place));
  }
}

TEST_F(Image, NewerVersionForeignFileAndFolderAreToldApart) {
  std::string newer = bytes;
  newer[8] = kImageVersion + 1;
  EXPECT_NE(read_image(folder.write("n.img", newer)).status().message().find("image version 3"), std::string::npos);
  EXPECT_NE(
      read_image(folder.write("f.img", std::string(9000, 'x'))).status().message().find("is not a clearline image"),
      std::string::npos);
  EXPECT_NE(read_image(folder.path("")).status().message().find("is a directory"), std::string::npos);
  EXPECT_NE(read_image(folder.path("none")).status().message().find("cannot open"), std::string::npos);
}

TEST_F(Image, ThatIsOfAnotherVersionOrMissingIsNotCalledDamaged) {
  const auto fault_of = [&](const std::string& image) {
    ImageFault fault{};
    EXPECT_FALSE(read_image(image, Growth::kNone, fault).ok());
    return fault;
  };
  std::string newer = bytes;
  newer[8] = kImageVersion + 1;
  EXPECT_EQ(fault_of(folder.write("n.img", newer)), ImageFault::kUnreadable);
  EXPECT_EQ(fault_of(folder.path("none")), ImageFault::kMissing);
  EXPECT_EQ(fault_of(folder.write("f.img", std::string(9000, 'x'))), ImageFault::kDamaged);
  EXPECT_EQ(fault_of(folder.write("c.img", bytes.substr(0, 5000))), ImageFault::kDamaged);
  std::string flipped = bytes;
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  EXPECT_EQ(fault_of(folder.write("b.img", flipped)), ImageFault::kDamaged);
}

/// From here on reads of this process at an offset of a file fail as those of a bad disk do.
bool break_disk_at(std::uint32_t offset) {
  const auto word = [](std::size_t at) { return static_cast<std::uint32_t>(at); };
  std::array<sock_filter, 7> filter{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, word(offsetof(seccomp_data, nr))),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pread64, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, word(offsetof(seccomp_data, args) + 3 * sizeof(std::uint64_t))),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, offset, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/// 0: the image is refused for the disk, 2: a disk cannot be made bad here.
int read_from_bad_disk(const std::string& path, std::uint32_t offset) {
  if (!break_disk_at(offset)) return 2;
  ImageFault fault{};
  const auto registry = read_image(path, Growth::kNone, fault);
  const bool is_right = !registry.ok() && fault == ImageFault::kUnreadable &&
                        registry.status().message().find("Input/output error; check its disk") != std::string::npos &&
                        registry.status().message().find("damaged") == std::string::npos;
  if (!is_right) std::fprintf(stderr, "%s\n", registry.ok() ? "read" : registry.status().message().c_str());
  return is_right ? 0 : 1;
}

TEST_F(Image, ThatTheDiskDoesNotGiveIsNotCalledDamaged) {
  if (CLEARLINE_SANITIZED != 0) GTEST_SKIP() << "sanitizers read files of their own";
  // The header, the table of checksums, the first section.
  for (const std::uint32_t offset : {0U, 4096U, 8192U}) {
    EXPECT_EXIT(
        _exit(read_from_bad_disk(path, offset)),
        [](int status) { return WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 2); }, "")
        << offset;
  }
}

/// An image of two entries, the second of which is forged by `forge`, which gets the bytes from its Hangul name on.
std::string forged_image(const TestFolder& folder, const std::function<void(char*)>& forge) {
  RegistryBuilder builder(RegistryKey{9}, {});
  Entry entry;
  entry.code = Code{1};
  entry.name = "LEE B";
  builder.add(entry);
  entry.code = Code{2};
  entry.name_ko = "김가나";
  entry.name = "KIM A";
  entry.phone = "+4912345";
  entry.issued = kDateMax;
  entry.zips = {1, 2, 99'999};
  builder.add(entry);
  const std::string made = folder.path("made.img");
  EXPECT_TRUE(write_image(*builder.build(RegistryBuilder::OnDuplicate::kRefuse).registry, made).ok());
  std::string bytes = test::read_file(made);
  const std::size_t at = bytes.find(entry.name_ko);
  EXPECT_NE(at, std::string::npos);
  forge(bytes.data() + at);
  test::forge_checksums(bytes);
  return folder.write("forged.img", bytes);
}

TEST_F(Image, AnImpossibleEntryUnderRightChecksumsIsNotBelieved) {
  // flags, size | 9 bytes | size, KIM A | 4 bytes of issued | size, phone | count, zip
  const auto forged = [&](const char* what, const std::function<void(char*)>& forge) {
    const auto registry = read_image(forged_image(folder, forge));
    ASSERT_TRUE(registry.ok()) << what;
    EXPECT_EQ(registry->find(Code{2}), std::nullopt) << what;
    EXPECT_TRUE(registry->find(Code{1}).has_value()) << what;
    EXPECT_TRUE(registry->table().content_fault().has_value()) << what;
  };
  {
    const auto registry = read_image(forged_image(folder, [](char*) {}));
    ASSERT_TRUE(registry.ok() && registry->find(Code{2}).has_value());
    EXPECT_EQ(registry->table().content_fault(), std::nullopt);
  }
  forged("name_ko is no UTF-8", [](char* text) { text[4] = '\xFF'; });
  forged("name is no UTF-8", [](char* text) { text[12] = '\xC0'; });
  forged("issued is no date", [](char* text) { text[18] = '\x7F'; });
  forged("phone is no UTF-8", [](char* text) { text[21] = '\x80'; });
  forged("a zip of six digits", [](char* text) { text[31] = '\x7F'; });
  forged("more than 20 zips", [](char* text) { text[28] = 19; });
  forged("replaced_by without replaced", [](char* text) { text[-2] = static_cast<char>(text[-2] | 8); });
  forged("no phone where the rows say that there is one",
         [](char* text) { text[-2] = static_cast<char>(text[-2] & ~16); });
  forged("an unknown flag", [](char* text) { text[-2] = static_cast<char>(text[-2] | 64); });
  forged("a size beyond all texts", [](char* text) { std::memcpy(text - 1, "\xFF\xFF\xFF\x7F", 4); });
}

// A code whose entry cannot be read is not unknown: issued anew, it would be usable again.
TEST_F(Image, AnEntryThatCannotBeReadIsNotIssuedAnew) {
  const std::string forged = forged_image(folder, [](char* text) { text[18] = '\x7F'; });
  const std::string directory = folder.path("live");
  ASSERT_TRUE(RegistryStore::create(directory, forged).ok());
  auto store = RegistryStore::open(directory);
  ASSERT_TRUE(store.ok()) << store.status().message();
  Change issue = test::make_change(ChangeOp::kIssue, 2, "i");
  issue.name = "PARK C";
  EXPECT_EQ(test::apply_changes(**store, issue).error, ChangeError::kReadOnly);
  Change reissue = test::make_change(ChangeOp::kReissue, 1, "r");
  reissue.new_code = Code{2};
  EXPECT_EQ(test::apply_changes(**store, reissue).error, ChangeError::kReadOnly);
  EXPECT_FALSE(test::apply_changes(**store, test::make_change(ChangeOp::kSuspend, 1, "s")).error);
  EXPECT_EQ((*store)->registry().seq(), 1U);
  const RegistryDirectory read(directory);
  EXPECT_EQ(read.verify().status().kind(), StatusKind::kRegistry);
  EXPECT_FALSE(read.read_history(Code{2}, [](const JournalRow&) { return Status(); }).ok());
}

/// An image as version 1 wrote it: `made` with other texts of the same letters, the checksums right.
std::string former_image(std::string made, std::initializer_list<std::pair<std::string, std::string>> texts) {
  for (const auto& [text, other] : texts) {
    const std::size_t at = made.find(text);
    EXPECT_NE(at, std::string::npos);
    made.replace(at, other.size(), other);
  }
  made[8] = 1;
  test::forge_checksums(made);
  return made;
}

TEST_F(Image, OfTheVersionBeforeIsReadByTheRulesOfToday) {
  std::vector<reference::Registered> registered(4);
  for (std::size_t i = 0; i < registered.size(); ++i) {
    registered[i].code = "P00000000000" + std::to_string(i);
    registered[i].zips = {"04524"};
  }
  registered[0].name = "KIM MINSU";
  registered[1].name_ko = "홍 동";
  registered[2].name = "XX. KIM MINSU";
  registered[3].name = "LEE HANA";
  ASSERT_TRUE(write_image(test::make_registry(registered), path).ok());
  const auto read = read_image(
      folder.write("former.img",
                   former_image(test::read_file(path),
                                {{"KIM MINSU", "KIM?MINSU"}, {"홍 동", "홍?동"}, {"XX. KIM MINSU", "MR. KIM MINSU"}})));
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->table().content_fault(), std::nullopt);
  EXPECT_EQ(read->find(Code{0})->name, "KIM?MINSU");
  EXPECT_EQ(read->find(Code{1})->name_ko, "홍?동");
  const Policy policy = standard_policy();
  Screener screener(*read, policy, parse_date("2026-01-15").value());
  const auto check = [&](const char* code, const char* name) {
    const Declaration declaration{code, name, "04524", "", {}};
    Verdict verdict;
    screener.screen({&declaration, 1}, {&verdict, 1});
    return verdict.name;
  };
  for (const char* name : {"KIM MINSU", "KIM?MINSU", "MINSU KIM"}) {
    EXPECT_EQ(check("P000000000000", name), ItemCheck::kMismatch) << name;
  }
  for (const char* name : {"홍동", "홍 동", "홍?동"})
    EXPECT_EQ(check("P000000000001", name), ItemCheck::kMismatch) << name;
  EXPECT_EQ(check("P000000000002", "KIM MINSU"), ItemCheck::kSame);
  EXPECT_EQ(check("P000000000002", "MR MINSU KIM"), ItemCheck::kSameGivenFirst);
  EXPECT_EQ(check("P000000000003", "HANA LEE"), ItemCheck::kSameGivenFirst);
}

TEST_F(Image, ThatCannotBeWrittenLeavesTheOldOne) {
  EXPECT_EQ(write_image(test::make_registry({}), folder.path("no/such/folder.img")).kind(), StatusKind::kOutput);
  EXPECT_EQ(test::read_file(path), bytes);
}

}  // namespace
}  // namespace clearline
