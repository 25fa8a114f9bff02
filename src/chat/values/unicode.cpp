#include "chat/values/unicode.h"

#include <unicode/uchar.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <array>

#include "base/utf8.h"

namespace nestor::chat {
namespace {

UChar32 icu(CodePoint c) { return static_cast<UChar32>(c); }
bool has(CodePoint c, UProperty property) { return u_hasBinaryProperty(icu(c), property) != 0; }

using Mapping = int32_t (*)(UChar*, int32_t, const UChar*, int32_t, const char*, UErrorCode*);

int32_t to_title(UChar* dest, int32_t capacity, const UChar* src, int32_t length, const char* locale,
                 UErrorCode* error) {
  return u_strToTitle(dest, capacity, src, length, nullptr, locale, error);
}

// Full case mapping of one character without its surroundings (U+00DF becomes "SS").
std::u32string map_alone(CodePoint c, Mapping mapping) {
  std::array<UChar, 2> in{};
  std::array<UChar, 16> out{};
  std::u32string mapped;
  int32_t in_length = 0;
  UErrorCode error = U_ZERO_ERROR;
  U16_APPEND_UNSAFE(in.data(), in_length, icu(c));
  const int32_t length =
      mapping(out.data(), static_cast<int32_t>(out.size()), in.data(), in_length, "", &error);
  for (int32_t i = 0; i < length;) {
    UChar32 mapped_char = 0;
    U16_NEXT(out.data(), i, length, mapped_char);
    mapped.push_back(static_cast<char32_t>(mapped_char));
  }
  return mapped;
}

// Final sigma: a cased character before it, none after it, case-ignorable ones in between not counted.
bool is_final(std::u32string_view text, std::size_t at) {
  const auto cased_from = [&](auto begin, auto end) {
    const auto it = std::find_if(begin, end, [](char32_t c) { return !has(c, UCHAR_CASE_IGNORABLE); });
    return it != end && has(*it, UCHAR_CASED);
  };
  const auto before = std::make_reverse_iterator(text.begin() + static_cast<std::ptrdiff_t>(at));
  return cased_from(before, text.rend()) &&
         !cased_from(text.begin() + static_cast<std::ptrdiff_t>(at) + 1, text.end());
}

std::u32string lower_at(std::u32string_view text, std::size_t at) {
  constexpr char32_t kSigma = 0x3A3, kSmallSigma = 0x3C3, kFinalSigma = 0x3C2;
  if (text[at] == kSigma) return std::u32string(1, is_final(text, at) ? kFinalSigma : kSmallSigma);
  return map_alone(text[at], u_strToLower);
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

char ascii_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string ascii_mapped(std::string_view text, char (*map)(char)) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), map);
  return out;
}

}  // namespace

std::u32string decoded(std::string_view utf8) {
  std::u32string out;
  for (std::size_t i = 0; i < utf8.size();) {
    const Utf8Char c = decode_utf8(utf8, i);
    out.push_back(c.code_point);
    i += c.length;
  }
  return out;
}

std::string encoded(std::u32string_view text) {
  std::string out;
  for (const char32_t c : text) append_utf8(out, c);
  return out;
}

bool is_space(CodePoint c) { return (c >= 0x1C && c <= 0x1F) || has(c, UCHAR_WHITE_SPACE); }
bool is_alphabetic(CodePoint c) { return (U_GET_GC_MASK(icu(c)) & U_GC_L_MASK) != 0; }
bool is_decimal(CodePoint c) { return u_charType(icu(c)) == U_DECIMAL_DIGIT_NUMBER; }
bool is_digit(CodePoint c) {
  const int type = u_getIntPropertyValue(icu(c), UCHAR_NUMERIC_TYPE);
  return type == U_NT_DECIMAL || type == U_NT_DIGIT;
}
bool is_numeric(CodePoint c) { return u_getIntPropertyValue(icu(c), UCHAR_NUMERIC_TYPE) != U_NT_NONE; }
bool is_upper(CodePoint c) { return has(c, UCHAR_UPPERCASE); }
bool is_lower(CodePoint c) { return has(c, UCHAR_LOWERCASE); }
bool is_title(CodePoint c) { return u_charType(icu(c)) == U_TITLECASE_LETTER; }
bool is_printable(CodePoint c) {
  if (c == ' ') return true;
  return (U_GET_GC_MASK(icu(c)) & (U_GC_C_MASK | U_GC_Z_MASK)) == 0;
}
bool is_identifier_start(CodePoint c) { return c == '_' || has(c, UCHAR_XID_START); }
bool is_identifier_part(CodePoint c) { return has(c, UCHAR_XID_CONTINUE); }
int digit_value(CodePoint c) { return u_charDigitValue(icu(c)); }

std::string upper(std::string_view text) {
  if (is_ascii(text)) return ascii_mapped(text, ascii_upper);
  std::u32string out;
  for (const char32_t c : decoded(text)) out += map_alone(c, u_strToUpper);
  return encoded(out);
}

std::string lower(std::string_view text) {
  if (is_ascii(text)) return ascii_mapped(text, ascii_lower);
  const std::u32string in = decoded(text);
  std::u32string out;
  for (std::size_t i = 0; i < in.size(); ++i) out += lower_at(in, i);
  return encoded(out);
}

std::string swapcase(std::string_view text) {
  const std::u32string in = decoded(text);
  std::u32string out;
  for (std::size_t i = 0; i < in.size(); ++i) {
    out += is_upper(in[i])   ? lower_at(in, i)
           : is_lower(in[i]) ? map_alone(in[i], u_strToUpper)
                             : in.substr(i, 1);
  }
  return encoded(out);
}

std::string capitalize(std::string_view text) {
  const std::u32string in = decoded(text);
  std::u32string out;
  for (std::size_t i = 0; i < in.size(); ++i) out += i == 0 ? map_alone(in[i], to_title) : lower_at(in, i);
  return encoded(out);
}

std::string title(std::string_view text) {
  const std::u32string in = decoded(text);
  std::u32string out;
  bool after_cased = false;
  for (std::size_t i = 0; i < in.size(); ++i) {
    out += after_cased ? lower_at(in, i) : map_alone(in[i], to_title);
    after_cased = has(in[i], UCHAR_CASED);
  }
  return encoded(out);
}

std::size_t skip_space(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const Utf8Char c = decode_utf8(text, i);
    if (!is_space(c.code_point)) break;
    i += c.length;
  }
  return i;
}

std::size_t skip_space_backwards(std::string_view text) {
  std::size_t end = text.size();
  while (end > 0) {
    std::size_t begin = end - 1;
    while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
    if (!is_space(decode_utf8(text, begin).code_point)) break;
    end = begin;
  }
  return end;
}

std::vector<LineSpan> lines_of(std::string_view text) {
  const auto ends_line = [](CodePoint c) {
    return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
  };
  std::vector<LineSpan> lines;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    std::size_t next = i + c.length;
    if (ends_line(c.code_point)) {
      if (c.code_point == '\r' && next < text.size() && text[next] == '\n') ++next;
      lines.push_back({begin, i, next});
      begin = next;
    }
    i = next;
  }
  if (begin < text.size()) lines.push_back({begin, text.size(), text.size()});
  return lines;
}

}  // namespace nestor::chat
