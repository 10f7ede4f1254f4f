// OutputFile: a file that appears whole or not at all.
//
// Life        open() makes a temporary beside the final name (mode 0600, never over another file); write() appends;
//             commit() fsyncs, renames and fsyncs the folder. Without a commit the destructor removes the temporary.
// Straight    `-` (stdout), pipes and devices have no final name to protect: bytes go there as they come. So they do for a
//             descriptor that the path names (/dev/stdout, /dev/fd/3, /proc/PID/fd/1), whatever is behind it.
// Mode        A file that is replaced passes its owner, group and mode on, as far as the process may; a private one is
//             0600 whatever it replaces.
// Links       a symbolic link keeps pointing: the file it names is replaced.
// Signals     the temporaries that are open are known to remove_pending_output_files(), which a handler may call.
// Direct      write_directly() passes the page cache by, for large files.
// Resumable   open_resumable() writes to NAME.part, which outlives the process, and goes on after what is good in it. A
//             NAME.part that the caller does not know to be its own is never touched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "clearline/status.h"
#include "engine/hash.h"

namespace clearline {

/// Who may read the file once it has its name.
enum class FileMode {
  kPrivate,   ///< 0600: it holds registered values
  kOfFolder,  ///< the same, and it belongs to the owner of its folder, also when root writes it: registry directories
  kUsual,     ///< as the file that it replaces, else as the umask says: verdicts
};

class OutputFile {
 public:
  static Result<OutputFile> open(const std::string& path, FileMode mode);
  /// As open(), but through a temporary of this name, so that of killed runs one is left at most: its place is
  /// taken. Links are replaced, never followed. One writer at a time.
  static Result<OutputFile> open_through(const std::string& temporary, const std::string& path,
                                         FileMode mode = FileMode::kPrivate);
  enum class Part {
    kNew,    ///< there must not be one: what is there is somebody else's, and kOutput
    kFound,  ///< the caller knows that it is there, and what it must hold
  };
  /// A file that a later run can go on with. Another process that has it open is kOutput; a path without a name to protect
  /// (stdout, a pipe) is kUsage.
  static Result<OutputFile> open_resumable(const std::string& path, FileMode mode, Part part);
  /// What to say of a .part that is not known to be ours.
  static Status foreign_part(const std::string& part);
  /// Where it is until it is whole.
  static std::string part_path(const std::string& path);
  /// Resumable files: drops all behind the first `bytes`, whose checksum64 (as a stream) must be `checksum`; kOutput if
  /// it is not. Called before the first write.
  Status keep(std::uint64_t bytes, std::uint64_t checksum);
  /// What is written so far is on disk afterwards.
  Status sync();
  std::uint64_t bytes_written() const { return bytes_written_; }
  std::uint64_t checksum() const { return checksum_.value(); }

  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&& other) noexcept;
  ~OutputFile();

  /// From here on bytes go from their memory to the disk, not through the page cache: for large files that nobody reads
  /// at once. Copying 2 GB into fresh cache pages costs seconds, and commit() would wait for the disk all the same.
  /// Advice only: bytes that are not aligned to kDirectBytes in size, place and memory, and all that follow, and file
  /// systems that cannot, take the usual way.
  void write_directly();
  static constexpr std::size_t kDirectBytes = 4096;

  /// kOutput when the bytes cannot be written; pipe_closed() tells the reader that went away from the disk that is
  /// full.
  Status write(std::string_view bytes);
  /// The same at a place of the file; not for files that go straight or can be resumed.
  Status write_at(std::string_view bytes, std::uint64_t offset);
  /// The file has its name afterwards, on disk. Where bytes go straight, nothing is left to do.
  Status commit();

  bool pipe_closed() const { return pipe_closed_; }
  bool is_straight() const { return temporary_.empty(); }

 private:
  OutputFile() = default;
  Status fail(const char* what) const;
  Status check_name() const;
  Status fail_to_create() const;
  Status take_mode();
  void set_direct(bool direct);

  int fd_ = -1;
  FileMode mode_ = FileMode::kUsual;
  std::string path_;       // as the user wrote it, for errors
  std::string target_;     // with links followed
  std::string temporary_;  // empty: written straight
  int pending_ = -1;       // place in the list of pending temporaries
  bool pipe_closed_ = false;
  bool is_resumable_ = false;
  bool is_direct_ = false;
  std::uint64_t bytes_written_ = 0;
  ChecksumStream checksum_;  // of what is written, for resumable files
};

/// Unlinks all temporaries that are not committed. Async-signal-safe.
void remove_pending_output_files();

}  // namespace clearline
