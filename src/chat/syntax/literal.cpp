#include "chat/syntax/literal.h"

#include <locale.h>
#include <stdlib.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <type_traits>

#include "base/utf8.h"
#include "chat/syntax/lexer.h"

namespace nestor::chat {
namespace {

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'z') return c - 'a' + 10;
  if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
  return 99;
}

// Resolves the escape whose backslash is at content[i]; returns the offset behind it.
class Unescaper {
 public:
  Unescaper(std::string_view content, int line) : content_(content), line_(line) {}

  std::string run() {
    while (at_ < content_.size()) {
      const char c = content_[at_++];
      if (c != '\\' || at_ == content_.size()) {
        out_ += c;
      } else {
        resolve(content_[at_++]);
      }
    }
    return std::move(out_);
  }

 private:
  void resolve(char c) {
    constexpr std::string_view kFrom = "\\'\"abfnrtv";
    constexpr std::string_view kTo = "\\'\"\a\b\f\n\r\t\v";
    if (const auto i = kFrom.find(c); i != std::string_view::npos) {
      out_ += kTo[i];
    } else if (c == 'x') {
      code_point(hex(2));
    } else if (c == 'u') {
      code_point(hex(4));
    } else if (c == 'U') {
      code_point(hex(8));
    } else if (c >= '0' && c <= '7') {
      --at_;
      std::size_t end = at_;
      while (end < content_.size() && end < at_ + 3 && digit_of(content_[end]) < 8) ++end;
      code_point(static_cast<std::uint32_t>(*integer_from_digits(content_.substr(at_, end - at_), 8)));
      at_ = end;
    } else if (c == 'N') {
      fail(ErrorKind::unsupported, "line {}: escapes with a character's name (\\N) are not supported", line_);
    } else if (c != '\n') {  // a newline behind a backslash vanishes; any other character keeps the backslash
      out_ += '\\';
      if (static_cast<unsigned char>(c) < 0x80) {
        out_ += c;
      } else {
        keep_as_escape();
      }
    }
  }

  // The reference writes non-ASCII characters as escapes before it resolves escapes; behind a backslash the
  // letters of that escape remain.
  void keep_as_escape() {
    const Utf8Char c = decode_utf8(content_, at_ - 1);
    at_ += c.length - 1;
    if (c.code_point < 0x100) {
      out_ += fmt::format("x{:02x}", c.code_point);
    } else if (c.code_point < 0x10000) {
      out_ += fmt::format("u{:04x}", c.code_point);
    } else {
      out_ += fmt::format("U{:08x}", c.code_point);
    }
  }

  std::uint32_t hex(std::size_t digits) {
    const std::string_view text = content_.substr(at_, digits);
    const auto value = text.size() == digits ? integer_from_digits(text, 16) : std::nullopt;
    if (!value) syntax_error(line_, "truncated escape of a character's number in a text");
    at_ += digits;
    return static_cast<std::uint32_t>(*value);
  }

  void code_point(std::uint32_t c) {
    if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) {
      syntax_error(line_, "an escape in a text names no character of Unicode");
    }
    append_utf8(out_, c);
  }

  std::string_view content_;
  int line_;
  std::size_t at_ = 0;
  std::string out_;
};

// End of digits that single underscores may part: (\d+_)*\d+ from `from`; `from` itself where there are none.
std::size_t digits_end(std::string_view text, std::size_t from, int base) {
  std::size_t end = from;
  while (end < text.size()) {
    const bool underscore = text[end] == '_' && end > from && end + 1 < text.size();
    const std::size_t digit = underscore ? end + 1 : end;
    if (digit_of(text[digit]) >= base) break;
    end = digit + 1;
  }
  return end;
}

std::string without_underscores(std::string_view text) {
  std::string out(text);
  out.erase(std::remove(out.begin(), out.end(), '_'), out.end());
  return out;
}

// End of a float at the beginning of the text, 0 where it is no float.
std::size_t float_end(std::string_view text) {
  const std::size_t whole = digits_end(text, 0, 10);
  std::size_t end = whole;
  if (end < text.size() && text[end] == '.') {
    const std::size_t fraction = digits_end(text, end + 1, 10);
    if (fraction > end + 1) end = fraction;
  }
  if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
    std::size_t digits = end + 1;
    if (digits < text.size() && (text[digits] == '+' || text[digits] == '-')) ++digits;
    const std::size_t exponent = digits_end(text, digits, 10);
    if (exponent > digits) return exponent;
  }
  return end > whole ? end : 0;
}

}  // namespace

std::size_t end_of_text_literal(std::string_view source, std::size_t begin) {
  for (std::size_t i = begin + 1; i < source.size(); ++i) {
    if (source[i] == source[begin]) return i + 1;
    if (source[i] == '\\') ++i;
  }
  return std::string_view::npos;
}

std::string unescaped(std::string_view content, int line) { return Unescaper(content, line).run(); }

double float_from_text(const std::string& text) {
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc::result_out_of_range) return value;
  const std::unique_ptr<std::remove_pointer_t<locale_t>, decltype(&freelocale)> locale(
      newlocale(LC_ALL_MASK, "C", nullptr), &freelocale);
  return strtod_l(text.c_str(), nullptr, locale.get());
}

std::optional<Int> integer_from_digits(std::string_view digits, int base) {
  constexpr Int kBound = (Int{1} << 126);
  Int value = 0;
  for (const char c : digits) {
    const int digit = digit_of(c);
    if (digit >= base) return std::nullopt;
    if (value > (kBound - digit) / base) fail(ErrorKind::unsupported, "an integer has more than 126 bits");
    value = value * base + digit;
  }
  return digits.empty() ? std::nullopt : std::optional<Int>(value);
}

NumberLiteral read_number(std::string_view text, Fraction fraction, int line) {
  NumberLiteral literal;
  if (const std::size_t end = fraction == Fraction::allowed ? float_end(text) : 0) {
    literal.length = end;
    literal.number = float_from_text(without_underscores(text.substr(0, end)));
    return literal;
  }
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const char c = text[1];
    base = c == 'x' || c == 'X' ? 16 : c == 'o' || c == 'O' ? 8 : c == 'b' || c == 'B' ? 2 : 10;
  }
  std::size_t begin = base == 10 ? 0 : 2;
  if (base != 10 && begin < text.size() && text[begin] == '_') ++begin;
  literal.length = digits_end(text, begin, text[0] == '0' && base == 10 ? 1 : base);
  if (literal.length == begin) {  // "0x" without digits: the zero alone is the number
    literal.length = 1;
    begin = 0;
    base = 10;
  }
  try {
    literal.integer =
        integer_from_digits(without_underscores(text.substr(begin, literal.length - begin)), base);
  } catch (const Error& e) {
    throw Error(e.kind(), fmt::format("line {}: {}", line, e.what()));
  }
  return literal;
}

}  // namespace nestor::chat
