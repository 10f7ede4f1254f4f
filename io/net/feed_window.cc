#include "io/net/feed_window.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "engine/text.h"

namespace clearline {
namespace {

/// A piece has one moment for all its declarations, and should not take long to be answered.
constexpr std::size_t kPieceBytes = std::size_t{128} << 10;
constexpr std::uint64_t kPieceLines = 8'192;

/// The end of the line that starts at `line`.
const char* line_end(const char* line, const char* end) {
  const void* const found = std::memchr(line, '\n', static_cast<std::size_t>(end - line));
  return found == nullptr ? end : static_cast<const char*>(found) + 1;
}

/// Whether a line is answered.
bool is_declaration(const char* line, const char* end) {
  return !is_blank_line({line, static_cast<std::size_t>(end - line)});
}

}  // namespace

void FeedWindow::add(std::unique_ptr<Block> block) {
  assert(wants_block() && block->size != 0);
  uncut_ = block->text();
  uncut_line_ = block->first_line;
  blocks_.push_back(std::move(block));
}

bool FeedWindow::cut(std::uint64_t declarations_max, Time when) {
  if (uncut_.empty() || is_full()) return false;
  const std::size_t bytes_max = std::min(kPieceBytes, bytes_max_ - bytes_);
  const std::uint64_t lines_max = std::min(kPieceLines, lines_max_ - lines_);
  const char* const begin = uncut_.data();
  const char* const end = begin + uncut_.size();
  Piece piece;
  piece.first_line = uncut_line_;
  piece.when = when;
  const char* at = begin;
  while (at != end && piece.lines < lines_max && piece.declarations < declarations_max) {
    const char* const behind = line_end(at, end);
    if (static_cast<std::size_t>(behind - begin) > bytes_max && at != begin) break;
    if (is_declaration(at, behind)) ++piece.declarations;
    ++piece.lines;
    at = behind;
  }
  piece.text = uncut_.substr(0, static_cast<std::size_t>(at - begin));
  // A line that is longer than what is left waits for room, unless it is alone.
  if (piece.text.size() > bytes_max_ - bytes_ && !pieces_.empty()) return false;
  piece.unanswered = piece.declarations;
  piece.ends_block = at == end;
  uncut_.remove_prefix(piece.text.size());
  uncut_line_ += piece.lines;
  lines_ += piece.lines;
  bytes_ += piece.text.size();
  declarations_cut_ += piece.declarations;
  pieces_.push_back(piece);
  return true;
}

std::string_view FeedWindow::unsent() const {
  if (next_ == pieces_.size()) return {};
  std::string_view text = pieces_[next_].text.substr(next_bytes_);
  for (std::size_t i = next_ + 1; i < pieces_.size() && !pieces_[i - 1].ends_block; ++i) {
    text = {text.data(), text.size() + pieces_[i].text.size()};
  }
  return text;
}

void FeedWindow::sent(std::size_t bytes) {
  while (bytes != 0) {
    const Piece& piece = pieces_[next_];
    if (next_bytes_ == 0) answerable_ += piece.unanswered;
    const std::size_t taken = std::min(bytes, piece.text.size() - next_bytes_);
    bytes -= taken;
    next_bytes_ += taken;
    if (next_bytes_ == piece.text.size()) {
      ++next_;
      next_bytes_ = 0;
    }
  }
  drop_answered();
}

void FeedWindow::answered(std::uint64_t count, Time now, LatencyHistogram& latency) {
  assert(count <= answerable_);
  answerable_ -= count;
  while (count != 0) {
    Piece& piece = pieces_.front();
    const std::uint64_t taken = std::min(count, piece.unanswered);
    latency.add(now - piece.when, taken);
    piece.unanswered -= taken;
    count -= taken;
    if (piece.unanswered != 0) break;
    const std::size_t before = pieces_.size();
    drop_answered();
    if (pieces_.size() == before) break;  // the rest of the piece is still to be sent
  }
}

/// Pieces that are sent and wait for nothing go, with their blocks.
void FeedWindow::drop_answered() {
  while (next_ != 0 && pieces_.front().unanswered == 0) {
    const Piece& piece = pieces_.front();
    lines_ -= piece.lines;
    bytes_ -= piece.text.size();
    if (piece.ends_block) {
      free_.push_back(std::move(blocks_.front()));
      blocks_.pop_front();
    }
    pieces_.pop_front();
    --next_;
  }
}

void FeedWindow::resume() {
  next_ = 0;
  next_bytes_ = 0;
  answerable_ = 0;
  if (pieces_.empty()) return;
  Piece& piece = pieces_.front();
  const char* const begin = piece.text.data();
  const char* const end = begin + piece.text.size();
  const char* at = begin;
  while (piece.declarations != piece.unanswered) {
    const char* const behind = line_end(at, end);
    if (is_declaration(at, behind)) --piece.declarations;
    ++piece.first_line;
    --piece.lines;
    --lines_;
    at = behind;
  }
  piece.text.remove_prefix(static_cast<std::size_t>(at - begin));
  bytes_ -= static_cast<std::size_t>(at - begin);
  if (!piece.text.empty()) return;
  next_ = 1;  // it was answered whole before all of it was taken
  drop_answered();
}

std::unique_ptr<Block> FeedWindow::take_free() {
  if (free_.empty()) return nullptr;
  auto block = std::move(free_.front());
  free_.pop_front();
  return block;
}

}  // namespace clearline
