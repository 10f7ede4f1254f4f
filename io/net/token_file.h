// A file with a token: one rule for `token_file` of the server's configuration and `--token-file` of its clients, so that
// both sides read the same token from the same file.
//
// The token is the first line without a BOM at its front, its line end (LF or CRLF), and blanks around it. It has 1 to
// kTokenBytesMax bytes of UTF-8, without control characters: what else a hello could carry, an editor or a shell put there.
// The file is a regular one that nobody but its owner may use.
#pragma once

#include <cstddef>
#include <string>

namespace clearline {

inline constexpr std::size_t kTokenBytesMax = 1'024;

struct TokenFile {
  std::string token;
  std::string
      fault;  ///< why there is no token, and how to mend it, as words after the file's name; never a byte of the file
};
TokenFile read_token_file(const std::string& path);

}  // namespace clearline
