// Entry: what a registered record must be, and the canonical form of phones.
#include "engine/entry.h"

#include <array>
#include <cstring>

#include "clearline/registry.h"
#include "engine/phone.h"
#include "engine/possible_entry.h"
#include "engine/text.h"

namespace clearline {
namespace {

constexpr std::array<std::string_view, 4> kStatusWords{"active", "suspended", "cancelled", "replaced"};

/// Whether a text starts with a Hangul syllable (U+AC00 to U+D7A3), as most Hangul names do: it has a Hangul part then.
bool starts_with_syllable(std::string_view text) {
  constexpr std::string_view kFirst = "\uAC00";
  constexpr std::string_view kLast = "\uD7A3";
  const std::string_view first = text.substr(0, kFirst.size());
  return first >= kFirst && first <= kLast;  // UTF-8 is ordered as code points are
}

}  // namespace

std::string_view to_string(CodeStatus status) { return kStatusWords[static_cast<std::size_t>(status)]; }

std::optional<CodeStatus> parse_code_status(std::string_view text) {
  for (std::size_t i = 0; i < kStatusWords.size(); ++i) {
    if (text == kStatusWords[i]) return static_cast<CodeStatus>(i);
  }
  return std::nullopt;
}

void NameLetters::assign(const RegisteredName& name) {
  size_ = name.whole.size();
  family_size_ = name.family.size();
  if (letters_.size() < size_ + NamePrinter::kSpareBytes) letters_.resize(2 * size_ + NamePrinter::kSpareBytes);
  std::memcpy(letters_.data(), name.whole.data(), size_);
}

std::optional<std::string_view> entry_fault(const Entry& entry, NameFolder& folder, NameLetters& letters) {
  letters.clear();
  if (const auto fault = impossible_entry(entry)) return fault;
  if (!entry.name.empty()) {
    const RegisteredName name = folder.fold_registered(entry.name);
    if (name.has_hangul) return "name holds Hangul; it belongs into name_ko";
    if (!name.has_latin_letter) return "name has no Latin letter";
    letters.assign(name);
  }
  if (!entry.name_ko.empty() && !starts_with_syllable(entry.name_ko) && folder.fold_hangul(entry.name_ko).empty()) {
    return "name_ko has no Hangul";
  }
  if (!entry.phone.empty() && !has_digit(entry.phone)) return "phone has no digit";
  return std::nullopt;
}

std::optional<std::string_view> entry_fault(const Entry& entry) {
  thread_local NameFolder folder;
  thread_local NameLetters letters;
  return entry_fault(entry, folder, letters);
}

std::string canonical_phone(std::string_view text) {
  std::string phone(text.size() + 1, '\0');
  phone.resize(fold_phone(text, phone.data()));
  return phone;
}

}  // namespace clearline
