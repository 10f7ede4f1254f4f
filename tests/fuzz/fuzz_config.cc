// Configurations: any text is refused with placed faults, or taken; and what is shown of one that was taken is taken again
// and shown the same.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "io/net/config_file.h"

namespace {

void fail(const char* what, const std::string& text) {
  std::fprintf(stderr, "%s:\n%s\n", what, text.c_str());
  std::abort();
}

/// Whether a text is lines that start with a place.
bool is_placed(std::string_view words) {
  while (!words.empty()) {
    const std::string_view line = words.substr(0, words.find('\n'));
    words.remove_prefix(std::min(line.size() + 1, words.size()));
    unsigned number = 0;
    unsigned column = 0;
    if (std::sscanf(std::string(line).c_str(), "/f.toml:%u:%u: error: ", &number, &column) != 2) return false;
    if (number == 0 || column == 0) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto config = clearline::parse_config(text, "/f.toml");
  if (!config.ok()) {
    if (!is_placed(config.status().message())) fail("a fault without a place", config.status().message());
    return 0;
  }
  // Hashes are not shown: who has no other proof could not be read again.
  std::erase_if(config->clients, [](const clearline::ClientConfig& client) { return !client.uid; });
  for (clearline::ClientConfig& client : config->clients) client.token.reset();
  if (!config->changes_listen.empty()) return 0;  // needs a token
  const std::string shown = clearline::config_text(*config);
  const auto again = clearline::parse_config(shown, "/f.toml");
  if (!again.ok()) fail(again.status().message().c_str(), shown);
  if (clearline::config_text(*again) != shown) fail("shown otherwise", shown);
  return 0;
}
