#include "chat/values/number_text.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "chat/syntax/literal.h"
#include "chat/values/unicode.h"

namespace nestor::chat {
namespace {

// Without white space around it, decimal digits of every script as ASCII digits.
std::string plain(std::string_view text) {
  std::string out;
  for (const char32_t c : decoded(text.substr(0, skip_space_backwards(text))
                                      .substr(std::min(skip_space(text), skip_space_backwards(text))))) {
    if (c >= 0x80 && is_decimal(c)) {
      out += static_cast<char>('0' + digit_value(c));
    } else {
      out += encoded(std::u32string(1, c));
    }
  }
  return out;
}

// Single underscores between digits go; nothing where one stands elsewhere.
std::optional<std::string> without_separators(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += text[i];
      continue;
    }
    const auto digit_at = [&](std::size_t at) {
      return at < text.size() && std::isalnum(static_cast<unsigned char>(text[at]));
    };
    if (i == 0 || !digit_at(i - 1) || !digit_at(i + 1)) return std::nullopt;
  }
  return out;
}

bool take_sign(std::string& text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.erase(0, 1);
  return negative;
}

Int base_of_prefix(std::string_view text) {
  if (text.size() < 2 || text[0] != '0') return 10;
  const char c = static_cast<char>(text[1] | 0x20);
  return c == 'x' ? 16 : c == 'o' ? 8 : c == 'b' ? 2 : 10;
}

}  // namespace

std::optional<Int> integer_of_text(std::string_view text, Int base) {
  if (base != 0 && (base < 2 || base > 36)) return std::nullopt;
  std::string digits = plain(text);
  const bool negative = take_sign(digits);
  const Int prefix = base_of_prefix(digits);
  const bool leading_zero = digits.size() > 1 && digits[0] == '0' && prefix == 10;
  if (base == 0 && leading_zero && digits.find_first_not_of("0_") != std::string::npos) return std::nullopt;
  if (prefix != 10 && (base == 0 || base == prefix)) {
    digits.erase(0, 2);
    if (digits.starts_with('_')) digits.erase(0, 1);
  }
  const auto clean = without_separators(digits);
  if (!clean) return std::nullopt;
  const auto value = integer_from_digits(*clean, static_cast<int>(base == 0 ? prefix : base));
  if (!value) return std::nullopt;
  return negative ? -*value : *value;
}

std::optional<double> float_of_text(std::string_view text) {
  const auto clean = without_separators(plain(text));
  if (!clean) return std::nullopt;
  std::string number = lower(*clean);
  const double sign = take_sign(number) ? -1.0 : 1.0;
  if (number == "inf" || number == "infinity") return sign * std::numeric_limits<double>::infinity();
  if (number == "nan") return std::numeric_limits<double>::quiet_NaN();
  // digits [. digits] [e sign digits], at least one digit before the exponent
  std::size_t i = 0, digits = 0;
  const auto take_digits = [&]() {
    const std::size_t begin = i;
    while (i < number.size() && number[i] >= '0' && number[i] <= '9') ++i;
    return i - begin;
  };
  digits = take_digits();
  if (i < number.size() && number[i] == '.') {
    ++i;
    digits += take_digits();
  }
  if (digits == 0) return std::nullopt;
  if (i < number.size() && number[i] == 'e') {
    ++i;
    if (i < number.size() && (number[i] == '+' || number[i] == '-')) ++i;
    if (take_digits() == 0) return std::nullopt;
  }
  if (i != number.size()) return std::nullopt;
  return sign * float_from_text(number);
}

}  // namespace nestor::chat
