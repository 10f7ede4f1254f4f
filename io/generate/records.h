// Records: made-up entries, changes and declarations as NDJSON lines and CSV records, sound ones and broken ones.
//
// A broken record is broken in one known way, so that it is known whether its id can still be read, and it harms
// nobody behind it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "clearline/change.h"
#include "clearline/registry.h"
#include "io/generate/random.h"

namespace clearline::generate {

enum class Style {
  kShort,  ///< needed fields only, about 120 bytes as NDJSON
  kFull,   ///< 16 fields in varied order, escapes, Hangul, phone, nested ignored values; about 430 bytes
};
enum class Form { kNdjson, kCsv };

/// What a declaration says; nothing: the field is not there.
struct DeclaredTexts {
  std::optional<std::string> id;
  std::optional<std::string> code;
  std::optional<std::string> name;
  std::optional<std::string> zip;
  std::optional<std::string> phone;
  std::optional<std::string> declared_at;
};

/// The CSV header of declarations; nothing for NDJSON.
void append_declaration_header(Form form, Style style, std::string& out);
void append_declaration_record(Form form, Style style, const DeclaredTexts& texts, Random& random, std::string& out);
/// A malformed one; returns whether its id can still be read.
bool append_broken_record(Form form, Style style, const DeclaredTexts& texts, Random& random, std::string& out);

/// The CSV header of a registry; nothing for NDJSON.
void append_registry_header(Form form, std::string& out);
void append_entry(const Entry& entry, Form form, std::string& out);

/// A change as an NDJSON line.
void append_change(const Change& change, std::string& out);

}  // namespace clearline::generate
