// One strict pass of our own, with simdjson's DOM parser as its oracle in tests.
//
// Why not simdjson: its On-Demand parser accepts broken JSON behind the last field it was asked for; its DOM parser
// refuses integers beyond 64 bits, which are valid JSON, and tells no column. bench/ holds the pass against it.
//
//   block --mark_json_bytes--> bitmap of `"` `\` and control bytes      (vectors, a block at a time)
//   line  --LineWalker----------> members of the outer object              (scalar; strings end where the bitmap says)
//
// A line end is a control byte, so no string runs over it: a damaged line cannot reach its neighbour. UTF-8 is checked
// a block at a time; only when that fails, each of its lines is checked alone.
#include "io/formats/ndjson.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "engine/text.h"
#include "io/formats/block.h"
#include "io/formats/special_bytes.h"
#include "io/formats/utf8.h"

namespace clearline {
namespace {

constexpr std::string_view kClosed = "string is not closed";

/// A text between its quotes.
struct RawString {
  const char* begin = nullptr;
  const char* end = nullptr;
  bool has_escapes = false;
  std::string_view view() const { return {begin, static_cast<std::size_t>(end - begin)}; }
};

constexpr std::array<std::int8_t, 256> kHexDigit = [] {
  std::array<std::int8_t, 256> table{};
  table.fill(-1);
  for (int i = 0; i < 10; ++i) table[static_cast<std::size_t>('0' + i)] = static_cast<std::int8_t>(i);
  for (int i = 0; i < 6; ++i) {
    table[static_cast<std::size_t>('a' + i)] = static_cast<std::int8_t>(10 + i);
    table[static_cast<std::size_t>('A' + i)] = static_cast<std::int8_t>(10 + i);
  }
  return table;
}();

/// The number in the four hexadecimal digits at `at`; negative if they are none. Reads four bytes: the padding behind
/// a text lets it.
int hex4(const char* at) {
  const auto digit = [&](int i) { return static_cast<int>(kHexDigit[static_cast<unsigned char>(at[i])]); };
  // A digit that is none is -1, all ones: it makes the sum negative wherever it stands.
  return digit(0) * 4096 | digit(1) * 256 | digit(2) * 16 | digit(3);
}

std::uint64_t load8(const char* at) {
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, at, sizeof bytes);
  return bytes;
}

char* put_utf8(char* out, unsigned point) {
  const auto byte = [&](unsigned value) { *out++ = static_cast<char>(value); };
  if (point < 0x80) {
    byte(point);
  } else if (point < 0x800) {
    byte(0xC0 | point >> 6);
    byte(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    byte(0xE0 | point >> 12);
    byte(0x80 | (point >> 6 & 0x3F));
    byte(0x80 | (point & 0x3F));
  } else {
    byte(0xF0 | point >> 18);
    byte(0x80 | (point >> 12 & 0x3F));
    byte(0x80 | (point >> 6 & 0x3F));
    byte(0x80 | (point & 0x3F));
  }
  return out;
}

/// Unescapes a string that LineWalker has checked; never longer than it was.
char* unescape(const RawString& raw, char* out) {
  for (const char* p = raw.begin; p < raw.end;) {
    if (*p != '\\') {
      *out++ = *p++;
      continue;
    }
    const char escape = p[1];
    p += 2;
    switch (escape) {
      case 'b':
        *out++ = '\b';
        break;
      case 'f':
        *out++ = '\f';
        break;
      case 'n':
        *out++ = '\n';
        break;
      case 'r':
        *out++ = '\r';
        break;
      case 't':
        *out++ = '\t';
        break;
      case 'u': {
        auto point = static_cast<unsigned>(hex4(p));
        p += 4;
        if (point >= 0xD800 && point < 0xDC00) {
          point = 0x10000 + ((point - 0xD800) << 10) + (static_cast<unsigned>(hex4(p + 2)) - 0xDC00);
          p += 6;
        }
        out = put_utf8(out, point);
        break;
      }
      default:
        *out++ = escape;
    }
  }
  return out;
}

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
      if (*p_ != '\\') return at_end(p_) ? fail(open, kClosed) : fail(p_, "a control character in a string");
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
    if (first < 0) return fail(backslash, "\\u without four hexadecimal digits");
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
        const std::uint64_t bytes = load8(p_) ^ 0x30 * kOnes;  // a digit is 0 .. 9 now
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

constexpr std::array<std::string_view, kFieldCount> kTwice{"id is there twice",    "code is there twice",
                                                           "name is there twice",  "zip is there twice",
                                                           "phone is there twice", "declared_at is there twice"};
constexpr std::array<std::string_view, kFieldCount> kNotText{
    "id is neither string nor null",  "code is neither string nor null",  "name is neither string nor null",
    "zip is neither string nor null", "phone is neither string nor null", "declared_at is neither string nor null"};

/// Which known field a key is.
class KeyTable {
 public:
  explicit KeyTable(const FieldNames& names) : names_(names) {
    for (std::size_t field = 0; field < kFieldCount; ++field) {
      std::array<char, kStartBytes> start{};
      names[field].copy(start.data(), kStartBytes);
      starts_[field] = load8(start.data());
      sizes_[field] = names[field].size();
    }
  }

  /// The field's number; kFieldCount for an ignored key. Eight bytes at `key` must be readable, whatever its size.
  std::size_t find(std::string_view key) const {
    // All are compared before a branch looks: which key comes is anybody's guess, whether it is known less so.
    const std::uint64_t start = load8(key.data()) & kMasks[std::min(key.size(), kStartBytes)];
    unsigned matches = 0;
    for (unsigned field = 0; field < kFieldCount; ++field) {
      matches |= static_cast<unsigned>((starts_[field] == start) & (sizes_[field] == key.size())) << field;
    }
    if (matches == 0) return kFieldCount;
    if (key.size() <= kStartBytes) return static_cast<std::size_t>(std::countr_zero(matches));
    for (; matches != 0; matches &= matches - 1) {
      const auto field = static_cast<std::size_t>(std::countr_zero(matches));
      if (names_[field] == key) return field;
    }
    return kFieldCount;
  }

 private:
  static constexpr std::size_t kStartBytes = 8;
  /// The first n bytes in memory, for n of 0 .. 8.
  static constexpr std::array<std::uint64_t, kStartBytes + 1> kMasks = [] {
    std::array<std::uint64_t, kStartBytes + 1> masks{};
    for (std::size_t n = 0; n <= kStartBytes; ++n) {
      std::array<unsigned char, kStartBytes> bytes{};
      for (std::size_t i = 0; i < n; ++i) bytes[i] = 0xFF;
      masks[n] = std::bit_cast<std::uint64_t>(bytes);
    }
    return masks;
  }();
  FieldNames names_;
  std::array<std::uint64_t, kFieldCount> starts_{};
  std::array<std::size_t, kFieldCount> sizes_{};
};

/// Takes the known members of one line.
class FieldTaker {
 public:
  FieldTaker(const KeyTable& keys, const LineWalker& walker, char*& scratch)
      : keys_(keys), walker_(walker), scratch_(scratch) {}

  void text(const RawString& key, const char* key_begin, const RawString& value) {
    const std::size_t field = take(key, key_begin);
    if (field == kFieldCount) return;
    values[field] = value.has_escapes ? unescaped(value) : value.view();
  }
  void null(const RawString& key, const char* key_begin) { take(key, key_begin); }
  void other(const RawString& key, const char* key_begin, std::string_view) {
    const std::size_t field = take(key, key_begin);
    if (field == kFieldCount) return;
    note(kNotText[field], key_begin);
    id_is_wrong |= field == static_cast<std::size_t>(Field::kId);
  }

  FieldValues values;
  LineFault fault;  ///< the first of the line
  bool id_is_wrong = false;

 private:
  std::size_t take(const RawString& key, const char* key_begin) {
    const std::size_t field = keys_.find(key.has_escapes ? unescaped(key) : key.view());
    if (field == kFieldCount) return field;
    if ((seen_ >> field & 1U) != 0) {
      note(kTwice[field], key_begin);
      id_is_wrong |= field == static_cast<std::size_t>(Field::kId);
    }
    seen_ |= 1U << field;
    return field;
  }

  void note(std::string_view what, const char* at) {
    if (!fault) fault = {what, walker_.column_of(at)};
  }

  std::string_view unescaped(const RawString& raw) {
    char* begin = scratch_;
    scratch_ = unescape(raw, scratch_);
    return {begin, static_cast<std::size_t>(scratch_ - begin)};
  }

  const KeyTable& keys_;
  const LineWalker& walker_;
  char*& scratch_;
  unsigned seen_ = 0;
};

}  // namespace

struct NdjsonDecoder::State {
  explicit State(const InputFormat& format)
      : keys(format.names), line_bytes_max(format.line_bytes_max), bad_byte(format.bad_byte) {}

  KeyTable keys;
  std::size_t line_bytes_max;
  std::string_view bad_byte;
  std::string_view text;
  std::size_t at = 0;
  std::uint64_t line_number = 1;
  bool text_is_utf8 = true;
  ByteMarks special;
  std::vector<char> scratch;  // unescaped texts of the batch: never longer than the block they come from
};

NdjsonDecoder::NdjsonDecoder(const InputFormat& format) : state_(std::make_unique<State>(format)) {}
NdjsonDecoder::~NdjsonDecoder() = default;
NdjsonDecoder::NdjsonDecoder(NdjsonDecoder&&) noexcept = default;
NdjsonDecoder& NdjsonDecoder::operator=(NdjsonDecoder&&) noexcept = default;

void NdjsonDecoder::start(std::string_view text, std::uint64_t first_line) {
  State& state = *state_;
  state.text = text;
  state.at = 0;
  state.line_number = first_line;
  state.text_is_utf8 = is_utf8(text);
  mark_json_bytes(text, state.special);
  if (state.scratch.size() < text.size() + kBlockPadding) state.scratch.resize(text.size() + kBlockPadding);
}

void NdjsonDecoder::next(DecodedBatch& batch) {
  State& state = *state_;
  batch.size = 0;
  char* unescaped = state.scratch.data();
  LineWalker walker(state.text.data(), state.text.size(), state.special.data());
  while (batch.size < DecodedBatch::kLinesMax && state.at < state.text.size()) {
    const char* line = state.text.data() + state.at;
    const char* p = line;
    while (is_blank(*p) || *p == '\r') ++p;
    const char* text_end = state.text.data() + state.text.size();
    if (*p == '\n' || p >= text_end) {
      state.at = static_cast<std::size_t>(std::min(p + 1, text_end) - state.text.data());
      ++state.line_number;
      continue;
    }
    DecodedLine& decoded = batch.lines[batch.size];
    Declaration& declaration = batch.declarations[batch.size];
    ++batch.size;
    decoded.line = state.line_number++;
    FieldTaker fields(state.keys, walker, unescaped);
    const bool valid = walker.walk(line, fields);
    const char* end = walker.position();
    if (!valid) {
      end = static_cast<const char*>(std::memchr(line, '\n', static_cast<std::size_t>(text_end - line)));
      if (end == nullptr) end = text_end;
    }
    state.at = static_cast<std::size_t>(std::min(end + 1, text_end) - state.text.data());

    decoded.has_id = false;
    decoded.id = {};
    std::string_view whole(line, static_cast<std::size_t>(end - line));
    if (whole.ends_with('\r')) whole.remove_suffix(1);
    if (whole.size() > state.line_bytes_max) {
      decoded.fault = {"line is longer than the limit", 0};
      continue;
    }
    if (!valid) {
      decoded.fault = walker.fault();
      continue;
    }
    if (!state.text_is_utf8 && !is_utf8(whole)) {
      if (const std::size_t bad = find_invalid_utf8(whole); bad != whole.size()) {
        decoded.fault = {state.bad_byte, static_cast<std::uint32_t>(bad) + 1};
        continue;
      }
    }
    decoded.fault = fields.fault;
    take_fields(fields.values, fields.id_is_wrong, declaration, decoded);
  }
}

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

  const auto decoded = [](const RawString& raw) {
    std::string out(raw.view());
    if (raw.has_escapes) out.resize(static_cast<std::size_t>(unescape(raw, out.data()) - out.data()));
    return out;
  };
  struct Gatherer {
    std::vector<Member>& members;
    LineWalker& walker;
    decltype(decoded)& decode;

    Member& add(const RawString& key, const char* key_begin, Kind kind) {
      Member& member = members.emplace_back();
      member.key = decode(key);
      member.kind = kind;
      member.column = walker.column_of(key_begin);
      return member;
    }
    void text(const RawString& key, const char* key_begin, const RawString& value) {
      add(key, key_begin, Kind::kString).text = decode(value);
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
        texts.push_back(decode(element));
        walker.skip_space();
        if (*walker.position() == ',') walker.set_position(walker.position() + 1);
      }
      walker.set_position(behind);
      if (!all_strings) return;
      member.kind = Kind::kStrings;
      member.texts = std::move(texts);
    }
  };
  Gatherer gatherer{members_, walker, decoded};
  // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): the walker has the size
  if (walker.walk(text.data(), gatherer)) return {};
  members_.clear();
  return walker.fault();
}

}  // namespace clearline
