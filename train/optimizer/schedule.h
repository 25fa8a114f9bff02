// The learning rate over a run, as a fraction of its peak.
#pragma once

#include <cstdint>

#include "recipe/recipe.h"

namespace nestor::train {

/// Step s counts from 0 to schedule.steps - 1. With W = warmup_steps, S = steps, f = final_fraction:
///   s < W      (s + 1) / W, whatever the kind
///   constant   1
///   cosine     f + (1 - f) (1 + cos(pi (s - W) / (S - W))) / 2
///   wsd        1 as long as s < D = max(W, decay_from S), then the line from 1 at D to f at S
/// Beyond the last step: what the formula gives for s = S.
double learning_rate_factor(const recipe::Schedule& schedule, std::int64_t step);

}  // namespace nestor::train
