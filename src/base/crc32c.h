// CRC-32C (Castagnoli, RFC 3720): recognises damaged bytes, every burst of at most 32 bits among them. Not
// for security.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace nestor {

/// Of bytes that follow others, whose CRC is `before`.
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before = 0);
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);

}  // namespace nestor
