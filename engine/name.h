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
// Flaws       a name of more than 512 bytes, that is no UTF-8, that has lost a letter or holds a control character is equal to
//             nothing (NameFlaw). So the buffers have one size, and any bytes may be given.
// Vectors     ASCII names of up to 32 characters in one go, of 64 with AVX-512 (engine/name_kernel.h).
// The loop    one pass, whatever the script: ASCII by a class table and its letters up to eight at a time, Hangul syllables as they
//             are (where they are one piece, they stay in the text), jamo joined by arithmetic, all else by what its code point
//             becomes (engine/unicode.h). No text is normalised, so the cost is linear.
// Registered  the same loop, which also finds the family name (FamilyFinder).
// Threads     one NameFolder a thread; its buffers are reused, so that nothing is allocated in the steady state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/hash.h"

namespace clearline {

class FoldTable;

inline constexpr std::size_t kNameBytesMax = 512;

/// Why a name is equal to nothing.
enum class NameFlaw : std::uint8_t {
  kNone,
  kTooLong,  ///< more than kNameBytesMax
  kNotUtf8,
  kLostLetter,  ///< U+FFFD, or a `?` that touches a letter: a converter lost one there
  kControl,     ///< a control character that is no White_Space
};

/// A declared name, ready to be compared. The parts are views into the folder or the text, until the folder's next call.
struct DeclaredName {
  enum class Form {
    kMissing,   ///< only blanks and format characters
    kUnusable,  ///< a flaw, or no letter and no digit: equal to nothing
    kUsable,
  };
  Form form = Form::kMissing;
  char* latin = nullptr;  ///< the words joined, titles dropped; NamePrinter::kSpareBytes writable bytes after them
  std::size_t latin_size = 0;
  std::string_view hangul;
  bool has_jamo = false;  ///< the Hangul part was not made of syllables alone
};

/// A registered Latin name. The parts are views into the folder, until its next call.
struct RegisteredName {
  NameFlaw flaw = NameFlaw::kNone;  ///< if there is one, nothing else counts
  std::string_view family;          ///< F
  std::string_view whole;           ///< FG
  bool has_latin_letter = false;
  bool has_hangul = false;
};

/// A registered Hangul name. A view into the folder or the text, until the folder's next call.
struct RegisteredHangul {
  NameFlaw flaw = NameFlaw::kNone;  ///< if there is one, nothing else counts
  std::string_view hangul;          ///< empty: there is none
};

class NameFolder {
 public:
  NameFolder();

  DeclaredName fold_declared(std::string_view text);
  RegisteredName fold_registered(std::string_view text);
  RegisteredHangul fold_hangul(std::string_view text);

  /// `name` with its last `family_size` bytes moved to the front: FG, if it was GF. In the folder, with spare bytes
  /// behind; nullptr when it is not longer than that.
  char* rotated(const DeclaredName& name, std::size_t family_size);

 private:
  bool fold_ascii(std::string_view text, DeclaredName& declared);
  bool fold_registered_ascii(std::string_view text, RegisteredName& name);

  template <typename Finder>
  NameFlaw fold(std::string_view text, Finder& finder);
  template <typename Finder>
  NameFlaw fold_beyond_ascii(std::string_view text, std::size_t& at, char*& out, Finder& finder);

  void close_word(const char* out);
  void append_hangul(std::string_view text, std::size_t at, std::size_t size, char32_t point);
  void take_hangul(std::string_view piece);
  char* own_hangul();

  /// Words by their numbers, the last one not included.
  struct Words {
    std::size_t first;
    std::size_t last;
  };
  Words without_titles() const;
  std::size_t begin_of(std::size_t word) const { return word == 0 ? 0 : word_end_[word - 1]; }

  std::vector<char> latin_;              // the words joined
  std::vector<char> moved_;              // the same with the family name moved to the front
  std::vector<std::uint32_t> word_end_;  // of each word in latin_
  std::size_t latin_size_ = 0;
  std::size_t word_count_ = 0;
  std::uint32_t word_ = 0;   // where the open word starts in latin_
  std::string_view hangul_;  // the Hangul part, in the text or here:
  std::vector<char> moved_hangul_;
  bool is_blank_ = true;
  bool has_latin_letter_ = false;
  bool has_jamo_ = false;
  const FoldTable* points_ = nullptr;  // taken when a character first needs it: to make it takes time
};

}  // namespace clearline
