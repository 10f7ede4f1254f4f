#include "io/store/image.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "engine/code_index.h"
#include "engine/hash.h"
#include "engine/pages.h"
#include "engine/pipeline.h"
#include "io/formats/errno_words.h"
#include "io/store/output_file.h"

namespace clearline {
namespace {

static_assert(std::endian::native == std::endian::little,
              "images are little-endian, and so is every machine we run on");

constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
constexpr std::uint32_t kFormerNamesVersion = 1;
constexpr std::uint32_t kByteOrderMark = 0x01020304;
constexpr std::array<char, 8> kMagic{'C', 'L', 'R', 'I', 'M', 'A', 'G', 'E'};

/// The first page, as it lies on disk.
struct Header {
  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint32_t byte_order;
  std::uint64_t file_bytes;
  std::uint64_t table_checksum;
  std::array<std::uint8_t, 16> uuid;
  std::uint32_t incarnation;
  std::int32_t expiry_base_days;
  std::uint64_t seq;
  std::uint64_t entry_count;
  std::uint64_t bucket_count;
  std::uint64_t text_bytes;
  RegistryKey key;
  std::array<std::uint8_t, 32> chain;
  std::int64_t effective_us;
  std::array<std::uint8_t, kPageBytes - 160 - 8> unused;
  std::uint64_t checksum;
};
static_assert(sizeof(Header) == kPageBytes && offsetof(Header, key) == 88 && offsetof(Header, checksum) == 4088);

constexpr std::uint64_t to_pages(std::uint64_t bytes) { return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes; }

/// The segment section: first bucket of each segment and one past the end. Zero to the end of its last page, as all
/// sections are.
using SegmentSection = std::array<std::uint32_t, 5 * kPageBytes / sizeof(std::uint32_t)>;
constexpr std::size_t kSegmentSectionBytes = (kSegmentCount + 1) * sizeof(std::uint32_t);
static_assert(sizeof(SegmentSection) == to_pages(kSegmentSectionBytes));

/// Sizes of the sections in the order of the file, without their padding.
std::array<std::uint64_t, 4> section_bytes(const RegistryShape& shape) {
  return {kSegmentSectionBytes, shape.bucket_count * sizeof(HotBucket),
          shape.bucket_count * kBucketRows * sizeof(SideRow), shape.text_bytes};
}

std::uint64_t all_section_bytes(const RegistryShape& shape) {
  std::uint64_t bytes = 0;
  for (const std::uint64_t section : section_bytes(shape)) bytes += to_pages(section);
  return bytes;
}

std::uint64_t block_count(std::uint64_t bytes) { return (bytes + kBlockBytes - 1) / kBlockBytes; }

std::uint64_t file_bytes(const RegistryShape& shape) {
  const std::uint64_t sections = all_section_bytes(shape);
  return kPageBytes + to_pages(block_count(sections) * sizeof(std::uint64_t)) + sections;
}

Header make_header(const RegistryShape& shape, std::uint64_t table_checksum) {
  Header header{};
  header.magic = kMagic;
  header.version = kImageVersion;
  header.byte_order = kByteOrderMark;
  header.file_bytes = file_bytes(shape);
  header.table_checksum = table_checksum;
  header.uuid = shape.identity.uuid;
  header.incarnation = shape.identity.incarnation;
  header.expiry_base_days = shape.expiry_base_days;
  header.seq = shape.seq;
  header.entry_count = shape.entry_count;
  header.bucket_count = shape.bucket_count;
  header.text_bytes = shape.text_bytes;
  header.key = shape.key;
  header.chain = shape.chain;
  header.effective_us = shape.effective_us.value_or(0);
  header.checksum = checksum64(&header, offsetof(Header, checksum));
  return header;
}

/// The bytes of the sections one behind the other, with their padding, as pieces of memory.
///
/// A block of the file may span sections; `for_each_piece` shows which memory it is made of. Padding is shown without
/// memory: it counts as zeros, and reading must not trust it.
class SectionMap {
 public:
  struct Section {
    std::byte* data;
    std::uint64_t bytes;
  };
  explicit SectionMap(const std::array<Section, 4>& sections) : sections_(sections) {}

  const std::array<Section, 4>& sections() const { return sections_; }

  /// use(data, size) for memory, use(nullptr, size) for padding; in order, for the bytes [offset, offset + size).
  template <typename Use>
  void for_each_piece(std::uint64_t offset, std::uint64_t size, const Use& use) const {
    std::uint64_t begin = 0;
    for (const Section& section : sections_) {
      const std::uint64_t padded = to_pages(section.bytes);
      const auto take = [&](std::uint64_t from, std::uint64_t to, std::byte* data) {
        const std::uint64_t first = std::max(from, offset);
        const std::uint64_t last = std::min(to, offset + size);
        if (first < last) use(data == nullptr ? nullptr : data + (first - from), last - first);
      };
      take(begin, begin + section.bytes, section.data);
      take(begin + section.bytes, begin + padded, nullptr);
      begin += padded;
    }
  }

 private:
  std::array<Section, 4> sections_;
};

SectionMap section_map(RegistryTable& table, SegmentSection& segments) {
  const auto section = [](std::span<std::byte> bytes) { return SectionMap::Section{bytes.data(), bytes.size()}; };
  return SectionMap({section(std::as_writable_bytes(std::span(segments)).first(kSegmentSectionBytes)),
                     section(table.bucket_bytes()), section(table.side_bytes()),
                     section(table.text_bytes().first(table.shape().text_bytes))});
}

/// The checksum of a block of `sections` bytes.
std::uint64_t block_checksum(const SectionMap& map, std::uint64_t block, std::uint64_t sections) {
  static constexpr std::array<std::byte, kPageBytes> kZeros{};
  const std::uint64_t at = block * kBlockBytes;
  ChecksumStream checksum;
  map.for_each_piece(
      at, std::min<std::uint64_t>(kBlockBytes, sections - at),
      [&](const std::byte* data, std::uint64_t size) { checksum.add(data == nullptr ? kZeros.data() : data, size); });
  return checksum.value();
}

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  int fd() const { return fd_; }

  /// All of `out` from `offset`; false at the end of the file or on an error (errno 0 tells them apart).
  bool read(std::span<std::byte> out, std::uint64_t offset) const {
    errno = 0;
    while (!out.empty()) {
      const ssize_t got = pread(fd_, out.data(), out.size(), static_cast<off_t>(offset));
      if (got == 0) return false;
      if (got < 0) {
        if (errno == EINTR) continue;
        return false;
      }
      out = out.subspan(static_cast<std::size_t>(got));
      offset += static_cast<std::uint64_t>(got);
    }
    return true;
  }

 private:
  int fd_;
};

Status damaged(ImageFault& fault, const std::string& path, std::uint64_t offset, const std::string& what) {
  fault = ImageFault::kDamaged;
  return {StatusKind::kRegistry, path + ": error: " + what + " at byte " + std::to_string(offset) +
                                     "; the image is damaged: build it again or take a copy"};
}

/// What the system says about a file that it does not let us read.
Status unreadable(const std::string& path, const char* what, int error) {
  return {StatusKind::kRegistry, path + ": error: " + what + ": " + errno_words(error, path)};
}

Result<ImageInfo> read_header(const File& file, const std::string& path, Header& header, ImageFault& fault) {
  fault = ImageFault::kUnreadable;
  if (file.fd() < 0) {
    if (errno == ENOENT) fault = ImageFault::kMissing;
    return unreadable(path, "cannot open the image", errno);
  }
  struct stat info{};
  if (fstat(file.fd(), &info) != 0) return unreadable(path, "cannot read the image", errno);
  if (S_ISDIR(info.st_mode)) {
    return Status(StatusKind::kRegistry, path + ": error: is a directory, not an image; name the image file");
  }
  const auto actual_bytes = static_cast<std::uint64_t>(info.st_size);
  if (!file.read(std::as_writable_bytes(std::span(&header, 1)), 0)) {
    if (errno != 0) return unreadable(path, "cannot read the image", errno);
    return damaged(fault, path, actual_bytes, "the header is cut short");
  }
  if (header.magic != kMagic) {
    fault = ImageFault::kDamaged;
    return Status(StatusKind::kRegistry, path + ": error: is not a clearline image; make one with 'registry build'");
  }
  if (header.byte_order != kByteOrderMark) {
    fault = ImageFault::kDamaged;
    return Status(StatusKind::kRegistry,
                  path + ": error: the image has another byte order or is damaged at byte 12; build it again");
  }
  // The version comes before the checksum: a newer one may lay out its header in another way.
  if (header.version != kImageVersion && header.version != kFormerNamesVersion) {
    return Status(StatusKind::kRegistry, path + ": error: image version " + std::to_string(header.version) +
                                             "; this program reads versions " + std::to_string(kFormerNamesVersion) +
                                             " and " + std::to_string(kImageVersion) +
                                             "; build the image again, or use the program that made it");
  }
  if (checksum64(&header, offsetof(Header, checksum)) != header.checksum)
    return damaged(fault, path, 0, "wrong checksum of the header");
  if (header.file_bytes != actual_bytes) {
    return damaged(fault, path, actual_bytes,
                   "file ends, where " + std::to_string(header.file_bytes) + " bytes were written,");
  }
  ImageInfo image;
  image.file_bytes = actual_bytes;
  image.version = header.version;
  image.shape = {{header.uuid, header.incarnation},
                 header.key,
                 header.seq,
                 header.entry_count,
                 header.bucket_count,
                 header.text_bytes,
                 header.expiry_base_days,
                 header.chain,
                 header.effective_us == 0 ? std::nullopt : std::optional(header.effective_us)};
  // Whatever the header says, its sections fill the file, so nothing larger than the file is allocated.
  if (image.shape.bucket_count > actual_bytes || image.shape.text_bytes > actual_bytes ||
      file_bytes(image.shape) != actual_bytes) {
    return damaged(fault, path, 72, "sizes that do not fill the file");
  }
  return image;
}

}  // namespace

Status write_image(const Registry& registry, const std::string& path, int threads, FileMode mode) {
  // Writing only reads the table: the map's pieces are not const because reading fills them.
  auto& table = const_cast<RegistryTable&>(registry.table());
  auto segments = std::make_unique<SegmentSection>();
  for (std::size_t i = 0; i < kSegmentCount; ++i) {
    const SegmentPlace place = table.segment(i);
    assert(place.first() == (*segments)[i]);  // one behind the other: a table that has grown is written by a snapshot
    (*segments)[i + 1] = static_cast<std::uint32_t>(place.first() + place.count());
  }
  const SectionMap map = section_map(table, *segments);
  const std::uint64_t sections = all_section_bytes(table.shape());
  const std::uint64_t blocks = block_count(sections);

  // Header and checksum table, one behind the other, in pages as the sections are: bytes on whole pages go straight to
  // the disk.
  const std::uint64_t front_bytes = kPageBytes + to_pages(blocks * sizeof(std::uint64_t));
  auto front = Pages::create(front_bytes);
  if (!front) return {StatusKind::kOutput, path + ": error: not enough memory to write it"};
  const std::span<std::byte> table_bytes = front->bytes().subspan(kPageBytes);
  auto* checksums = reinterpret_cast<std::uint64_t*>(table_bytes.data());
  std::uint64_t next = 0;
  std::vector<std::uint64_t> block_of(static_cast<std::size_t>(pipeline_tokens(threads)));
  PipelineStages stages;
  stages.read = [&](int token) {
    block_of[static_cast<std::size_t>(token)] = next;
    return next++ < blocks;
  };
  stages.work = [&](int token, int) {
    const std::uint64_t block = block_of[static_cast<std::size_t>(token)];
    checksums[block] = block_checksum(map, block, sections);
  };
  stages.deliver = [](int) {};
  run_pipeline(threads, stages);
  const Header header = make_header(table.shape(), checksum64(table_bytes.data(), table_bytes.size()));
  std::memcpy(front->bytes().data(), &header, sizeof header);

  auto file = OutputFile::open(path, mode);
  if (!file.ok()) return file.status();
  file->write_directly();
  Status status = file->write({reinterpret_cast<const char*>(front->bytes().data()), front_bytes});
  for (const SectionMap::Section& section : map.sections()) {
    // A section's memory is zero up to its last page's end, as its padding is.
    if (status.ok()) status = file->write({reinterpret_cast<const char*>(section.data), to_pages(section.bytes)});
  }
  if (!status.ok()) return status;
  return file->commit();
}

namespace {

/// The blocks of the sections, filled from several places at once; each goes to the disk when it is full.
class BlockFile {
 public:
  /// `sections` bytes of sections from `offset` of the file on.
  BlockFile(OutputFile& file, const std::string& path, std::uint64_t offset, std::uint64_t sections)
      : file_(&file), path_(path), offset_(offset), sections_(sections) {}

  /// Puts bytes at a place of the sections. Each byte of them is put once.
  Status put(std::uint64_t at, std::span<const std::byte> bytes, std::span<std::uint64_t> checksums) {
    while (!bytes.empty()) {
      const std::uint64_t block = at / kBlockBytes;
      const std::uint64_t block_bytes = std::min<std::uint64_t>(kBlockBytes, sections_ - block * kBlockBytes);
      const std::uint64_t in_block = at - block * kBlockBytes;
      const std::size_t size = std::min<std::uint64_t>(bytes.size(), block_bytes - in_block);
      auto open = open_.find(block);
      if (open == open_.end()) {
        auto buffer = take_buffer();
        if (!buffer) return {StatusKind::kOutput, path_ + ": error: not enough memory to write it"};
        open = open_.emplace(block, Open{std::move(*buffer), 0}).first;
      }
      std::byte* const data = open->second.buffer.bytes().data();
      std::memcpy(data + in_block, bytes.data(), size);
      open->second.filled += size;
      if (open->second.filled == block_bytes) {
        checksums[block] = checksum64(data, block_bytes);
        const std::string_view whole(reinterpret_cast<const char*>(data), block_bytes);
        if (Status status = file_->write_at(whole, offset_ + block * kBlockBytes); !status.ok()) return status;
        spare_.push_back(std::move(open->second.buffer));
        open_.erase(open);
      }
      bytes = bytes.subspan(size);
      at += size;
    }
    return {};
  }
  Status put_zeros(std::uint64_t at, std::uint64_t size, std::span<std::uint64_t> checksums) {
    static constexpr std::array<std::byte, kPageBytes> kZeros{};
    for (std::uint64_t put_bytes = 0; put_bytes < size; put_bytes += kPageBytes) {
      const auto piece = std::span(kZeros).first(std::min<std::uint64_t>(kPageBytes, size - put_bytes));
      if (Status status = put(at + put_bytes, piece, checksums); !status.ok()) return status;
    }
    return {};
  }

 private:
  struct Open {
    Pages buffer;
    std::uint64_t filled;
  };
  std::optional<Pages> take_buffer() {
    if (spare_.empty()) return Pages::create(kBlockBytes);
    Pages buffer = std::move(spare_.back());
    spare_.pop_back();
    return buffer;
  }

  OutputFile* file_;
  std::string path_;  // for errors
  std::uint64_t offset_;
  std::uint64_t sections_;
  std::map<std::uint64_t, Open> open_;  // as many as there are sections, and where two of them meet
  std::vector<Pages> spare_;
};

}  // namespace

Status write_image(RegistrySnapshot& snapshot, const JournalPlace& place, const std::string& path,
                   const std::string& temporary) {
  RegistryShape shape = snapshot.shape();
  shape.chain = place.chain;
  shape.effective_us = place.effective_us;
  const auto sizes = section_bytes(shape);
  const std::uint64_t sections = all_section_bytes(shape);
  const std::uint64_t front_bytes = file_bytes(shape) - sections;
  auto front = Pages::create(front_bytes);
  if (!front) return {StatusKind::kOutput, path + ": error: not enough memory to write it"};
  const std::span<std::byte> table_bytes = front->bytes().subspan(kPageBytes);
  const std::span checksums(reinterpret_cast<std::uint64_t*>(table_bytes.data()), block_count(sections));

  auto file = OutputFile::open_through(temporary, path, FileMode::kOfFolder);
  if (!file.ok()) return file.status();
  file->write_directly();
  BlockFile blocks(*file, path, front_bytes, sections);
  std::array<std::uint64_t, 4> begin{};  // of each section
  for (std::size_t i = 1; i < sizes.size(); ++i) begin[i] = begin[i - 1] + to_pages(sizes[i - 1]);
  std::array<std::uint64_t, 4> filled{};
  const auto put = [&](std::size_t section, std::span<const std::byte> bytes) {
    const std::uint64_t at = begin[section] + filled[section];
    filled[section] += bytes.size();
    return blocks.put(at, bytes, checksums);
  };
  Status status = put(0, std::as_bytes(snapshot.segments()));
  RegistrySnapshot::Segment segment;
  for (std::size_t number = 0; number < kSegmentCount && status.ok(); ++number) {
    if (!snapshot.read(number, filled[3], segment)) {
      return {StatusKind::kRegistry, path + ": error: an entry cannot be read; see registry verify"};
    }
    status = put(1, std::as_bytes(std::span(segment.buckets)));
    if (status.ok()) status = put(2, std::as_bytes(std::span(segment.side)));
    if (filled[3] + segment.texts.size() > sizes[3]) {
      return {StatusKind::kInternal, path + ": error: a bug: more texts than were counted"};
    }
    if (status.ok()) status = put(3, segment.texts);
  }
  for (std::size_t section = 0; section < sizes.size() && status.ok(); ++section) {
    const std::uint64_t left = to_pages(sizes[section]) - filled[section];
    status = blocks.put_zeros(begin[section] + filled[section], left, checksums);
  }
  if (!status.ok()) return status;
  const Header header = make_header(shape, checksum64(table_bytes.data(), table_bytes.size()));
  std::memcpy(front->bytes().data(), &header, sizeof header);
  status = file->write_at({reinterpret_cast<const char*>(front->bytes().data()), front_bytes}, 0);
  return status.ok() ? file->commit() : status;
}

Result<ImageInfo> read_image_info(const std::string& path) {
  const File file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  Header header{};
  ImageFault fault{};
  return read_header(file, path, header, fault);
}

namespace {

Result<Registry> read_image(const File& file, const std::string& path, Growth growth, ImageFault& fault) {
  Header header{};
  auto info = read_header(file, path, header, fault);
  if (!info.ok()) return info.status();

  const std::uint64_t sections = all_section_bytes(info->shape);
  std::vector<std::uint64_t> checksums(to_pages(block_count(sections) * sizeof(std::uint64_t)) / sizeof(std::uint64_t));
  const bool has_checksums = file.read(std::as_writable_bytes(std::span(checksums)), kPageBytes);
  if (!has_checksums && errno != 0) return unreadable(path, "cannot read the image", errno);
  if (!has_checksums || checksum64(checksums.data(), checksums.size() * sizeof checksums[0]) != header.table_checksum) {
    return damaged(fault, path, kPageBytes, "wrong checksum of the checksum table");
  }
  auto table = RegistryTable::create(info->shape, std::nullopt, growth);
  if (!table) {
    return Status(StatusKind::kRegistry, path + ": error: not enough memory for a registry of " +
                                             std::to_string(info->file_bytes) + " bytes; use a larger machine");
  }
  auto segments = std::make_unique<SegmentSection>();
  const SectionMap map = section_map(*table, *segments);
  const std::uint64_t sections_offset = info->file_bytes - sections;
  const std::uint64_t blocks = block_count(sections);
  std::atomic<std::uint64_t> next{0};
  std::mutex mutex;
  std::uint64_t first_damaged = blocks;  // guarded by mutex
  int read_error = 0;                    // guarded by mutex; errno of the first read that failed

  const auto read_blocks = [&] {
    std::array<std::byte, kPageBytes> padding{};
    for (;;) {
      // relaxed: the counter only hands out numbers; joining the thread makes the memory visible.
      const std::uint64_t block = next.fetch_add(1, std::memory_order_relaxed);
      if (block >= blocks) return;
      const std::uint64_t at = block * kBlockBytes;
      ChecksumStream checksum;
      bool was_read = true;
      int error = 0;
      std::uint64_t offset = at;
      map.for_each_piece(at, std::min<std::uint64_t>(kBlockBytes, sections - at),
                         [&](std::byte* data, std::uint64_t size) {
                           std::byte* into = data == nullptr ? padding.data() : data;
                           if (was_read && !file.read({into, size}, sections_offset + offset)) {
                             was_read = false;
                             error = errno;  // 0: the file has become shorter meanwhile
                           }
                           if (was_read) checksum.add(into, size);
                           offset += size;
                         });
      if (was_read && checksum.value() == checksums[block]) continue;
      const std::scoped_lock lock(mutex);
      if (error != 0 && read_error == 0) read_error = error;
      first_damaged = std::min(first_damaged, block);
    }
  };
  {
    const std::jthread second(read_blocks);
    read_blocks();
  }
  // A block that the disk did not give says nothing about the image.
  if (read_error != 0) return unreadable(path, "cannot read the image", read_error);
  if (first_damaged != blocks) {
    return damaged(fault, path, sections_offset + first_damaged * kBlockBytes, "wrong checksum of the block");
  }
  if (!table->set_segments(std::span(*segments).first(kSegmentCount + 1)))
    return damaged(fault, path, sections_offset, "segments out of order");
  if (header.version == kFormerNamesVersion) {
    const std::jthread second([&] { table->fold_names_again(0, kSegmentCount / 2); });
    table->fold_names_again(kSegmentCount / 2, kSegmentCount);
  }
  return Registry(std::move(table));
}

}  // namespace

Result<Registry> read_image(const std::string& path, Growth growth) {
  ImageFault fault{};
  return read_image(path, growth, fault);
}

Result<Registry> read_image(const std::string& path, Growth growth, ImageFault& fault) {
  return read_image(File(open(path.c_str(), O_RDONLY | O_CLOEXEC)), path, growth, fault);
}

Result<Registry> read_open_image(int fd, const std::string& path, Growth growth) {
  ImageFault fault{};
  return read_image(File(fcntl(fd, F_DUPFD_CLOEXEC, 0)), path, growth, fault);
}

}  // namespace clearline
