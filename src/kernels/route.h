// The router: softmax over all experts, choice by biased probability, weight by the unbiased one.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/ops.h"

namespace nestor::kernels {

struct RouterWeights {
  MatrixView classifier;         // [E, H], E counts experts with weights and identity experts
  const float* correction_bias;  // [E], used for the choice only
  std::int64_t top_k;            // choices per row
  float scaling_factor;          // multiplies every chosen probability
};

/// The choice for T rows: `expert` and `weight` are [T, top_k], best first by probability + bias, ties to the
/// lower id. `gap` [T] is the distance between the last expert taken and the first left out (infinite if none
/// is).
struct Routing {
  std::int64_t top_k = 0;
  std::span<const std::int32_t> expert;
  std::span<const float> weight;
  std::span<const float> gap;
};

/// What it points to comes from the arena.
Routing route(const Context& ctx, const RouterWeights& w, Rows x, std::int64_t rows);

}  // namespace nestor::kernels
