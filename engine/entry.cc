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

/// The words for the flaw of a field; nothing if there is none.
std::optional<std::string_view> flaw_words(NameFlaw flaw, bool is_hangul) {
  switch (flaw) {
    case NameFlaw::kNone:
      return std::nullopt;
    case NameFlaw::kTooLong:
      return is_hangul ? "name_ko is longer than 512 bytes" : "name is longer than 512 bytes";
    case NameFlaw::kNotUtf8:
      return is_hangul ? "name_ko is not UTF-8" : "name is not UTF-8";
    case NameFlaw::kLostLetter:
      return is_hangul ? "name_ko has lost a letter (U+FFFD, or ? beside a letter)"
                       : "name has lost a letter (U+FFFD, or ? beside a letter)";
    case NameFlaw::kControl:
      return is_hangul ? "name_ko holds a control character" : "name holds a control character";
  }
  return "name cannot be read";
}

std::optional<std::string_view> hangul_fault(std::string_view name, NameFolder& folder) {
  if (name.empty()) return std::nullopt;
  const RegisteredHangul folded = folder.fold_hangul(name);
  if (const auto words = flaw_words(folded.flaw, true)) return words;
  if (folded.hangul.empty()) return "name_ko has no Hangul";
  return std::nullopt;
}

std::optional<std::string_view> phone_fault(const Entry& entry) {
  if (!entry.phone.empty() && !has_digit(entry.phone)) return "phone has no digit";
  return std::nullopt;
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
  kind_ = Kind::kLetters;
  size_ = name.whole.size();
  family_size_ = name.family.size();
  if (letters_.size() < size_ + NamePrinter::kSpareBytes) letters_.resize(2 * size_ + NamePrinter::kSpareBytes);
  std::memcpy(letters_.data(), name.whole.data(), size_);
}

std::optional<std::string_view> name_fault(std::string_view name, NameFolder& folder, NameLetters& letters) {
  letters.clear();
  if (name.empty()) return std::nullopt;
  letters.set_unmatched();
  const RegisteredName folded = folder.fold_registered(name);
  if (const auto words = flaw_words(folded.flaw, false)) return words;
  if (folded.has_hangul) return "name holds Hangul; it belongs into name_ko";
  if (!folded.has_latin_letter) return "name has no Latin letter";
  letters.assign(folded);
  return std::nullopt;
}

std::optional<std::string_view> entry_fault(const Entry& entry, NameFolder& folder, NameLetters& letters) {
  letters.clear();
  if (const auto fault = impossible_entry(entry)) return fault;
  if (const auto fault = name_fault(entry.name, folder, letters)) return fault;
  if (const auto fault = hangul_fault(entry.name_ko, folder)) return fault;
  return phone_fault(entry);
}

std::optional<std::string_view> held_entry_fault(const Entry& entry, NameFolder& folder, NameLetters& letters) {
  letters.clear();
  if (const auto fault = impossible_entry(entry)) return fault;
  (void)name_fault(entry.name, folder, letters);
  return phone_fault(entry);
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
