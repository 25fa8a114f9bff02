// Literals of the template language: texts with escapes, numbers.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "chat/values/value.h"

namespace nestor::chat {

/// Offset behind the text literal that begins at `begin` with its quote; npos where it is not closed.
std::size_t end_of_text_literal(std::string_view source, std::size_t begin);

/// The content of a text literal with its escapes resolved, as in Python.
std::string unescaped(std::string_view content, int line);

/// In `rows.1.2` the digits after a dot are an index, not the beginning of a fraction.
enum class Fraction { allowed, refused };

struct NumberLiteral {
  std::size_t length = 0;
  std::optional<Int> integer;
  double number = 0;
};

/// Reads the number at the beginning of `text`, which begins with a digit.
NumberLiteral read_number(std::string_view text, Fraction fraction, int line);

/// A decimal float whatever the locale; beyond the range it becomes 0 or infinite. `text` must be one.
double float_from_text(const std::string& text);

/// Digits of `base` to a value; nothing where one does not belong. Fails beyond 128 bits.
std::optional<Int> integer_from_digits(std::string_view digits, int base);

}  // namespace nestor::chat
