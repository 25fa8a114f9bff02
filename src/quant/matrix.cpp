#include "quant/matrix.h"

#include <cstring>

#include "quant/number.h"
#include "quant/tile.h"

namespace nestor::quant {

std::int64_t element_bytes(Format format) {
  switch (format) {
    case Format::f32:
      return 4;
    case Format::f16:
    case Format::bf16:
      return 2;
    case Format::f8_block:
      return 1;
    case Format::q8:
    case Format::q4:
      break;  // values of a tile share bytes
  }
  return 0;
}

std::string_view name_of(Format format) {
  switch (format) {
    case Format::f32:
      return "f32";
    case Format::f16:
      return "f16";
    case Format::bf16:
      return "bf16";
    case Format::f8_block:
      return "f8_block";
    case Format::q8:
      return "q8";
    case Format::q4:
      return "q4";
  }
  return "";
}

std::optional<Format> format_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return Format::f32;
    case DType::f16:
      return Format::f16;
    case DType::bf16:
      return Format::bf16;
    case DType::f8_e4m3:
      return Format::f8_block;
    default:
      return std::nullopt;
  }
}

MatrixView matrix_view(const void* data, Format format, std::int64_t rows, std::int64_t cols,
                       const float* scales) {
  MatrixView view{};
  view.data = static_cast<const std::uint8_t*>(data);
  view.row_bytes = is_tiled(format) ? tiled_shape(format, rows, cols)[1] * tile_bytes(format)
                                    : cols * element_bytes(format);
  view.rows = rows;
  view.cols = cols;
  view.scales = scales;
  view.scale_columns = (cols + kScaleBlock - 1) / kScaleBlock;
  view.format = format;
  return view;
}

MatrixView row_slice(const MatrixView& matrix, std::int64_t first, std::int64_t count) {
  MatrixView view = matrix;
  if (!is_tiled(matrix.format)) view.data += first * matrix.row_bytes;
  view.rows = count;
  view.first_row += first;
  return view;
}

std::int64_t stored_bytes(const MatrixView& m) {
  return is_tiled(m.format) ? m.rows * m.row_bytes / kBandRows : m.rows * m.row_bytes;
}

float element(const MatrixView& m, std::int64_t row, std::int64_t col) {
  if (is_tiled(m.format)) return tiled_element(m, row, col);
  const std::uint8_t* at = m.data + row * m.row_bytes + col * element_bytes(m.format);
  switch (m.format) {
    case Format::f32: {
      float value = 0;
      std::memcpy(&value, at, sizeof value);
      return value;
    }
    case Format::f16:
    case Format::bf16: {
      std::uint16_t bits = 0;
      std::memcpy(&bits, at, sizeof bits);
      return m.format == Format::f16 ? from_f16(bits) : from_bf16(bits);
    }
    case Format::f8_block: {
      const std::int64_t grid_row = (m.first_row + row) / kScaleBlock;
      return from_e4m3(*at) * m.scales[grid_row * m.scale_columns + col / kScaleBlock];
    }
    case Format::q8:
    case Format::q4:
      break;
  }
  return 0;
}

}  // namespace nestor::quant
