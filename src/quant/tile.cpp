#include "quant/tile.h"

#include <algorithm>
#include <cstring>

#include "quant/number.h"

namespace nestor::quant {
namespace {

constexpr std::int64_t kHalf = kTileDepth / 2;  // columns of q4 whose codes are the low halves of bytes

std::int64_t blocks_of(std::int64_t cols) { return (cols + kTileDepth - 1) / kTileDepth; }

// Where the code of (row, k) of a tile is.
std::int64_t code_at(std::int64_t row, std::int64_t k) {
  return kTileScaleBytes + k / 4 * (4 * kBandRows) + row * 4 + k % 4;
}

void put_code(Format format, std::uint8_t* tile, std::int64_t row, std::int64_t k, int code) {
  if (format == Format::q8) {
    tile[code_at(row, k)] = static_cast<std::uint8_t>(code);
    return;
  }
  std::uint8_t& byte = tile[code_at(row, k % kHalf)];
  byte = static_cast<std::uint8_t>(byte | (code + 8) << (k < kHalf ? 0 : 4));
}

int code_of(Format format, const std::uint8_t* tile, std::int64_t row, std::int64_t k) {
  if (format == Format::q8) return static_cast<std::int8_t>(tile[code_at(row, k)]);
  return ((tile[code_at(row, k % kHalf)] >> (k < kHalf ? 0 : 4)) & 15) - 8;
}

}  // namespace

bool is_tiled(Format format) { return format == Format::q8 || format == Format::q4; }

std::int64_t tile_bytes(Format format) { return format == Format::q8 ? kTileBytesQ8 : kTileBytesQ4; }

std::array<std::int64_t, 3> tiled_shape(Format format, std::int64_t rows, std::int64_t cols) {
  return {(rows + kBandRows - 1) / kBandRows, blocks_of(cols), tile_bytes(format)};
}

void encode_band(Format format, const float* values, std::int64_t rows, std::int64_t cols,
                 std::span<const float> importance, ScaleRule rule, std::uint8_t* out) {
  const Levels levels = levels_of(format == Format::q8 ? 8 : 4);
  for (std::int64_t block = 0; block < blocks_of(cols); ++block) {
    std::uint8_t* tile = out + block * tile_bytes(format);
    std::memset(tile, 0, static_cast<std::size_t>(tile_bytes(format)));
    const std::int64_t first = block * kTileDepth;
    const auto count = static_cast<std::size_t>(std::min(kTileDepth, cols - first));
    const auto weights =
        importance.empty() ? importance : importance.subspan(static_cast<std::size_t>(first), count);
    for (std::int64_t r = 0; r < kBandRows; ++r) {
      std::array<std::int8_t, kTileDepth> codes{};
      std::uint16_t scale = 0;
      if (r < rows)
        scale = encode_block({values + r * cols + first, count}, weights, levels, rule, codes.data());
      std::memcpy(tile + 2 * r, &scale, sizeof scale);
      for (std::int64_t k = 0; k < kTileDepth; ++k) {
        put_code(format, tile, r, k, codes[static_cast<std::size_t>(k)]);
      }
    }
  }
}

float tiled_element(const MatrixView& m, std::int64_t row, std::int64_t col) {
  const std::int64_t at = m.first_row + row;
  const std::uint8_t* tile = m.data + at / kBandRows * m.row_bytes + col / kTileDepth * tile_bytes(m.format);
  std::uint16_t scale = 0;
  std::memcpy(&scale, tile + 2 * (at % kBandRows), sizeof scale);
  return from_bf16(scale) * static_cast<float>(code_of(m.format, tile, at % kBandRows, col % kTileDepth));
}

}  // namespace nestor::quant
