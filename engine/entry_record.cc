#include "engine/entry_record.h"

#include <cassert>
#include <span>

#include "engine/pieces.h"
#include "engine/possible_entry.h"

namespace clearline {
namespace {

constexpr unsigned kVersion = 1;

constexpr unsigned kStatusMask = 3;
enum Flag : unsigned {
  kHasIssued = 4,
  kHasChanged = 8,
  kHasExpires = 16,
  kHasReplacedBy = 32,
};
constexpr unsigned kFlagsEnd = 64;
static_assert(static_cast<unsigned>(CodeStatus::kReplaced) == kStatusMask);

constexpr std::uint32_t kZipEnd = 100'000;

[[maybe_unused]] bool can_be_written(const std::optional<Date>& date) {
  return !date || (*date >= kDateMin && *date <= kDateMax);
}

/// Reads a date if there is one; false if it is no day of the calendar.
bool take_date(bool is_there, PieceReader& reader, std::optional<Date>& date) {
  if (!is_there) return true;
  date = reader.calendar_date();
  return date.has_value();
}

/// Reads a code; false if it is none.
bool take_code(PieceReader& reader, Code& code) {
  code.digits = reader.number();
  return code.digits < kCodeEnd;
}

}  // namespace

void append_entry_record(const Entry& entry, std::string& out) {
  assert(entry.code.digits < kCodeEnd && entry.zips.size() <= kZipsMax);
  assert(can_be_written(entry.issued) && can_be_written(entry.changed) && can_be_written(entry.expires));
  assert(!entry.replaced_by || entry.status == CodeStatus::kReplaced);
  auto flags = static_cast<unsigned>(entry.status);
  if (entry.issued) flags |= kHasIssued;
  if (entry.changed) flags |= kHasChanged;
  if (entry.expires) flags |= kHasExpires;
  if (entry.replaced_by) flags |= kHasReplacedBy;
  constexpr std::size_t kNumbers = 1 + 3 + 1 + 3 + 1;  // code, sizes of texts, count of zips, dates, replaced_by
  const std::size_t begin = out.size();
  out.resize(begin + 2 + (kNumbers + entry.zips.size()) * kNumberBytesMax + entry.name.size() + entry.name_ko.size() +
             entry.phone.size());
  char* at = out.data() + begin;
  *at++ = static_cast<char>(kVersion);
  *at++ = static_cast<char>(flags);
  at = put_number(at, entry.code.digits);
  at = put_text(at, entry.name);
  at = put_text(at, entry.name_ko);
  at = put_text(at, entry.phone);
  at = put_number(at, entry.zips.size());
  for (const std::uint32_t zip : entry.zips) at = put_number(at, zip);
  if (entry.issued) at = put_date(at, *entry.issued);
  if (entry.changed) at = put_date(at, *entry.changed);
  if (entry.expires) at = put_date(at, *entry.expires);
  if (entry.replaced_by) at = put_number(at, entry.replaced_by->digits);
  out.resize(static_cast<std::size_t>(at - out.data()));
}

std::optional<Entry> read_entry_record(std::string_view record) {
  if (record.size() < 2 || static_cast<unsigned char>(record[0]) != kVersion) return std::nullopt;
  const unsigned flags = static_cast<unsigned char>(record[1]);
  if (flags >= kFlagsEnd) return std::nullopt;
  PieceReader reader(std::as_bytes(std::span(record)).subspan(2));
  std::optional<Entry> found(std::in_place);
  Entry& entry = *found;
  entry.status = static_cast<CodeStatus>(flags & kStatusMask);
  if (!take_code(reader, entry.code)) return std::nullopt;
  entry.name = reader.text();
  entry.name_ko = reader.text();
  entry.phone = reader.text();
  const std::uint64_t zip_count = reader.number();
  if (zip_count > kZipsMax) return std::nullopt;
  entry.zips.reserve(zip_count);
  for (std::uint64_t i = 0; i < zip_count; ++i) {
    const std::uint64_t zip = reader.number();
    if (zip >= kZipEnd) return std::nullopt;
    entry.zips.push_back(static_cast<std::uint32_t>(zip));
  }
  if (!take_date((flags & kHasIssued) != 0, reader, entry.issued)) return std::nullopt;
  if (!take_date((flags & kHasChanged) != 0, reader, entry.changed)) return std::nullopt;
  if (!take_date((flags & kHasExpires) != 0, reader, entry.expires)) return std::nullopt;
  if ((flags & kHasReplacedBy) != 0) {
    if (entry.status != CodeStatus::kReplaced || !take_code(reader, entry.replaced_by.emplace())) return std::nullopt;
  }
  if (!reader.is_exact() || impossible_entry(entry)) return std::nullopt;
  return found;
}

}  // namespace clearline
