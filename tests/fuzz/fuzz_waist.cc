// The waist against the reference, and impact against its slow twin: any text, either format, any block and read size.
#include <cstdio>
#include <cstdlib>

#include "io/formats/foreign_input.h"
#include "io/formats/utf16.h"
#include "tests/support/random_input.h"
#include "tests/support/screening.h"

namespace {

std::string_view without_bom(std::string_view text) {
  if (text.starts_with(clearline::kBom)) text.remove_prefix(clearline::kBom.size());
  return text;
}

/// One of two people was another one before.
void check_impact(const std::string& text, const clearline::Registry& registry,
                  const clearline::test::ScreenSetup& setup) {
  using namespace clearline;
  static const PastRows past = [&] {
    PastRows rows(registry.table());
    if (!rows.add(1, *parse_code("P123456789012"), std::nullopt).ok()) std::abort();
    rows.finish(registry.seq(), 0);
    return rows;
  }();
  static const std::vector<SeenChange> changes(1);
  ImpactOptions options;
  const auto fast = test::impact_to_text(text, registry, past, changes, setup, options);
  options.decodes_all = true;
  const auto slow = test::impact_to_text(text, registry, past, changes, setup, options);
  if (fast.lines != slow.lines || !(fast.tally == slow.tally)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace clearline;
  static const std::vector<reference::Registered> people{
      {"P123456789012", "HONG GILDONG", "홍길동", "01012345678", {"04524", "12345", "00001"}, "active", "2026-01-15"},
      {"P000000000001", "DE LA CRUZ, JUAN", "", "", {}, "suspended", ""}};
  static const Registry registry = test::make_registry(people);
  static const reference::Reference twin(people, "2026-01-15");
  if (size < 2) return 0;
  test::ScreenSetup setup;
  setup.format = (data[0] & 1) != 0 ? Format::kCsv : Format::kNdjson;
  setup.block_bytes = 1 + (std::size_t{data[0]} << 8);
  setup.piece_bytes = 1 + std::size_t{data[1]};
  std::string text(reinterpret_cast<const char*>(data) + 2, size - 2);
  if (setup.format == Format::kCsv && (data[0] & 2) != 0) text = "id,code,name,zip,phone,declared_at\n" + text;
  // The twin reads plain texts only. What begins as an archive does is one, and a damaged one.
  const bool is_archive = text.starts_with("\x1F\x8B") || text.starts_with("\x28\xB5\x2F\xFD") ||
                          (text.size() > 3 && text.compare(1, 3, "\x2A\x4D\x18") == 0);
  if (is_archive) return 0;
  // What is no declarations at all is refused as a whole.
  const bool is_utf32 = text.starts_with(std::string("\0\0\xFE\xFF", 4));  // in the other order it begins as UTF-16
  const bool is_foreign = !check_kind(text).ok() || utf16_order_of_bom(text) || utf16_order_of_content(text) ||
                          is_utf32 || !check_document(without_bom(text), setup.format, true).ok();
  if (is_foreign) return 0;
  check_impact(text, registry, setup);
  const auto expected =
      setup.format == Format::kNdjson ? std::optional(twin.screen_ndjson(text)) : twin.screen_csv(text);
  const auto got = test::screen_to_rows(text, registry, setup);
  if (expected.has_value() != got.has_value()) std::abort();
  if (!expected) return 0;
  const std::string difference = test::first_difference(*expected, *got);
  if (!difference.empty()) {
    std::fprintf(stderr, "%s\n", difference.c_str());
    std::abort();
  }
  return 0;
}
