// JsonSkim: over a line from one operator to the next. The fast half of NDJSON; scan_json (io/formats/json_scan.h) has
// checked all that needs no stack, and marked where it could not.
//
//   { "id" : "D1" , "item" : { "n" : [ 1 , 2 ] } }
//   ^      ^      ^        ^ ^     ^ ^   ^   ^ ^ ^    ops: what is seen here. What stands between two of them is one
//                                                     string, number or word, or nothing, and the scan has seen which.
//
// What is left to check: where an object wants a colon, there is one, and nowhere else; brackets match; nothing is too deep;
// the line starts with { and ends behind its }.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "io/formats/decoded.h"
#include "io/formats/kernels.h"

namespace clearline {

/// A member of the outer object, by places in the text.
struct SkimmedMember {
  std::uint32_t key;        ///< behind the key's opening quote
  std::uint32_t key_end;    ///< its closing quote
  std::uint32_t colon;      ///< before the value: spaces may come between
  std::uint32_t value_end;  ///< the comma or brace behind the value: spaces may come before
};

class JsonSkim {
 public:
  static constexpr std::size_t kDoubtful = static_cast<std::size_t>(-1);

  /// `text` with readable zero bytes behind it; `ops` from the first operator of a line on. Behind the last operator of the
  /// text its end is listed.
  JsonSkim(std::string_view text, const Ops& ops) : text_(text.data()), size_(text.size()), next_(ops) {}

  /// Shows each SkimmedMember of a line to `visit`. `open` is the line's first byte that is no space. The place of its line end (or the text's), if the line is valid unless something
  /// in it is marked as bad; kDoubtful when it is not, or only LineWalker can tell.
  template <typename Visit>
  std::size_t skim(std::size_t open, Visit visit) {
    if (text_[open] != '{' || take() != open) return kDoubtful;
    std::size_t op = take();
    if (byte_ == '}') {
      if (behind_spaces(open + 1) != op) return kDoubtful;
    } else {
      std::size_t key = open + 1;
      for (;;) {
        if (byte_ != ':') return kDoubtful;
        const std::size_t key_begin = behind_spaces(key) + 1;
        const std::size_t key_end = before_spaces(op) - 1;
        if (key_end < key_begin) return kDoubtful;
        const std::size_t colon = op;
        op = take();
        if (byte_ == '{' || byte_ == '[') {
          op = skip_nested(op);
          if (op == kDoubtful) return kDoubtful;
        }
        const auto place = [](std::size_t at) { return static_cast<std::uint32_t>(at); };
        visit(SkimmedMember{place(key_begin), place(key_end), place(colon), place(op)});
        if (byte_ != ',') break;
        key = op + 1;
        op = take();
      }
      if (byte_ != '}') return kDoubtful;
    }
    const std::size_t end = take();
    return end >= size_ || byte_ == '\n' ? end : kDoubtful;
  }

  /// From the first operator that was not taken.
  const Ops& next() const { return next_; }

  /// Before an operator and the next one there are spaces, or bytes that the scan has called bad; a line end is an operator
  /// itself. So a walk from one to the other stays between them.
  static bool is_space(char c) { return static_cast<unsigned char>(c) <= ' '; }

 private:
  std::size_t behind_spaces(std::size_t at) const {
    while (is_space(text_[at])) ++at;
    return at;
  }
  std::size_t before_spaces(std::size_t at) const {
    while (is_space(text_[at - 1])) --at;
    return at;
  }

  std::size_t take() {
    byte_ = *next_.bytes++;
    return *next_.places++;
  }

  /// From an opening bracket inside the outer object to the operator behind its closing one.
  std::size_t skip_nested(std::size_t op) {
    std::uint32_t objects = 0;  // bit d: what is open at depth d + 1 is an object
    int depth = 1;              // the outer object
    for (;;) {
      if (byte_ == '{' || byte_ == '[') {
        if (depth == kJsonDepthMax) return kDoubtful;
        const std::size_t open = op;
        const bool is_object = byte_ == '{';
        objects = (objects & ~(1U << depth)) | static_cast<std::uint32_t>(is_object) << depth;
        ++depth;
        op = take();
        if (!is_object) continue;
        if (byte_ == ':') {
          op = take();
          continue;
        }
        if (byte_ != '}' || behind_spaces(open + 1) != op) return kDoubtful;
      }
      assert(depth > 1);
      const bool in_object = (objects >> (depth - 1) & 1) != 0;
      if (byte_ == ',') {
        op = take();
        if (!in_object) continue;
        if (byte_ != ':') return kDoubtful;
        op = take();
        continue;
      }
      if (byte_ != (in_object ? '}' : ']')) return kDoubtful;
      --depth;
      op = take();
      if (depth == 1) return op;
    }
  }

  const char* text_;
  std::size_t size_;
  Ops next_;
  char byte_ = 0;  // of the operator taken last
};

}  // namespace clearline
