#include "io/formats/json_object.h"

#include "io/formats/block.h"
#include "io/formats/json_walker.h"
#include "io/formats/special_bytes.h"
#include "io/formats/utf8.h"

namespace clearline {

struct JsonObject::State {
  std::vector<char> line;
  ByteMarks special;
};

JsonObject::JsonObject(std::string_view bad_byte) : state_(std::make_unique<State>()), bad_byte_(bad_byte) {}
JsonObject::~JsonObject() = default;

LineFault JsonObject::parse(std::string_view line) {
  members_.clear();
  auto& copy = state_->line;
  copy.assign(line.begin(), line.end());
  copy.resize(line.size() + kBlockPadding);
  const std::string_view text(copy.data(), line.size());
  if (const std::size_t bad = find_invalid_utf8(text); bad != text.size()) {
    return {bad_byte_, static_cast<std::uint32_t>(bad) + 1};
  }
  mark_json_bytes(text, state_->special);
  LineWalker walker(text.data(), text.size(), state_->special.data());

  struct Gatherer {
    std::vector<Member>& members;
    LineWalker& walker;

    Member& add(const RawString& key, const char* key_begin, Kind kind) {
      Member& member = members.emplace_back();
      member.key = unescaped(key);
      member.kind = kind;
      member.column = walker.column_of(key_begin);
      return member;
    }
    void text(const RawString& key, const char* key_begin, const RawString& value) {
      add(key, key_begin, Kind::kString).text = unescaped(value);
    }
    void null(const RawString& key, const char* key_begin) { add(key, key_begin, Kind::kNull); }
    void other(const RawString& key, const char* key_begin, std::string_view raw) {
      Member& member = add(key, key_begin, Kind::kOther);
      if (raw.front() != '[') return;
      // The value is checked already: only whether all its elements are strings is open.
      const char* behind = walker.position();
      walker.set_position(raw.data() + 1);
      std::vector<std::string> texts;
      bool all_strings = true;
      for (;;) {
        walker.skip_space();
        if (*walker.position() == ']') break;
        RawString element;
        if (*walker.position() != '"' || !walker.read_string(element)) {
          all_strings = false;
          break;
        }
        texts.push_back(unescaped(element));
        walker.skip_space();
        if (*walker.position() == ',') walker.set_position(walker.position() + 1);
      }
      walker.set_position(behind);
      if (!all_strings) return;
      member.kind = Kind::kStrings;
      member.texts = std::move(texts);
    }
  };
  Gatherer gatherer{members_, walker};
  if (walker.walk(text.data(), gatherer)) return {};
  members_.clear();
  return walker.fault();
}

}  // namespace clearline
