// Interleaved rotary positions, plain or YaRN: the angles, and the factor that YaRN puts on
// attention.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "config/model_config.h"
#include "kernels/arena.h"

namespace nestor::layers {

/// What the configuration decides once.
struct Rotary {
  std::vector<float> inverse_frequencies;  // [P / 2]
  float amplitude = 1;                     // multiplies cos and sin
  float score_factor = 1;                  // multiplies the softmax scale
};

Rotary rotary_of(const config::ModelConfig& config);

/// cos and sin for a list of positions, [T, P / 2] each, amplitude included. Angles are formed in float32.
struct RotaryAngles {
  std::span<float> cosines;  // in the arena
  std::span<float> sines;
  std::int64_t pairs = 0;

  RotaryAngles(kernels::Arena& arena, const Rotary& rotary, std::span<const std::int64_t> positions);
};

/// Turns the pairs (2p, 2p+1) of `x` [2 * pairs] by the angles of row t.
void rotate(const RotaryAngles& angles, std::int64_t t, float* x);

}  // namespace nestor::layers
