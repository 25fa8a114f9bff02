// One tensor to the bytes of its format, in pieces: memory is bounded whatever the size of the tensor.
#pragma once

#include <functional>
#include <span>

#include "convert/target.h"
#include "kernels/parallel.h"
#include "quant/distortion.h"
#include "quant/rounding.h"

namespace nestor::convert {

class TensorEncoder {
 public:
  using Sink = std::function<void(std::span<const std::byte>)>;

  TensorEncoder(kernels::Team& team, quant::ScaleRule rule) : team_(team), rule_(rule) {}

  /// The bytes of the tensor in order, to `sink`. `importance` has a weight for each column of a matrix in
  /// tiles, or is empty. Returns what rounding did to its values. Error(bad_input)
  /// for a value that is not finite, or that the format cannot hold: tiles and records none above 1e38.
  quant::Distortion encode(const TargetTensor& target, std::span<const float> importance,
                           const RowReader& read, const Sink& sink);

 private:
  kernels::Team& team_;
  quant::ScaleRule rule_;
};

}  // namespace nestor::convert
