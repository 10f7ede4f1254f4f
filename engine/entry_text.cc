#include "engine/entry_text.h"

#include <algorithm>

#include "engine/phone.h"

namespace clearline {
namespace {

constexpr std::int32_t kDateBaseDays = 18'262;  // 2020-01-01

enum Flag : unsigned char {
  kHasIssued = 1,
  kHasChanged = 2,
  kHasExpires = 4,
  kHasReplacedBy = 8,
  kHasPhone = 16,
  kHasZips = 32,
};
constexpr unsigned char kAllFlags = 63;

void put_number(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

void put_text(std::string& out, std::string_view text) {
  put_number(out, text.size());
  out += text;
}

void put_date(std::string& out, Date date) {
  const auto days = static_cast<std::int64_t>(date.days) - kDateBaseDays;
  put_number(out, static_cast<std::uint64_t>(days) << 1 ^ static_cast<std::uint64_t>(days >> 63));
}

/// Reads the pieces of a record; after a piece that is none, `ok` is false and everything else is empty.
class PieceReader {
 public:
  explicit PieceReader(std::span<const std::byte> text) : text_(text) {}

  bool ok() const { return ok_; }

  std::uint64_t number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 63; shift += 7) {
      if (at_ >= text_.size()) break;
      const auto byte = std::to_integer<std::uint64_t>(text_[at_++]);
      value |= (byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }

  std::string_view text() {
    const std::uint64_t size = number();
    if (!ok_ || size > text_.size() - at_) {
      ok_ = false;
      return {};
    }
    const std::string_view piece(reinterpret_cast<const char*>(text_.data()) + at_, size);
    at_ += size;
    return piece;
  }

  Date date() {
    const std::uint64_t zigzag = number();
    const auto days = static_cast<std::int64_t>(zigzag >> 1) ^ -static_cast<std::int64_t>(zigzag & 1);
    return Date{static_cast<std::int32_t>(days + kDateBaseDays)};
  }

 private:
  std::span<const std::byte> text_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace

void append_entry_text(const Entry& entry, std::string& out) {
  const bool has_phone = !entry.phone.empty() && !pack_phone(entry.phone);
  const bool has_zips = entry.zips.size() > kRowZips;
  unsigned flags = 0;
  if (entry.issued) flags |= kHasIssued;
  if (entry.changed) flags |= kHasChanged;
  if (entry.expires) flags |= kHasExpires;
  if (entry.replaced_by) flags |= kHasReplacedBy;
  if (has_phone) flags |= kHasPhone;
  if (has_zips) flags |= kHasZips;
  out += static_cast<char>(flags);
  put_text(out, entry.name_ko);
  put_text(out, entry.name);
  if (entry.issued) put_date(out, *entry.issued);
  if (entry.changed) put_date(out, *entry.changed);
  if (entry.expires) put_date(out, *entry.expires);
  if (entry.replaced_by) put_number(out, entry.replaced_by->digits);
  if (has_phone) put_text(out, entry.phone);
  if (has_zips) {
    put_number(out, entry.zips.size() - kRowZips);
    std::for_each(entry.zips.begin() + kRowZips, entry.zips.end(), [&](std::uint32_t zip) { put_number(out, zip); });
  }
}

std::optional<EntryText> read_entry_text(std::span<const std::byte> text) {
  if (text.empty()) return std::nullopt;
  const auto flags = std::to_integer<unsigned>(text[0]);
  if (flags > kAllFlags) return std::nullopt;
  PieceReader reader(text.subspan(1));
  EntryText entry;
  entry.name_ko = reader.text();
  entry.name = reader.text();
  if ((flags & kHasIssued) != 0) entry.issued = reader.date();
  if ((flags & kHasChanged) != 0) entry.changed = reader.date();
  if ((flags & kHasExpires) != 0) entry.expires = reader.date();
  if ((flags & kHasReplacedBy) != 0) entry.replaced_by = Code{reader.number()};
  if ((flags & kHasPhone) != 0) entry.phone = reader.text();
  if ((flags & kHasZips) != 0) {
    const std::uint64_t count = reader.number();
    if (count > kZipsMax - kRowZips) return std::nullopt;
    for (std::uint64_t i = 0; i < count; ++i) entry.further_zips.add(static_cast<std::uint32_t>(reader.number()));
  }
  if (!reader.ok() || (entry.replaced_by && entry.replaced_by->digits >= kCodeEnd)) return std::nullopt;
  return entry;
}

std::string_view read_hangul_name(std::span<const std::byte> text) {
  if (text.empty()) return {};
  return PieceReader(text.subspan(1)).text();
}

}  // namespace clearline
