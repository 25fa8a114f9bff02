#include "base/utf8.h"

namespace nestor {
namespace {

// What the lead byte promises: the length, and the range of the second byte (which excludes overlong forms,
// surrogates and values above U+10FFFF).
struct Lead {
  std::uint32_t length;
  unsigned char second_low;
  unsigned char second_high;
};

Lead lead_of(unsigned char b) {
  if (b < 0x80) return {1, 0, 0};
  if (b < 0xC2) return {0, 0, 0};
  if (b < 0xE0) return {2, 0x80, 0xBF};
  if (b == 0xE0) return {3, 0xA0, 0xBF};
  if (b == 0xED) return {3, 0x80, 0x9F};
  if (b < 0xF0) return {3, 0x80, 0xBF};
  if (b == 0xF0) return {4, 0x90, 0xBF};
  if (b < 0xF4) return {4, 0x80, 0xBF};
  if (b == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

// How many bytes at `offset` agree with the lead byte's promise (at least 1).
std::uint32_t agreeing_bytes(std::string_view text, std::size_t offset, const Lead& lead) {
  std::uint32_t n = 1;
  while (n < lead.length && offset + n < text.size()) {
    const auto b = static_cast<unsigned char>(text[offset + n]);
    const unsigned char low = n == 1 ? lead.second_low : 0x80;
    const unsigned char high = n == 1 ? lead.second_high : 0xBF;
    if (b < low || b > high) break;
    ++n;
  }
  return n;
}

}  // namespace

Utf8Char decode_utf8(std::string_view text, std::size_t offset) {
  const auto b0 = static_cast<unsigned char>(text[offset]);
  const Lead lead = lead_of(b0);
  if (lead.length == 1) return {b0, 1, true};
  if (lead.length == 0) return {kReplacementCharacter, 1, false};
  const std::uint32_t n = agreeing_bytes(text, offset, lead);
  if (n < lead.length) return {kReplacementCharacter, n, false};
  std::uint32_t c = b0 & (0xFFU >> (lead.length + 1));
  for (std::uint32_t i = 1; i < lead.length; ++i)
    c = (c << 6) | (static_cast<unsigned char>(text[offset + i]) & 0x3FU);
  return {c, lead.length, true};
}

void append_utf8(std::string& out, std::uint32_t c) {
  if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) c = kReplacementCharacter;
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | (c >> 6));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | (c >> 12));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (c >> 18));
    out += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

bool is_valid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    if (!c.valid) return false;
    i += c.length;
  }
  return true;
}

std::string sanitized_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    if (c.valid) {
      out.append(text, i, c.length);
    } else {
      append_utf8(out, kReplacementCharacter);
    }
    i += c.length;
  }
  return out;
}

std::size_t unfinished_utf8_suffix(std::string_view text) {
  for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const std::size_t offset = text.size() - back;
    const Lead lead = lead_of(static_cast<unsigned char>(text[offset]));
    if (lead.length > back && agreeing_bytes(text, offset, lead) == back) return back;
    if (lead.length != 0) return 0;
  }
  return 0;
}

}  // namespace nestor
