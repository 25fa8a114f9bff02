#include "corpus/text_hash.h"

#include <fmt/format.h>

#include <bit>

namespace nestor::corpus {
namespace {

constexpr std::uint64_t kFirst = 0x87c37b91114253d5, kSecond = 0x4cf5ad432745937f;

std::uint64_t mixed(std::uint64_t k) {
  k = (k ^ (k >> 33)) * 0xff51afd7ed558ccd;
  k = (k ^ (k >> 33)) * 0xc4ceb9fe1a85ec53;
  return k ^ (k >> 33);
}

std::uint64_t first_part(std::uint64_t k) { return std::rotl(k * kFirst, 31) * kSecond; }
std::uint64_t second_part(std::uint64_t k) { return std::rotl(k * kSecond, 33) * kFirst; }

// Up to eight bytes, little-endian.
std::uint64_t word_at(std::string_view text, std::size_t at, std::size_t bytes = 8) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    word |= std::uint64_t{static_cast<unsigned char>(text[at + i])} << (8 * i);
  }
  return word;
}

}  // namespace

TextHash hash_of(std::string_view text) {
  std::uint64_t low = 0, high = 0;
  const std::size_t whole = text.size() / 16 * 16, rest = text.size() - whole;
  for (std::size_t at = 0; at < whole; at += 16) {
    low = (std::rotl(low ^ first_part(word_at(text, at)), 27) + high) * 5 + 0x52dce729;
    high = (std::rotl(high ^ second_part(word_at(text, at + 8)), 31) + low) * 5 + 0x38495ab5;
  }
  if (rest > 8) high ^= second_part(word_at(text, whole + 8, rest - 8));
  if (rest > 0) low ^= first_part(word_at(text, whole, rest < 8 ? rest : 8));
  low ^= text.size();
  high ^= text.size();
  low += high;
  high += low;
  low = mixed(low);
  high = mixed(high);
  low += high;
  high += low;
  return {low, high};
}

std::string to_hex(const TextHash& hash) { return fmt::format("{:016x}{:016x}", hash.low, hash.high); }

}  // namespace nestor::corpus
