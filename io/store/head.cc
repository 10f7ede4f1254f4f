// With journal.cc the only file that knows SQLite: here as the door to files, no database.
#include "io/store/head.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "engine/hash.h"
#include "io/formats/errno_words.h"
#include "io/store/folders.h"

namespace clearline {
namespace {

static_assert(std::endian::native == std::endian::little, "slots are little-endian, and so is every machine we run on");

constexpr std::array<char, 8> kMagic{'C', 'L', 'R', 'L', 'H', 'E', 'A', 'D'};
constexpr std::size_t kSlotBytes = 512;
constexpr std::int64_t kSlotDistance = 4096;

/// As it lies on disk.
struct Slot {
  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint32_t incarnation;
  std::array<std::uint8_t, 16> uuid;
  std::uint64_t seq;
  std::uint64_t turn;
  Chain chain;
  std::array<std::uint8_t, 424> zeros;
  std::uint64_t checksum;
};
static_assert(sizeof(Slot) == kSlotBytes && offsetof(Slot, chain) == 48 && offsetof(Slot, checksum) == 504);

std::uint64_t checksum_of(const Slot& slot) { return checksum64(&slot, offsetof(Slot, checksum)); }

Slot make_slot(const HeadRecord& record, std::uint64_t turn) {
  Slot slot{};
  slot.magic = kMagic;
  slot.version = kHeadVersion;
  slot.incarnation = record.identity.incarnation;
  slot.uuid = record.identity.uuid;
  slot.seq = record.seq;
  slot.turn = turn;
  slot.chain = record.chain;
  slot.checksum = checksum_of(slot);
  return slot;
}

HeadRecord record_of(const Slot& slot) { return {{slot.uuid, slot.incarnation}, slot.seq, slot.chain}; }

std::string words_of(int code, int system_error, const std::string& path) {
  if ((code & 0xff) == SQLITE_FULL) return errno_words(ENOSPC);
  if (system_error != 0) return errno_words(system_error, path);
  return std::string(sqlite3_errstr(code)) + "; check the file, its folder and their disk";
}

/// A file of an SQLite VFS.
class VfsFile {
 public:
  VfsFile() = default;
  VfsFile(const VfsFile&) = delete;
  VfsFile& operator=(const VfsFile&) = delete;
  ~VfsFile() {
    if (is_open()) file()->pMethods->xClose(file());
  }

  /// An SQLite code. With `is_new` the first sync also syncs the folder's entry.
  int open(const std::string& path, bool for_writing, bool is_new, const std::string& vfs_name) {
    if (const int code = sqlite3_initialize(); code != SQLITE_OK) return code;
    sqlite3_vfs* vfs = sqlite3_vfs_find(vfs_name.empty() ? nullptr : vfs_name.c_str());
    if (vfs == nullptr) return SQLITE_CANTOPEN;
    // SQLite asks for names that two zeros end; files keep the place of theirs.
    name_.assign(static_cast<std::size_t>(vfs->mxPathname) + 2, '\0');
    const int named = vfs->xFullPathname(vfs, path.c_str(), vfs->mxPathname + 1, name_.data());
    if ((named & 0xff) != SQLITE_OK) return named;
    memory_.assign(static_cast<std::size_t>(vfs->szOsFile) / sizeof(std::max_align_t) + 1, {});
    // Of the kinds of file that SQLite knows, the one without locks whose folder entry is synced when it is new.
    const int flags = SQLITE_OPEN_SUPER_JOURNAL | (for_writing ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) |
                      (is_new ? SQLITE_OPEN_CREATE : 0);
    int opened = 0;
    const int code = vfs->xOpen(vfs, name_.data(), file(), flags, &opened);
    system_error_ = code == SQLITE_OK ? 0 : errno;
    // A file that may not be written is opened all the same, for reading.
    if (code == SQLITE_OK && for_writing && (opened & SQLITE_OPEN_READONLY) != 0) {
      system_error_ = EACCES;
      return SQLITE_READONLY;
    }
    return code;
  }

  /// What is behind the end of the file is zeros.
  int read(Slot& slot, std::int64_t offset) {
    const int code = file()->pMethods->xRead(file(), &slot, kSlotBytes, offset);
    system_error_ = code == SQLITE_OK ? 0 : errno;
    return code == SQLITE_IOERR_SHORT_READ ? SQLITE_OK : code;
  }
  int write(const Slot& slot, std::int64_t offset) {
    const int code = file()->pMethods->xWrite(file(), &slot, kSlotBytes, offset);
    system_error_ = code == SQLITE_OK ? 0 : errno;
    return code;
  }
  int sync() {
    const int code = file()->pMethods->xSync(file(), SQLITE_SYNC_NORMAL);
    system_error_ = code == SQLITE_OK ? 0 : errno;
    return code;
  }
  /// Of the last call that failed.
  int system_error() const { return system_error_; }

 private:
  sqlite3_file* file() { return reinterpret_cast<sqlite3_file*>(memory_.data()); }
  bool is_open() { return !memory_.empty() && file()->pMethods != nullptr; }

  std::vector<char> name_;
  std::vector<std::max_align_t> memory_;
  int system_error_ = 0;
};

/// The newest good slot, or why there is none.
Result<Slot> read_newest(VfsFile& file, const std::string& path) {
  std::array<Slot, 2> slots{};
  // A reader may meet both slots in the writing, one after the other; hardly three times in a row.
  for (int attempt = 0; attempt < 3; ++attempt) {
    std::optional<Slot> newest;
    for (std::size_t i = 0; i < slots.size(); ++i) {
      Slot& slot = slots[i];
      const int code = file.read(slot, static_cast<std::int64_t>(i) * kSlotDistance);
      if (code != SQLITE_OK) {
        return Status(StatusKind::kRegistry,
                      path + ": error: cannot read the head: " + words_of(code, file.system_error(), path));
      }
      if (slot.magic != kMagic || slot.checksum != checksum_of(slot)) continue;
      if (slot.version != kHeadVersion) {
        return Status(StatusKind::kRegistry, path + ": error: head version " + std::to_string(slot.version) +
                                                 "; this program reads version " + std::to_string(kHeadVersion) +
                                                 "; use the program that made it");
      }
      if (!newest || slot.turn > newest->turn) newest = slot;
    }
    if (newest) return *newest;
  }
  if (slots[0].magic != kMagic && slots[1].magic != kMagic) {
    return Status(StatusKind::kRegistry,
                  path +
                      ": error: is not the head of a clearline registry; name another folder, or restore the registry "
                      "from a backup");
  }
  return Status(StatusKind::kRegistry,
                path + ": error: both slots of the head are damaged; restore the registry from a backup");
}

Status cannot_open(const std::string& path, int code, int system_error) {
  return {StatusKind::kRegistry, path + ": error: cannot open the head: " + words_of(code, system_error, path)};
}

class HeadFile final : public Head {
 public:
  explicit HeadFile(std::string path) : path_(std::move(path)) {}

  Status open(const std::string& vfs) {
    const int code = file_.open(path_, true, false, vfs);
    if (code != SQLITE_OK) return cannot_open(path_, code, file_.system_error());
    auto newest = read_newest(file_, path_);
    if (!newest.ok()) return newest.status();
    record_ = record_of(*newest);
    turn_ = newest->turn;
    return {};
  }

  const HeadRecord& record() const override { return record_; }

  Status write(const HeadRecord& record) override {
    const Slot slot = make_slot(record, turn_ + 1);
    int code = file_.write(slot, static_cast<std::int64_t>(slot.turn % 2) * kSlotDistance);
    if (code == SQLITE_OK) code = file_.sync();
    if (code != SQLITE_OK) {
      return {StatusKind::kOutput, path_ + ": error: write head of change " + std::to_string(record.seq) + ": " +
                                       words_of(code, file_.system_error(), path_)};
    }
    record_ = record;
    turn_ = slot.turn;
    return {};
  }

 private:
  std::string path_;
  VfsFile file_;
  HeadRecord record_;
  std::uint64_t turn_ = 0;
};

/// Both slots of a new head in a file that is there and empty.
Status write_slots(const std::string& path, const HeadRecord& record, const std::string& vfs) {
  VfsFile file;
  int code = file.open(path, true, true, vfs);
  for (std::uint64_t turn = 0; turn < 2 && code == SQLITE_OK; ++turn) {
    code = file.write(make_slot(record, turn), static_cast<std::int64_t>(turn) * kSlotDistance);
  }
  if (code == SQLITE_OK) code = file.sync();
  if (code == SQLITE_OK) return {};
  return {StatusKind::kOutput,
          path + ": error: cannot write the new head: " + words_of(code, file.system_error(), path)};
}

}  // namespace

Status Head::create(const std::string& path, const HeadRecord& record, const std::string& vfs) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return {StatusKind::kOutput, path + ": error: cannot create the head: " + errno_words(errno, path)};
  Status status;
  if (!give_to_owner_of_folder(fd, path)) {
    status = {StatusKind::kOutput, path + ": error: cannot give it to the owner of its folder: " + errno_words(errno)};
  }
  close(fd);
  if (status.ok()) status = write_slots(path, record, vfs);
  if (!status.ok()) unlink(path.c_str());
  return status;
}

Result<HeadRecord> Head::read(const std::string& path, const std::string& vfs) {
  VfsFile file;
  const int code = file.open(path, false, false, vfs);
  if (code != SQLITE_OK) return cannot_open(path, code, file.system_error());
  auto newest = read_newest(file, path);
  if (!newest.ok()) return newest.status();
  return record_of(*newest);
}

Result<std::unique_ptr<Head>> Head::open(const std::string& path, const std::string& vfs) {
  auto head = std::make_unique<HeadFile>(path);
  Status status = head->open(vfs);
  if (!status.ok()) return status;
  return std::unique_ptr<Head>(std::move(head));
}

}  // namespace clearline
