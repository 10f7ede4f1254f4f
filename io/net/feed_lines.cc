#include "io/net/feed_lines.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "engine/text.h"

namespace clearline {
FeedLines::Framed FeedLines::begin(char* block) const {
  std::copy(rest_.begin(), rest_.end(), block);
  return {rest_.size(), whole_};
}

FeedLines::Framed FeedLines::take(char* block, std::size_t kept, std::size_t got, bool is_end) {
  assert(whole_ == 0);
  std::size_t size = kept + got;
  std::size_t searched = kept;  // no line ends before
  if (is_skipping_) {
    const std::string_view fresh(block + kept, got);
    const std::size_t line_end = fresh.find('\n');
    if (!is_blank_line(fresh.substr(0, line_end))) block[kept - 1] = 'x';
    if (line_end == std::string_view::npos) return {kept, is_end ? kept : 0};
    std::memmove(block + kept, block + kept + line_end, got - line_end);
    size -= line_end;
    is_skipping_ = false;
  }
  if (is_end) return {size, size};
  const std::string_view fresh(block + searched, size - searched);
  const std::size_t last = fresh.rfind('\n');
  const std::size_t whole = last == std::string_view::npos ? 0 : searched + last + 1;
  if (size - whole > line_bytes_max_ + 1) {
    char& beyond = block[whole + line_bytes_max_];
    beyond = is_blank_line({&beyond, size - whole - line_bytes_max_}) ? ' ' : 'x';
    size = whole + line_bytes_max_ + 1;
    is_skipping_ = true;
  }
  return {size, whole};
}

void FeedLines::keep(std::string_view rest, std::size_t whole) {
  // An idle connection holds nothing, and others no more than twice what they count.
  // (Assigning {} would keep the memory.)
  if (rest.empty() || rest_.capacity() / 2 > rest.size()) std::vector<char>().swap(rest_);
  rest_.assign(rest.begin(), rest.end());
  whole_ = whole;
}

}  // namespace clearline
