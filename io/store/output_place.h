// OutputPlace: what an output's path leads to, and the names of the files that stand beside it.
//
// Everything that asks whether two paths mean one file, or how a path is to be written, asks here. Links are followed one
// at a time, because the last one may be no link of a file system: what stands in /proc/PID/fd is a descriptor, however it
// is reached, and the file that the descriptor belongs to is never replaced.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace clearline {

struct OutputPlace {
  enum class Kind {
    kFile,        ///< a regular file, or none yet: it appears whole under `path`
    kDescriptor,  ///< `descriptor` of this process, whatever is behind it
    kStraight,    ///< a pipe, a device, a folder, or a descriptor of another process: opened at `path`
    kLoop,        ///< more links than the system follows
  };
  Kind kind = Kind::kFile;
  int descriptor = -1;
  std::string path;  ///< without links at its end
};

/// `-` is stdout.
OutputPlace output_place(const std::string& path);

/// The same text for all names of one file, also of one that does not exist yet. Nothing for what may be named as often
/// as one likes, such as /dev/null. `-` is `standard`, the descriptor it stands for. Two of them are the same file if a
/// byte written to the one can be read from the other.
std::optional<std::string> file_identity(const std::string& path, int standard);

/// `path` with `suffix` behind its name. Where that is longer than a name may be, the name is cut and has a checksum of
/// all of it instead, so that each path keeps one of its own.
std::string path_beside(const std::string& path, std::string_view suffix);

}  // namespace clearline
