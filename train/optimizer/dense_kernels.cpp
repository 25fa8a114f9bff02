#include "train/optimizer/dense_kernels.h"

#include <cmath>

namespace nestor::train {

// GCC vectorises the loops below once for each of these and picks one when the program starts.
#define NESTOR_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))

NESTOR_CLONES
void adam_elements(std::span<float> parameter, std::span<const float> gradient, std::span<float> first,
                   std::span<float> second, const AdamRule& rule) {
  float* __restrict p = parameter.data();
  const float* __restrict g = gradient.data();
  float* __restrict m = first.data();
  float* __restrict v = second.data();
  const AdamRule r = rule;
  for (std::size_t i = 0; i < parameter.size(); ++i) {
    const float x = g[i] * r.gradient_scale;
    const float m_now = m[i] + r.take1 * (x - m[i]);
    const float v_now = v[i] + r.take2 * (x * x - v[i]);
    p[i] = r.keep * p[i] - r.size * m_now / (std::sqrt(v_now) + r.epsilon);
    m[i] = m_now;
    v[i] = v_now;
  }
}

NESTOR_CLONES
void momentum_elements(std::span<const float> gradient, std::span<float> buffer, std::span<float> direction,
                       const MomentumRule& rule) {
  const float* __restrict g = gradient.data();
  float* __restrict b = buffer.data();
  float* __restrict d = direction.data();
  const MomentumRule r = rule;
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const float x = g[i] * r.gradient_scale;
    const float now = r.momentum * b[i] + x;
    b[i] = now;
    d[i] = x + r.momentum * now;
  }
}

NESTOR_CLONES
void descend_elements(std::span<float> parameter, std::span<const float> direction, float rate, float keep) {
  float* __restrict p = parameter.data();
  const float* __restrict d = direction.data();
  for (std::size_t i = 0; i < parameter.size(); ++i) p[i] = keep * p[i] - rate * d[i];
}

NESTOR_CLONES
double square_sum(std::span<const float> values) {
  constexpr std::size_t kSums = 16;
  double sums[kSums] = {};
  const float* __restrict x = values.data();
  std::size_t i = 0;
  for (; i + kSums <= values.size(); i += kSums) {
    for (std::size_t j = 0; j < kSums; ++j)
      sums[j] += static_cast<double>(x[i + j]) * static_cast<double>(x[i + j]);
  }
  for (std::size_t j = 0; i < values.size(); ++i, ++j)
    sums[j] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  for (std::size_t half = kSums / 2; half > 0; half /= 2) {
    for (std::size_t j = 0; j < half; ++j) sums[j] += sums[j + half];
  }
  return sums[0];
}

}  // namespace nestor::train
