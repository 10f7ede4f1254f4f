// The slow twin: declarations screened line by line on plain containers, written from the rules alone, obvious at
// sight.
//
// It shares no code with engine/ and io/. What tests, fuzzers and benches compare with it, is compared with a second
// reading of the same rules.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace clearline::reference {

/// A registered person, all as text. Empty: not on file.
struct Registered {
  std::string code;
  std::string name;
  std::string name_ko;
  std::string phone;
  std::vector<std::string> zips;
  std::string status = "active";
  std::string expires = {};
  std::string replaced_by = {};
  std::string issued = {};
  std::string changed = {};
};

struct Declared {
  std::string code;
  std::string name;
  std::string zip;
  std::string phone;
  std::string declared_at;
};

/// The answer to a readable declaration: its reasons in their order, and what became of code, name, phone and zip
/// (`active same not_checked mismatch`).
struct Judgement {
  std::vector<std::string> reasons;
  std::string checks;
};

struct Row {
  std::optional<std::string> id;
  std::uint64_t line = 0;
  std::string verdict;
  std::vector<std::string> reasons;
  std::string checks = {};
  friend bool operator==(const Row&, const Row&) = default;
};

/// `id` or `null@line`, verdict and reasons, for messages.
std::string to_text(const Row& row);

class Reference {
 public:
  explicit Reference(std::vector<Registered> people, std::string today);

  /// One declaration; a declared_at that is no real date is the caller's.
  Judgement judge(const Declared& declared) const;

  /// `columns`: known field -> name in the input; own names where absent.
  std::vector<Row> screen_ndjson(std::string_view text, const std::map<std::string, std::string>& columns = {}) const;
  /// Nothing when the header lacks what it needs.
  std::optional<std::vector<Row>> screen_csv(std::string_view text,
                                             const std::map<std::string, std::string>& columns = {}) const;

 private:
  Row row_of(const std::map<std::string, std::string>& fields, bool id_is_wrong, bool malformed,
             std::uint64_t line) const;
  std::unordered_map<std::string, Registered> people_;
  std::string today_;
};

/// A registry file. Bad records are left out of `people`, in which a code may be there twice.
struct RegistryFile {
  std::vector<Registered> people;
  std::vector<std::uint64_t> bad_lines;
};
RegistryFile read_registry_ndjson(std::string_view text);
/// Nothing when the header lacks `code` or has a known column twice.
std::optional<RegistryFile> read_registry_csv(std::string_view text);

/// A value of the outer object: its text when it is a string, its bytes when it is something else.
struct Member {
  enum Kind { kString, kNull, kOther } kind = kOther;
  std::string key;
  std::string text;
};
/// A line's members, when it is one JSON object by the rules (UTF-8, depth, surrogates included).
std::optional<std::vector<Member>> json_members(std::string_view line);

/// A CSV record, or a physical line that is wrong (without fields).
struct CsvLine {
  std::uint64_t line = 0;
  bool wrong = false;
  std::vector<std::string> fields;
  friend bool operator==(const CsvLine&, const CsvLine&) = default;
};
/// column_count 0: any.
std::vector<CsvLine> csv_lines(std::string_view text, std::size_t bytes_max, std::size_t column_count);

/// Canonical parts of a declared name: the joined Latin words and the Hangul characters, as UTF-8.
struct NameParts {
  bool missing = false;
  bool unusable = false;
  std::string latin;
  std::string hangul;
};
NameParts declared_name(std::string_view text);

/// Whether a name is equal to nothing, whatever it says: longer than 512 bytes, no UTF-8, U+FFFD or a `?` beside a letter in it, or
/// a control character that is no White_Space.
bool is_flawed_name(std::string_view text);

/// F and G of a registered Latin name, and whether it may be one. A flawed one has nothing else.
struct RegisteredName {
  bool flawed = false;
  std::string family;
  std::string given;
  bool has_latin_letter = false;
  bool has_hangul = false;
};
RegisteredName registered_name(std::string_view text);
/// The Hangul part of a registered Hangul name; nothing if it is flawed.
std::optional<std::string> registered_hangul(std::string_view text);

bool is_valid_utf8(std::string_view text);

}  // namespace clearline::reference
