#include "io/formats/screen_block.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <optional>
#include <span>

#include "io/formats/block_decoder.h"
#include "io/formats/encoding.h"

namespace clearline {

void Tally::add(const Verdict& verdict) {
  ++declarations;
  ++outcome[static_cast<std::size_t>(verdict.outcome)];
  for (std::uint32_t bits = verdict.reasons.bits(); bits != 0; bits &= bits - 1) {
    ++reason[static_cast<std::size_t>(std::countr_zero(bits))];
  }
}

void Tally::add(const Tally& other) {
  declarations += other.declarations;
  for (std::size_t i = 0; i < outcome.size(); ++i) outcome[i] += other.outcome[i];
  for (std::size_t i = 0; i < reason.size(); ++i) reason[i] += other.reason[i];
  for (std::size_t i = 0; i < given.size(); ++i) given[i] += other.given[i];
}

namespace {

/// Counts in how many lines of a batch each field was given: ten bits a field in one number.
class GivenCounter {
 public:
  void add(unsigned char given) { counts_ += kSpread[given]; }
  void add_to(std::array<std::uint64_t, kFieldCount>& given) const {
    for (std::size_t field = 0; field < kFieldCount; ++field) {
      given[field] += counts_ >> (kBits * field) & ((std::uint64_t{1} << kBits) - 1);
    }
  }

 private:
  static constexpr std::size_t kBits = 10;
  static_assert(kBits * kFieldCount <= 64 && DecodedBatch::kLinesMax < std::size_t{1} << kBits);
  static constexpr auto kSpread = [] {
    std::array<std::uint64_t, std::size_t{1} << kFieldCount> table{};
    for (std::size_t bits = 0; bits < table.size(); ++bits) {
      for (std::size_t field = 0; field < kFieldCount; ++field) {
        table[bits] |= std::uint64_t{bits >> field & 1U} << kBits * field;
      }
    }
    return table;
  }();

  std::uint64_t counts_ = 0;
};

Verdict malformed_verdict(std::uint64_t registry_seq) {
  Verdict verdict;
  verdict.registry_seq = registry_seq;
  verdict.reasons = {};
  verdict.reasons.add(Reason::kMalformed);
  verdict.outcome = Outcome::kError;
  return verdict;
}

/// Lines of a text by their numbers, which rise.
class LineCursor {
 public:
  LineCursor(std::string_view text, std::uint64_t first_line) : rest_(text), number_(first_line) {}

  std::string_view line(std::uint64_t number) {
    for (; number_ < number && !rest_.empty(); ++number_) rest_.remove_prefix(end());
    return rest_.substr(0, end());
  }

 private:
  std::size_t end() const { return std::min(rest_.find('\n'), rest_.size() - 1) + 1; }
  std::string_view rest_;
  std::uint64_t number_;
};

bool is_outside(const std::optional<Moment>& declared_at, const Receipt& receipt) {
  if (!declared_at) return false;
  constexpr std::int64_t kDayUs = std::int64_t{24} * 3600 * 1'000'000;
  const std::int64_t start_us = declared_at->is_day ? declared_at->unix_us - kDayUs + 1 : declared_at->unix_us;
  return declared_at->unix_us < receipt.earliest_us || start_us > receipt.latest_us;
}

}  // namespace

struct BlockScreener::State {
  State(const Registry& registry, const Policy& policy, const ScreenOptions& screen_options)
      : screener(registry, policy, screen_options.today, screen_options.past),
        writer(screen_options.output_format, screen_options.explain, policy, registry.identity()),
        options(screen_options) {}

  template <typename Decoder>
  void screen(Decoder& decoder, const Lines& in, VerdictBlock& out);

  Screener screener;
  VerdictWriter writer;
  ScreenOptions options;
  const Receipt* receipt = nullptr;  // of the lines, where it counts
  BlockDecoder decoder;
  DecodedBatch batch;
  std::array<Verdict, DecodedBatch::kLinesMax> verdicts;
};

BlockScreener::BlockScreener(const Registry& registry, const Policy& policy, const ScreenOptions& options)
    : state_(std::make_unique<State>(registry, policy, options)) {}
BlockScreener::~BlockScreener() = default;
BlockScreener::BlockScreener(BlockScreener&&) noexcept = default;
BlockScreener& BlockScreener::operator=(BlockScreener&&) noexcept = default;

void BlockScreener::screen_block(const Block& in, VerdictBlock& out) {
  state_->receipt = nullptr;
  screen_lines({in.text(), in.first_line, in.format}, out);
}

void BlockScreener::screen_received(const Lines& in, const Receipt& receipt, VerdictBlock& out) {
  state_->receipt = &receipt;
  state_->screener.set_today(receipt.today);
  screen_lines(in, out);
}

void BlockScreener::screen_lines(const Lines& in, VerdictBlock& out) {
  assert(in.format != nullptr);
  State& state = *state_;
  state.decoder.prepare(*in.format);
  out.lines.clear();
  out.tally = {};
  out.lines_too_long = 0;
  out.cp949_lines = 0;
  state.decoder.with([&](auto& decoder) { state.screen(decoder, in, out); });
}

template <typename Decoder>
void BlockScreener::State::screen(Decoder& input, const Lines& in, VerdictBlock& out) {
  input.start(in.text, in.first_line);
  LineCursor cursor(in.text, in.first_line);
  for (input.next(batch); batch.size != 0; input.next(batch)) {
    // A malformed line is screened along with the others as an empty declaration, and its verdict overwritten: leaving
    // it out would split the group.
    for (std::size_t i = 0; i < batch.size; ++i) {
      DecodedLine& line = batch.lines[i];
      if (receipt != nullptr && !line.fault && is_outside(batch.declarations[i].declared_at, *receipt)) {
        line.fault = {"declared_at is too far from the time of receipt", 0};
      }
      if (!line.fault) continue;
      batch.declarations[i] = {};
      out.lines_too_long += static_cast<std::uint64_t>(line.fault.what == kLineTooLong);
      if (line.fault.what == kBadUtf8 && is_cp949_alone(cursor.line(line.line))) ++out.cp949_lines;
    }
    screener.screen(std::span(batch.declarations).first(batch.size), std::span(verdicts).first(batch.size));
    GivenCounter given;
    for (std::size_t i = 0; i < batch.size; ++i) {
      if (batch.lines[i].fault) {
        verdicts[i] = malformed_verdict(verdicts[i].registry_seq);
      } else {
        given.add(batch.lines[i].given);
        if (options.past != nullptr && verdicts[i].reasons.has(Reason::kInternal)) {
          batch.lines[i].fault = {"declared before the history of the registry begins", 0};
        }
      }
      out.tally.add(verdicts[i]);
      if (options.emit == Emit::kAll || verdicts[i].outcome != Outcome::kClear) {
        writer.write(batch.lines[i], in.format->file, verdicts[i], out.lines);
      }
    }
    given.add_to(out.tally.given);
  }
}

}  // namespace clearline
