// The byte alphabet of byte-level BPE: each of the 256 bytes has a printable character. The bytes !..~,
// A1..AC and AE..FF stand for themselves; the other 68, in ascending order, are U+0100 onwards (so a blank is
// U+0120).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nestor::tokenizer {

/// The character of a byte.
std::uint32_t character_of(unsigned char byte);

/// The byte of a character, or nothing if the character is not in the alphabet.
std::optional<unsigned char> byte_of(std::uint32_t character);

/// Appends the characters (UTF-8) of the bytes.
void append_in_byte_alphabet(std::string& out, std::string_view bytes);

/// The bytes that a text of the alphabet stands for, or nothing if it holds any other character.
std::optional<std::string> from_byte_alphabet(std::string_view text);

}  // namespace nestor::tokenizer
