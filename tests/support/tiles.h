// A matrix of tiles (quant/format.h) made of numbers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "quant/matrix.h"
#include "quant/tile.h"

namespace nestor::testing {

struct Tiles {
  std::vector<std::uint8_t> bytes;
  quant::MatrixView view;

  Tiles(quant::Format format, const std::vector<float>& values, std::int64_t rows, std::int64_t cols) {
    const auto shape = quant::tiled_shape(format, rows, cols);
    bytes.resize(static_cast<std::size_t>(shape[0] * shape[1] * shape[2]));
    for (std::int64_t b = 0; b < shape[0]; ++b) {
      const std::int64_t first = b * quant::kBandRows;
      quant::encode_band(format, values.data() + first * cols, std::min(quant::kBandRows, rows - first), cols,
                         {}, quant::ScaleRule::absmax, bytes.data() + b * shape[1] * shape[2]);
    }
    view = quant::matrix_view(bytes.data(), format, rows, cols);
  }
};

}  // namespace nestor::testing
