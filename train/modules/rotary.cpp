#include "train/modules/rotary.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nestor::train {
namespace {

// YaRN's attention temperature: 0.1 m ln(s) + 1, and 1 where nothing is stretched.
double mscale(double factor, double m) { return factor <= 1 ? 1.0 : 0.1 * m * std::log(factor) + 1.0; }

// Absent and zero are the same for the two mscale keys.
bool given(const std::optional<double>& value) { return value.value_or(0) != 0; }

// The pair that turns `rotations` times over the trained length.
double pair_with(double rotations, double dim, double trained, double theta) {
  return dim * std::log(trained / (rotations * 2 * std::numbers::pi)) / (2 * std::log(theta));
}

double stretched(const config::YarnSpec& y, double dim, double theta, double pair, double frequency) {
  const auto trained = static_cast<double>(y.original_max_position_embeddings);
  const double low = std::max(std::floor(pair_with(y.beta_fast, dim, trained, theta)), 0.0);
  const double high = std::min(std::ceil(pair_with(y.beta_slow, dim, trained, theta)), dim - 1);
  const double width = high != low ? high - low : 0.001;
  const double ramp = std::clamp((pair - low) / width, 0.0, 1.0);
  return ramp * frequency / y.factor + (1 - ramp) * frequency;
}

}  // namespace

Rotary rotary_of(const config::ModelConfig& c) {
  const auto dim = static_cast<double>(c.qk_rope_head_dim);
  Rotary rotary;
  for (std::int64_t p = 0; p < c.qk_rope_head_dim / 2; ++p) {
    const auto pair = static_cast<double>(p);
    double frequency = std::pow(c.rope_theta, -2.0 * pair / dim);
    if (c.yarn) frequency = stretched(*c.yarn, dim, c.rope_theta, pair, frequency);
    rotary.inverse_frequencies.push_back(static_cast<float>(frequency));
  }
  if (c.yarn) {
    const config::YarnSpec& y = *c.yarn;
    const bool both = given(y.mscale) && given(y.mscale_all_dim);
    const double ratio =
        both ? mscale(y.factor, *y.mscale) / mscale(y.factor, *y.mscale_all_dim) : mscale(y.factor, 1);
    rotary.amplitude = y.attention_factor.value_or(ratio);
    if (given(y.mscale_all_dim)) rotary.score_factor = std::pow(mscale(y.factor, *y.mscale_all_dim), 2);
  }
  return rotary;
}

Angles angles_at(const Rotary& rotary, const torch::Tensor& positions, torch::ScalarType dtype) {
  const torch::Tensor frequencies =
      torch::tensor(rotary.inverse_frequencies, torch::kFloat32).to(positions.device());
  const torch::Tensor angles = positions.to(torch::kFloat32).unsqueeze(1) * frequencies.unsqueeze(0);
  return {torch::cos(angles).to(dtype) * rotary.amplitude, torch::sin(angles).to(dtype) * rotary.amplitude};
}

}  // namespace nestor::train
