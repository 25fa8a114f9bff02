// What rounding did to values.
#pragma once

#include <cstdint>
#include <span>

namespace nestor::quant {

struct Distortion {
  std::int64_t count = 0;
  double squared_error = 0;  // summed
  double squared = 0;        // of the original values, summed
  double largest_error = 0;

  void add(std::span<const float> original, std::span<const float> decoded);
  void add(const Distortion& other);
  /// Root of squared_error / squared; 0 where all is zero.
  double relative_rms() const;
};

}  // namespace nestor::quant
