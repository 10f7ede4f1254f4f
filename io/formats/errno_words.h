// The system's reasons, with what to do about them.
#pragma once

#include <string>

namespace clearline {

/// `No space left on device; make room`, for an errno that a file had.
std::string errno_words(int error);
/// The same of a path. Where a permission is missing, it also says whose the file or folder in the way is: another
/// user's directory must not look like one that is missing or damaged.
std::string errno_words(int error, const std::string& path);

}  // namespace clearline
