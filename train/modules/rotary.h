// Interleaved rotary positions, plain or YaRN: the same formulas as the
// engine's.
#pragma once

#include <vector>

#include "config/model_config.h"
#include "train/torch.h"

namespace nestor::train {

/// What the configuration decides once.
struct Rotary {
  std::vector<float> inverse_frequencies;  // [R / 2]
  double amplitude = 1;                    // multiplies cos and sin
  double score_factor = 1;                 // multiplies the softmax scale
};

Rotary rotary_of(const config::ModelConfig& config);

/// cos and sin [n, R / 2] of positions [n], amplitude included. Angles are formed in float32.
struct Angles {
  torch::Tensor cos;
  torch::Tensor sin;
};
Angles angles_at(const Rotary& rotary, const torch::Tensor& positions, torch::ScalarType dtype);

}  // namespace nestor::train
