#include "io/formats/key_names.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "engine/text.h"
#include "engine/words.h"

namespace clearline {
namespace {

[[noreturn]] void fatal(UErrorCode error) {
  (void)std::fprintf(stderr, "clearline: fatal: normalising the name of a field: %s\n", u_errorName(error));
  std::abort();
}

const UNormalizer2& nfc_form() {
  static const UNormalizer2* const form = [] {
    UErrorCode error = U_ZERO_ERROR;
    const UNormalizer2* const found = unorm2_getNFCInstance(&error);
    if (U_FAILURE(error)) fatal(error);
    return found;
  }();
  return *form;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

void append(std::string& text, UChar32 c) {
  std::array<char, U8_MAX_LENGTH> bytes{};
  int size = 0;
  UBool failed = false;
  U8_APPEND(bytes.data(), size, U8_MAX_LENGTH, c, failed);
  if (failed == 0) text.append(bytes.data(), static_cast<std::size_t>(size));
}

/// The next code point of a text; U+FFFD for what is no UTF-8.
UChar32 take_point(std::string_view text, std::size_t& at) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  UChar32 c = 0;
  U8_NEXT_OR_FFFD(bytes, at, text.size(), c);
  return c;
}

/// UTF-16 before and after normalising; its memory is reused.
struct Units {
  std::u16string given;
  std::u16string normal;
};

/// Replaces `out`, which is not `text`, by the NFC form of it.
void to_nfc(std::string_view text, Units& units, std::string& out) {
  out = text;
  if (is_ascii(text)) return;
  units.given.clear();
  for (std::size_t at = 0; at < text.size();) {
    const UChar32 c = take_point(text, at);
    if (U_IS_BMP(c)) {
      units.given += static_cast<char16_t>(c);
    } else {
      units.given += {U16_LEAD(c), U16_TRAIL(c)};
    }
  }
  units.normal.resize(std::max(units.normal.capacity(), units.given.size() + 16));
  for (;;) {
    UErrorCode error = U_ZERO_ERROR;
    const auto size = unorm2_normalize(&nfc_form(), units.given.data(), static_cast<int32_t>(units.given.size()),
                                       units.normal.data(), static_cast<int32_t>(units.normal.size()), &error);
    const bool has_room = error != U_BUFFER_OVERFLOW_ERROR;
    if (has_room && U_FAILURE(error)) fatal(error);
    units.normal.resize(static_cast<std::size_t>(size));
    if (has_room) break;
  }
  out.clear();
  for (std::size_t at = 0; at < units.normal.size();) {
    UChar32 c = 0;
    U16_NEXT(units.normal.data(), at, units.normal.size(), c);
    append(out, c);
  }
}

/// Whether a character does not count when names are compared. None of them takes part in a composition.
bool is_dropped(UChar32 c) {
  if (c < 0x80) return c == '_' || c == '-' || c == ' ' || (c >= 0x09 && c <= 0x0D);
  return u_hasBinaryProperty(c, UCHAR_WHITE_SPACE) != 0 || u_charType(c) == U_FORMAT_CHAR;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 0x20) : c; }

/// Makes `out` the NFC form of a name without what is dropped, in lower case; empty if more than `bytes_max` bytes are kept, so
/// that nothing that is in use can come of it.
///
/// A run of dropped characters counts as one before NFC, so that a name's cost does not depend on how long it is.
void fold(std::string_view name, std::size_t bytes_max, std::string& kept, Units& units, std::string& out) {
  kept.clear();
  out.clear();
  std::size_t bytes = 0;
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t before = at;
    const UChar32 c = take_point(name, at);
    if (is_dropped(c)) {
      if (!kept.ends_with('_')) kept += '_';
      continue;
    }
    bytes += at - before;
    if (bytes > bytes_max) return;
    append(kept, c);
  }
  to_nfc(kept, units, out);
  std::erase(out, '_');
  std::transform(out.begin(), out.end(), out.begin(), lower);
}

constexpr std::size_t kAnyBytes = static_cast<std::size_t>(-1);

/// Bytes of a start that normalise the same whatever comes behind it. What the start ends inside of may be a mark that joins
/// what is before it.
std::size_t settled_bytes(std::string_view start) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(start.data());
  std::size_t settled = 0;
  for (std::size_t at = 0; at < start.size();) {
    const std::size_t before = at;
    UChar32 c = 0;
    U8_NEXT(bytes, at, start.size(), c);
    if (c < 0) break;
    if (unorm2_hasBoundaryBefore(&nfc_form(), c) != 0) settled = before;
  }
  return settled;
}

/// The first byte of a name whose characters are written in pieces: that of e for an e with an accent.
unsigned char first_byte_in_pieces(std::string_view name) {
  std::size_t at = 0;
  UChar32 c = take_point(name, at);
  for (;;) {
    std::array<UChar, 8> pieces{};
    UErrorCode error = U_ZERO_ERROR;
    const auto size =
        unorm2_getRawDecomposition(&nfc_form(), c, pieces.data(), static_cast<int32_t>(pieces.size()), &error);
    if (U_FAILURE(error)) fatal(error);
    if (size <= 0) break;
    U16_GET(pieces.data(), 0, 0, size, c);
  }
  std::string first;
  append(first, c);
  return static_cast<unsigned char>(first.front());
}

}  // namespace

std::string normal_name(std::string_view name) {
  Units units;
  std::string normal;
  to_nfc(trim_blanks(name), units, normal);
  return normal;
}

Result<IgnoredNames> parse_ignore(std::string_view text) {
  IgnoredNames names;
  for (bool more = !text.empty(); more;) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string name = normal_name(text.substr(0, comma));
    more = comma != text.size();
    text.remove_prefix(std::min(comma + 1, text.size()));
    if (name.empty()) return Status(StatusKind::kUsage, "--ignore: a name is empty; write Phone,Zip");
    names.push_back(std::move(name));
  }
  return names;
}

struct KeyNames::Scratch {
  Units units;
  std::string kept;
  std::string folded;
  std::string normal;
};

KeyNames::KeyNames(std::vector<std::string> known, IgnoredNames ignored)
    : known_(std::move(known)), ignored_(std::move(ignored)), scratch_(std::make_unique<Scratch>()) {
  const auto add = [&](std::string_view folded_name, std::size_t number) {
    near_.push_back({std::string(folded_name), number});
    // Composed characters may come in pieces: one byte becomes up to three.
    bytes_max_ = std::max(bytes_max_, 4 * folded_name.size() + 16);
  };
  for (std::size_t i = 0; i < known_.size(); ++i) {
    fold(known_[i], kAnyBytes, scratch_->kept, scratch_->units, scratch_->folded);
    const std::string name = scratch_->folded;
    if (name.empty()) continue;  // nothing but what is dropped: only itself is near it
    add(name, i);
    if (name == "zip") add("zips", i);
    if (name == "zips") add("zip", i);
  }
  for (std::size_t byte = 0; byte < may_start_.size(); ++byte) {
    may_start_[byte] = byte >= 0x80 || is_dropped(static_cast<UChar32>(byte));
  }
  const auto allow = [&](std::string_view name) {
    const auto first = static_cast<unsigned char>(name.front());
    may_start_[first] = true;
    if (first >= 'a' && first <= 'z') may_start_[first - 0x20U] = true;
    if (first >= 0x80) may_start_[first_byte_in_pieces(name)] = true;
  };
  for (const Near& near : near_) allow(near.folded);
  for (const std::string& name : known_) {
    if (!name.empty()) allow(name);
  }
}

KeyNames::~KeyNames() = default;
KeyNames::KeyNames(KeyNames&&) noexcept = default;
KeyNames& KeyNames::operator=(KeyNames&&) noexcept = default;

KeyNames::Match KeyNames::match(std::string_view key) {
  if (key.empty() || !may_start_[static_cast<unsigned char>(key.front())]) return {};
  if (key.size() > Seen::kBytesMax) return search(key);
  Seen& seen = seen_at(key);
  if (std::string_view(seen.bytes.data(), seen.size) == key) return seen.match;
  key.copy(seen.bytes.data(), key.size());
  seen.size = static_cast<unsigned char>(key.size());
  seen.match = search(key);
  return seen.match;
}

KeyNames::Seen& KeyNames::seen_at(std::string_view key) {
  const std::size_t size = std::min(key.size(), std::size_t{8});
  const std::uint64_t bytes =
      load_some(key.data(), size) ^ load_some(key.data() + key.size() - size, size) * 31 ^ key.size();
  return seen_[(bytes * 0x9E3779B97F4A7C15) >> 58];
}

std::size_t KeyNames::number_of(std::string_view name) const {
  const auto found = std::find(known_.begin(), known_.end(), name);
  return found == known_.end() ? kNone : static_cast<std::size_t>(found - known_.begin());
}

KeyNames::Match KeyNames::search(std::string_view key) {
  if (const std::size_t known = number_of(key); known != kNone) return {known, 0};
  Scratch& scratch = *scratch_;
  fold(key, bytes_max_, scratch.kept, scratch.units, scratch.folded);
  if (scratch.folded.empty()) return {};
  std::uint32_t near = 0;
  for (const Near& one : near_) near |= static_cast<std::uint32_t>(one.folded == scratch.folded) << one.known;
  if (near == 0) return {};
  to_nfc(key, scratch.units, scratch.normal);
  if (const std::size_t known = number_of(scratch.normal); known != kNone) return {known, 0};
  to_nfc(trim_blanks(key), scratch.units, scratch.normal);
  const bool is_ignored = std::find(ignored_.begin(), ignored_.end(), scratch.normal) != ignored_.end();
  return {kNone, is_ignored ? 0 : near};
}

bool KeyNames::is_start_of_others(std::string_view start) {
  if (start.empty()) return false;
  if (!may_start_[static_cast<unsigned char>(start.front())]) return true;
  Scratch& scratch = *scratch_;
  fold(start.substr(0, settled_bytes(start)), kAnyBytes, scratch.kept, scratch.units, scratch.folded);
  return std::none_of(near_.begin(), near_.end(),
                      [&](const Near& near) { return near.folded.starts_with(scratch.folded); });
}

std::string visible_name(std::string_view name) {
  std::string shown;
  for (std::size_t at = 0; at < name.size();) {
    const UChar32 c = take_point(name, at);
    if (c == ' ' || (u_isgraph(c) != 0 && u_charType(c) != U_FORMAT_CHAR)) {
      append(shown, c);
      continue;
    }
    std::array<char, 16> text{};
    (void)std::snprintf(text.data(), text.size(), "<U+%04X>", static_cast<unsigned>(c));
    shown += text.data();
  }
  return shown;
}

}  // namespace clearline
