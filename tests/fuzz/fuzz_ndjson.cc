// Whether a line is valid: the strict pass against the reference's recursive descent.
#include <cstdio>
#include <cstdlib>

#include "io/formats/json_object.h"
#include "tests/support/reference.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static clearline::JsonObject object;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto fault = object.parse(line);
    if (fault && (fault.column == 0 || fault.column > line.size() + 1)) std::abort();
    if (!fault != clearline::reference::json_members(line).has_value()) {
      std::fprintf(stderr, "they differ; fault: %s at %u\n", std::string(fault.what).c_str(), fault.column);
      std::abort();
    }
  }
  return 0;
}
