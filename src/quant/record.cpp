#include "quant/record.h"

#include <algorithm>
#include <cstring>

#include "quant/number.h"

namespace nestor::quant {
namespace {

constexpr std::int64_t kBlock = 32;

std::int64_t blocks_of(std::int64_t width) { return (width + kBlock - 1) / kBlock; }
std::int64_t per_page(const RecordFormat& f) { return kPageBytes / f.bytes(); }

template <int kBits>
void decode_codes(const std::uint8_t* codes, std::int64_t count, float scale, float* values) {
  constexpr int kHalf = 1 << (kBits - 1);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t bit = i * kBits;
    unsigned word = codes[bit / 8];
    if (bit % 8 + kBits > 8) word |= static_cast<unsigned>(codes[bit / 8 + 1]) << 8;
    const int code = static_cast<int>((word >> (bit % 8)) & ((1U << kBits) - 1)) - kHalf;
    values[i] = scale * static_cast<float>(code);
  }
}

using Decode = void (*)(const std::uint8_t*, std::int64_t, float, float*);

Decode decoder(int bits) {
  switch (bits) {
    case 2:
      return decode_codes<2>;
    case 3:
      return decode_codes<3>;
    case 4:
      return decode_codes<4>;
    case 5:
      return decode_codes<5>;
    case 6:
      return decode_codes<6>;
    default:
      return decode_codes<8>;
  }
}

}  // namespace

std::int64_t RecordFormat::bytes() const { return 2 * blocks_of(width) + (width * bits + 7) / 8; }

std::int64_t RecordFormat::offset(std::int64_t row) const {
  if (bytes() > kPageBytes) return row * bytes();
  return row / per_page(*this) * kPageBytes + row % per_page(*this) * bytes();
}

std::int64_t RecordFormat::pages(std::int64_t rows) const {
  if (bytes() > kPageBytes) return (rows * bytes() + kPageBytes - 1) / kPageBytes;
  return (rows + per_page(*this) - 1) / per_page(*this);
}

void encode_record(const RecordFormat& f, std::span<const float> values, ScaleRule rule, std::uint8_t* out) {
  std::memset(out, 0, static_cast<std::size_t>(f.bytes()));
  std::uint8_t* codes = out + 2 * blocks_of(f.width);
  for (std::int64_t block = 0; block < blocks_of(f.width); ++block) {
    const std::int64_t first = block * kBlock;
    const std::int64_t count = std::min(kBlock, f.width - first);
    std::array<std::int8_t, kBlock> block_codes{};
    const std::uint16_t scale =
        encode_block(values.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)), {},
                     levels_of(f.bits), rule, block_codes.data());
    std::memcpy(out + 2 * block, &scale, sizeof scale);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t bit = (first + i) * f.bits;
      const auto code = static_cast<unsigned>(block_codes[static_cast<std::size_t>(i)] + (1 << (f.bits - 1)));
      codes[bit / 8] = static_cast<std::uint8_t>(codes[bit / 8] | code << (bit % 8));
      if (bit % 8 + f.bits > 8) codes[bit / 8 + 1] = static_cast<std::uint8_t>(code >> (8 - bit % 8));
    }
  }
}

void decode_record(const RecordFormat& f, const std::uint8_t* record, float* values) {
  const Decode decode = decoder(f.bits);
  const std::uint8_t* codes = record + 2 * blocks_of(f.width);
  for (std::int64_t block = 0; block < blocks_of(f.width); ++block) {
    std::uint16_t scale = 0;
    std::memcpy(&scale, record + 2 * block, sizeof scale);
    const std::int64_t first = block * kBlock;
    decode(codes + first * f.bits / 8, std::min(kBlock, f.width - first), from_bf16(scale), values + first);
  }
}

}  // namespace nestor::quant
