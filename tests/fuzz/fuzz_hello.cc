// Hellos: a line is one exactly when simdjson's DOM finds it to be an object with an object under that key and nothing else, and
// its token is the one that is there. What the two differ in by design: depth, and numbers beyond double range.
#include <simdjson.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "io/formats/decoded.h"
#include "io/net/hello.h"

namespace {

using clearline::Hello;
using simdjson::dom::element;

void fail(const char* what, std::string_view line) {
  std::fprintf(stderr, "%s: %.*s\n", what, static_cast<int>(line.size()), line.data());
  std::abort();
}

int depth_of(element value) {
  int inside = 0;
  if (value.is_object()) {
    for (const auto& member : simdjson::dom::object(value)) inside = std::max(inside, depth_of(member.value));
  } else if (value.is_array()) {
    for (const element each : simdjson::dom::array(value)) inside = std::max(inside, depth_of(each));
  } else {
    return 0;
  }
  return inside + 1;
}

/// How often a key is in an object; `value`: the last time.
int count(simdjson::dom::object object, std::string_view key, element& value) {
  int found = 0;
  for (const auto& member : object) {
    if (member.key != key) continue;
    ++found;
    value = member.value;
  }
  return found;
}

void check_line(simdjson::dom::parser& parser, std::string_view line) {
  const Hello hello = clearline::read_hello(line);
  if (!hello.is_hello && (hello.token || !hello.fault.empty())) fail("no hello, but more", line);
  simdjson::dom::object object;
  const simdjson::padded_string copy(line);
  element whole;
  const auto error = parser.parse(copy).get(whole);
  if (error == simdjson::NUMBER_ERROR) return;
  const bool is_object = error == simdjson::SUCCESS && whole.get(object) == simdjson::SUCCESS &&
                         depth_of(whole) <= clearline::kJsonDepthMax;
  element value;
  simdjson::dom::object inside;
  const bool is_hello =
      is_object && object.size() == 1 && count(object, "hello", value) == 1 && value.get(inside) == simdjson::SUCCESS;
  if (hello.is_hello != is_hello) fail("one of the two takes it for a hello", line);
  if (!hello.is_hello) return;
  element token;
  const int tokens = count(inside, "token", token);
  const bool is_good = (tokens == 0 || (tokens == 1 && (token.is_string() || token.is_null())));
  if (hello.fault.empty() != is_good) fail("one of the two finds a fault", line);
  const bool has_token = is_good && tokens == 1 && token.is_string();
  if (hello.token.has_value() != has_token) fail("one of the two finds a token", line);
  if (has_token && std::string_view(token) != *hello.token) fail("another token", line);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static simdjson::dom::parser parser;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    check_line(parser, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return 0;
}
