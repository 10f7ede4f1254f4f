// Head: the last answered change of a registry, beside its journal.
//
// SQLite drops everything behind the first bad frame of its log and calls the rest good: one flipped bit was seen to take
// 2,880 of 4,800 answered changes with it. So the seq and chain of the last change of each commit are written here, and
// synced, before any change of that commit is published or answered. A journal that ends before its head has lost
// something; one that ends behind it has commits that were not answered yet.
//
// Two slots of 512 bytes, at bytes 0 and 4096 of a file of 4,608, written in turn:
//
//   offset  bytes
//   0       8      magic "CLRLHEAD"
//   8       4      version, 1
//   12      4      incarnation
//   16      16     registry UUID
//   32      8      seq
//   40      8      turn: how many writes came before; slot = turn % 2, and the larger turn is the newer slot
//   48      32     chain
//   80      424    zeros
//   504     8      checksum of bytes 0 .. 503, XXH3-64 (in every version)
//
// Numbers are little-endian. A slot that is torn or damaged fails its checksum and leaves the other one, which is one
// commit older at most: a torn write and a flipped bit look the same, and what was being written was not answered. The
// slots lie in different pages of 4 KiB, since a disk of such sectors may lose a whole one when the power goes.
//
// Files go through an SQLite VFS, as the journal's do, so that tests can cut both at any call.
//
// Threads  one writer; readers read whole slots or see a wrong checksum.
// Costs    one write and one fsync in place: bench/README.md.
// Not here what to do about a journal that ends elsewhere: the registry's store.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "clearline/registry.h"
#include "clearline/status.h"
#include "io/store/chain.h"

namespace clearline {

inline constexpr std::uint32_t kHeadVersion = 1;

struct HeadRecord {
  RegistryIdentity identity;
  std::uint64_t seq = 0;
  Chain chain{};
  friend bool operator==(const HeadRecord&, const HeadRecord&) = default;
};

class Head {
 public:
  /// Writes a new one, mode 0600, both slots alike, synced (and its folder entry). kOutput when there is something of
  /// that name, or it cannot be written: then nothing is left there.
  static Status create(const std::string& path, const HeadRecord& record, const std::string& vfs = "");
  /// The newest good slot. kRegistry when there is none, the file is missing, foreign or of a newer version.
  static Result<HeadRecord> read(const std::string& path, const std::string& vfs = "");
  /// For writing.
  static Result<std::unique_ptr<Head>> open(const std::string& path, const std::string& vfs = "");
  Head(const Head&) = delete;
  Head& operator=(const Head&) = delete;
  virtual ~Head() = default;

  /// What was read or written last.
  virtual const HeadRecord& record() const = 0;
  /// Writes the older slot and syncs; kOutput. After a failure the other slot is as it was, and the same slot is the next
  /// to be written, whole: so it may be tried again, also after a failed sync.
  virtual Status write(const HeadRecord& record) = 0;

 protected:
  Head() = default;
};

}  // namespace clearline
