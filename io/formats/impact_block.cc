#include "io/formats/impact_block.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <optional>

#include "clearline/screener.h"
#include "io/formats/block_decoder.h"
#include "io/formats/kernels.h"
#include "io/formats/verdict_writer.h"

namespace clearline {

EntryFieldSet different_fields(const Entry& before, const Entry& after) {
  EntryFieldSet fields;
  const auto compare = [&](EntryField field, const auto& a, const auto& b) {
    if (!(a == b)) fields.add(field);
  };
  compare(EntryField::kName, before.name, after.name);
  compare(EntryField::kNameKo, before.name_ko, after.name_ko);
  compare(EntryField::kPhone, before.phone, after.phone);
  compare(EntryField::kZips, before.zips, after.zips);
  compare(EntryField::kStatus, before.status, after.status);
  compare(EntryField::kReplacedBy, before.replaced_by, after.replaced_by);
  compare(EntryField::kIssued, before.issued, after.issued);
  compare(EntryField::kChanged, before.changed, after.changed);
  compare(EntryField::kExpires, before.expires, after.expires);
  return fields;
}

void ImpactTally::add(const ImpactTally& other) {
  const auto add_all = [](auto& to, const auto& from) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
  };
  lines += other.lines;
  touched += other.touched;
  changed += other.changed;
  for (std::size_t i = 0; i < outcome.size(); ++i) add_all(outcome[i], other.outcome[i]);
  add_all(before, other.before);
  add_all(after, other.after);
}

namespace {

void count_reasons(ReasonSet reasons, std::array<std::uint64_t, kReasonCount>& counts) {
  for (std::uint32_t bits = reasons.bits(); bits != 0; bits &= bits - 1) {
    ++counts[static_cast<std::size_t>(std::countr_zero(bits))];
  }
}

/// The entry that a change made of nothing, or that a reissue put in the place of another, has no fields of before.
template <typename Use>
void for_each_field(const PastRows::Version& version, const SeenChange& change, const Use& use) {
  if (version.hot.empty()) {
    use(EntryField::kCode);
    return;
  }
  for (std::size_t i = 0; i < kEntryFieldCount; ++i) {
    if (change.fields.has(static_cast<EntryField>(i))) use(static_cast<EntryField>(i));
  }
}

}  // namespace

struct ImpactFinder::State {
  State(const Registry& registry, const PastRows& past_rows, std::span<const SeenChange> seen, const Policy& policy,
        const ImpactOptions& impact_options)
      : past(&past_rows),
        changes(seen),
        options(impact_options),
        then(registry, policy, impact_options.today, &past_rows),
        now(registry, policy, impact_options.today) {}

  void find_hits(std::string_view text);
  void choose(const Block& in);
  void choose_lines(const Block& in);
  void choose_records(const Block& in);
  void take(std::string_view lines, std::uint64_t number);
  template <typename Decoder>
  void find(Decoder& input, const Block& in, bool is_chosen, ImpactBlock& out);
  void judge(ImpactBlock& out);
  void write_ndjson(const DecodedLine& line, std::span<const PastRows::Version> versions, const Verdict& before,
                    const Verdict& after, OutBuffer& out) const;
  void write_csv(const DecodedLine& line, std::span<const PastRows::Version> versions, const Verdict& before,
                 const Verdict& after, OutBuffer& out) const;
  const SeenChange& change_of(const PastRows::Version& version) const {
    return changes[version.seq - *past->seq_of({}) - 1];
  }

  const PastRows* past;
  std::span<const SeenChange> changes;
  ImpactOptions options;
  std::string_view file;  // of the block, as in InputFormat
  Screener then;
  Screener now;
  BlockDecoder decoder;
  DecodedBatch batch;
  DecodedBatch touched;
  std::array<std::span<const PastRows::Version>, DecodedBatch::kLinesMax> versions;
  std::array<Verdict, DecodedBatch::kLinesMax> verdicts_then;
  std::array<Verdict, DecodedBatch::kLinesMax> verdicts_now;

  // Of choose().
  struct Candidate {
    std::size_t place;
    std::uint64_t mixed;
  };
  static constexpr std::uint64_t kAnyCode = ~std::uint64_t{0};
  std::vector<std::uint64_t> marks;
  std::vector<Candidate> candidates;
  std::vector<std::size_t> hits;  // ascending
  std::optional<CsvReader> records;
  CsvRecord record;
  std::optional<Block> chosen;               // the lines that must be decoded
  std::vector<std::uint64_t> chosen_number;  // of each of them in the input
};

ImpactFinder::ImpactFinder(const Registry& registry, const PastRows& past, std::span<const SeenChange> changes,
                           const Policy& policy, const ImpactOptions& options)
    : state_(std::make_unique<State>(registry, past, changes, policy, options)) {}
ImpactFinder::~ImpactFinder() = default;
ImpactFinder::ImpactFinder(ImpactFinder&&) noexcept = default;
ImpactFinder& ImpactFinder::operator=(ImpactFinder&&) noexcept = default;

void ImpactFinder::find(const Block& in, ImpactBlock& out) {
  assert(in.format != nullptr);
  State& state = *state_;
  if (state.decoder.prepare(*in.format) && in.format->format == Format::kCsv) {
    state.records.emplace(in.format->line_bytes_max, in.format->column_count, in.format->bad_byte);
  }
  state.file = in.format->file;
  out.lines.clear();
  out.tally = {};
  const std::string_view text = in.text();
  out.tally.lines = kernels().count_line_ends(text.data(), text.size());
  if (!text.empty() && text.back() != '\n') ++out.tally.lines;
  const bool is_chosen = !state.options.decodes_all;
  if (is_chosen) {
    state.choose(in);
    if (state.chosen_number.empty()) return;
  }
  const Block& lines = is_chosen ? *state.chosen : in;
  state.decoder.with([&](auto& decoder) { state.find(decoder, lines, is_chosen, out); });
}

/// Where changed codes, and escapes that may be of one, stand in a text.
void ImpactFinder::State::find_hits(std::string_view text) {
  hits.clear();
  candidates.clear();
  // The padding behind the text is zeros, which are no digits.
  static_assert(kBlockPadding >= 64 + 16);
  const std::size_t words = (text.size() + 63) / 64;
  marks.resize(words);
  kernels().mark_codes(text.data(), words, marks.data());
  for (std::size_t w = 0; w < words; ++w) {
    for (std::uint64_t bits = marks[w]; bits != 0; bits &= bits - 1) {
      const std::size_t place = 64 * w + static_cast<std::size_t>(std::countr_zero(bits));
      Candidate candidate{place, kAnyCode};
      if (text[place] != '\\') {
        candidate.mixed = mix_code(*parse_code(text.substr(place, 13)));
        past->prefetch(candidate.mixed);
      }
      candidates.push_back(candidate);
    }
  }
  for (const Candidate& candidate : candidates) {
    if (candidate.mixed == kAnyCode || past->prefetch_version(candidate.mixed)) hits.push_back(candidate.place);
  }
}

/// Copies the lines or records with hits to `chosen`.
void ImpactFinder::State::choose(const Block& in) {
  const std::string_view text = in.text();
  find_hits(text);
  if (!chosen || chosen->capacity < in.capacity) chosen.emplace(in.capacity);
  chosen->size = 0;
  chosen_number.clear();
  if (in.format->format == Format::kCsv) {
    choose_records(in);
  } else {
    choose_lines(in);
  }
  chosen->set_size(chosen->size);
}

void ImpactFinder::State::choose_lines(const Block& in) {
  const std::string_view text = in.text();
  std::size_t line_end = 0;    // behind the line taken last,
  std::size_t counted_to = 0;  // and where its number was counted to
  std::uint64_t number = in.first_line;
  for (const std::size_t place : hits) {
    if (place < line_end) continue;  // its line is taken already
    const std::size_t end_before = text.rfind('\n', place);
    const std::size_t begin = end_before == std::string_view::npos ? 0 : end_before + 1;
    const std::size_t end = text.find('\n', place);
    line_end = end == std::string_view::npos ? text.size() : end + 1;
    number += kernels().count_line_ends(text.data() + counted_to, begin - counted_to);
    counted_to = begin;
    take(text.substr(begin, line_end - begin), number);
  }
}

/// Only a reader knows where records are; their fields are left alone.
void ImpactFinder::State::choose_records(const Block& in) {
  const std::string_view text = in.text();
  if (hits.empty()) return;
  records->start(text, in.first_line);
  auto hit = hits.begin();
  while (records->next(record)) {
    const auto begin = static_cast<std::size_t>(record.raw.data() - text.data());
    hit = std::lower_bound(hit, hits.end(), begin);
    if (hit == hits.end()) return;
    if (*hit < begin + record.raw.size() && !record.fault) take(record.raw, record.line);
  }
}

/// `number`: of its first line.
void ImpactFinder::State::take(std::string_view lines, std::uint64_t number) {
  std::memcpy(chosen->data.get() + chosen->size, lines.data(), lines.size());
  chosen->size += lines.size();
  // One more where the input ends without a line end.
  for (std::size_t count = kernels().count_line_ends(lines.data(), lines.size()); count != 0; --count) {
    chosen_number.push_back(number++);
  }
  if (lines.back() != '\n') chosen_number.push_back(number);
}

template <typename Decoder>
void ImpactFinder::State::find(Decoder& input, const Block& in, bool is_chosen, ImpactBlock& out) {
  // The lines of `chosen` are counted from 1.
  input.start(in.text(), is_chosen ? 1 : in.first_line);
  for (input.next(batch); batch.size != 0; input.next(batch)) {
    touched.size = 0;
    for (std::size_t i = 0; i < batch.size; ++i) {
      if (batch.lines[i].fault) continue;
      const auto code = parse_code(batch.declarations[i].code);
      if (!code) continue;
      const auto changed = past->versions(mix_code(*code));
      if (changed.empty()) continue;
      touched.declarations[touched.size] = batch.declarations[i];
      touched.lines[touched.size] = batch.lines[i];
      if (is_chosen) touched.lines[touched.size].line = chosen_number[batch.lines[i].line - 1];
      versions[touched.size++] = changed;
    }
    judge(out);
  }
}

/// Both verdicts of the touched declarations, counted and written.
void ImpactFinder::State::judge(ImpactBlock& out) {
  const auto declarations = std::span(touched.declarations).first(touched.size);
  then.screen(declarations, std::span(verdicts_then).first(touched.size));
  now.screen(declarations, std::span(verdicts_now).first(touched.size));
  ImpactTally& tally = out.tally;
  for (std::size_t i = 0; i < touched.size; ++i) {
    const Verdict& before = verdicts_then[i];
    const Verdict& after = verdicts_now[i];
    const bool is_changed = before.outcome != after.outcome || before.reasons != after.reasons;
    ++tally.touched;
    tally.changed += static_cast<std::uint64_t>(is_changed);
    ++tally.outcome[static_cast<std::size_t>(before.outcome)][static_cast<std::size_t>(after.outcome)];
    count_reasons(before.reasons, tally.before);
    count_reasons(after.reasons, tally.after);
    if (options.emit == ImpactEmit::kChanged && !is_changed) continue;
    if (options.output_format == Format::kNdjson) {
      write_ndjson(touched.lines[i], versions[i], before, after, out.lines);
    } else {
      write_csv(touched.lines[i], versions[i], before, after, out.lines);
    }
  }
}

void ImpactFinder::State::write_ndjson(const DecodedLine& line, std::span<const PastRows::Version> changed,
                                       const Verdict& before, const Verdict& after, OutBuffer& out) const {
  append_json_id(line, file, out);
  const bool is_changed = before.outcome != after.outcome || before.reasons != after.reasons;
  out.append(is_changed ? ",\"verdict_changed\":true" : ",\"verdict_changed\":false");
  for (const auto& [name, verdict] : {std::pair("before", &before), std::pair("after", &after)}) {
    out.append(",\"");
    out.append(name);
    out.append("\":{\"verdict\":\"");
    out.append(to_string(verdict->outcome));
    out.append("\"");
    append_json_reasons(verdict->reasons, out);
    out.append("}");
  }
  out.append(",\"changes\":[");
  std::string_view separator = "{\"seq\":";
  for (const PastRows::Version& version : changed) {
    const SeenChange& change = change_of(version);
    out.append(separator);
    separator = ",{\"seq\":";
    out.append_number(version.seq);
    out.append(",\"op\":\"");
    out.append(to_string(change.op));
    out.append("\",\"at\":\"");
    out.append(format_time(change.at_us));
    if (change.op == ChangeOp::kSuspend || change.op == ChangeOp::kCancel) {
      out.append("\",\"by\":\"");
      out.append(to_string(change.by));
    }
    out.append("\",\"fields\":[");
    std::string_view field_separator = "\"";
    for_each_field(version, change, [&](EntryField field) {
      out.append(field_separator);
      out.append(to_string(field));
      out.append("\"");
      field_separator = ",\"";
    });
    out.append("]}");
  }
  out.append("]}\n");
}

void ImpactFinder::State::write_csv(const DecodedLine& line, std::span<const PastRows::Version> changed,
                                    const Verdict& before, const Verdict& after, OutBuffer& out) const {
  if (line.has_id) append_csv_text(line.id, out);
  out.append(",");
  append_csv_place(line, file, out);
  const bool is_changed = before.outcome != after.outcome || before.reasons != after.reasons;
  out.append(is_changed ? ",true" : ",false");
  for (const Verdict* verdict : {&before, &after}) {
    out.append(",");
    out.append(to_string(verdict->outcome));
    out.append(",");
    append_csv_reasons(verdict->reasons, out);
  }
  // One of a change each, in their order; the fields of one are joined by a +.
  std::string_view separator = ",";
  for (const PastRows::Version& version : changed) {
    out.append(separator);
    out.append_number(version.seq);
    separator = ";";
  }
  separator = ",";
  for (const PastRows::Version& version : changed) {
    out.append(separator);
    out.append(to_string(change_of(version).op));
    separator = ";";
  }
  separator = ",";
  for (const PastRows::Version& version : changed) {
    out.append(separator);
    std::string_view plus;
    for_each_field(version, change_of(version), [&](EntryField field) {
      out.append(plus);
      out.append(to_string(field));
      plus = "+";
    });
    separator = ";";
  }
  out.append("\n");
}

}  // namespace clearline
