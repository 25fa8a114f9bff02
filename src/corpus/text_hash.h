// A 128-bit hash of texts: to recognise duplicates, to choose the held-out split, and as the fingerprint of a
// tokenizer. MurmurHash3_x64_128 with seed 0 (Austin Appleby, public domain). Not for security: who wants to
// can make two texts collide.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace nestor::corpus {

struct TextHash {
  std::uint64_t low = 0, high = 0;

  auto operator<=>(const TextHash&) const = default;
};

TextHash hash_of(std::string_view text);

/// 32 hexadecimal digits.
std::string to_hex(const TextHash& hash);

}  // namespace nestor::corpus
