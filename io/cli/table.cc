#include "io/cli/table.h"

#include <algorithm>
#include <cassert>
#include <string_view>

namespace clearline {
namespace {

/// Characters of a UTF-8 text: bytes that continue none.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
  assert(cells.size() == columns_.size());
  lines_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (std::size_t column = 0; column < columns_.size(); ++column) {
    std::size_t width = width_of(columns_[column].title);
    for (const auto& line : lines_) width = std::max(width, width_of(line[column]));
    widths.push_back(width);
  }
  std::string text;
  const auto append_line = [&](const auto& cell_of) {
    for (std::size_t column = 0; column < columns_.size(); ++column) {
      const std::string& cell = cell_of(column);
      const std::string blanks(widths[column] - width_of(cell), ' ');
      if (column != 0) text += "  ";
      text += columns_[column].align == Align::kRight ? blanks + cell : cell + blanks;
    }
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  };
  append_line([&](std::size_t column) -> const std::string& { return columns_[column].title; });
  for (const auto& line : lines_) append_line([&](std::size_t column) -> const std::string& { return line[column]; });
  return text;
}

}  // namespace clearline
