// Storage formats of weights and the view of a stored matrix that kernels work on.
// Plain types only: this header is also read by the translation units that are built for one instruction set.
#pragma once

#include <stdint.h>

namespace nestor::quant {

enum class Format : uint8_t {
  f32,
  f16,
  bf16,
  f8_block,  // e4m3 codes with one float32 scale for each 128 x 128 block: value = code * scale (spec: FP8
             // checkpoint)
};

inline constexpr int64_t kScaleBlock = 128;

/// A stored matrix [rows, cols], row-major, `row_bytes` from one row to the next. Not necessarily aligned.
/// A slice of rows keeps the block grid of the whole matrix: its row r has the scales of grid row
/// (first_row + r) / 128.
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
