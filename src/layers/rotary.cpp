#include "layers/rotary.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nestor::layers {
namespace {

// YaRN's attention temperature: 0.1 m ln(s) + 1, and 1 where nothing is stretched.
double mscale(double factor, double m) { return factor <= 1 ? 1.0 : 0.1 * m * std::log(factor) + 1.0; }

// Absent and zero are the same for the two mscale keys.
bool given(const std::optional<double>& value) { return value.value_or(0) != 0; }

// The pair that turns `rotations` times over the trained length.
double pair_with(double rotations, double dim, double trained, double theta) {
  return dim * std::log(trained / (rotations * 2 * std::numbers::pi)) / (2 * std::log(theta));
}

void stretch(const config::YarnSpec& y, double dim, double theta, std::vector<double>& frequencies) {
  const auto trained = static_cast<double>(y.original_max_position_embeddings);
  const double low = std::max(std::floor(pair_with(y.beta_fast, dim, trained, theta)), 0.0);
  const double high = std::min(std::ceil(pair_with(y.beta_slow, dim, trained, theta)), dim - 1);
  const double width = high != low ? high - low : 0.001;
  for (std::size_t p = 0; p < frequencies.size(); ++p) {
    const double ramp = std::clamp((static_cast<double>(p) - low) / width, 0.0, 1.0);
    frequencies[p] = ramp * frequencies[p] / y.factor + (1 - ramp) * frequencies[p];
  }
}

}  // namespace

Rotary rotary_of(const config::ModelConfig& c) {
  const auto dim = static_cast<double>(c.qk_rope_head_dim);
  std::vector<double> frequencies;
  for (std::int64_t p = 0; p < c.qk_rope_head_dim / 2; ++p) {
    frequencies.push_back(std::pow(c.rope_theta, -2.0 * static_cast<double>(p) / dim));
  }
  Rotary rotary;
  if (c.yarn) {
    const config::YarnSpec& y = *c.yarn;
    stretch(y, dim, c.rope_theta, frequencies);
    const bool both = given(y.mscale) && given(y.mscale_all_dim);
    const double ratio =
        both ? mscale(y.factor, *y.mscale) / mscale(y.factor, *y.mscale_all_dim) : mscale(y.factor, 1);
    rotary.amplitude = static_cast<float>(y.attention_factor.value_or(ratio));
    if (given(y.mscale_all_dim)) {
      rotary.score_factor = static_cast<float>(std::pow(mscale(y.factor, *y.mscale_all_dim), 2));
    }
  }
  rotary.inverse_frequencies.assign(frequencies.begin(), frequencies.end());
  return rotary;
}

RotaryAngles::RotaryAngles(kernels::Arena& arena, const Rotary& rotary,
                           std::span<const std::int64_t> positions)
    : cosines(arena.take_span<float>(std::ssize(positions) * std::ssize(rotary.inverse_frequencies))),
      sines(arena.take_span<float>(std::ssize(cosines))),
      pairs(std::ssize(rotary.inverse_frequencies)) {
  std::size_t at = 0;
  for (const std::int64_t position : positions) {
    for (const float frequency : rotary.inverse_frequencies) {
      const float angle = static_cast<float>(position) * frequency;
      cosines[at] = std::cos(angle) * rotary.amplitude;
      sines[at++] = std::sin(angle) * rotary.amplitude;
    }
  }
}

void rotate(const RotaryAngles& angles, std::int64_t t, float* x) {
  const float* cosine = angles.cosines.data() + t * angles.pairs;
  const float* sine = angles.sines.data() + t * angles.pairs;
  for (std::int64_t p = 0; p < angles.pairs; ++p) {
    const float even = x[2 * p];
    const float odd = x[2 * p + 1];
    x[2 * p] = even * cosine[p] - odd * sine[p];
    x[2 * p + 1] = odd * cosine[p] + even * sine[p];
  }
}

}  // namespace nestor::layers
