#include "train/optimizer/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nestor::train {

double learning_rate_factor(const recipe::Schedule& schedule, std::int64_t step) {
  using Kind = recipe::Schedule::Kind;
  const auto warmup = static_cast<double>(schedule.warmup_steps), steps = static_cast<double>(schedule.steps);
  const double s = std::min(static_cast<double>(step), steps);
  if (s < warmup) return (s + 1) / warmup;
  if (schedule.kind == Kind::constant) return 1;
  const bool cosine = schedule.kind == Kind::cosine;
  const double from = cosine ? warmup : std::max(warmup, schedule.decay_from * steps);
  if (s < from) return 1;
  const double gone = steps > from ? (s - from) / (steps - from) : 1;
  const double left = cosine ? (1 + std::cos(std::numbers::pi * gone)) / 2 : 1 - gone;
  return schedule.final_fraction + (1 - schedule.final_fraction) * left;
}

}  // namespace nestor::train
