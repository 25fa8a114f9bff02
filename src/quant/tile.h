// Matrices in tiles of 16 rows x 64 columns, formats q8 and q4 (format.h has the layout): encoding, and the
// shape that the bytes have in a file.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "quant/format.h"
#include "quant/rounding.h"

namespace nestor::quant {

/// q8 or q4.
bool is_tiled(Format format);

/// Bytes of one tile.
std::int64_t tile_bytes(Format format);

/// [bands of 16 rows, blocks of 64 columns, bytes of a tile]: a tensor of bytes.
std::array<std::int64_t, 3> tiled_shape(Format format, std::int64_t rows, std::int64_t cols);

/// Up to 16 rows [rows, cols] to one band of tiles, blocks * tile_bytes bytes. `importance` has one weight
/// for each column or is empty.
void encode_band(Format format, const float* values, std::int64_t rows, std::int64_t cols,
                 std::span<const float> importance, ScaleRule rule, std::uint8_t* out);

/// One row [cols] into lane `lane` of a band of q8 tiles, which exists already. Each block has the scale of
/// its largest value, but the blocks of the first `together` columns share one. A row with a value that is
/// not finite becomes NaN.
void encode_row_q8(std::span<const float> values, std::int64_t together, std::int64_t lane,
                   std::uint8_t* band);

/// The value of (row, col) of a tiled matrix.
float tiled_element(const MatrixView& matrix, std::int64_t row, std::int64_t col);

}  // namespace nestor::quant
