#include "io/formats/impact_block.h"

#include <bit>
#include <cassert>
#include <cstring>
#include <optional>
#include <variant>

#include "clearline/screener.h"
#include "io/formats/csv.h"
#include "io/formats/kernels.h"
#include "io/formats/ndjson.h"
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

  bool choose_lines(const Block& in);
  void take_line(const Block& in, std::size_t place);
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
  Screener then;
  Screener now;
  const InputFormat* format = nullptr;  // what the decoder was made for
  std::variant<std::monostate, NdjsonDecoder, CsvDecoder> decoder;
  DecodedBatch batch;
  DecodedBatch touched;
  std::array<std::span<const PastRows::Version>, DecodedBatch::kLinesMax> versions;
  std::array<Verdict, DecodedBatch::kLinesMax> verdicts_then;
  std::array<Verdict, DecodedBatch::kLinesMax> verdicts_now;

  // Of choose_lines().
  struct Candidate {
    std::size_t place;
    std::uint64_t mixed;
  };
  static constexpr std::uint64_t kAnyCode = ~std::uint64_t{0};
  std::vector<std::uint64_t> marks;
  std::vector<Candidate> candidates;
  std::optional<Block> chosen;               // the lines that must be decoded
  std::vector<std::uint64_t> chosen_number;  // of each of them in the input
  std::size_t line_end = 0;                  // behind the line taken last,
  std::size_t counted_to = 0;                // and where its number was counted to
  std::uint64_t line_number = 0;
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
  if (state.format != in.format) {
    if (in.format->format == Format::kNdjson) {
      state.decoder.emplace<NdjsonDecoder>(*in.format);
    } else {
      state.decoder.emplace<CsvDecoder>(*in.format);
    }
    state.format = in.format;
  }
  out.lines.clear();
  out.tally = {};
  const std::string_view text = in.text();
  out.tally.lines = kernels().count_line_ends(text.data(), text.size());
  if (!text.empty() && text.back() != '\n') ++out.tally.lines;
  const bool is_chosen = !state.options.decodes_all && state.choose_lines(in);
  if (is_chosen && state.chosen_number.empty()) return;
  const Block& lines = is_chosen ? *state.chosen : in;
  if (auto* ndjson = std::get_if<NdjsonDecoder>(&state.decoder)) {
    state.find(*ndjson, lines, is_chosen, out);
  } else {
    state.find(std::get<CsvDecoder>(state.decoder), lines, is_chosen, out);
  }
}

/// Copies the lines that may touch a changed code to `chosen`. False: that cannot be told by lines.
bool ImpactFinder::State::choose_lines(const Block& in) {
  const std::string_view text = in.text();
  const Kernels& kernel = kernels();
  if (in.format->format == Format::kCsv && kernel.scan_lines(text.data(), text.size()).odd != text.size()) return false;
  if (!chosen || chosen->capacity < in.capacity) chosen.emplace(in.capacity);
  chosen->size = 0;
  chosen_number.clear();
  candidates.clear();
  line_end = counted_to = 0;
  line_number = in.first_line;

  // The padding behind the text is zeros, which are no digits.
  static_assert(kBlockPadding >= 64 + 16);
  const std::size_t words = (text.size() + 63) / 64;
  marks.resize(words);
  kernel.mark_codes(text.data(), words, marks.data());
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
    if (candidate.place < line_end) continue;  // its line is taken already
    if (candidate.mixed == kAnyCode || past->prefetch_version(candidate.mixed)) take_line(in, candidate.place);
  }
  chosen->set_size(chosen->size);
  return true;
}

void ImpactFinder::State::take_line(const Block& in, std::size_t place) {
  const std::string_view text = in.text();
  const std::size_t end_before = text.rfind('\n', place);
  const std::size_t begin = end_before == std::string_view::npos ? 0 : end_before + 1;
  const std::size_t end = text.find('\n', place);
  line_end = end == std::string_view::npos ? text.size() : end + 1;
  line_number += kernels().count_line_ends(text.data() + counted_to, begin - counted_to);
  counted_to = begin;
  std::memcpy(chosen->data.get() + chosen->size, text.data() + begin, line_end - begin);
  chosen->size += line_end - begin;
  chosen_number.push_back(line_number);
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
  if (line.has_id) {
    out.append("{\"id\":\"");
    append_json_text(line.id, out);
    out.append("\"");
  } else {
    out.append("{\"id\":null,\"line\":");
    out.append_number(line.line);
  }
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
  if (!line.has_id) out.append_number(line.line);
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
