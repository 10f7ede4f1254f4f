// Spellings: the ways in which senders write one person's name, phone, zip and code, and plainly wrong ones.
//
// What is made here is equal, or another, because of how it is made: the letters stay and what surrounds them changes,
// or the letters are another person's. Nothing is canonicalised and nothing is compared with the engine's eyes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "clearline/code.h"
#include "io/generate/people.h"
#include "io/generate/random.h"

namespace clearline::generate {

/// Five digits, zeros in front.
std::string zip_text(std::uint64_t zip);

/// A spelling of the person's name that is the same person's by what is on file; `with_hangul`: also in Hangul, or in
/// both scripts.
std::string equal_name(const Person& person, bool with_hangul, Random& random);

/// Plainly not the person's name, and no variant of it (a letter dropped, initials ...) that a policy might forgive.
/// The person has a name on file.
std::string other_name(const People& people, const Person& person, bool with_hangul, Random& random);

/// The same number as `digits` (010 + 8 digits, say).
std::string equal_phone(const std::string& digits, Random& random);

std::string equal_code(Code code, Random& random);
std::string malformed_code(Code code, Random& random);
std::string_view malformed_zip(Random& random);
std::string_view blank_name(Random& random);

}  // namespace clearline::generate
