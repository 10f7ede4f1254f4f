#include "engine/rows.h"

#include "engine/entry_text.h"
#include "engine/phone.h"
#include "engine/possible_entry.h"

namespace clearline {
namespace {

constexpr std::uint64_t kPackedPhoneEnd = 100'000'000'000;  // kPackedPhoneDigits digits

}  // namespace

NameMark name_mark(Code code, NameLetters& letters, const NamePrinter& printer) {
  switch (letters.kind()) {
    case NameLetters::Kind::kNone:
      break;
    case NameLetters::Kind::kUnmatched:
      return {HotRow::kFamilyLong, NamePrinter::kNoPrint};  // which is the fingerprint of nothing
    case NameLetters::Kind::kLetters: {
      // An empty family (", JUAN") makes FG and GF the same: the text says so.
      const std::size_t size = letters.family_size();
      const bool is_in_row = size != 0 && size < HotRow::kFamilyLong;
      return {is_in_row ? size : HotRow::kFamilyLong, printer.print(code, letters.data(), letters.size())};
    }
  }
  return {0, NamePrinter::kNoPrint};
}

HotRow make_hot_row(const Entry& entry, NameLetters& letters, const NamePrinter& printer,
                    std::int32_t expiry_base_days) {
  const NameMark name = name_mark(entry.code, letters, printer);
  std::uint64_t expiry = 0;
  if (entry.expires) {
    const auto day = static_cast<std::int64_t>(entry.expires->days) - expiry_base_days + 1;
    expiry = day >= 1 && day < HotRow::kExpiryElsewhere ? static_cast<std::uint64_t>(day) : HotRow::kExpiryElsewhere;
  }
  const std::uint64_t zip = entry.zips.empty() ? 0 : entry.zips[0] + std::uint64_t{1};
  HotRow row{};
  row.head = (mix_code(entry.code) & kTailMask) | name.family << 28 | static_cast<std::uint64_t>(entry.status) << 32 |
             expiry << 34 | zip << 46 | static_cast<std::uint64_t>(entry.zips.size() > 1) << 63;
  row.name_print = name.print;
  return row;
}

SideRow make_side_row(const Entry& entry, std::uint64_t text_offset) {
  auto kind = SideRow::PhoneKind::kNone;
  std::uint64_t phone = 0;
  if (!entry.phone.empty()) {
    const auto packed = pack_phone(entry.phone);
    kind = packed ? SideRow::PhoneKind::kPacked : SideRow::PhoneKind::kText;
    phone = packed.value_or(0);
  }
  const std::uint64_t zip2 = entry.zips.size() > 1 ? entry.zips[1] + std::uint64_t{1} : 0;
  std::uint64_t changed = 0;
  if (entry.changed) {
    const auto day = static_cast<std::int64_t>(entry.changed->days) + 1;
    changed =
        day >= 1 && day < SideRow::kChangedElsewhere ? static_cast<std::uint64_t>(day) : SideRow::kChangedElsewhere;
  }
  SideRow row{};
  row.contact = phone | static_cast<std::uint64_t>(kind) << 37 | zip2 << 39 |
                static_cast<std::uint64_t>(!entry.name_ko.empty()) << 56;
  row.place = text_offset / kTextUnitBytes | changed << 32;
  return row;
}

RowMaker::Made RowMaker::make(const Entry& entry, char* text, std::uint64_t text_offset) {
  return {make_hot_row(entry, letters_, printer_, expiry_base_days_), make_side_row(entry, text_offset),
          write_entry_text(entry, text)};
}

std::optional<Entry> read_entry(Code code, const HotRow& hot, const SideRow& side, std::span<const std::byte> texts) {
  const auto text = read_entry_text(text_of(side, texts));
  if (!text) return std::nullopt;
  Entry entry;
  entry.code = code;
  entry.name = text->name;
  entry.name_ko = text->name_ko;
  entry.status = hot.status();
  entry.replaced_by = text->replaced_by;
  entry.issued = text->issued;
  entry.changed = text->changed;
  entry.expires = text->expires;
  // A text of another entry, or one that was made up, does not have what its rows say.
  if ((hot.family() != 0) != !text->name.empty() || side.has_hangul() != !text->name_ko.empty()) return std::nullopt;
  if ((side.phone_kind() == SideRow::PhoneKind::kText) != !text->phone.empty()) return std::nullopt;
  if (side.phone_kind() > SideRow::PhoneKind::kText) return std::nullopt;
  if (hot.more_zips() != (side.zip2() != 0) || (hot.zip() == 0 && hot.more_zips())) return std::nullopt;
  if (!hot.more_zips() && text->further_zips.begin() != text->further_zips.end()) return std::nullopt;
  switch (side.phone_kind()) {
    case SideRow::PhoneKind::kNone:
      break;
    case SideRow::PhoneKind::kText:
      entry.phone = text->phone;
      break;
    case SideRow::PhoneKind::kPacked: {
      std::uint64_t digits = side.phone();
      if (digits >= kPackedPhoneEnd) return std::nullopt;
      entry.phone.resize(kPackedPhoneDigits);
      for (std::size_t i = kPackedPhoneDigits; i-- > 0; digits /= 10)
        entry.phone[i] = static_cast<char>('0' + digits % 10);
    }
  }
  if (hot.zip() != 0) entry.zips.push_back(hot.zip() - 1);
  if (side.zip2() != 0) entry.zips.push_back(side.zip2() - 1);
  entry.zips.insert(entry.zips.end(), text->further_zips.begin(), text->further_zips.end());
  if (impossible_entry(entry)) return std::nullopt;
  return entry;
}

bool holds(const RegistryTable& table, Code code) {
  const std::uint64_t mixed = mix_code(code);
  HotRow hot{};
  return table.index().find(mixed, table.index().segment(mixed), hot) != CodeIndex::kAbsent;
}

}  // namespace clearline
