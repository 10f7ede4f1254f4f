// JsonObject: one JSON object of text members, for slower inputs than declarations: registries.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io/formats/decoded.h"
#include "io/formats/input_format.h"

namespace clearline {

class JsonObject {
 public:
  enum class Kind { kString, kNull, kStrings, kOther };
  struct Member {
    std::string key;
    Kind kind = Kind::kOther;
    std::string text;                ///< kString
    std::vector<std::string> texts;  ///< kStrings: an array of strings, possibly empty
    std::uint32_t column = 0;        ///< of the key in the line, from 1; 0 when not known
  };

  /// `bad_byte`: the fault of a line that is not UTF-8.
  explicit JsonObject(std::string_view bad_byte = kBadUtf8);
  ~JsonObject();

  /// Reads one line, under the same rules of validity as a declaration. Copies what it needs: no padding wanted.
  LineFault parse(std::string_view line);
  const std::vector<Member>& members() const { return members_; }

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::string_view bad_byte_;
  std::vector<Member> members_;
};

}  // namespace clearline
