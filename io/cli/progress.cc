#include "io/cli/progress.h"

#include <fmt/format.h>

#include <array>

#include "io/cli/words.h"

namespace clearline {

Progress::Progress(std::string what, std::optional<std::uint64_t> bytes_total, bool shown)
    : what_(std::move(what)), bytes_total_(bytes_total), shown_(shown) {}

Progress::~Progress() {
  if (drawn_) say("\r\x1b[K");
}

void Progress::update(std::uint64_t items, std::uint64_t bytes) {
  if (!shown_) return;
  const auto now = Clock::now();
  if (now < next_) return;
  next_ = now + std::chrono::milliseconds(200);
  const double seconds = std::max(std::chrono::duration<double>(now - start_).count(), 0.001);
  std::string line =
      fmt::format("{} {}  {}  {}/s  {}/s", with_commas(items), what_, as_bytes(static_cast<double>(bytes)),
                  with_commas(static_cast<std::uint64_t>(static_cast<double>(items) / seconds)),
                  as_bytes(static_cast<double>(bytes) / seconds));
  if (bytes_total_ && *bytes_total_ > 0 && bytes > 0) {
    const double share = std::min(1.0, static_cast<double>(bytes) / static_cast<double>(*bytes_total_));
    line += fmt::format("  {:.0f} %  {:.0f} s left", share * 100, seconds * (1 - share) / share);
  }
  say("\r{}\x1b[K", line);
  drawn_ = true;
}

std::string with_commas(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i != 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string as_bytes(double bytes) {
  constexpr std::array<const char*, 5> kUnits{"B", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  for (; bytes >= 1000 && unit + 1 < kUnits.size(); ++unit) bytes /= 1000;
  return fmt::format("{:.{}f} {}", bytes, unit == 0 ? 0 : 1, kUnits[unit]);
}

}  // namespace clearline
