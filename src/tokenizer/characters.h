// Classes of Unicode characters, as the reference's components define them.
#pragma once

#include <cstdint>

namespace nestor::tokenizer {

/// White_Space, 25 code points; U+001C..U+001F are not among them.
bool is_white_space(std::uint32_t c);

/// A word character: Alphabetic, a mark, a decimal digit, connector punctuation, or a joiner (U+200C,
/// U+200D).
bool is_word(std::uint32_t c);

/// Categories Nd, Nl and No of Unicode 17.
bool is_numeric(std::uint32_t c);

/// ASCII punctuation including $+<=>^`|~, and the categories P* of Unicode 8.
bool is_punctuation(std::uint32_t c);

/// The simple lower-case mapping, one character for one. U+0130 is the one character with a longer mapping;
/// it is answered with itself and is the caller's case.
std::uint32_t lower_case(std::uint32_t c);

}  // namespace nestor::tokenizer
