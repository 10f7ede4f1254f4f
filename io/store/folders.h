// Folders: a name is on disk only when its folder is.
#pragma once

#include <string>

namespace clearline {

/// The folder that a path lies in; slashes at its end count for nothing.
std::string folder_of(const std::string& path);

/// What was named or renamed in the folder is on disk afterwards. False, with errno, when that fails; a file system that
/// cannot sync folders is no failure.
bool sync_folder(const std::string& path);

}  // namespace clearline
