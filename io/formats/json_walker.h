// LineWalker: the strict pass over one line, character by character. It tells every fault and its place; it is the slow
// twin of the skim in io/formats/json_skim.h, and reads whatever that one does not vouch for.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "engine/text.h"
#include "io/formats/decoded.h"
#include "io/formats/json_text.h"
#include "io/formats/special_bytes.h"

namespace clearline {

/// Walks one line of a marked text: checks all of it, and shows the members of the outer object to a visitor.
///
/// The visitor has   void text(key, key_begin, value)   for string members,
///                   void null(key, key_begin)          and
///                   void other(key, key_begin, raw)    for all else.
/// Every read stops at a zero byte or a line end, so nothing runs out of the text.
class LineWalker {
 public:
  LineWalker(const char* text, std::size_t size, const std::uint64_t* special)
      : text_(text), text_end_(text + size), special_(special) {}

  /// Walks the line that starts at `line`. True: valid, and `p` is at its line end or the text's. False: fault() says
  /// why.
  template <typename Visitor>
  bool walk(const char* line, Visitor& visitor) {
    line_ = line;
    p_ = line;
    fault_ = {};
    skip_space();
    if (*p_ != '{') return fail(p_, "line is not a JSON object");
    ++p_;
    skip_space();
    if (*p_ == '}') {
      ++p_;
      return end_of_line();
    }
    for (;;) {
      RawString key;
      if (*p_ != '"') return fail(p_, "a key in double quotes is missing");
      const char* key_begin = p_;
      if (!read_string(key)) return false;
      if (*p_ != ':') {
        skip_space();
        if (*p_ != ':') return fail(p_, "a colon is missing");
      }
      ++p_;
      if (*p_ != '"') skip_space();
      if (*p_ == '"') {
        RawString value;
        if (!read_string(value)) return false;
        visitor.text(key, key_begin, value);
      } else if (*p_ == 'n') {
        if (!read_word("null")) return false;
        visitor.null(key, key_begin);
      } else {
        const char* begin = p_;
        if (*p_ == '{' || *p_ == '[' ? !skip_nested() : !read_scalar()) return false;
        visitor.other(key, key_begin, std::string_view(begin, static_cast<std::size_t>(p_ - begin)));
      }
      if (*p_ == ',') {
        ++p_;
        if (*p_ != '"') skip_space();
        continue;
      }
      skip_space();
      if (*p_ == ',') {
        ++p_;
        skip_space();
        continue;
      }
      if (*p_ != '}') return fail(p_, "a comma or a closing brace is missing");
      ++p_;
      return end_of_line();
    }
  }

  const char* position() const { return p_; }
  const LineFault& fault() const { return fault_; }
  std::uint32_t column_of(const char* at) const { return static_cast<std::uint32_t>(at - line_) + 1; }

  /// Reads the string at p, which is at its opening quote. Public for walking the insides of a checked value.
  bool read_string(RawString& raw) {
    const char* open = p_;
    raw.begin = ++p_;
    for (;;) {
      p_ = next_special(p_);
      if (*p_ == '"') [[likely]] {
        raw.end = p_++;
        return true;
      }
      if (*p_ != '\\')
        return at_end(p_) ? fail(open, "string is not closed") : fail(p_, "a control character in a string");
      raw.has_escapes = true;
      if (!skip_escape()) return false;
    }
  }

  void skip_space() {
    while (*p_ == ' ' || *p_ == '\t' || *p_ == '\r') ++p_;
  }

  void set_position(const char* at) { p_ = at; }

 private:
  bool fail(const char* at, std::string_view what) {
    fault_ = {what, column_of(at)};
    return false;
  }

  bool at_end(const char* at) const { return at >= text_end_ || *at == '\n'; }

  bool end_of_line() {
    skip_space();
    return at_end(p_) || fail(p_, "text behind the object");
  }

  const char* next_special(const char* from) const {
    return text_ + next_mark(special_, static_cast<std::size_t>(from - text_));
  }

  bool skip_escape() {
    const char* backslash = p_;
    switch (p_[1]) {
      case '"':
      case '\\':
      case '/':
      case 'b':
      case 'f':
      case 'n':
      case 'r':
      case 't':
        p_ += 2;
        return true;
      case 'u':
        break;
      default:
        return fail(backslash, "an escape that JSON does not have");
    }
    const int first = hex4(p_ + 2);
    if (first < 0) return fail(backslash, "an escape u without four hexadecimal digits");
    p_ += 6;
    if (first < 0xD800 || first > 0xDFFF) return true;
    const int second = first < 0xDC00 && p_[0] == '\\' && p_[1] == 'u' ? hex4(p_ + 2) : -1;
    if (second < 0xDC00 || second > 0xDFFF) return fail(backslash, "an unpaired surrogate");
    p_ += 6;
    return true;
  }

  /// Five bytes are readable at any place of the text: its padding.
  bool read_word(std::string_view word) {
    if (std::memcmp(p_, word.data(), word.size()) != 0) return fail(p_, "a value that JSON does not have");
    p_ += word.size();
    return true;
  }

  /// Eight bytes at a time: numbers differ in length, so a loop over bytes would be mispredicted at each end.
  bool read_digits() {
    const char* begin = p_;
    if constexpr (std::endian::native == std::endian::little) {
      for (;;) {
        constexpr std::uint64_t kOnes = 0x0101010101010101;
        std::uint64_t bytes = 0;
        std::memcpy(&bytes, p_, sizeof bytes);
        bytes ^= 0x30 * kOnes;  // a digit is 0 .. 9 now
        const std::uint64_t others = (bytes | ((bytes & 0x7F * kOnes) + 0x76 * kOnes)) & 0x80 * kOnes;
        if (others != 0) {
          p_ += std::countr_zero(others) / 8;
          return p_ != begin;
        }
        p_ += 8;
      }
    }
    while (is_digit(*p_)) ++p_;
    return p_ != begin;
  }

  bool read_number() {
    const char* begin = p_;
    if (*p_ == '-') ++p_;
    if (*p_ == '0') {
      ++p_;
    } else if (!read_digits()) {
      return fail(begin, "a value that JSON does not have");
    }
    if (*p_ == '.') {
      ++p_;
      if (!read_digits()) return fail(begin, "a number that JSON does not have");
    }
    if (*p_ == 'e' || *p_ == 'E') {
      ++p_;
      if (*p_ == '+' || *p_ == '-') ++p_;
      if (!read_digits()) return fail(begin, "a number that JSON does not have");
    }
    return true;
  }

  bool read_scalar() {
    switch (*p_) {
      case '"': {
        RawString ignored;
        return read_string(ignored);
      }
      case 't':
        return read_word("true");
      case 'f':
        return read_word("false");
      case 'n':
        return read_word("null");
      default:
        return at_end(p_) ? fail(p_, "the line ends inside the object") : read_number();
    }
  }

  /// An object or array, with the kinds of what is open on a stack of bits: depth is bounded, and so is the stack.
  bool skip_nested() {
    std::uint32_t objects = 0;  // bit d: the container at depth d + 1 is an object
    int depth = 1;              // the outer object
    const auto in_object = [&] { return (objects >> (depth - 1) & 1U) != 0; };
    const auto read_key = [&] {
      RawString ignored;
      if (*p_ != '"') return fail(p_, "a key in double quotes is missing");
      if (!read_string(ignored)) return false;
      skip_space();
      if (*p_ != ':') return fail(p_, "a colon is missing");
      ++p_;
      skip_space();
      return true;
    };
    for (;;) {
      if (*p_ == '{' || *p_ == '[') {
        if (depth == kJsonDepthMax) return fail(p_, "nested more than 16 deep");
        const bool object = *p_ == '{';
        objects = (objects & ~(1U << depth)) | static_cast<std::uint32_t>(object) << depth;
        ++depth;
        ++p_;
        skip_space();
        if (*p_ == (object ? '}' : ']')) {
          ++p_;
          --depth;
        } else {
          if (object && !read_key()) return false;
          continue;
        }
      } else if (!read_scalar()) {
        return false;
      }
      // Behind a value: close what ends here, until a comma asks for the next one.
      while (depth > 1) {
        skip_space();
        if (*p_ == ',') {
          ++p_;
          skip_space();
          if (in_object() && !read_key()) return false;
          break;
        }
        if (*p_ != (in_object() ? '}' : ']')) return fail(p_, "a comma or a closing bracket is missing");
        ++p_;
        --depth;
      }
      if (depth == 1) return true;
    }
  }

  const char* text_;
  const char* text_end_;
  const std::uint64_t* special_;
  const char* line_ = nullptr;
  const char* p_ = nullptr;
  LineFault fault_;
};

}  // namespace clearline
