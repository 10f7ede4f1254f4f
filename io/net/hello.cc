#include "io/net/hello.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "io/formats/block.h"
#include "io/formats/json_walker.h"
#include "io/formats/special_bytes.h"
#include "io/formats/utf8.h"
#include "io/formats/verdict_writer.h"

namespace clearline {
namespace {

/// A text that the strict pass can walk: a copy with padding, and its marks.
class MarkedText {
 public:
  explicit MarkedText(std::string_view text) : size_(text.size()), bytes_(text.size() + kBlockPadding) {
    std::copy(text.begin(), text.end(), bytes_.begin());
    mark_json_bytes({bytes_.data(), size_}, special_);
  }
  /// Shows the visitor the members of the one object that the text is; false if it is none.
  template <typename Visitor>
  bool walk(Visitor& visitor) const {
    return LineWalker(bytes_.data(), size_, special_.data()).walk(bytes_.data(), visitor);
  }

 private:
  std::size_t size_;
  std::vector<char> bytes_;
  ByteMarks special_;
};

/// The members of a line: whether `hello` is the only one.
struct LineVisitor {
  int members = 0;
  std::string_view object;  ///< of the last `hello`, if it is one; lies in the walked text

  void text(const RawString& /*key*/, const char* /*key_begin*/, const RawString& /*value*/) { ++members; }
  void null(const RawString& /*key*/, const char* /*key_begin*/) { ++members; }
  void other(const RawString& key, const char* /*key_begin*/, std::string_view raw) {
    ++members;
    if (raw.starts_with('{') && unescaped(key) == "hello") object = raw;
  }
};

/// The members of a hello: which of them is `token`.
struct HelloVisitor {
  int tokens = 0;
  bool is_wrong = false;
  std::optional<std::string> token;

  void text(const RawString& key, const char* /*key_begin*/, const RawString& value) {
    if (take(key)) token = unescaped(value);
  }
  void null(const RawString& key, const char* /*key_begin*/) { take(key); }
  void other(const RawString& key, const char* /*key_begin*/, std::string_view /*raw*/) {
    if (take(key)) is_wrong = true;
  }

 private:
  bool take(const RawString& key) {
    const bool is_token = unescaped(key) == "token";
    if (is_token) ++tokens;
    return is_token;
  }
};

/// Whether a look at the bytes alone leaves open that a line is a hello. Of declarations, next to none goes on from here.
bool may_be_hello(std::string_view line) {
  return line.find("\"hello\"") != std::string_view::npos || line.find('\\') != std::string_view::npos;
}

void append_text(std::string_view name, std::string_view value, OutBuffer& out) {
  out.append_fixed("\"");
  out.append(name);
  out.append_fixed("\":\"");
  append_json_text(value, out);
  out.append_fixed("\"");
}

}  // namespace

Hello read_hello(std::string_view line) {
  Hello hello;
  if (!may_be_hello(line) || !is_utf8(line)) return hello;
  const MarkedText text(line);
  LineVisitor members;
  // A declaration may have a field of that name.
  if (!text.walk(members) || members.members != 1 || members.object.empty()) return hello;
  HelloVisitor inside;
  if (!MarkedText(members.object).walk(inside)) return hello;  // never: an object in a valid line is valid
  hello.is_hello = true;
  if (inside.tokens > 1) {
    hello.fault = "token is there twice; give it once";
  } else if (inside.is_wrong) {
    hello.fault = "token is no text; put it in double quotes";
  } else {
    hello.token = std::move(inside.token);
  }
  return hello;
}

void append_hello(const std::optional<std::string>& token, OutBuffer& out) {
  out.append_fixed("{\"hello\":{");
  if (token) append_text("token", *token, out);
  out.append_fixed("}}\n");
}

void append_hello_ok(Role role, OutBuffer& out) {
  out.append_fixed("{\"hello\":{\"ok\":true,");
  append_text("role", to_string(role), out);
  out.append_fixed("}}\n");
}

void append_hello_refusal(std::string_view error, std::string_view detail, OutBuffer& out) {
  out.append_fixed("{\"hello\":{\"ok\":false,");
  append_text("error", error, out);
  out.append_fixed(",");
  append_text("detail", detail, out);
  out.append_fixed("}}\n");
}

void append_closing(std::string_view error, std::string_view detail, OutBuffer& out) {
  out.append_fixed("{\"closing\":{");
  append_text("error", error, out);
  out.append_fixed(",");
  append_text("detail", detail, out);
  out.append_fixed("}}\n");
}

}  // namespace clearline
