// The configuration of the server: TOML in, ServerConfig out. Every fault is placed: FILE:LINE:COLUMN: error: what; mend.
#pragma once

#include <string>
#include <string_view>

#include "clearline/status.h"
#include "io/net/server_config.h"

namespace clearline {

/// Reads a file. kConfig with all its faults, a line each: unknown keys with the one that was meant, values of another type
/// or outside their range, what is missing, what contradicts. Relative paths are taken from the folder of the file. Token files
/// are read; no token or hash is ever in a message.
Result<ServerConfig> read_config(const std::string& path);
/// The same of a text; `path` names it in errors and says where relative paths start.
Result<ServerConfig> parse_config(std::string_view text, const std::string& path);

/// A commented file with every key at its default, which read_config accepts once [registry] names a registry.
std::string config_sample();
/// A configuration as TOML, every key there, tokens as `token_hash = "(set)"`: for `config show`.
std::string config_text(const ServerConfig& config);

}  // namespace clearline
