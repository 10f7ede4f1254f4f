// Screener: a batch goes through tight loops, so that its cache misses overlap; each group is judged by the registry at one
// seq, also while it changes.
//
//   locate   code text -> mixed code -> its bucket, prefetched; the zip is read meanwhile
//   probe    bucket -> row; a code whose home is full of others is probed again, in its second bucket
//   fetch    where the side row will be wanted (a phone, a Hangul name, another zip), it is prefetched; then its text
//            for Hangul names
//   decide   row, declaration, rule, date -> verdict; pure
//   again    what changed meanwhile is decided again by the rows that it had before (engine/change_window.h)
//
// Judging by the past (engine/past_rows.h), the rows that codes held then take the place of the registry's behind `probe`,
// and nothing may change meanwhile.
//
// The loops run over groups of kGroup declarations: as many lines as the core keeps in flight, few enough for its first
// cache. Names are folded while deciding, when the lines of the group's end are still on their way.
#include "clearline/screener.h"

#include <algorithm>
#include <array>
#include <bit>
#include <bitset>
#include <cassert>
#include <utility>
#include <vector>

#include "engine/code_index.h"
#include "engine/entry_text.h"
#include "engine/name.h"
#include "engine/past_rows.h"
#include "engine/phone.h"
#include "engine/registry_table.h"
#include "engine/rows.h"
#include "engine/text.h"

namespace clearline {
namespace {

constexpr std::size_t kGroup = 128;

bool is_all_blank(std::string_view text) { return trim_blanks(text).empty(); }

/// Five ASCII digits as a number; nothing if it is another text, or missing.
std::optional<std::uint32_t> parse_zip(std::string_view text) {
  text = trim_blanks(text);
  if (text.size() != 5) return std::nullopt;
  std::uint32_t zip = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    zip = zip * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return zip;
}

/// Whether Hangul, syllables or jamo, stands at either end of a name, as it does in nearly all that have some: `홍길동`,
/// `HONG GILDONG (홍길동)`.
bool maybe_hangul(std::string_view name) {
  const auto lead = [&](std::size_t at) {
    const auto byte = static_cast<unsigned char>(name[at]);
    return byte >= 0xE1 && byte <= 0xED;
  };
  return name.size() >= 3 && (lead(0) || lead(name.size() - 3) || (name.size() >= 4 && lead(name.size() - 4)));
}

Outcome worst_outcome(ReasonSet reasons, const Rule& rule) {
  auto worst = Outcome::kClear;
  for (std::uint32_t bits = reasons.bits(); bits != 0; bits &= bits - 1) {
    worst = std::max(worst, rule.outcome[static_cast<std::size_t>(std::countr_zero(bits))]);
  }
  return worst;
}

/// Where a declaration's code leads.
struct Located {
  Code digits;
  std::uint64_t mixed = 0;
  SegmentPlace segment;
  std::size_t row = CodeIndex::kAbsent;
  HotRow hot{};                             ///< what the row held when it was found
  const SideRow* side = nullptr;            ///< its side row; read with load_row()
  bool is_past = false;                     ///< the rows are of PastRows, and so are their texts
  std::optional<std::uint32_t> zip;         ///< the declared one
  CodeCheck code = CodeCheck::kNotChecked;  ///< kMissing, kMalformed, or kNotChecked: looked up
};

}  // namespace

struct Screener::Scratch {
  Scratch(const Registry& registry, const Policy& policy_to_use, Date date, const PastRows* past_rows)
      : table(&registry.table()),
        past(past_rows),
        index(table->index()),
        reader(table->slots()),
        printer(table->key()),
        policy(&policy_to_use),
        today(date) {}

  void screen_group(std::span<const Declaration> declarations, std::span<Verdict> verdicts);
  void screen_at(std::uint64_t seq, std::span<const Declaration> declarations, std::span<Verdict> verdicts);
  void screen_past(std::span<const Declaration> declarations, std::span<Verdict> verdicts);
  std::size_t locate(std::span<const Declaration> declarations);
  void take_past_rows(std::size_t count);
  void decide_all(std::span<const Declaration> declarations, std::size_t count, std::span<Verdict> verdicts);
  bool judge_changed_again(std::uint64_t seq, std::span<const Declaration> declarations, std::span<Verdict> verdicts);
  void decide(const Declaration& declaration, const Located& located, Verdict& verdict);
  void compare_code(const Located& place, const Rule& rule, Date date, Verdict& verdict) const;
  ItemCheck compare_name(std::string_view text, const Located& place, bool given_first_is_same);
  ItemCheck compare_latin(const DeclaredName& name, const Located& place);
  ItemCheck compare_zip(const Declaration& declaration, const Located& place) const;
  ItemCheck compare_phone(const Declaration& declaration, const Located& place, bool& is_virtual);

  std::span<const std::byte> cold_text(const Located& place, const SideRow& side) const {
    return text_of(side, place.is_past ? past->texts() : table->texts());
  }
  std::span<const std::byte> cold_text(const Located& place) const { return cold_text(place, load_row(*place.side)); }

  const RegistryTable* table;
  const PastRows* past;
  CodeIndex index;
  ReaderSlots::Reader reader;
  NamePrinter printer;
  const Policy* policy;
  Date today;
  NameFolder declared;
  NameFolder registered;
  std::vector<char> phone;
  std::array<Located, kGroup> located;
  std::array<std::uint32_t, kGroup> chosen;                  // the declarations of a group that are looked up
  std::array<std::optional<std::uint64_t>, kGroup> moments;  // by the past: the seq that judges, nothing: before all
};

Screener::Screener(const Registry& registry, const Policy& policy, Date today, const PastRows* past)
    : scratch_(std::make_unique<Scratch>(registry, policy, today, past)) {}
Screener::~Screener() = default;
Screener::Screener(Screener&&) noexcept = default;
Screener& Screener::operator=(Screener&&) noexcept = default;

void Screener::set_today(Date today) { scratch_->today = today; }

void Screener::screen(std::span<const Declaration> declarations, std::span<Verdict> verdicts) {
  assert(declarations.size() == verdicts.size());
  while (!declarations.empty()) {
    const std::size_t size = std::min(declarations.size(), kGroup);
    if (scratch_->past != nullptr) {
      scratch_->screen_past(declarations.first(size), verdicts.first(size));
    } else {
      scratch_->screen_group(declarations.first(size), verdicts.first(size));
    }
    declarations = declarations.subspan(size);
    verdicts = verdicts.subspan(size);
  }
}

void Screener::Scratch::screen_group(std::span<const Declaration> declarations, std::span<Verdict> verdicts) {
  for (;;) {
    reader.enter();
    const std::uint64_t seq = table->window().published();
    screen_at(seq, declarations, verdicts);
    const bool is_whole = judge_changed_again(seq, declarations, verdicts);
    reader.leave();
    if (is_whole) return;
  }
}

/// Puts the rows before in the place of those that were read, where a change behind `seq` has begun. False: there were
/// too many.
bool Screener::Scratch::judge_changed_again(std::uint64_t seq, std::span<const Declaration> declarations,
                                            std::span<Verdict> verdicts) {
  std::bitset<kGroup> is_judged;
  return table->window().for_each_since(seq, [&](const RowsBefore& before) {
    for (std::size_t i = 0; i < declarations.size(); ++i) {
      Located& place = located[i];
      // The first change of a code tells what it was.
      if (place.mixed != before.mixed || place.code != CodeCheck::kNotChecked || is_judged[i]) continue;
      is_judged.set(i);
      place.row = before.hot.empty() ? CodeIndex::kAbsent : 0;
      place.hot = before.hot;
      place.side = &before.side;
      decide(declarations[i], place, verdicts[i]);
      verdicts[i].registry_seq = seq;
    }
  });
}

void Screener::Scratch::screen_at(std::uint64_t seq, std::span<const Declaration> declarations,
                                  std::span<Verdict> verdicts) {
  decide_all(declarations, locate(declarations), verdicts);
  for (Verdict& verdict : verdicts) verdict.registry_seq = seq;
}

void Screener::Scratch::screen_past(std::span<const Declaration> declarations, std::span<Verdict> verdicts) {
  const std::size_t count = locate(declarations);
  for (std::size_t i = 0; i < declarations.size(); ++i) moments[i] = past->seq_of(declarations[i].declared_at);
  take_past_rows(count);
  decide_all(declarations, count, verdicts);
  // What a registry held that has moved on is in no past row.
  const bool is_still = table->seq() == past->registry_seq();
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    if (!is_still || !moments[i]) verdicts[i] = {};
    verdicts[i].registry_seq = moments[i].value_or(0);
  }
}

/// Puts the rows that codes held at the moments in the place of the registry's. `count`: as locate() gave it.
void Screener::Scratch::take_past_rows(std::size_t count) {
  std::array<std::uint32_t, kGroup> changed;
  std::size_t changed_count = 0;
  for (std::size_t n = 0; n < count; ++n) {
    changed[changed_count] = chosen[n];
    changed_count += static_cast<std::size_t>(past->prefetch_version(located[chosen[n]].mixed));
  }
  for (std::size_t n = 0; n < changed_count; ++n) {
    Located& place = located[changed[n]];
    const auto& moment = moments[changed[n]];
    const PastRows::Version* version = moment ? past->find(place.mixed, *moment) : nullptr;
    if (version == nullptr) continue;
    place.row = version->hot.empty() ? CodeIndex::kAbsent : 0;
    place.hot = version->hot;
    place.side = &version->side;
    place.is_past = true;
  }
}

/// Fills `located`, and `chosen` with the declarations that have a code to look up; returns how many.
std::size_t Screener::Scratch::locate(std::span<const Declaration> declarations) {
  // A prefetch waits for the translation of its address, which is in no buffer when the table is large. So those loops
  // are tight: a core looks a few hundred instructions ahead, and overlaps as many misses as it finds there.
  std::size_t chosen_count = 0;
  for (std::size_t i = 0; i < declarations.size(); ++i) {
    Located& place = located[i];
    place.row = CodeIndex::kAbsent;
    place.is_past = false;
    const auto code = parse_code(declarations[i].code);
    if (!code) {
      place.code = is_all_blank(declarations[i].code) ? CodeCheck::kMissing : CodeCheck::kMalformed;
      continue;
    }
    place.code = CodeCheck::kNotChecked;
    place.digits = *code;
    place.mixed = mix_code(*code);
    chosen[chosen_count++] = static_cast<std::uint32_t>(i);
  }
  for (std::size_t n = 0; n < chosen_count; ++n) {
    Located& place = located[chosen[n]];
    place.segment = index.segment(place.mixed);
    index.prefetch(CodeIndex::home(place.mixed, place.segment));
    if (past != nullptr) past->prefetch(place.mixed);
  }
  for (std::size_t n = 0; n < chosen_count; ++n) located[chosen[n]].zip = parse_zip(declarations[chosen[n]].zip);

  std::array<std::uint32_t, kGroup> elsewhere;
  std::size_t elsewhere_count = 0;
  for (std::size_t n = 0; n < chosen_count; ++n) {
    Located& place = located[chosen[n]];
    place.row = index.find_in(CodeIndex::home(place.mixed, place.segment), place.mixed, place.hot);
    elsewhere[elsewhere_count] = chosen[n];
    elsewhere_count += static_cast<std::size_t>(place.row == CodeIndex::kElsewhere);
  }
  for (std::size_t n = 0; n < elsewhere_count; ++n) {
    const Located& place = located[elsewhere[n]];
    index.prefetch(CodeIndex::second(place.mixed, place.segment));
  }
  for (std::size_t n = 0; n < elsewhere_count; ++n) {
    Located& place = located[elsewhere[n]];
    place.row = index.find_further(place.mixed, place.segment, place.hot);
  }
  for (std::size_t n = 0; n < chosen_count; ++n) {
    Located& place = located[chosen[n]];
    if (place.row != CodeIndex::kAbsent) place.side = &table->side()[place.row];
  }
  return chosen_count;
}

/// Judges a group by its rows; the first `count` of `chosen` were looked up.
void Screener::Scratch::decide_all(std::span<const Declaration> declarations, std::size_t count,
                                   std::span<Verdict> verdicts) {
  // What deciding will read besides the hot row is fetched on a guess: a wrong one costs a miss, not a wrong verdict.
  std::size_t side_count = 0;
  std::size_t text_count = 0;
  std::array<std::uint32_t, kGroup> with_text;
  for (std::size_t n = 0; n < count; ++n) {
    const std::size_t i = chosen[n];
    const Located& place = located[i];
    if (place.row == CodeIndex::kAbsent) continue;
    const HotRow& hot = place.hot;
    const bool other_zip = hot.more_zips() && place.zip && hot.zip() != *place.zip + 1;
    const bool wants_text = maybe_hangul(declarations[i].name) || hot.expiry() == HotRow::kExpiryElsewhere;
    chosen[side_count] = static_cast<std::uint32_t>(i);
    side_count += static_cast<std::size_t>(!declarations[i].phone.empty() || wants_text || other_zip);
    with_text[text_count] = static_cast<std::uint32_t>(i);
    text_count += static_cast<std::size_t>(wants_text);
  }
  for (std::size_t n = 0; n < side_count; ++n) __builtin_prefetch(located[chosen[n]].side);
  for (std::size_t n = 0; n < text_count; ++n) {
    __builtin_prefetch(cold_text(located[with_text[n]]).data());
  }
  for (std::size_t i = 0; i < declarations.size(); ++i) decide(declarations[i], located[i], verdicts[i]);
}

void Screener::Scratch::decide(const Declaration& declaration, const Located& place, Verdict& verdict) {
  verdict = Verdict{};  // an internal error until it is something else
  const Date date = declaration.declared_at ? declaration.declared_at->day : today;
  const std::size_t rule_index = policy->rules.size() == 1 ? 0 : policy->rule_on(date);
  const Rule& rule = policy->rules[rule_index];
  verdict.rule = static_cast<std::uint16_t>(rule_index);
  ReasonSet reasons;

  if (place.code != CodeCheck::kNotChecked || place.row == CodeIndex::kAbsent) {
    verdict.code = place.code == CodeCheck::kNotChecked ? CodeCheck::kUnknown : place.code;
    reasons.add(verdict.code == CodeCheck::kMissing     ? Reason::kCodeMissing
                : verdict.code == CodeCheck::kMalformed ? Reason::kCodeMalformed
                                                        : Reason::kCodeUnknown);
  } else {
    compare_code(place, rule, date, verdict);
    switch (verdict.code) {
      case CodeCheck::kCancelled:
        reasons.add(Reason::kCodeCancelled);
        break;
      case CodeCheck::kReplaced:
        reasons.add(Reason::kCodeReplaced);
        break;
      case CodeCheck::kSuspended:
        reasons.add(Reason::kCodeSuspended);
        break;
      case CodeCheck::kExpired:
        reasons.add(Reason::kCodeExpired);
        break;
      default:
        break;
    }
    if (rule.checks_name) {
      verdict.name = compare_name(declaration.name, place, rule.given_first_is_same);
      switch (verdict.name) {
        case ItemCheck::kMissing:
          reasons.add(Reason::kNameMissing);
          break;
        case ItemCheck::kNotOnFile:
          reasons.add(Reason::kNameNotOnFile);
          break;
        case ItemCheck::kMismatch:
          reasons.add(Reason::kNameMismatch);
          break;
        default:
          break;
      }
    }
    const bool phone_missing = is_all_blank(declaration.phone);
    if (rule.phone == PhoneCheck::kRequired || (rule.phone == PhoneCheck::kWhenDeclared && !phone_missing)) {
      bool is_virtual = false;
      verdict.phone = phone_missing ? ItemCheck::kMissing : compare_phone(declaration, place, is_virtual);
      switch (verdict.phone) {
        case ItemCheck::kMissing:
          reasons.add(Reason::kPhoneMissing);
          break;
        case ItemCheck::kNotOnFile:
          if (rule.phone == PhoneCheck::kRequired) reasons.add(Reason::kPhoneNotOnFile);
          break;
        case ItemCheck::kMismatch:
          reasons.add(is_virtual ? Reason::kPhoneVirtual : Reason::kPhoneMismatch);
          break;
        default:
          break;
      }
    }
    if (rule.checks_zip) {
      verdict.zip = compare_zip(declaration, place);
      switch (verdict.zip) {
        case ItemCheck::kMissing:
          reasons.add(Reason::kZipMissing);
          break;
        case ItemCheck::kMalformed:
          reasons.add(Reason::kZipMalformed);
          break;
        case ItemCheck::kNotOnFile:
          reasons.add(Reason::kZipNotOnFile);
          break;
        case ItemCheck::kMismatch:
          reasons.add(Reason::kZipMismatch);
          break;
        default:
          break;
      }
    }
  }

  verdict.reasons = reasons;
  verdict.outcome = worst_outcome(reasons, rule);
}

void Screener::Scratch::compare_code(const Located& place, const Rule& rule, Date date, Verdict& verdict) const {
  const HotRow& hot = place.hot;
  switch (hot.status()) {
    case CodeStatus::kSuspended:
      verdict.code = CodeCheck::kSuspended;
      return;
    case CodeStatus::kCancelled:
      verdict.code = CodeCheck::kCancelled;
      return;
    case CodeStatus::kReplaced:
      verdict.code = CodeCheck::kReplaced;
      return;
    case CodeStatus::kActive:
      break;
  }
  verdict.code = CodeCheck::kActive;
  if (hot.expiry() == 0) return;
  std::int64_t last_day = table->expiry_base_days() + static_cast<std::int64_t>(hot.expiry()) - 1;
  if (hot.expiry() == HotRow::kExpiryElsewhere) {
    const auto entry = read_entry_text(cold_text(place));
    // A text that cannot be read is damage: the code is then as good as expired.
    last_day = entry && entry->expires ? entry->expires->days : std::int64_t{INT32_MIN};
  }
  if (date.days > last_day + rule.expiry_grace_days) verdict.code = CodeCheck::kExpired;
}

ItemCheck Screener::Scratch::compare_name(std::string_view text, const Located& place, bool given_first_is_same) {
  const DeclaredName name = declared.fold_declared(text);
  if (name.form == DeclaredName::Form::kMissing) return ItemCheck::kMissing;
  if (name.form == DeclaredName::Form::kUnusable) return ItemCheck::kMismatch;
  ItemCheck result = ItemCheck::kNotOnFile;
  if (!name.hangul.empty()) {
    const SideRow side = load_row(*place.side);
    if (side.has_hangul()) {
      const std::string_view on_file = read_hangul_name(cold_text(place, side));
      // Syllables alone are their own Hangul part.
      if (name.has_jamo || on_file != name.hangul) {
        const RegisteredHangul folded = registered.fold_hangul(on_file);
        if (folded.flaw != NameFlaw::kNone || folded.hangul != name.hangul) return ItemCheck::kMismatch;
      }
      result = ItemCheck::kSame;
    }
  }
  if (name.latin_size != 0 && place.hot.family() != 0) {
    result = compare_latin(name, place);
    if (result == ItemCheck::kSameGivenFirst && !given_first_is_same) result = ItemCheck::kMismatch;
  }
  return result;
}

ItemCheck Screener::Scratch::compare_latin(const DeclaredName& name, const Located& place) {
  const HotRow& hot = place.hot;
  const Code code = place.digits;
  if (printer.print(code, name.latin, name.latin_size) == hot.name_print) return ItemCheck::kSame;
  std::size_t family_size = hot.family();
  if (family_size == HotRow::kFamilyLong) {
    const auto entry = read_entry_text(cold_text(place));
    if (!entry) return ItemCheck::kMismatch;
    family_size = registered.fold_registered(entry->name).family.size();
  }
  char* family_first = declared.rotated(name, family_size);
  if (family_first != nullptr && printer.print(code, family_first, name.latin_size) == hot.name_print) {
    return ItemCheck::kSameGivenFirst;
  }
  // The place of the variant classes: name and text are at hand, and only mismatches come here.
  return ItemCheck::kMismatch;
}

ItemCheck Screener::Scratch::compare_zip(const Declaration& declaration, const Located& place) const {
  const auto& zip = place.zip;
  const HotRow& hot = place.hot;
  if (!zip) return is_all_blank(declaration.zip) ? ItemCheck::kMissing : ItemCheck::kMalformed;
  if (hot.zip() == 0) return ItemCheck::kNotOnFile;
  if (hot.zip() == *zip + 1) return ItemCheck::kSame;
  if (!hot.more_zips()) return ItemCheck::kMismatch;
  const SideRow side = load_row(*place.side);
  if (side.zip2() == *zip + 1) return ItemCheck::kSame;
  const auto entry = read_entry_text(cold_text(place, side));
  if (!entry) return ItemCheck::kMismatch;
  const auto& further = entry->further_zips;
  return std::find(further.begin(), further.end(), *zip) == further.end() ? ItemCheck::kMismatch : ItemCheck::kSame;
}

ItemCheck Screener::Scratch::compare_phone(const Declaration& declaration, const Located& place, bool& is_virtual) {
  if (phone.size() < declaration.phone.size() + 1) phone.resize(declaration.phone.size() + 1);
  const std::string_view canonical(phone.data(), fold_phone(declaration.phone, phone.data()));
  const SideRow side = load_row(*place.side);
  if (side.phone_kind() == SideRow::PhoneKind::kNone) return ItemCheck::kNotOnFile;
  is_virtual = canonical.starts_with("050");
  if (side.phone_kind() == SideRow::PhoneKind::kPacked) {
    const auto packed = pack_phone(canonical);
    return packed && *packed == side.phone() ? ItemCheck::kSame : ItemCheck::kMismatch;
  }
  const auto entry = read_entry_text(cold_text(place, side));
  return entry && !canonical.empty() && entry->phone == canonical ? ItemCheck::kSame : ItemCheck::kMismatch;
}

}  // namespace clearline
