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
  std::string expires;
};

struct Declared {
  std::string code;
  std::string name;
  std::string zip;
  std::string phone;
  std::string declared_at;
};

struct Row {
  std::optional<std::string> id;
  std::uint64_t line = 0;
  std::string verdict;
  std::vector<std::string> reasons;
  friend bool operator==(const Row&, const Row&) = default;
};

/// `id` or `null@line`, verdict and reasons, for messages.
std::string to_text(const Row& row);

class Reference {
 public:
  explicit Reference(std::vector<Registered> people, std::string today);

  /// The reasons of one declaration, in their order; a declared_at that is no real date is the caller's.
  std::vector<std::string> judge(const Declared& declared) const;

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

/// Whether a line is one JSON object by the rules (UTF-8, depth, surrogates included).
bool is_json_object(std::string_view line);

/// Canonical parts of a declared name: the joined Latin words and the Hangul characters, as UTF-8.
struct NameParts {
  bool missing = false;
  bool unusable = false;
  std::string latin;
  std::string hangul;
};
NameParts declared_name(std::string_view text);

bool is_valid_utf8(std::string_view text);

}  // namespace clearline::reference
