// Two passes of our own, with simdjson's DOM parser as their oracle in tests.
//
// Why not simdjson: its On-Demand parser accepts broken JSON behind the last field it was asked for; its DOM parser
// refuses integers beyond 64 bits, which are valid JSON, and tells no column. bench/ holds the passes against it.
//
//   block --scan_json--> words: operators, backslashes, doubts      (64 bytes an operation, a block at a time)
//   line  --skim_lines-> members that are wanted                    (its operators as bits of a word; AVX-512)
//         --LineShape--> the same, of a line that is like one before it (by its operators and keys; other machines)
//         --JsonSkim---> members of the outer object                (from operator to operator; what is odd, or all)
//         --LineWalker-> the same, and what is wrong where          (character by character; only lines in doubt)
//
// A line end is in no string, so a damaged line cannot reach its neighbour. UTF-8 is checked a block at a time; only
// when that fails, each of its lines is checked alone.
#include "io/formats/ndjson.h"

#include <algorithm>
#include <array>
#include <bit>
#include <span>

#include "engine/text.h"
#include "engine/unicode.h"
#include "engine/words.h"
#include "io/formats/block.h"
#include "io/formats/json_skim.h"
#include "io/formats/json_walker.h"
#include "io/formats/kernels.h"
#include "io/formats/key_names.h"
#include "io/formats/line_shape.h"
#include "io/formats/special_bytes.h"
#include "io/formats/utf8.h"

namespace clearline {
namespace {

constexpr std::array<std::string_view, kFieldCount> kTwice{"id is there twice",    "code is there twice",
                                                           "name is there twice",  "zip is there twice",
                                                           "phone is there twice", "declared_at is there twice"};
constexpr std::array<std::string_view, kFieldCount> kNotText{
    "id is neither string nor null",  "code is neither string nor null",  "name is neither string nor null",
    "zip is neither string nor null", "phone is neither string nor null", "declared_at is neither string nor null"};

/// Which known field a key may be: a perfect hash of its first eight bytes and its size, so that no branch depends on
/// which key comes.
class KeyTable {
 public:
  explicit KeyTable(const FieldNames& names) : names_(names) {
    for (std::size_t field = 0; field < kFieldCount; ++field) {
      const std::string& name = names[field];
      if (name.size() > kStartBytes) ends_[field] = load8(name.data() + name.size() - kStartBytes);
    }
    for (std::size_t k = 0; k < kJsonKeys; ++k) {
      has_escaped_ |= std::any_of(names[k].begin(), names[k].end(), is_escaped);
      const std::string quoted = '"' + names[k] + '"';
      const std::size_t size = std::min(quoted.size(), kStartBytes);
      quoted_.starts[k] = load_some(quoted.data(), size);
      quoted_.masks[k] = kMasks[size];
      if (quoted.size() > kStartBytes) longer_ |= 1U << k;
    }
    quoted_.others_multiplier = 0x9E3779B9;
    for (multiplier_ = 0x9E3779B97F4A7C15; !fill(names) && tries_ < kTriesMax; ++tries_)
      multiplier_ = multiplier_ * 5 + 2;
  }

  /// Whether the fast passes can find the names, which they hold against the bytes of a text. Two names may begin and end alike;
  /// and one with a character that JSON escapes stands in no text as it is.
  bool is_for_fast_passes() const { return tries_ < kTriesMax && !has_escaped_; }

  /// The number of the only field that can be called so; kFieldCount for an ignored key. Eight bytes at `key` must be
  /// readable, whatever its size.
  std::size_t find(const char* key, std::size_t size) const {
    const std::uint64_t start = start_of(key, size);
    const Known& known = known_[slot_of(start, size)];
    // No branch: which key comes is anybody's guess.
    const auto is_it = static_cast<std::size_t>(known.start == start) & static_cast<std::size_t>(known.size == size);
    return kFieldCount ^ ((known.field ^ kFieldCount) & (0 - is_it));
  }

  /// The names as skim_lines wants them.
  const JsonKeys& quoted() const { return quoted_; }

  /// What skim_lines sees of a key of a text, where quotes stand around it: its start, up to the closing quote.
  static std::uint64_t quoted_start(std::string_view key) {
    return load8(key.data() - 1) & kMasks[std::min(key.size() + 2, kStartBytes)];
  }
  bool is_other(std::uint64_t start) const {
    return quoted_.others[other_slot(start, quoted_.others_multiplier)] == start;
  }
  /// From now on a key that starts so is not one of ours, whatever comes after it. False: there was no place for it, and all
  /// others are forgotten.
  bool add_other(std::uint64_t start) {
    if (is_other(start)) return true;
    std::array<std::uint64_t, kOtherStarts> starts{start};
    std::size_t count = 1;
    for (const std::uint64_t old : quoted_.others) {
      if (old != 0) starts[count++ % kOtherStarts] = old;
    }
    constexpr std::size_t kOthersMax = 24;
    constexpr int kOtherTriesMax = 64;
    for (int i = 0; i < kOtherTriesMax && count <= kOthersMax; ++i) {
      if (i != 0) quoted_.others_multiplier = quoted_.others_multiplier * 5 + 2;
      if (place_others(std::span(starts).first(count))) return true;
    }
    place_others({});
    return false;
  }

  /// Whether the keys that skim_lines took for fields, a bit of `found` for each, are theirs to the end: of a long name it has
  /// seen the start. False also where a space stands behind such a key.
  bool are_whole(unsigned found, std::string_view text, const SkimmedLine::Value* values) const {
    for (found &= longer_; found != 0; found &= found - 1) {
      const auto field = static_cast<std::size_t>(std::countr_zero(found));
      const std::string_view name = names_[field];
      const std::size_t colon = values[field].colon;
      if (colon < name.size() + 3) return false;
      const char* const key = text.data() + colon - 1 - name.size();
      // Behind a backslash, what looks like its opening quote would be one inside.
      if (key[-2] == '\\' || key[-1] != '"' || text[colon - 1] != '"') return false;
      if (name.size() < kStartBytes ? name != std::string_view(key, name.size())
                                    : load8(key) != load8(name.data()) || !is_rest_of(field, key)) {
        return false;
      }
    }
    return true;
  }

  /// Whether a key that find() took for a field goes on as its name does.
  bool is_rest_of(std::size_t field, const char* key) const {
    const std::string_view name = names_[field];
    if (name.size() <= kStartBytes) return true;
    // Two loads that overlap, where a call would cost more than the comparison.
    if (name.size() <= 2 * kStartBytes) return load8(key + name.size() - kStartBytes) == ends_[field];
    return name == std::string_view(key, name.size());
  }

 private:
  static constexpr std::size_t kStartBytes = 8;
  static constexpr int kTriesMax = 1000;
  static constexpr int kSlotBits = 6;
  struct Known {
    std::uint64_t start = 0;
    std::size_t size = static_cast<std::size_t>(-1);
    std::size_t field = kFieldCount;
  };
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

  static bool is_escaped(char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; }

  bool place_others(std::span<const std::uint64_t> starts) {
    std::fill(std::begin(quoted_.others), std::end(quoted_.others), 0);
    for (const std::uint64_t start : starts) {
      std::uint64_t& place = quoted_.others[other_slot(start, quoted_.others_multiplier)];
      if (place != 0) return false;
      place = start;
    }
    return true;
  }

  static std::uint64_t start_of(const char* key, std::size_t size) {
    return load8(key) & kMasks[std::min(size, kStartBytes)];
  }
  std::size_t slot_of(std::uint64_t start, std::size_t size) const {
    return (start + size) * multiplier_ >> (64 - kSlotBits);
  }
  bool fill(const FieldNames& names) {
    known_ = {};
    for (std::size_t field = 0; field < kFieldCount; ++field) {
      std::array<char, kStartBytes> padded{};
      names[field].copy(padded.data(), kStartBytes);
      const std::uint64_t start = start_of(padded.data(), names[field].size());
      Known& known = known_[slot_of(start, names[field].size())];
      if (known.field != kFieldCount) return false;
      known = {start, names[field].size(), field};
    }
    return true;
  }

  static_assert(kJsonKeys == kFieldCount);
  FieldNames names_;
  JsonKeys quoted_{};
  bool has_escaped_ = false;
  unsigned longer_ = 0;  // a bit for each name that does not fit into the first bytes with both its quotes
  std::array<std::uint64_t, kFieldCount> ends_{};  // the last eight bytes of longer names
  std::uint64_t multiplier_ = 0;
  int tries_ = 0;
  std::array<Known, std::size_t{1} << kSlotBits> known_;
};

/// Takes the known members of one line from LineWalker.
class FieldTaker {
 public:
  FieldTaker(const FieldNames& names, const KeyTable& keys, KeyNames& near_names, const LineWalker& walker,
             char*& scratch)
      : names_(names), keys_(keys), near_names_(near_names), walker_(walker), scratch_(scratch) {}

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

  /// When all members were shown: a key that nearly is that of a field is a fault where that field is missing.
  void finish() {
    for (; near_ != 0; near_ &= near_ - 1) {
      const auto field = static_cast<std::size_t>(std::countr_zero(near_));
      const bool is_name = field == static_cast<std::size_t>(Field::kName);
      const std::string_view value = values[field];
      if (is_name ? is_blank_name(value) : trim_blanks(value).empty()) {
        note(near_key_fault(static_cast<Field>(field)), near_places_[field]);
      }
    }
  }

  FieldValues values;
  LineFault fault;  ///< the first of the line
  bool id_is_wrong = false;

 private:
  std::size_t take(const RawString& key, const char* key_begin) {
    const std::string_view name = key.has_escapes ? unescaped(key) : key.view();
    if (!key.has_escapes && keys_.is_other(KeyTable::quoted_start(name))) return kFieldCount;
    auto field = static_cast<std::size_t>(std::find(names_.begin(), names_.end(), name) - names_.begin());
    if (field == kFieldCount) {
      const KeyNames::Match match = near_names_.match(name);
      for (std::uint32_t near = match.near & ~near_; near != 0; near &= near - 1) {
        near_places_[static_cast<std::size_t>(std::countr_zero(near))] = key_begin;
      }
      near_ |= match.near;
      if (match.known == KeyNames::kNone) return field;
      field = match.known;
    }
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

  const FieldNames& names_;
  const KeyTable& keys_;
  KeyNames& near_names_;
  const LineWalker& walker_;
  char*& scratch_;
  unsigned seen_ = 0;
  std::uint32_t near_ = 0;                              // a bit for each field that some other key nearly is
  std::array<const char*, kFieldCount> near_places_{};  // of the first such key
};

/// What one of the passes made of a line.
struct ReadLine {
  FieldValues values;
  bool id_is_wrong = false;
  LineFault fault;
  bool is_valid = false;  ///< as JSON; `fault` may still tell of a known field
  std::size_t end = 0;    ///< its line end, or the text's
};

}  // namespace

struct NdjsonDecoder::State {
  explicit State(const InputFormat& format)
      : names(format.names),
        keys(format.names),
        near_names({format.names.begin(), format.names.end()}, format.ignored),
        line_bytes_max(format.line_bytes_max),
        bad_byte(format.bad_byte) {}

  void scan();
  const SkimmedLine* next_skimmed();
  bool take_skimmed(const SkimmedLine& line, std::size_t open, char*& unescaped);
  bool skim(std::size_t open, char*& unescaped);
  bool is_time_to_learn();
  void learn_others(const Ops& line_ops, std::size_t open);
  bool take_values(const SkimmedLine& line, std::size_t end, char*& unescaped);
  void walk(std::size_t line, char*& unescaped);

  FieldNames names;
  KeyTable keys;
  KeyNames near_names;
  std::size_t line_bytes_max;
  std::string_view bad_byte;
  std::string_view text;
  std::size_t at = 0;
  std::uint64_t line_number = 1;
  bool text_is_utf8 = true;
  bool skims = false;
  decltype(Kernels::skim_lines) skim_lines = nullptr;
  ByteMarks ops;
  std::vector<std::uint32_t> op_places;
  std::vector<char> op_bytes;
  std::size_t op_count = 0;
  std::size_t next_op = 0;                                   // the first one at or behind the line that is read
  std::array<SkimmedLine, DecodedBatch::kLinesMax> skimmed;  // some physical lines, blank ones too
  std::size_t skimmed_count = 0;
  std::size_t skimmed_next = 0;  // of those, the one behind the line that is read
  LineShape shape;               // of the lines that skim() sees
  std::size_t misfits = 0;       // lines since the last that fitted it
  ByteMarks escapes;
  ByteMarks bad;
  std::size_t next_bad = 0;  // the first bad byte at or behind the line that is read
  ByteMarks special;         // of one line, for LineWalker
  ReadLine read;
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
  state.skim_lines = kernels().skim_lines;
  state.skims = kernels().scan_json != nullptr && state.keys.is_for_fast_passes();
  state.text_is_utf8 = false;
  if (state.skims) state.scan();
  if (!state.text_is_utf8) state.text_is_utf8 = is_utf8(text);
  if (state.scratch.size() < text.size() + kBlockPadding) state.scratch.resize(text.size() + kBlockPadding);
}

/// What skim() needs of a block.
void NdjsonDecoder::State::scan() {
  const std::size_t words = text.size() / 64 + 1;
  for (ByteMarks* all : {&ops, &escapes, &bad}) {
    if (all->size() < words + 1) all->resize(words + 1);
  }
  JsonMarks marks{ops.data(), escapes.data(), bad.data()};
  kernels().scan_json(text.data(), words, marks);
  text_is_utf8 = marks.is_utf8;
  // A search ends at the text's end, whatever the padding was taken for.
  for (ByteMarks* all : {&ops, &escapes, &bad}) {
    (*all)[words - 1] |= ~std::uint64_t{0} << (text.size() % 64);
    (*all)[words] = ~std::uint64_t{0};
  }
  next_bad = next_mark(bad.data(), 0);
  // Room for every byte, though a fifth of it is used: counting first would cost each block more than the memory does once.
  if (op_places.size() < 64 * (words + 1)) {
    op_places.resize(64 * (words + 1));
    op_bytes.resize(64 * (words + 1));
  }
  op_count = kernels().list_ops(text.data(), ops.data(), words, {op_places.data(), op_bytes.data()});
  next_op = 0;
  skimmed_count = skimmed_next = 0;
}

/// What the kernel made of the next physical line; null where there is no such kernel.
const SkimmedLine* NdjsonDecoder::State::next_skimmed() {
  if (skim_lines == nullptr) return nullptr;
  if (skimmed_count != 0) next_op = skimmed[skimmed_next - 1].end_op + std::size_t{1};
  if (skimmed_next == skimmed_count) {
    skimmed_count = skim_lines(text.data(), {op_places.data(), op_bytes.data()}, next_op, op_count, keys.quoted(),
                               skimmed.data(), skimmed.size());
    skimmed_next = 0;
  }
  return &skimmed[skimmed_next++];
}

/// Takes a line that the kernel has skimmed. False: skim() must see it; nothing in `read` counts then.
bool NdjsonDecoder::State::take_skimmed(const SkimmedLine& line, std::size_t open, char*& unescaped) {
  if (line.is_odd || op_places[next_op] != open) return false;
  return keys.are_whole(line.found, text, line.values) && take_values(line, op_places[line.end_op], unescaped);
}

/// The fast pass without such a kernel, and for what that leaves. False: only walk() can tell what the line is; nothing in
/// `read` counts then.
bool NdjsonDecoder::State::skim(std::size_t open, char*& unescaped) {
  while (op_places[next_op] < open) ++next_op;
  const Ops line_ops{op_places.data() + next_op, op_bytes.data() + next_op};
  SkimmedLine line{};
  if (shape.fits(text, line_ops, open, line)) {
    misfits = 0;
    next_op += shape.op_count();
    return take_values(line, op_places[next_op - 1], unescaped);
  }
  JsonSkim skim(text, line_ops);
  std::array<SkimmedMember, kFieldCount + 1> members;  // the last one for whatever is ignored
  unsigned seen = 0;
  unsigned twice = 0;
  bool has_odd_key = false;  // one with an escape, or that nearly is one of ours
  const auto field_of = [&](const SkimmedMember& member) {
    return keys.find(text.data() + member.key, member.key_end - member.key);
  };
  const auto is_other = [&](const SkimmedMember& member) {
    const std::string_view key = text.substr(member.key, member.key_end - member.key);
    return keys.is_other(KeyTable::quoted_start(key)) || near_names.match(key).is_other();
  };
  const auto visit = [&](const SkimmedMember& member) {
    const std::size_t field = field_of(member);
    has_odd_key |= has_mark(escapes.data(), member.key, member.key_end) || (field == kFieldCount && !is_other(member));
    twice |= seen & 1U << field;
    seen |= 1U << field;
    members[field] = member;
  };
  const std::size_t end = skim.skim(open, visit);
  if (end == JsonSkim::kDoubtful) return false;
  next_op = static_cast<std::size_t>(skim.next().places - op_places.data());
  constexpr unsigned kKnown = (1U << kFieldCount) - 1;
  if (has_odd_key || (twice & kKnown) != 0) return false;
  line.found = static_cast<unsigned char>(seen & kKnown);
  for (std::size_t field = 0; field < kFieldCount; ++field) {
    const SkimmedMember& member = members[field];
    if ((seen >> field & 1U) == 0) {
      line.values[field] = {static_cast<std::uint32_t>(open), static_cast<std::uint32_t>(open) + 1};
    } else if (keys.is_rest_of(field, text.data() + member.key)) {
      line.values[field] = {member.colon, member.value_end};
    } else {
      return false;
    }
  }
  if (!take_values(line, end, unescaped)) return false;
  // Only of a line that is whole: in a broken one a key may hold a quote or a zero, and begin like another key as that is seen.
  if (is_time_to_learn()) {
    shape.learn(text, line_ops, open, field_of);
    learn_others(line_ops, open);
  }
  return true;
}

/// After a line that does not fit the shape that is known: whether its own is learnt instead. Not at once, as some lines have a
/// key more than the others; and seldom where no two are alike, as it costs more than skimming.
bool NdjsonDecoder::State::is_time_to_learn() {
  constexpr std::size_t kPatience = 4;
  constexpr std::size_t kSeldom = 64;
  ++misfits;
  return shape.is_empty() || misfits % kSeldom == 0 ||
         (misfits >= kPatience && misfits < kSeldom && std::has_single_bit(misfits));
}

/// Lets the fast passes go over the keys of a line that are none of ours, as far as their starts show it.
void NdjsonDecoder::State::learn_others(const Ops& line_ops, std::size_t open) {
  JsonSkim skim(text, line_ops);
  skim.skim(open, [&](const SkimmedMember& member) {
    const std::string_view key = text.substr(member.key, member.key_end - member.key);
    const std::uint64_t start = KeyTable::quoted_start(key);
    if (keys.is_other(start) || keys.find(key.data(), key.size()) != kFieldCount) return;
    constexpr std::size_t kSeenBytes = 7;
    const bool is_whole = key.size() < kSeenBytes;  // skim() has seen that it is none of ours
    if ((is_whole || near_names.is_start_of_others(key.substr(0, kSeenBytes))) && !keys.add_other(start)) shape = {};
  });
}

/// Takes the values of a line that ends at `end`. False: something in it is bad, or a value neither string nor null.
bool NdjsonDecoder::State::take_values(const SkimmedLine& line, std::size_t end, char*& unescaped) {
  if (next_bad <= std::min(end, text.size() - 1)) return false;
  unsigned escaped = 0;
  for (std::size_t field = 0; field < kFieldCount; ++field) {
    std::size_t value = line.values[field].colon + std::size_t{1};
    std::size_t value_end = line.values[field].end;
    while (JsonSkim::is_space(text[value])) ++value;
    while (JsonSkim::is_space(text[value_end - 1])) --value_end;
    const bool is_there = (line.found >> field & 1U) != 0;
    const bool is_text = is_there && text[value] == '"';
    if (is_there && !is_text && text[value] != 'n') return false;
    const std::size_t size = is_text ? value_end - value - 2 : 0;
    read.values[field] = {text.data() + value + 1, size};
    escaped |= static_cast<unsigned>(has_mark(escapes.data(), value + 1, value + 1 + size)) << field;
  }
  for (; escaped != 0; escaped &= escaped - 1) {  // behind the others: which are is anybody's guess
    std::string_view& value = read.values[static_cast<std::size_t>(std::countr_zero(escaped))];
    char* const out = unescaped;
    unescaped = unescape({value.data(), value.data() + value.size(), true}, out);
    value = {out, static_cast<std::size_t>(unescaped - out)};
  }
  read.is_valid = true;
  read.end = end;
  return true;
}

/// The exact pass.
void NdjsonDecoder::State::walk(std::size_t line, char*& unescaped) {
  const std::string_view one = text.substr(line, text.find('\n', line) - line);
  mark_json_bytes(one, special);
  LineWalker walker(one.data(), one.size(), special.data());
  FieldTaker fields(names, keys, near_names, walker, unescaped);
  read.is_valid = walker.walk(one.data(), fields);
  fields.finish();
  read.values = fields.values;
  read.id_is_wrong = fields.id_is_wrong;
  read.fault = read.is_valid ? fields.fault : walker.fault();
  read.end = line + one.size();
}

void NdjsonDecoder::next(DecodedBatch& batch) {
  State& state = *state_;
  batch.size = 0;
  char* unescaped = state.scratch.data();
  while (batch.size < DecodedBatch::kLinesMax && state.at < state.text.size()) {
    const std::size_t line = state.at;
    std::size_t p = line;
    const char* text = state.text.data();
    while (is_blank(text[p]) || text[p] == '\r') ++p;
    const SkimmedLine* skimmed = state.skims ? state.next_skimmed() : nullptr;
    if (text[p] == '\n' || p >= state.text.size()) {
      state.at = std::min(p + 1, state.text.size());
      ++state.line_number;
      continue;
    }
    DecodedLine& decoded = batch.lines[batch.size];
    Declaration& declaration = batch.declarations[batch.size];
    ++batch.size;
    decoded.line = state.line_number++;
    ReadLine& read = state.read;
    read.values.fill({});
    read.id_is_wrong = false;
    read.fault = {};
    if (state.skims && state.next_bad < line) state.next_bad = next_mark(state.bad.data(), line);
    char* const unescaped_before = unescaped;
    if (skimmed == nullptr || !state.take_skimmed(*skimmed, p, unescaped)) {
      unescaped = unescaped_before;
      if (!state.skims || !state.skim(p, unescaped)) {
        unescaped = unescaped_before;
        state.walk(line, unescaped);
      }
    }
    state.at = std::min(read.end + 1, state.text.size());

    decoded.has_id = false;
    decoded.id = {};
    std::string_view whole = state.text.substr(line, read.end - line);
    if (whole.ends_with('\r')) whole.remove_suffix(1);
    if (whole.size() > state.line_bytes_max) {
      decoded.fault = {kLineTooLong, 0};
      continue;
    }
    if (!read.is_valid) {
      decoded.fault = read.fault;
      continue;
    }
    if (!state.text_is_utf8 && !is_utf8(whole)) {
      if (const std::size_t bad = find_invalid_utf8(whole); bad != whole.size()) {
        decoded.fault = {state.bad_byte, static_cast<std::uint32_t>(bad) + 1};
        continue;
      }
    }
    decoded.fault = read.fault;
    take_fields(read.values, read.id_is_wrong, declaration, decoded);
  }
}

}  // namespace clearline
