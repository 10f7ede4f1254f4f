// Hello: the first line of a connection that says who it is.
//
//   {"hello":{"token":"..."}}                            from the client; the token may be missing
//   {"hello":{"ok":true,"role":"feed"}}                  the answer
//   {"hello":{"ok":false,"error":"denied","detail":"..."}}   the answer, and the connection is closed
//
// A line is a hello when it is a JSON object with the key `hello` on its top level. It is valid when the whole line is (as
// strictly as a declaration), `hello` is there once and an object, and `token` in it is there at most once and a string or null;
// other keys are ignored. Nothing of the line is ever in an answer or a log.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "io/formats/out_buffer.h"
#include "io/net/server_config.h"

namespace clearline {

struct Hello {
  bool is_hello = false;             ///< otherwise it is some other line, a declaration say
  std::string_view fault;            ///< a hello, but a wrong one: why, as a fixed text
  std::optional<std::string> token;  ///< unescaped
};

/// Reads a line without its end.
Hello read_hello(std::string_view line);

/// Appends the hello of a client, with its line end.
void append_hello(const std::optional<std::string>& token, OutBuffer& out);

/// Appends the answer that takes a client in. Each of the three ends its line.
void append_hello_ok(Role role, OutBuffer& out);
/// Appends the answer that refuses it. `error`: a stable word; `detail`: why, and how to mend.
void append_hello_refusal(std::string_view error, std::string_view detail, OutBuffer& out);
/// Appends the line that says why a connection is closed or was never taken: {"closing":{"error":"idle_timeout","detail":"..."}}
void append_closing(std::string_view error, std::string_view detail, OutBuffer& out);

}  // namespace clearline
