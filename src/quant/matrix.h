// Making views of stored matrices, and their elements one by one (the definition that kernels are tested
// against).
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/dtype.h"
#include "quant/format.h"

namespace nestor::quant {

/// Bytes of one stored element (scales not counted); 0 for tiled formats.
std::int64_t element_bytes(Format format);

std::string_view name_of(Format format);

/// The format of tensors with that dtype, if weights may have it.
std::optional<Format> format_of(DType dtype);

/// A contiguous matrix. `scales` is null unless the format is f8_block.
MatrixView matrix_view(const void* data, Format format, std::int64_t rows, std::int64_t cols,
                       const float* scales = nullptr);

/// Rows [first, first + count) of a matrix.
MatrixView row_slice(const MatrixView& matrix, std::int64_t first, std::int64_t count);

/// Bytes of all its rows; of a slice of a tiled matrix its part of the bands.
std::int64_t stored_bytes(const MatrixView& matrix);

/// The value of element (row, col).
float element(const MatrixView& matrix, std::int64_t row, std::int64_t col);

}  // namespace nestor::quant
