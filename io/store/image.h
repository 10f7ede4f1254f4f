// Image: a file with a whole registry at one seq, made to be read and used at once.
//
// Format, version 2. All numbers little-endian; the file is a whole number of 4096-byte pages.
//
//   offset  bytes
//   0       8      magic "CLRIMAGE"
//   8       4      version, 2
//   12      4      byte order mark 0x01020304
//   16      8      file size
//   24      8      checksum of the checksum table
//   32      16     registry UUID
//   48      4      incarnation
//   52      4      first day that a hot row can hold as an expiry, days since 1970-01-01
//   56      8      seq
//   64      8      entries
//   72      8      buckets
//   80      8      bytes of texts
//   88      32     key of the name fingerprints
//   120     32     chain of the journal at this seq; zeros where there is no journal
//   152     8      when the change at this seq took effect, microseconds of Unix time; 0: not known, or there is none
//   4088    8      checksum of bytes 0 .. 4087
//   4096           checksum table: 8 bytes for each 1 MiB block of what follows, the last one shorter; padded to a page
//   then           sections, each padded to a page with zeros: segments, buckets, side rows, texts
//
// Checksums are XXH3-64. They cover every byte of the file, paddings too (the table's own padding with the table):
// damage anywhere is found, and nothing that was not checked is used. They do not stop a forger; the mode 0600 is for
// that. read_image() reads the sections into anonymous memory, two threads taking blocks in turn, and checks each as it
// lands.
//
// Version 1 has the same layout, and fingerprints of names by other rules: it dropped no titles, and lost letters and control
// characters did not count. Its names are folded again from the texts while it is read. The other way round a program that knows
// version 1 alone would compare by rules that are none of the image's, so it must refuse version 2.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "clearline/registry.h"
#include "clearline/status.h"
#include "engine/registry_snapshot.h"
#include "engine/registry_table.h"
#include "io/store/output_file.h"

namespace clearline {

inline constexpr std::uint32_t kImageVersion = 2;

/// Writes an image, whole or not at all, mode 0600. The checksums are made by `threads` threads. kOutput when that
/// fails.
Status write_image(const Registry& registry, const std::string& path, int threads = 1,
                   FileMode mode = FileMode::kPrivate);

/// Where in its journal the registry of a snapshot stands.
struct JournalPlace {
  std::array<std::uint8_t, 32> chain{};
  std::optional<std::int64_t> effective_us;
};

/// The same of a registry that changes meanwhile, into its directory: the image is that of the snapshot, with its place.
/// Through a temporary of this name, so that of killed writers one is left at most.
Status write_image(RegistrySnapshot& snapshot, const JournalPlace& place, const std::string& path,
                   const std::string& temporary);

/// Reads and checks an image. kRegistry when it is missing, damaged, foreign or of a newer version: then nothing is
/// served.
Result<Registry> read_image(const std::string& path, Growth growth = Growth::kNone);
/// The same of a file that is open, also when it has lost its name since. `path` is for the words; `fd` stays open.
Result<Registry> read_open_image(int fd, const std::string& path, Growth growth);

/// Why an image was not read: what may be done about the file depends on it.
enum class ImageFault : std::uint8_t {
  kDamaged,  ///< a wrong checksum or format: it never becomes good again
  kMissing,  ///< there is no such file
  kUnreadable,  ///< it may be good: permissions, descriptors, memory or the disk are in the way, or it is of another version
};
/// The same; `fault` is set where it fails.
Result<Registry> read_image(const std::string& path, Growth growth, ImageFault& fault);

struct ImageInfo {
  RegistryShape shape;
  std::uint64_t file_bytes = 0;
  std::uint32_t version = kImageVersion;  ///< of the file
};

/// The header alone, checked.
Result<ImageInfo> read_image_info(const std::string& path);

}  // namespace clearline
