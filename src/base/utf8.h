// UTF-8, the strict form of Unicode 15 section 3.9 (no surrogates, no overlong forms, at most U+10FFFF).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nestor {

inline constexpr std::uint32_t kReplacementCharacter = 0xFFFD;

/// One decoded step. For ill-formed text `valid` is false, `code_point` is U+FFFD and `length` covers the
/// maximal ill-formed subpart (Unicode table 3-8), so that one U+FFFD stands for each such part. `length` is
/// at least 1.
struct Utf8Char {
  std::uint32_t code_point;
  std::uint32_t length;
  bool valid;
};

/// Decodes at byte `offset`; requires offset < text.size().
Utf8Char decode_utf8(std::string_view text, std::size_t offset);

/// Appends the UTF-8 form of a scalar value (anything else becomes U+FFFD).
void append_utf8(std::string& out, std::uint32_t code_point);

bool is_valid_utf8(std::string_view text);

/// The text with one U+FFFD for each maximal ill-formed subpart.
std::string sanitized_utf8(std::string_view text);

/// Number of bytes at the end of `text` that are the beginning of a character still to come (0 to 3).
std::size_t unfinished_utf8_suffix(std::string_view text);

}  // namespace nestor
