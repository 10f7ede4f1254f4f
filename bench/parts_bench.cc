// The parts of the waist on one core: names, strict JSON, CSV, verdict lines. Nanoseconds an item, bytes a second.
#include <benchmark/benchmark.h>

#include <cstring>
#include <vector>

#include "bench/made_up.h"
#include "engine/name.h"
#include "io/formats/block_reader.h"
#include "io/formats/compression.h"
#include "io/formats/csv.h"
#include "io/formats/ndjson.h"
#include "io/formats/verdict_writer.h"
#include "io/generate/people.h"
#include "io/generate/random.h"
#include "io/generate/spellings.h"
#include "tests/support/reference.h"
#include "tests/support/screening.h"

namespace clearline::bench {
namespace {

using generate::Form;
using generate::Style;

constexpr std::uint64_t kLines = 200'000;

void name(benchmark::State& state, bool plain) {
  const generate::People people(1);
  generate::Random random(3, 3);
  std::vector<std::string> names;
  while (names.size() < 100'000) {
    std::string text = generate::equal_name(people.person(names.size()), !plain, random);
    const bool ascii =
        std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    if (!plain || ascii)
      names.push_back(std::move(text));
    else
      names.emplace_back("HONG GILDONG");
  }
  NameFolder folder;
  std::uint64_t bytes = 0;
  for (const std::string& text : names) {
    const DeclaredName got = folder.fold_declared(text);
    const auto expected = reference::declared_name(text);
    require(std::string_view(got.latin, got.latin_size) == expected.latin && got.hangul == expected.hangul, "a name");
    bytes += text.size();
  }
  for (auto _ : state) {
    for (const std::string& text : names) benchmark::DoNotOptimize(folder.fold_declared(text));
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(names.size()) * state.iterations());
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * state.iterations());
}

void print(benchmark::State& state) {
  const NamePrinter printer(RegistryKey{1});
  std::string text = "HONGGILDONG" + std::string(NamePrinter::kSpareBytes, '\0');
  std::uint64_t code = 0;
  for (auto _ : state) benchmark::DoNotOptimize(printer.print(Code{++code}, text.data(), 11));
  state.SetItemsProcessed(state.iterations());
}

/// A day in blocks as the pipeline has them.
struct Input {
  std::unique_ptr<BlockReader> reader;
  std::vector<std::unique_ptr<Block>> blocks;
  std::size_t bytes = 0;
};
Input input_of(Form form, Style style) {
  constexpr std::size_t kBlockBytes = std::size_t{256} << 10;
  const Day day = made_up_day(form, style, 100'000, kLines);
  Input input;
  InputOptions options;
  options.format = form == Form::kNdjson ? Format::kNdjson : Format::kCsv;
  input.reader = std::move(*BlockReader::open(test::text_source(day.text), options, kBlockBytes));
  for (;;) {
    auto block = std::make_unique<Block>(kBlockBytes);
    if (!*input.reader->next(*block)) return input;
    input.bytes += block->size;
    input.blocks.push_back(std::move(block));
  }
}

template <typename Decoder>
void decode(benchmark::State& state, Form form, Style style) {
  const Input input = input_of(form, style);
  Decoder decoder(*input.blocks.front()->format);
  auto batch = std::make_unique<DecodedBatch>();
  const auto run = [&] {
    std::uint64_t lines = 0;
    for (const auto& block : input.blocks) {
      decoder.start(block->text(), block->first_line);
      for (decoder.next(*batch); batch->size != 0; decoder.next(*batch)) lines += batch->size;
    }
    return lines;
  };
  require(run() == kLines, "lines decoded");
  for (auto _ : state) {
    if (run() != kLines) state.SkipWithError("wrong result");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(kLines) * state.iterations());
  state.SetBytesProcessed(static_cast<std::int64_t>(input.bytes) * state.iterations());
}

/// Where blocks of CSV are cut: what the reading stage does beside reading.
void cut(benchmark::State& state, Style style) {
  const Input input = input_of(Form::kCsv, style);
  const InputFormat& format = *input.blocks.front()->format;
  CsvReader cutter(format.line_bytes_max, format.column_count);
  const auto run = [&] {
    std::size_t bytes = 0;
    for (const auto& block : input.blocks) bytes += cutter.cut(block->text());
    return bytes;
  };
  require(run() == input.bytes, "blocks of whole records");
  for (auto _ : state) benchmark::DoNotOptimize(run());
  state.SetItemsProcessed(static_cast<std::int64_t>(kLines) * state.iterations());
  state.SetBytesProcessed(static_cast<std::int64_t>(input.bytes) * state.iterations());
}

/// The inflater alone, on the bytes that a day of full lines packs into: what screening an archive cannot exceed.
void inflate(benchmark::State& state, Compression compression) {
  const Day day = made_up_day(Form::kNdjson, Style::kFull, 100'000, kLines);
  Compressor compressor(compression);
  OutBuffer packed;
  compressor.append(day.text, packed);
  std::vector<char> piece(std::size_t{256} << 10);
  const auto run = [&] {
    auto source = std::move(*decompress(test::text_source(std::string(packed.text()))));
    std::size_t bytes = 0;
    while (const std::size_t got = *source->read(piece)) bytes += got;
    return bytes;
  };
  require(run() == day.text.size(), "an archive");
  for (auto _ : state) benchmark::DoNotOptimize(run());
  state.SetItemsProcessed(static_cast<std::int64_t>(kLines) * state.iterations());
  state.SetBytesProcessed(static_cast<std::int64_t>(day.text.size()) * state.iterations());
}

void encode(benchmark::State& state, Format format) {
  const Policy policy = standard_policy();
  const VerdictWriter writer(format, false, policy, {});
  DecodedLine line;
  line.id = "D20260115000012345";
  line.has_id = true;
  Verdict clear;
  clear.reasons = {};
  clear.outcome = Outcome::kClear;
  OutBuffer out;
  writer.write(line, "", clear, out);
  require(out.text() == (format == Format::kNdjson ? "{\"id\":\"D20260115000012345\",\"verdict\":\"clear\"}\n"
                                                   : "D20260115000012345,clear,,,\n"),
          "a verdict line");
  for (auto _ : state) {
    out.clear();
    for (int i = 0; i < 1000; ++i) writer.write(line, "", clear, out);
    benchmark::DoNotOptimize(out.text().data());
  }
  state.SetItemsProcessed(state.iterations() * 1000);
}

}  // namespace
}  // namespace clearline::bench

int main(int argc, char** argv) {
  using namespace clearline::bench;
  using clearline::Compression;
  using clearline::CsvDecoder;
  using clearline::Format;
  using clearline::NdjsonDecoder;
  benchmark::Initialize(&argc, argv);
  for (const Form form : {Form::kNdjson, Form::kCsv}) {
    for (const Style style : {Style::kShort, Style::kFull}) check_against_twin(form, style);
  }
  benchmark::RegisterBenchmark("name/ascii", name, true);
  benchmark::RegisterBenchmark("name/any", name, false);
  benchmark::RegisterBenchmark("fingerprint", print);
  benchmark::RegisterBenchmark("ndjson/short", decode<NdjsonDecoder>, Form::kNdjson, Style::kShort);
  benchmark::RegisterBenchmark("ndjson/full", decode<NdjsonDecoder>, Form::kNdjson, Style::kFull);
  benchmark::RegisterBenchmark("csv/short", decode<CsvDecoder>, Form::kCsv, Style::kShort);
  benchmark::RegisterBenchmark("csv/full", decode<CsvDecoder>, Form::kCsv, Style::kFull);
  benchmark::RegisterBenchmark("cut/csv/short", cut, Style::kShort);
  benchmark::RegisterBenchmark("cut/csv/full", cut, Style::kFull);
  benchmark::RegisterBenchmark("inflate/gzip", inflate, Compression::kGzip);
  benchmark::RegisterBenchmark("inflate/zstd", inflate, Compression::kZstd);
  benchmark::RegisterBenchmark("encode/ndjson", encode, Format::kNdjson);
  benchmark::RegisterBenchmark("encode/csv", encode, Format::kCsv);
  benchmark::RunSpecifiedBenchmarks();
}
