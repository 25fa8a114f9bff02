// Python's view of Unicode: white space, case mapping, character classes, line boundaries.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nestor::chat {

using CodePoint = std::uint32_t;

std::u32string decoded(std::string_view utf8);
std::string encoded(std::u32string_view text);

/// str.isspace of one character: White_Space and U+001C..U+001F.
bool is_space(CodePoint c);
bool is_alphabetic(CodePoint c);
bool is_decimal(CodePoint c);
bool is_digit(CodePoint c);
bool is_numeric(CodePoint c);
bool is_upper(CodePoint c);
bool is_lower(CodePoint c);
/// Title-case letters such as U+01C5.
bool is_title(CodePoint c);
/// Shown as it is by repr().
bool is_printable(CodePoint c);
/// Begins or continues an identifier.
bool is_identifier_start(CodePoint c);
bool is_identifier_part(CodePoint c);
/// 0 to 9 for a decimal digit of any script.
int digit_value(CodePoint c);

std::string upper(std::string_view text);
std::string lower(std::string_view text);
std::string swapcase(std::string_view text);
/// First character in title case, the rest in lower case.
std::string capitalize(std::string_view text);
/// str.title(): each run of cased characters capitalized.
std::string title(std::string_view text);

/// Offset after the white space at the beginning, and offset of the white space at the end.
std::size_t skip_space(std::string_view text);
std::size_t skip_space_backwards(std::string_view text);

/// str.splitlines(): byte ranges of the lines without their ends.
struct LineSpan {
  std::size_t begin, end, next;
};
std::vector<LineSpan> lines_of(std::string_view text);

}  // namespace nestor::chat
