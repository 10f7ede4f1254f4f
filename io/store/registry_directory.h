// A registry directory: what lies in it, and how it becomes a registry again.
//
//   DIR/head                  the last answered change (io/store/head.h); made last, so a directory without one is not
//                             finished, not ours, or has lost it
//   DIR/journal.db, -wal, -shm  every change since the directory was made (io/store/journal.h)
//   DIR/image-N.img           the registry at seq N, 20 digits (io/store/image.h); the newest kImagesKept of them stay
//   DIR/image.part            an image that is being written, or was when its writer was killed
//   DIR/lock                  locked by the process that writes, as DIR itself is (io/store/registry_lock.h)
//
// The directory is 0700, its files are 0600 and its owner's: they hold personal data.
//
// Opening     head; the images that are there; the journal at one moment; the newest image that is good; the changes behind
//             it. In this order, so that a reader beside a writer finds a journal that is newer than all it has seen.
//             What is done for each finding, and why, is a table in ARCHITECTURE.md. Refused means kRegistry with the
//             place; nothing is guessed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "clearline/registry.h"
#include "clearline/status.h"
#include "engine/registry_writer.h"
#include "io/store/head.h"
#include "io/store/journal.h"

namespace clearline {

struct AsOf;          // io/store/as_of.h
struct RegistryAsOf;  // io/store/as_of.h

class RegistryDirectory {
 public:
  /// How many images stay: should the newest one be damaged, the one before and the journal make the same registry.
  static constexpr std::size_t kImagesKept = 2;

  /// `vfs` names the SQLite VFS that journal and head go through; "" is the default one.
  explicit RegistryDirectory(std::string path, std::string vfs = "") : path_(std::move(path)), vfs_(std::move(vfs)) {}

  const std::string& path() const { return path_; }
  const std::string& vfs() const { return vfs_; }
  std::string head_path() const { return path_ + "/head"; }
  std::string journal_path() const { return path_ + "/journal.db"; }
  std::string lock_path() const { return path_ + "/lock"; }
  std::string image_path(std::uint64_t seq) const;
  std::string image_part_path() const { return path_ + "/image.part"; }

  /// The seqs of its images, newest first.
  Result<std::vector<std::uint64_t>> images() const;
  /// Images that were not used for a newer registry.
  struct PassedOver {
    std::vector<std::uint64_t> bad;         ///< a wrong checksum or format: of no use to anybody
    std::vector<std::uint64_t> unreadable;  ///< they could not be read then, and may be good
  };
  /// Removes bad images, and of the others all but the newest kImagesKept. Unreadable ones neither go nor count.
  Status prune_images(const PassedOver& passed_over) const;

  /// kRegistry when it is no finished registry directory, or cannot be looked at.
  Status check_is_there() const;

  /// A registry as it was opened. The registry stands where its writer and the journal can go on from it.
  struct Opened {
    std::unique_ptr<Registry> registry;
    std::unique_ptr<RegistryWriter> writer;
    std::unique_ptr<Journal> journal;
    HeadRecord head;
    Journal::Last last;
    std::uint64_t image_seq = 0;
    PassedOver passed_over;             ///< newer images
    std::vector<std::string> warnings;  ///< what could not be used and could be done without
  };
  /// `replayed` gets each change after the image; where an image goes meanwhile, some of them once more.
  using Replayed = std::function<void(const JournalRow&)>;
  Result<Opened> open(Journal::Mode mode, const Replayed& replayed = {}) const;

  /// As it was: io/store/as_of.h. Warnings are appended.
  Result<RegistryAsOf> read_as_of(const AsOf& as_of, std::vector<std::string>& warnings) const;
  Result<RegistryAsOf> read_since(const AsOf& since, std::vector<std::string>& warnings) const;

  /// All changes, oldest first, each with its chain checked; none that was answered is missing.
  Status read_changes(const std::function<Status(const JournalRow&)>& use) const;
  /// The same, but for what is long in a change, and chains are not checked: for counting.
  Status read_brief(const std::function<Status(const JournalBrief&)>& use) const;

  /// What became of one code, at one moment.
  struct History {
    std::uint64_t base_seq = 0;  ///< changes behind it are known
    std::uint64_t seq = 0;
    std::uint64_t changes = 0;            ///< how many of them touched the code
    std::optional<Entry> entry;           ///< after the last of them; nothing: there is none, or its data was erased
    std::vector<std::string> warnings{};  ///< what was found bad and could be done without
  };
  /// The changes of which `code` is the old or the new code, oldest first, each with its chain checked against the change
  /// before it. An image is read only where there are none.
  Result<History> read_history(Code code, const std::function<Status(const JournalRow&)>& use) const;

  /// What it is, without reading its entries.
  struct Info {
    RegistryIdentity identity;
    std::uint64_t seq = 0;
    std::uint64_t base_seq = 0;
    std::uint64_t entries = 0;
    std::vector<std::uint64_t> images;
    std::uint64_t image_bytes = 0;
    std::uint64_t journal_bytes = 0;
    std::optional<std::int64_t> last_change_us;  ///< its `effective`
  };
  Result<Info> info() const;

  /// Checks all there is: every image to the last entry, the chain of the whole journal, head, and each image against the
  /// changes that lead to it.
  struct Verified {
    std::uint64_t seq = 0;
    std::uint64_t entries = 0;
    std::uint64_t changes = 0;
    std::size_t images = 0;
  };
  Result<Verified> verify() const;

 private:
  /// Head, images and journal, held against each other.
  struct Found {
    HeadRecord head;
    std::vector<std::uint64_t> images;  // newest first; none is older than the journal's base, none newer than its end
    std::unique_ptr<Journal> journal;
    Journal::Last last;
  };
  Result<Found> find(Journal::Mode mode) const;
  /// Beside a writer an image may go between being listed and being opened, when a newer one has come: then once more.
  template <typename Read>
  static auto while_images_stay(const Read& read) {
    constexpr int kAttempts = 10;
    for (int attempt = 1;; ++attempt) {
      bool is_image_gone = false;
      auto answer = read(is_image_gone);
      if (!is_image_gone || attempt == kAttempts) return answer;
    }
  }
  Result<Info> info_once(bool& is_image_gone) const;
  /// Images that are held open, so that they stay when checkpoints remove them; oldest first.
  class HeldImages;
  Result<Verified> verify_once(bool& is_image_gone) const;
  Result<Opened> open_once(Journal::Mode mode, const Replayed& replayed, bool& is_image_gone) const;
  Result<HeadRecord> read_head() const;
  /// The first good one of some images, best first, with room for the changes behind it. What was bad is told in the
  /// warnings, and that it could be done without.
  struct GoodImage {
    std::uint64_t seq = 0;
    std::unique_ptr<Registry> registry;
    PassedOver passed_over;  ///< those that were tried before
  };
  Result<GoodImage> read_good_image(const std::vector<std::uint64_t>& images, Journal& journal,
                                    std::vector<std::string>& warnings, bool& is_image_gone) const;
  Result<RegistryAsOf> read_past(const AsOf& as_of, bool is_since, std::vector<std::string>& warnings) const;
  Result<RegistryAsOf> read_past_once(const AsOf& as_of, bool is_since, std::vector<std::string>& warnings,
                                      bool& is_image_gone) const;
  Status check_image(const RegistryTable& table, std::uint64_t seq, Journal& journal) const;
  Status check_head(const JournalRow& row, const HeadRecord& head) const;
  Status check_head(Journal& journal, const HeadRecord& head) const;
  Result<History> read_history_once(Code code, const std::function<Status(const JournalRow&)>& use,
                                    bool& is_image_gone) const;
  Status replay(Opened& opened, const Replayed& replayed) const;

  std::string path_;
  std::string vfs_;
};

/// The entry of a record, applied to a registry that is read: prepares and publishes the entries of a row.
Status replay_row(const JournalRow& row, const std::string& journal_path, RegistryWriter& writer);

/// Unix time by the system's clock.
std::int64_t system_now_us();

/// What is said of a change with an entry that cannot be read.
Status unreadable_entry(const std::string& journal_path, std::uint64_t seq);
/// And of one whose entry was refused by RegistryWriter::prepare() or PastRows::add(): for a fault, or for want of room.
Status unusable_entry(const std::string& journal_path, std::uint64_t seq, const Status& why);

/// Whether a path is a directory, and so a live registry where a registry is wanted.
bool is_directory(const std::string& path);

/// The registry of a path: an image, or a directory at the last change that is on disk. Warnings are appended.
Result<Registry> read_any_registry(const std::string& path, std::vector<std::string>& warnings);

}  // namespace clearline
