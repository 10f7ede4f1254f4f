#include "engine/entry_text.h"

#include "engine/phone.h"
#include "engine/pieces.h"

namespace clearline {
namespace {

enum Flag : unsigned char {
  kHasIssued = 1,
  kHasChanged = 2,
  kHasExpires = 4,
  kHasReplacedBy = 8,
  kHasPhone = 16,
  kHasZips = 32,
};
constexpr unsigned char kAllFlags = 63;

}  // namespace

std::size_t entry_text_bytes_max(const Entry& entry) {
  constexpr std::size_t kNumbers =
      2 + 3 + 1 + 1 + 1;  // sizes of names, dates, replaced_by, size of phone, count of zips
  return 1 + (kNumbers + entry.zips.size()) * kNumberBytesMax + entry.name_ko.size() + entry.name.size() +
         entry.phone.size();
}

char* write_entry_text(const Entry& entry, char* out) {
  const bool has_phone = !entry.phone.empty() && !pack_phone(entry.phone);
  const bool has_zips = entry.zips.size() > kRowZips;
  unsigned flags = 0;
  if (entry.issued) flags |= kHasIssued;
  if (entry.changed) flags |= kHasChanged;
  if (entry.expires) flags |= kHasExpires;
  if (entry.replaced_by) flags |= kHasReplacedBy;
  if (has_phone) flags |= kHasPhone;
  if (has_zips) flags |= kHasZips;
  *out++ = static_cast<char>(flags);
  out = put_text(out, entry.name_ko);
  out = put_text(out, entry.name);
  if (entry.issued) out = put_date(out, *entry.issued);
  if (entry.changed) out = put_date(out, *entry.changed);
  if (entry.expires) out = put_date(out, *entry.expires);
  if (entry.replaced_by) out = put_number(out, entry.replaced_by->digits);
  if (has_phone) out = put_text(out, entry.phone);
  if (!has_zips) return out;
  out = put_number(out, entry.zips.size() - kRowZips);
  for (std::size_t i = kRowZips; i < entry.zips.size(); ++i) out = put_number(out, entry.zips[i]);
  return out;
}

std::optional<EntryText> read_entry_text(std::span<const std::byte> text) {
  if (text.empty()) return std::nullopt;
  const auto flags = std::to_integer<unsigned>(text[0]);
  if (flags > kAllFlags) return std::nullopt;
  PieceReader reader(text.subspan(1));
  EntryText entry;
  entry.name_ko = reader.text();
  entry.name = reader.text();
  const auto take_date = [&](Flag flag, std::optional<Date>& date) {
    if ((flags & flag) == 0) return true;
    date = reader.calendar_date();
    return date.has_value();
  };
  if (!take_date(kHasIssued, entry.issued) || !take_date(kHasChanged, entry.changed) ||
      !take_date(kHasExpires, entry.expires)) {
    return std::nullopt;
  }
  if ((flags & kHasReplacedBy) != 0) entry.replaced_by = Code{reader.number()};
  if ((flags & kHasPhone) != 0) entry.phone = reader.text();
  if ((flags & kHasZips) != 0) {
    const std::uint64_t count = reader.number();
    if (count > kZipsMax - kRowZips) return std::nullopt;
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t zip = reader.number();
      if (zip > 99'999) return std::nullopt;
      entry.further_zips.add(static_cast<std::uint32_t>(zip));
    }
  }
  entry.bytes = 1 + reader.at();
  if (!reader.ok() || (entry.replaced_by && entry.replaced_by->digits >= kCodeEnd)) return std::nullopt;
  return entry;
}

std::string_view read_hangul_name(std::span<const std::byte> text) {
  if (text.empty()) return {};
  return PieceReader(text.subspan(1)).text();
}

}  // namespace clearline
