// What all layers of one forward pass share. Letters: B rows of T positions, n = B T, R rotary width.
#pragma once

#include <cstdint>

#include "train/modules/observer.h"
#include "train/ops/ops.h"
#include "train/torch.h"

namespace nestor::train {

struct Step {
  std::int64_t rows = 0;    // B
  std::int64_t window = 0;  // T
  torch::Tensor segments;   // [B, T] int32
  torch::Tensor cos;        // [n, R / 2], amplitude included
  torch::Tensor sin;
  ops::Products products = ops::Products::f32;
  Observer& observer;
};

}  // namespace nestor::train
