#include "quant/tile.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "quant/number.h"

namespace nestor::quant {
namespace {

constexpr std::int64_t kHalf = kTileDepth / 2;  // columns of q4 whose codes are the low halves of bytes

std::int64_t tile_blocks(std::int64_t cols) { return (cols + kTileDepth - 1) / kTileDepth; }

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

// A scale in bfloat16 and its inverse; with neither all codes are zero.
struct ScaledCodes {
  std::uint16_t scale = 0;
  float inverse = 0;
};

ScaledCodes scale_q8(std::span<const float> values) {
  float largest = 0;
  bool finite = true;
  for (const float x : values) {
    largest = std::max(largest, std::fabs(x));
    finite = finite && std::isfinite(x);
  }
  if (!finite) return {to_bf16(std::numeric_limits<float>::quiet_NaN()), 0};
  ScaledCodes of;
  of.scale = to_bf16(largest / 127);
  const float scale = from_bf16(of.scale);
  if (scale > 1e-30F) of.inverse = 1 / scale;
  return of;
}

// The scale may have been rounded down by 2^-9 of itself: 127.25 is still 127.
int code_in(float x, const ScaledCodes& of) {
  if (of.inverse == 0) return 0;  // x may be infinite
  return static_cast<int>(std::clamp(std::nearbyint(x * of.inverse), -127.0F, 127.0F));
}

}  // namespace

bool is_tiled(Format format) { return format == Format::q8 || format == Format::q4; }

std::int64_t tile_bytes(Format format) { return format == Format::q8 ? kTileBytesQ8 : kTileBytesQ4; }

std::array<std::int64_t, 3> tiled_shape(Format format, std::int64_t rows, std::int64_t cols) {
  return {(rows + kBandRows - 1) / kBandRows, tile_blocks(cols), tile_bytes(format)};
}

void encode_band(Format format, const float* values, std::int64_t rows, std::int64_t cols,
                 std::span<const float> importance, ScaleRule rule, std::uint8_t* out) {
  const Levels levels = levels_of(format == Format::q8 ? 8 : 4);
  for (std::int64_t block = 0; block < tile_blocks(cols); ++block) {
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

void encode_row_q8(std::span<const float> values, std::int64_t together, std::int64_t lane,
                   std::uint8_t* band) {
  const auto cols = std::ssize(values);
  const auto end_of = [&](std::int64_t block) { return std::min((block + 1) * kTileDepth, cols); };
  std::int64_t first = 0;
  while (first < cols) {
    // Blocks with one scale: those of the columns that go together, else one.
    const std::int64_t end =
        first == 0 && together > 0 ? end_of(tile_blocks(together) - 1) : end_of(first / kTileDepth);
    const auto part = values.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(end - first));
    const ScaledCodes scaled = scale_q8(part);
    for (std::int64_t block = first / kTileDepth; block * kTileDepth < end; ++block) {
      std::uint8_t* tile = band + block * kTileBytesQ8;
      std::memcpy(tile + 2 * lane, &scaled.scale, sizeof scaled.scale);
      for (std::int64_t k = 0; k < kTileDepth; ++k) {
        const std::int64_t at = block * kTileDepth + k;
        const int code = at < end ? code_in(values[static_cast<std::size_t>(at)], scaled) : 0;
        tile[code_at(lane, k)] = static_cast<std::uint8_t>(code);
      }
    }
    first = end;
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
