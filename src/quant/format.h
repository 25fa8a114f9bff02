// Storage formats of weights and the view of a stored matrix that kernels work on.
// Plain types only: this header is also read by the translation units that are built for one instruction set.
#pragma once

#include <stdint.h>

namespace nestor::quant {

enum class Format : uint8_t {
  f32,
  f16,
  bf16,
  f8_block,  // e4m3 codes with one float32 scale for each 128 x 128 block, as published:
             // value = code * scale
  q8,        // tiles of 16 rows x 64 columns, one scale a row of a tile: see tile.h
  q4,
};

inline constexpr int64_t kScaleBlock = 128;  // of f8_block

// A tile of q8 or q4: 16 scales in bfloat16, one for each row, then the codes of 16 x 64 values. The code of
// (r, k) is byte (k / 4) * 64 + r * 4 + k % 4 of the codes in q8; in q4 that of k < 32 is the low half of
// this byte and that of k + 32 the high half. value = scale * code; q8 codes are signed and within 127, q4
// codes are 0..15 and mean -8..7. So four neighbours along k lie together and 16 rows side by side: one step
// of an int8 dot product for 16 outputs, whatever the width of a register.
inline constexpr int64_t kBandRows = 16;
inline constexpr int64_t kTileDepth = 64;
inline constexpr int64_t kTileScaleBytes = 32;
inline constexpr int64_t kTileBytesQ8 = kTileScaleBytes + kBandRows * kTileDepth;
inline constexpr int64_t kTileBytesQ4 = kTileScaleBytes + kBandRows * kTileDepth / 2;

/// A stored matrix [rows, cols], row-major, `row_bytes` from one row to the next. Not necessarily aligned.
/// A slice of rows keeps the block grid of the whole matrix: its row r has the scales of grid row
/// (first_row + r) / 128.
/// Of q8 and q4 `data` is the first tile of the whole matrix, also in a slice: row r is row first_row + r of
/// it. Tiles lie band after band (16 rows), block after block (64 columns); `row_bytes` counts a band. What a
/// tile holds beyond the matrix is zero.
struct MatrixView {
  const uint8_t* data;
  int64_t row_bytes;
  int64_t rows;
  int64_t cols;
  const float* scales;    // f8_block only: [ceil(all rows / 128), ceil(cols / 128)]
  int64_t scale_columns;  // ceil(cols / 128)
  int64_t first_row;
  Format format;
};

}  // namespace nestor::quant
