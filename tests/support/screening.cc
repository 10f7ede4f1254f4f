#include "tests/support/screening.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "engine/pipeline.h"
#include "io/formats/screen_block.h"

namespace clearline::test {
namespace {

class TextSource : public ByteSource {
 public:
  TextSource(std::string text, std::size_t piece_bytes) : text_(std::move(text)), piece_bytes_(piece_bytes) {}
  Result<std::size_t> read(std::span<char> out) override {
    const std::size_t size = std::min({out.size(), piece_bytes_, text_.size() - at_});
    std::memcpy(out.data(), text_.data() + at_, size);
    at_ += size;
    return size;
  }
  const std::string& name() const override { return name_; }

 private:
  std::string text_;
  std::size_t piece_bytes_;
  std::size_t at_ = 0;
  std::string name_ = "<text>";
};

/// The fields of one record of our own output.
std::vector<std::string> output_fields(std::string_view text, std::size_t& at) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') {
      if (quoted && at + 1 < text.size() && text[at + 1] == '"') {
        fields.back() += '"';
        ++at;
      } else {
        quoted = !quoted;
      }
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else if (c == '\n' && !quoted) {
      ++at;
      return fields;
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

}  // namespace

std::unique_ptr<ByteSource> text_source(std::string text, std::size_t piece_bytes) {
  return std::make_unique<TextSource>(std::move(text), piece_bytes);
}

Registry make_registry(const std::vector<reference::Registered>& people) {
  RegistryKey key{};
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(i * 37 + 11);
  RegistryBuilder builder(key, {});
  for (const auto& person : people) {
    Entry entry;
    entry.code = parse_code(person.code).value();
    entry.name = person.name;
    entry.name_ko = person.name_ko;
    entry.phone = person.phone.empty() ? "" : canonical_phone(person.phone);
    for (const auto& zip : person.zips) entry.zips.push_back(static_cast<std::uint32_t>(std::stoul(zip)));
    entry.status = parse_code_status(person.status).value();
    if (!person.replaced_by.empty()) entry.replaced_by = parse_code(person.replaced_by).value();
    if (!person.issued.empty()) entry.issued = parse_date(person.issued).value();
    if (!person.changed.empty()) entry.changed = parse_date(person.changed).value();
    if (!person.expires.empty()) entry.expires = parse_date(person.expires).value();
    if (const auto fault = entry_fault(entry)) {
      std::fprintf(stderr, "test registry: %.*s\n", static_cast<int>(fault->size()), fault->data());
      std::abort();
    }
    builder.add(entry);
  }
  return std::move(*builder.build(RegistryBuilder::OnDuplicate::kRefuse).registry);
}

std::optional<std::string> screen_to_text(std::string_view text, const Registry& registry, const ScreenSetup& setup,
                                          Format output_format, bool explain) {
  InputOptions options;
  options.format = setup.format;
  options.encoding = setup.encoding;
  options.names = *parse_columns(setup.columns);
  options.ignored = *parse_ignore(setup.ignore);
  auto reader = BlockReader::open(text_source(std::string(text), setup.piece_bytes), options, setup.block_bytes);
  if (!reader.ok()) return std::nullopt;
  const Policy policy = standard_policy();
  ScreenOptions screen_options;
  screen_options.output_format = output_format;
  screen_options.explain = explain;
  screen_options.today = parse_date(setup.today).value();
  const std::size_t block_bytes = std::max(setup.block_bytes, block_bytes_min(kLineBytesMaxDefault));
  std::vector<BlockScreener> screeners;
  for (int i = 0; i < setup.threads; ++i) screeners.emplace_back(registry, policy, screen_options);
  std::vector<std::unique_ptr<Block>> blocks;
  std::vector<VerdictBlock> verdicts(static_cast<std::size_t>(pipeline_tokens(setup.threads)));
  for (std::size_t i = 0; i < verdicts.size(); ++i) blocks.push_back(std::make_unique<Block>(block_bytes));
  std::string out;
  PipelineStages stages;
  stages.read = [&](int i) { return *(*reader)->next(*blocks[static_cast<std::size_t>(i)]); };
  stages.work = [&](int i, int worker) {
    const auto token = static_cast<std::size_t>(i);
    screeners[static_cast<std::size_t>(worker)].screen_block(*blocks[token], verdicts[token]);
  };
  stages.deliver = [&](int i) { out += verdicts[static_cast<std::size_t>(i)].lines.text(); };
  run_pipeline(setup.threads, stages);
  return out;
}

ImpactText impact_to_text(std::string_view text, const Registry& registry, const PastRows& past,
                          std::span<const SeenChange> changes, const ScreenSetup& setup, const ImpactOptions& options) {
  InputOptions input;
  input.format = setup.format;
  const auto reader = BlockReader::open(text_source(std::string(text), setup.piece_bytes), input, setup.block_bytes);
  ImpactText all;
  if (!reader.ok()) return all;
  const Policy policy = standard_policy();
  ImpactFinder finder(registry, past, changes, policy, options);
  Block block(std::max(setup.block_bytes, block_bytes_min(kLineBytesMaxDefault)));
  ImpactBlock found;
  while (*(*reader)->next(block)) {
    finder.find(block, found);
    all.lines += found.lines.text();
    all.tally.add(found.tally);
  }
  return all;
}

std::optional<std::vector<reference::Row>> screen_to_rows(std::string_view text, const Registry& registry,
                                                          const ScreenSetup& setup) {
  const auto out = screen_to_text(text, registry, setup, Format::kCsv, true);
  if (!out) return std::nullopt;
  std::vector<reference::Row> rows;
  for (std::size_t at = 0; at < out->size();) {
    const auto fields = output_fields(*out, at);
    reference::Row row;
    // Only a row without an id tells its line.
    if (fields[3].empty()) row.id = fields[0];
    if (!fields[3].empty()) row.line = std::stoull(fields[3]);
    row.verdict = fields[1];
    std::string reasons = fields[2];
    while (!reasons.empty()) {
      const std::size_t end = std::min(reasons.find(';'), reasons.size());
      row.reasons.push_back(reasons.substr(0, end));
      reasons.erase(0, end + 1);
    }
    // id, verdict, reasons, line, detail; then the checks of code, name, phone and zip.
    row.checks = fields[5] + " " + fields[6] + " " + fields[7] + " " + fields[8];
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string first_difference(const std::vector<reference::Row>& expected, const std::vector<reference::Row>& got) {
  for (std::size_t i = 0; i < std::max(expected.size(), got.size()); ++i) {
    if (i >= got.size()) return "row " + std::to_string(i) + ": nothing, expected " + to_text(expected[i]);
    if (i >= expected.size()) return "row " + std::to_string(i) + ": " + to_text(got[i]) + ", expected nothing";
    reference::Row wanted = expected[i];
    if (wanted.id) wanted.line = 0;
    if (!(wanted == got[i])) {
      return "row " + std::to_string(i) + ": " + to_text(got[i]) + " (" + got[i].checks + "), expected " +
             to_text(expected[i]) + " (" + expected[i].checks + "; line " + std::to_string(expected[i].line) + ")";
    }
  }
  return "";
}

}  // namespace clearline::test
