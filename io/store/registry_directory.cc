#include "io/store/registry_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <map>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "engine/entry_record.h"
#include "engine/hash.h"
#include "engine/rows.h"
#include "io/formats/errno_words.h"
#include "io/store/image.h"

namespace clearline {
namespace {

constexpr std::string_view kImageStart = "image-";
constexpr std::string_view kImageEnd = ".img";
constexpr std::size_t kSeqDigits = 20;

Status refused(const std::string& what) { return {StatusKind::kRegistry, what}; }

std::uint64_t file_bytes(const std::string& path) {
  struct stat info{};
  return stat(path.c_str(), &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

/// `cannot look at it`, with the reason that the system gave.
Status cannot_look(const std::string& path, int error) {
  return refused(path + ": error: cannot look at it: " + errno_words(error, path));
}

bool contains(const std::vector<std::uint64_t>& seqs, std::uint64_t seq) {
  return std::find(seqs.begin(), seqs.end(), seq) != seqs.end();
}

}  // namespace

bool is_directory(const std::string& path) {
  struct stat info{};
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

std::string RegistryDirectory::image_path(std::uint64_t seq) const {
  const std::string digits = std::to_string(seq);
  return path_ + "/" + std::string(kImageStart) + std::string(kSeqDigits - digits.size(), '0') + digits +
         std::string(kImageEnd);
}

Result<std::vector<std::uint64_t>> RegistryDirectory::images() const {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(path_.c_str()), closedir);
  if (!folder) return refused(path_ + ": error: cannot read the directory: " + errno_words(errno, path_));
  std::vector<std::uint64_t> seqs;
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(folder.get());  // NOLINT(concurrency-mt-unsafe): a stream of our own
    if (entry == nullptr && errno == 0) break;
    if (entry == nullptr) return refused(path_ + ": error: cannot read the directory: " + errno_words(errno, path_));
    std::string_view name = entry->d_name;
    if (!name.starts_with(kImageStart) || !name.ends_with(kImageEnd)) continue;
    name.remove_prefix(kImageStart.size());
    name.remove_suffix(kImageEnd.size());
    std::uint64_t seq = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), seq);
    if (name.size() == kSeqDigits && error == std::errc() && end == name.data() + name.size()) seqs.push_back(seq);
  }
  std::sort(seqs.rbegin(), seqs.rend());
  return seqs;
}

Status RegistryDirectory::prune_images(const PassedOver& passed_over) const {
  const auto seqs = images();
  if (!seqs.ok()) return seqs.status();
  std::size_t kept = 0;
  Status status;
  for (const std::uint64_t seq : *seqs) {
    if (contains(passed_over.unreadable, seq)) continue;
    if (!contains(passed_over.bad, seq) && kept++ < kImagesKept) continue;
    const std::string path = image_path(seq);
    // One that stays keeps no other one: they would gather until the disk is full.
    if (unlink(path.c_str()) != 0 && errno != ENOENT && status.ok()) {
      status = {StatusKind::kOutput, path + ": error: cannot remove it: " + errno_words(errno, path)};
    }
  }
  return status;
}

/// Missing is what the system calls missing (ENOENT), and nothing else: a directory that may not be looked into must not
/// be made anew.
Status RegistryDirectory::check_is_there() const {
  struct stat info{};
  const bool is_there = stat(path_.c_str(), &info) == 0;
  if (!is_there && errno != ENOENT) return cannot_look(path_, errno);
  if (!is_there || !S_ISDIR(info.st_mode)) {
    return refused(path_ + ": error: " + (is_there ? "is no directory" : "is not there") +
                   "; make a registry directory with 'registry init'");
  }
  if (stat(head_path().c_str(), &info) == 0) return {};
  if (errno != ENOENT) return cannot_look(head_path(), errno);
  const bool has_journal = stat(journal_path().c_str(), &info) == 0;
  if (!has_journal && errno != ENOENT) return cannot_look(journal_path(), errno);
  return refused(has_journal ? head_path() +
                                   ": error: is missing beside its journal; put it back from a backup, or "
                                   "remove the directory if 'registry init' was interrupted there"
                             : path_ + ": error: is no registry directory; make one with 'registry init'");
}

Result<HeadRecord> RegistryDirectory::read_head() const {
  if (Status status = check_is_there(); !status.ok()) return status;
  return Head::read(head_path(), vfs_);
}

/// Whether an image belongs to the journal and stands where it says.
Status RegistryDirectory::check_image(const RegistryTable& table, std::uint64_t seq, Journal& journal) const {
  const std::string path = image_path(seq);
  if (!(table.identity() == journal.identity())) {
    return refused(path + ": error: it is of another registry than the journal; put the right one back");
  }
  if (table.seq() != seq) {
    return refused(path + ": error: it holds seq " + std::to_string(table.seq()) + "; give it its own name back");
  }
  Chain chain = journal.base().chain;
  if (seq > journal.base().seq) {
    const Status status = journal.read_row(seq, [&](const JournalRow& row) { chain = row.chain; });
    if (!status.ok()) return status;
  }
  if (table.shape().chain != chain) {
    return refused(path + ": error: the journal has another history up to seq " + std::to_string(seq) +
                   "; image and journal are not of the same registry: put both back from one backup");
  }
  return {};
}

std::int64_t system_now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Status unreadable_entry(const std::string& journal_path, std::uint64_t seq) {
  return refused(journal_path + ": error: seq " + std::to_string(seq) +
                 ": its entry cannot be read; put the journal back from a backup");
}

namespace {

/// The entry of a row's record, which must be of the code that the row says; nothing when it cannot be read.
std::optional<Entry> entry_of(std::string_view record, Code code) {
  auto entry = read_entry_record(record);
  return entry && entry->code == code ? entry : std::nullopt;
}

}  // namespace

Status unusable_entry(const std::string& journal_path, std::uint64_t seq, const Status& why) {
  const bool is_fault = why.kind() == StatusKind::kInput;
  return refused(journal_path + ": error: seq " + std::to_string(seq) + ": " +
                 (is_fault ? "its entry is wrong: " : "") + why.message() +
                 (is_fault ? "; put the journal back from a backup" : ""));
}

Status replay_row(const JournalRow& row, const std::string& journal_path, RegistryWriter& writer) {
  std::array<PreparedEntry, ChangeWindow::kCodesMax> prepared;
  std::size_t count = 0;
  const bool has_all = row.erased_data || (!row.after.empty() && row.new_after.empty() == !row.new_code);
  if (!has_all) return unreadable_entry(journal_path, row.seq);
  const std::array<std::pair<std::string_view, Code>, 2> records{
      {{row.after, row.code}, {row.new_after, row.new_code.value_or(row.code)}}};
  for (const auto& [record, code] : records) {
    if (record.empty()) continue;
    const auto entry = entry_of(record, code);
    if (!entry) return unreadable_entry(journal_path, row.seq);
    const auto ready = writer.prepare(*entry);
    if (!ready.ok()) return unusable_entry(journal_path, row.seq, ready.status());
    prepared[count++] = *ready;
  }
  writer.publish(row.seq, std::span(prepared).first(count));
  writer.settle();
  return {};
}

/// Where head points, the chain must be head's: else rows were put in the place of those that were answered.
Status RegistryDirectory::check_head(const JournalRow& row, const HeadRecord& head) const {
  if (row.seq != head.seq || row.chain == head.chain) return {};
  return refused(journal_path() + ": error: seq " + std::to_string(row.seq) +
                 " is not the change that was answered; put the journal back from a backup");
}

/// The same, of the row that is read for it.
Status RegistryDirectory::check_head(Journal& journal, const HeadRecord& head) const {
  if (head.seq <= journal.base().seq) return {};
  Status checked;
  const Status read = journal.read_row(head.seq, [&](const JournalRow& row) { checked = check_head(row, head); });
  return read.ok() ? checked : read;
}

Result<RegistryDirectory::Found> RegistryDirectory::find(Journal::Mode mode) const {
  Found found;
  const auto head = read_head();
  if (!head.ok()) return head.status();
  found.head = *head;
  auto seqs = images();
  if (!seqs.ok()) return seqs.status();
  auto journal = Journal::open(journal_path(), mode, vfs_);
  if (!journal.ok()) return journal.status();
  found.journal = std::move(*journal);
  if (!(found.journal->identity() == found.head.identity)) {
    return refused(journal_path() + ": error: it is of another registry than head; put both back from one backup");
  }
  const auto last = found.journal->last();
  if (!last.ok()) return last.status();
  found.last = *last;
  if (found.last.seq < found.head.seq) {
    return refused(journal_path() + ": error: seq " + std::to_string(found.last.seq + 1) + " to " +
                   std::to_string(found.head.seq) +
                   " were answered and are missing; put the journal and its -wal back from a backup");
  }
  for (const std::uint64_t seq : *seqs) {
    if (seq > found.last.seq) {
      return refused(image_path(seq) + ": error: it is newer than the journal, which ends at seq " +
                     std::to_string(found.last.seq) + "; put the journal and head back from a backup of then");
    }
    if (seq >= found.journal->base().seq) found.images.push_back(seq);
  }
  return found;
}

Status RegistryDirectory::replay(Opened& opened, const Replayed& replayed) const {
  Journal& journal = *opened.journal;
  if (opened.head.seq <= opened.image_seq) {
    if (Status status = check_head(journal, opened.head); !status.ok()) return status;
  }
  if (opened.last.seq == opened.image_seq) return {};
  return journal.read_from(opened.image_seq + 1, [&](const JournalRow& row) -> Status {
    if (Status status = check_head(row, opened.head); !status.ok()) return status;
    if (replayed) replayed(row);
    return replay_row(row, journal_path(), *opened.writer);
  });
}

Result<RegistryDirectory::Opened> RegistryDirectory::open(Journal::Mode mode, const Replayed& replayed) const {
  return while_images_stay([&](bool& is_image_gone) { return open_once(mode, replayed, is_image_gone); });
}

Result<RegistryDirectory::GoodImage> RegistryDirectory::read_good_image(const std::vector<std::uint64_t>& images,
                                                                        Journal& journal,
                                                                        std::vector<std::string>& warnings,
                                                                        bool& is_image_gone) const {
  GoodImage good;
  std::optional<std::string> first_damage;
  std::optional<std::string> first_unreadable;
  for (const std::uint64_t seq : images) {
    ImageFault fault{};
    auto image = read_image(image_path(seq), Growth::kInPlace, fault);
    if (!image.ok()) {
      is_image_gone = is_image_gone || fault == ImageFault::kMissing;
      const bool is_bad = fault == ImageFault::kDamaged;
      (is_bad ? good.passed_over.bad : good.passed_over.unreadable).push_back(seq);
      std::optional<std::string>& first = is_bad ? first_damage : first_unreadable;
      if (!first) first = image.status().message();
      warnings.push_back(image.status().message());
      continue;
    }
    if (Status status = check_image(image->table(), seq, journal); !status.ok()) return status;
    if (first_damage || first_unreadable) {
      warnings.push_back(path_ + ": went on with the image of seq " + std::to_string(seq) +
                         " and the journal, which make the same registry");
    }
    good.seq = seq;
    good.registry = std::make_unique<Registry>(std::move(*image));
    return good;
  }
  // What cannot be read now may be good: a backup would be the wrong cure.
  if (first_unreadable) return refused(*first_unreadable + "; no other image can be used");
  return refused(first_damage.value_or(path_ + ": error: there is no image") +
                 "; no other image is good: put one back from a backup");
}

Result<RegistryDirectory::Opened> RegistryDirectory::open_once(Journal::Mode mode, const Replayed& replayed,
                                                               bool& is_image_gone) const {
  auto found = find(mode);
  if (!found.ok()) return found.status();
  Opened opened;
  opened.head = found->head;
  opened.journal = std::move(found->journal);
  opened.last = found->last;
  auto image = read_good_image(found->images, *opened.journal, opened.warnings, is_image_gone);
  if (!image.ok()) return image.status();
  opened.image_seq = image->seq;
  opened.passed_over = std::move(image->passed_over);
  opened.registry = std::move(image->registry);
  opened.writer = std::make_unique<RegistryWriter>(opened.registry->mutable_table());
  if (Status status = replay(opened, replayed); !status.ok()) return status;
  return opened;
}

Status RegistryDirectory::read_changes(const std::function<Status(const JournalRow&)>& use) const {
  const auto found = find(Journal::Mode::kRead);
  if (!found.ok()) return found.status();
  const std::uint64_t base = found->journal->base().seq;
  if (found->last.seq == base) return {};
  return found->journal->read_from(base + 1, [&](const JournalRow& row) -> Status {
    if (Status status = check_head(row, found->head); !status.ok()) return status;
    return use(row);
  });
}

Status RegistryDirectory::read_brief(const std::function<Status(const JournalBrief&)>& use) const {
  const auto found = find(Journal::Mode::kRead);
  if (!found.ok()) return found.status();
  Journal& journal = *found->journal;
  if (Status status = check_head(journal, found->head); !status.ok()) return status;
  return journal.read_brief(journal.base().seq + 1, found->last.seq, use);
}

Result<RegistryDirectory::History> RegistryDirectory::read_history(
    Code code, const std::function<Status(const JournalRow&)>& use) const {
  return while_images_stay([&](bool& is_image_gone) { return read_history_once(code, use, is_image_gone); });
}

Result<RegistryDirectory::History> RegistryDirectory::read_history_once(
    Code code, const std::function<Status(const JournalRow&)>& use, bool& is_image_gone) const {
  auto found = find(Journal::Mode::kRead);
  if (!found.ok()) return found.status();
  Journal& journal = *found->journal;
  if (Status status = check_head(journal, found->head); !status.ok()) return status;
  History history;
  history.base_seq = journal.base().seq;
  history.seq = found->last.seq;
  std::vector<std::uint64_t> seqs;
  Status status = journal.read_brief(history.base_seq + 1, history.seq, [&](const JournalBrief& row) {
    if (row.code == code || row.new_code == code) seqs.push_back(row.seq);
    return Status();
  });
  if (!status.ok()) return status;
  history.changes = seqs.size();
  for (const std::uint64_t seq : seqs) {
    status = journal.read_from(seq, seq, [&](const JournalRow& row) {
      const std::string_view record = row.code == code ? row.after : row.new_after;
      history.entry = entry_of(record, code);
      if (!record.empty() && !history.entry) return unreadable_entry(journal_path(), row.seq);
      return use(row);
    });
    if (!status.ok()) return status;
  }
  if (!seqs.empty()) return history;
  // No change has touched the code, so any image has its entry as it is now.
  const auto image = read_good_image(found->images, journal, history.warnings, is_image_gone);
  if (!image.ok()) return image.status();
  history.entry = image->registry->find(code);
  if (!history.entry && holds(image->registry->table(), code)) {
    return refused(image_path(image->seq) + ": error: the entry of this code cannot be read; see registry verify");
  }
  return history;
}

Result<RegistryDirectory::Info> RegistryDirectory::info() const {
  return while_images_stay([&](bool& is_image_gone) { return info_once(is_image_gone); });
}

Result<RegistryDirectory::Info> RegistryDirectory::info_once(bool& is_image_gone) const {
  const auto found = find(Journal::Mode::kRead);
  if (!found.ok()) return found.status();
  Journal& journal = *found->journal;
  Info info;
  info.identity = found->head.identity;
  info.seq = found->last.seq;
  info.base_seq = journal.base().seq;
  info.last_change_us = found->last.effective_time();
  info.images = found->images;
  for (const std::uint64_t seq : info.images) info.image_bytes += file_bytes(image_path(seq));
  info.journal_bytes = file_bytes(journal_path()) + file_bytes(journal_path() + "-wal");
  // The newest image whose header can be read, and the codes that came since.
  Status unreadable = refused(path_ + ": error: there is no image; put one back from a backup");
  for (const std::uint64_t seq : info.images) {
    const auto image = read_image_info(image_path(seq));
    if (!image.ok()) {
      is_image_gone = is_image_gone || (access(image_path(seq).c_str(), F_OK) != 0 && errno == ENOENT);
      unreadable = image.status();
      continue;
    }
    info.entries = image->shape.entry_count;
    if (seq == info.seq) return info;
    const Status status = journal.read_from(seq + 1, [&](const JournalRow& row) {
      info.entries += static_cast<std::uint64_t>(row.op == ChangeOp::kIssue || row.op == ChangeOp::kReissue);
      return Status();
    });
    if (!status.ok()) return status;
    return info;
  }
  return unreadable;
}

namespace {

constexpr const char* kNotWhatChangesMake = " of its entries are not what the changes make of them";

std::uint64_t record_checksum(const Entry& entry, std::string& scratch) {
  scratch.clear();
  append_entry_record(entry, scratch);
  return checksum64(scratch.data(), scratch.size());
}

/// Compares two registries entry by entry; the first code that differs is counted, not named.
std::optional<std::string> difference(const RegistryTable& image, const RegistryTable& replayed) {
  if (image.entry_count() != replayed.entry_count()) {
    return "holds " + std::to_string(image.entry_count()) + " entries where the changes make " +
           std::to_string(replayed.entry_count());
  }
  std::uint64_t different = 0;
  for (const Code code : image.codes_sorted())
    different += static_cast<std::uint64_t>(image.find(code) != replayed.find(code));
  if (different == 0) return std::nullopt;
  return std::to_string(different) + kNotWhatChangesMake;
}

}  // namespace

/// What is verified takes its time, and checkpoints that follow each other remove all images that were there at its start.
class RegistryDirectory::HeldImages {
 public:
  HeldImages() = default;
  HeldImages(const HeldImages&) = delete;
  HeldImages& operator=(const HeldImages&) = delete;
  ~HeldImages() {
    for (const Held& held : held_) close(held.fd);
  }

  /// errno when it cannot be opened.
  int hold(std::uint64_t seq, const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno;
    held_.push_back({seq, fd});
    return 0;
  }
  std::size_t size() const { return held_.size(); }
  /// The next one, if it is of this seq.
  std::optional<int> take(std::uint64_t seq) {
    if (next_ == held_.size() || held_[next_].seq != seq) return std::nullopt;
    return held_[next_++].fd;
  }

 private:
  struct Held {
    std::uint64_t seq;
    int fd;
  };
  std::vector<Held> held_;
  std::size_t next_ = 0;
};

Result<RegistryDirectory::Verified> RegistryDirectory::verify() const {
  return while_images_stay([&](bool& is_image_gone) { return verify_once(is_image_gone); });
}

Result<RegistryDirectory::Verified> RegistryDirectory::verify_once(bool& is_image_gone) const {
  const auto found = find(Journal::Mode::kRead);
  if (!found.ok()) return found.status();
  Journal& journal = *found->journal;
  if (found->images.empty()) return refused(path_ + ": error: there is no image; put one back from a backup");
  HeldImages images;
  for (auto seq = found->images.rbegin(); seq != found->images.rend(); ++seq) {
    const std::string path = image_path(*seq);
    const int error = images.hold(*seq, path);
    is_image_gone = is_image_gone || error == ENOENT;
    if (error != 0) return refused(path + ": error: cannot open the image: " + errno_words(error));
  }
  Verified verified;
  verified.seq = found->last.seq;
  verified.images = images.size();

  // Oldest image first. What the journal makes of the codes that were changed up to an image must be what it holds, and
  // so must the image before with the changes in between.
  std::unordered_map<std::uint64_t, std::uint64_t> changed;  // code -> checksum of its record
  std::string scratch;
  std::unique_ptr<Registry> replayed;  // the image before, with all changes up to the row that was read
  std::unique_ptr<RegistryWriter> writer;
  const auto check_images_at = [&](std::uint64_t seq) -> Status {
    const auto fd = images.take(seq);
    if (!fd) return {};
    const std::string path = image_path(seq);
    auto image = read_open_image(*fd, path, Growth::kInPlace);
    if (!image.ok()) return image.status();
    if (const auto fault = image->table().content_fault()) {
      return refused(path + ": error: " + std::string(*fault) + "; put it back from a backup");
    }
    if (Status status = check_image(image->table(), seq, journal); !status.ok()) return status;
    std::uint64_t different = 0;
    for (const auto& [digits, checksum] : changed) {
      const auto entry = image->find(Code{digits});
      different += static_cast<std::uint64_t>(!entry || record_checksum(*entry, scratch) != checksum);
    }
    const auto words = different != 0 ? std::optional(std::to_string(different) + kNotWhatChangesMake)
                       : replayed     ? difference(image->table(), replayed->table())
                                      : std::nullopt;
    if (words) return refused(path + ": error: " + *words + "; put it back from a backup");
    writer.reset();
    replayed = std::make_unique<Registry>(std::move(*image));
    writer = std::make_unique<RegistryWriter>(replayed->mutable_table());
    return {};
  };
  if (Status status = check_images_at(journal.base().seq); !status.ok()) return status;
  if (verified.seq > journal.base().seq) {
    const Status status = journal.read_from(journal.base().seq + 1, [&](const JournalRow& row) -> Status {
      ++verified.changes;
      if (Status head = check_head(row, found->head); !head.ok()) return head;
      for (const std::string_view record : {row.after, row.new_after}) {
        const auto entry = record.empty() ? std::nullopt : read_entry_record(record);
        if (!record.empty() && !entry) return unreadable_entry(journal_path(), row.seq);
        if (entry) changed[entry->code.digits] = record_checksum(*entry, scratch);
      }
      if (replayed) {
        if (Status replay = replay_row(row, journal_path(), *writer); !replay.ok()) return replay;
      }
      return check_images_at(row.seq);
    });
    if (!status.ok()) return status;
  }
  // And what is served now: the newest image with the changes behind it.
  if (const auto fault = replayed->table().content_fault()) {
    return refused(path_ + ": error: " + std::string(*fault) + " after the last change; this is a bug");
  }
  verified.entries = replayed->size();
  return verified;
}

Result<Registry> read_any_registry(const std::string& path, std::vector<std::string>& warnings) {
  if (!is_directory(path)) return read_image(path);
  auto opened = RegistryDirectory(path).open(Journal::Mode::kRead);
  if (!opened.ok()) return opened.status();
  warnings.insert(warnings.end(), opened->warnings.begin(), opened->warnings.end());
  return std::move(*opened->registry);
}

}  // namespace clearline
