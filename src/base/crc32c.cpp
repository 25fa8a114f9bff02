#include "base/crc32c.h"

#include <array>
#include <bit>
#include <cstring>

namespace nestor {
namespace {

constexpr std::size_t kWord = 8;  // bytes taken at once
using Table = std::array<std::uint32_t, 256>;

// Table k has what a byte does to the CRC when k more bytes follow.
constexpr std::array<Table, kWord> make_tables() {
  std::array<Table, kWord> tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1U) != 0 ? (c >> 1) ^ 0x82F63B78U : c >> 1;
    tables[0][i] = c;
  }
  for (std::size_t k = 1; k < kWord; ++k) {
    for (std::size_t i = 0; i < 256; ++i) {
      const std::uint32_t c = tables[k - 1][i];
      tables[k][i] = tables[0][c & 0xFFU] ^ (c >> 8);
    }
  }
  return tables;
}

static_assert(std::endian::native == std::endian::little, "words are read as they lie in memory");

}  // namespace

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before) {
  static constexpr std::array<Table, kWord> kTables = make_tables();
  std::uint32_t c = ~before;
  for (; bytes.size() >= kWord; bytes = bytes.subspan(kWord)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), kWord);
    word ^= c;
    c = 0;
    for (std::size_t i = 0; i < kWord; ++i) c ^= kTables[kWord - 1 - i][(word >> (8 * i)) & 0xFFU];
  }
  for (const std::byte byte : bytes)
    c = kTables[0][(c ^ static_cast<std::uint32_t>(byte)) & 0xFFU] ^ (c >> 8);
  return ~c;
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t before) {
  return crc32c(std::as_bytes(std::span(bytes)), before);
}

}  // namespace nestor
