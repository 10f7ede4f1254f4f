#include "clearline/verdict.h"

#include <array>

namespace clearline {
namespace {

constexpr std::array<std::string_view, kOutcomeCount> kOutcomeWords{"clear", "review", "hold", "error"};

constexpr std::array<std::string_view, kReasonCount> kReasonWords{
    "malformed",        "internal",       "code_missing",   "code_malformed", "code_unknown",      "code_cancelled",
    "code_replaced",    "code_suspended", "code_expired",   "name_missing",   "name_mismatch",     "name_variant",
    "name_not_on_file", "phone_missing",  "phone_mismatch", "phone_virtual",  "phone_not_on_file", "zip_missing",
    "zip_malformed",    "zip_mismatch",   "zip_not_on_file"};

constexpr std::array<std::string_view, 9> kCodeCheckWords{"not_checked", "missing",   "malformed", "unknown", "active",
                                                          "suspended",   "cancelled", "replaced",  "expired"};

constexpr std::array<std::string_view, 12> kItemCheckWords{"not_checked",      "same",
                                                           "same:given_first", "mismatch",
                                                           "missing",          "malformed",
                                                           "not_on_file",      "variant:middle_dropped",
                                                           "variant:initials", "variant:romanisation",
                                                           "variant:typo",     "variant:truncated"};

}  // namespace

std::string_view to_string(Outcome outcome) { return kOutcomeWords[static_cast<std::size_t>(outcome)]; }
std::string_view to_string(Reason reason) { return kReasonWords[static_cast<std::size_t>(reason)]; }
std::string_view to_string(CodeCheck check) { return kCodeCheckWords[static_cast<std::size_t>(check)]; }
std::string_view to_string(ItemCheck check) { return kItemCheckWords[static_cast<std::size_t>(check)]; }

}  // namespace clearline
