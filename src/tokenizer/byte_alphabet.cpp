#include "tokenizer/byte_alphabet.h"

#include <array>

#include "base/utf8.h"

namespace nestor::tokenizer {
namespace {

constexpr bool stands_for_itself(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::array<std::uint16_t, 256> make_characters() {
  std::array<std::uint16_t, 256> characters{};
  std::uint16_t next = 0x100;
  for (unsigned b = 0; b < 256; ++b)
    characters[b] = stands_for_itself(b) ? static_cast<std::uint16_t>(b) : next++;
  return characters;
}

constexpr std::array<std::uint16_t, 256> kCharacters = make_characters();
constexpr std::uint32_t kEnd = 0x100 + 68;  // one past the last character

constexpr std::array<std::int16_t, kEnd> make_bytes() {
  std::array<std::int16_t, kEnd> bytes{};
  for (auto& b : bytes) b = -1;
  for (unsigned b = 0; b < 256; ++b) bytes[kCharacters[b]] = static_cast<std::int16_t>(b);
  return bytes;
}

constexpr std::array<std::int16_t, kEnd> kBytes = make_bytes();

}  // namespace

std::uint32_t character_of(unsigned char byte) { return kCharacters[byte]; }

std::optional<unsigned char> byte_of(std::uint32_t character) {
  if (character >= kEnd || kBytes[character] < 0) return std::nullopt;
  return static_cast<unsigned char>(kBytes[character]);
}

void append_in_byte_alphabet(std::string& out, std::string_view bytes) {
  for (const char b : bytes) append_utf8(out, character_of(static_cast<unsigned char>(b)));
}

std::optional<std::string> from_byte_alphabet(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    const auto byte = byte_of(c.code_point);
    if (!byte) return std::nullopt;
    bytes += static_cast<char>(*byte);
    i += c.length;
  }
  return bytes;
}

}  // namespace nestor::tokenizer
