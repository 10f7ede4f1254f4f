// Made-up declarations about made-up people, with the verdict that each must get.
//
// The verdict follows from how a declaration was made: a plan chooses the reasons first, then a person whom they fit
// and a spelling that is equal or plainly another. Nothing here canonicalises or compares, and nothing of the engine is
// used.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "clearline/verdict.h"
#include "io/generate/people.h"
#include "io/generate/random.h"

namespace clearline::generate {

enum class Style {
  kShort,  ///< needed fields only, about 120 bytes as NDJSON
  kFull,   ///< 16 fields in varied order, escapes, Hangul, phone, nested ignored values; about 430 bytes
};
enum class Form { kNdjson, kCsv };

/// Of all declarations, the wanted share of each reason, 0 to 1. Reasons of one item exclude each other.
using Shares = std::array<double, kReasonCount>;

/// A day as it might be: some 84 % clear.
Shares usual_shares();
/// Whether a share can be wanted of a reason: the standard policy can give it without variants.
bool can_be_wanted(Reason reason);

struct DeclarationsPlan {
  std::uint64_t seed = 1;
  std::uint64_t registry_seed = 1;
  std::uint64_t registry_count = 300'000;  ///< people 0 .. registry_count - 1 are registered
  Style style = Style::kFull;
  Form form = Form::kNdjson;
  Shares shares = usual_shares();
};

/// Appends the CSV header of a plan's style; nothing for NDJSON.
void append_header(const DeclarationsPlan& plan, std::string& out);

/// Appends declaration `number` as a line or record, and to `expected` its row `id,verdict,reasons`.
void append_declaration(const DeclarationsPlan& plan, std::uint64_t number, std::string& out, std::string& expected);

/// Appends person `number` as a registry record.
void append_registered(const People& people, std::uint64_t number, Form form, std::string& out);
void append_registry_header(Form form, std::string& out);

/// The header of expected verdicts.
inline constexpr std::string_view kExpectedHeader = "id,verdict,reasons\n";

}  // namespace clearline::generate
