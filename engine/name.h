// Names: the canonical form in which two spellings of one person's name are equal.
//
// This is verification (is it this person?), not a search for similar names: names are canonicalised and compared
// exactly.
//
//   text ---> Latin part: words of letters and digits, upper case, without marks, apostrophes and format characters
//        \--> Hangul part: the characters of Script=Hangul of its NFC form, in order
//
// With F = the registered family name and G = the registered given words, each joined without separators, a declared
// Latin part is the same person when its words joined are FG (`same`) or GF (`same:given_first`).
//
// Vectors     ASCII names of up to 32 characters in one go, of 64 with AVX-512 (engine/name_kernel.h).
// Fast path   one pass: ASCII by a class table, Hangul syllables (also taken apart into jamo) by arithmetic, all else of
//             the Basic Multilingual Plane by a table of what each code point becomes (engine/unicode.h).
// Slow path   jamo in other company, and code points beyond: ICU as a whole. Tests hold the two against each other.
// Threads     one NameFolder a thread; its buffers are reused, so that nothing is allocated in the steady state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/hash.h"
#include "engine/unicode.h"

namespace clearline {

/// A declared name, ready to be compared. The parts are views into the folder, until its next call.
struct DeclaredName {
  enum class Form {
    kMissing,   ///< only blanks and format characters
    kUnusable,  ///< a control character, or no letter and no digit: equal to nothing
    kUsable,
  };
  Form form = Form::kMissing;
  char* latin = nullptr;  ///< the words joined, titles dropped; NamePrinter::kSpareBytes writable bytes behind them
  std::size_t latin_size = 0;
  std::string_view hangul;
};

/// A registered Latin name. The parts are views into the folder, until its next call.
struct RegisteredName {
  std::string_view family;  ///< F
  std::string_view whole;   ///< FG
  bool has_latin_letter = false;
  bool has_hangul = false;
};

class NameFolder {
 public:
  NameFolder();

  DeclaredName fold_declared(std::string_view text);
  RegisteredName fold_registered(std::string_view text);
  /// The Hangul part of a registered Hangul name; empty when there is none.
  std::string_view fold_hangul(std::string_view text);

  /// `name` with its last `family_size` bytes moved to the front: FG, if it was GF. In the folder, with spare bytes
  /// behind; nullptr when it is not longer than that.
  char* rotated(const DeclaredName& name, std::size_t family_size);

 private:
  bool fold_ascii(std::string_view text, DeclaredName& declared);
  bool fold_simple(std::string_view text);
  void fold_general(std::string_view text);
  bool fold_registered_ascii(std::string_view text, bool& has_latin_letter);
  DeclaredName join_words();

  bool fold_beyond_ascii(std::string_view text, std::size_t& at, char*& out);

  void close_word(const char* out);
  void append_syllable(unsigned point);
  std::string_view hangul_part() const { return {hangul_.data(), hangul_size_}; }

  UnicodeFolder unicode_;
  std::vector<char> latin_;  // the words joined
  std::vector<char> rotated_;
  std::vector<std::uint32_t> word_end_;  // of each word in latin_
  std::size_t latin_size_ = 0;
  std::size_t word_count_ = 0;
  std::uint32_t word_ = 0;  // where the open word starts in latin_
  std::vector<char> hangul_;
  std::size_t hangul_size_ = 0;
  std::string whole_;
  std::size_t family_size_ = 0;
  bool has_control_ = false;
  bool is_blank_ = true;
};

}  // namespace clearline
