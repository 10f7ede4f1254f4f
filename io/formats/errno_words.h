// The system's reasons, with what to do about them.
#pragma once

#include <string>

namespace clearline {

/// `No space left on device; make room`, for an errno that a file had.
std::string errno_words(int error);

}  // namespace clearline
