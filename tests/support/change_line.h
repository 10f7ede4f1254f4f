// Lines of changes, as registrars would send them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace clearline::test {

inline std::string code_text(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  return "P" + std::string(12 - digits.size(), '0') + digits;
}

/// `more` are further members, each behind a comma.
inline std::string change_line(const std::string& op, std::uint64_t code, const std::string& id,
                               const std::string& more = "") {
  return R"({"op":")" + op + R"(","code":")" + code_text(code) + R"(","change_id":")" + id + "\"" + more + "}\n";
}

/// A line of changes made `bytes` long, without its line end, by blanks that mean nothing: a key would make it malformed.
inline std::string padded(std::string line, std::size_t bytes) {
  const std::size_t size = line.size() - 1;
  return line.insert(size - 1, bytes - size, ' ');
}

/// One that happened at a moment, with an id that no other has in this process.
inline std::string change_at(const std::string& op, std::uint64_t code, const std::string& at,
                             const std::string& more = "") {
  static int number = 0;
  return change_line(op, code, "k-" + std::to_string(++number), R"(,"at":")" + at + "\"" + more);
}

}  // namespace clearline::test
