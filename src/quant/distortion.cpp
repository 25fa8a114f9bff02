#include "quant/distortion.h"

#include <algorithm>
#include <cmath>

namespace nestor::quant {

void Distortion::add(std::span<const float> original, std::span<const float> decoded) {
  count += std::ssize(original);
  for (std::size_t i = 0; i < original.size(); ++i) {
    const double v = original[i];
    const double error = decoded[i] - v;
    squared_error += error * error;
    squared += v * v;
    largest_error = std::max(largest_error, std::fabs(error));
  }
}

void Distortion::add(const Distortion& other) {
  count += other.count;
  squared_error += other.squared_error;
  squared += other.squared;
  largest_error = std::max(largest_error, other.largest_error);
}

double Distortion::relative_rms() const { return squared > 0 ? std::sqrt(squared_error / squared) : 0; }

}  // namespace nestor::quant
