// Folders: a name is on disk only when its folder is.
#pragma once

#include <string>

namespace clearline {

/// The folder that a path lies in; slashes at its end count for nothing.
std::string folder_of(const std::string& path);

/// What was named or renamed in the folder is on disk afterwards. False, with errno, when that fails; a file system that
/// cannot sync folders is no failure.
bool sync_folder(const std::string& path);

/// Gives a new file to the owner of the folder that its path lies in, if this is root: else a directory that a service
/// owns would fill with files that it cannot open. For anybody else nothing is to be done. False, with errno, when that
/// fails.
bool give_to_owner_of_folder(int fd, const std::string& path);

}  // namespace clearline
